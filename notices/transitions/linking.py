"""The link of a site behind which people without an account say what does not work: made, and revoked."""

from datetime import datetime

from django.db import IntegrityError, transaction

from core.actors import Actor
from core.errors import InvalidInput, NotFound, Refusal
from core.history import recorded
from core.reasons import write_reason
from flags.models import Environment, Site
from notices.models import ProblemLink


@transaction.atomic
def make_problem_link(*, environment_id: int, site_id: int, actor: Actor, now: datetime) -> ProblemLink:
    """Open a link for a site; refuses a second one beside one that is open."""
    if not Environment.objects.filter(pk=environment_id).exists():
        raise InvalidInput("environment_unknown", environment=environment_id)
    if not Site.objects.filter(pk=site_id).exists():
        raise InvalidInput("site_unknown", site=site_id)
    link = ProblemLink(environment_id=environment_id, site_id=site_id, created_at=now)
    try:
        with transaction.atomic(), recorded(actor=actor, reason=write_reason("problem_link_made"), now=now):
            link.save()
    except IntegrityError:
        raise Refusal("problem_link_exists") from None
    return link


@transaction.atomic
def revoke_problem_link(*, link_id: int, actor: Actor, reason: str, now: datetime) -> ProblemLink:
    """Let what is printed lead nowhere from now on; the site may have a new link at once."""
    link = ProblemLink.objects.select_for_update(of=("self",)).filter(pk=link_id).first()
    if link is None:
        raise NotFound("problem_link_unknown")
    if link.revoked_at is not None:
        raise Refusal("changed_meanwhile")
    with recorded(actor=actor, reason=reason, now=now):
        link.revoked_at = now
        link.save()
    return link
