"""Opens incidents."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from flags.models import Environment
from incidents.domain.lifecycle import RUNNING
from incidents.domain.tiers import Tier
from incidents.models import Incident, PostMortem
from incidents.transitions.locking import add_entry, check_text
from incidents.transitions.telling import tell_opened
from rollouts.models import Rollback, Rollout

MAX_TITLE_CHARACTERS = 200
#: Older than any RTO can tell of: a slip of the hand in the date.
OLDEST = timedelta(days=7)
#: First half of an advisory lock's key; the second is the environment.
DECLARE_LOCK = 7_140_205


@transaction.atomic
def declare_incident(
    *,
    title: str,
    tier: Tier,
    environment: Environment,
    detected_at: datetime,
    actor: Actor,
    reason: str,
    now: datetime,
    rollout: Rollout | None = None,
    rollback: Rollback | None = None,
    flag_keys: Sequence[str] = (),
    site_keys: Sequence[str] = (),
    is_rehearsal: bool = False,
) -> Incident:
    """Open an incident; its clock has run since `detected_at`."""
    title = " ".join(check_text(title).split())
    if not title:
        raise InvalidInput("title_missing")
    if detected_at > now:
        raise InvalidInput("detected_in_future")
    if actor.user_id is not None and now - detected_at > OLDEST:
        raise InvalidInput("detected_too_long_ago", days=OLDEST.days)
    if actor.user_id is not None:
        _check_new(title[:MAX_TITLE_CHARACTERS], environment)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        incident = Incident(
            title=title[:MAX_TITLE_CHARACTERS],
            tier=tier,
            highest_tier=tier,
            environment=environment,
            rollout=rollout,
            rollback=rollback,
            flag_keys=list(flag_keys),
            site_keys=list(site_keys),
            is_rehearsal=is_rehearsal,
            detected_at=detected_at,
            opened_at=now,
        )
        incident.save()
        PostMortem(incident=incident).save()
        add_entry(incident, code="opened", actor=actor, now=now, note=recording.reason, data={"tier": str(tier)})
    tell_opened(incident, now=now)
    return incident


def _check_new(title: str, environment: Environment) -> None:
    """Refuse what runs under the same title already: pressed twice, or two people at the same trouble."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [DECLARE_LOCK, environment.pk])
    rows = Incident.objects.filter(environment=environment, status__in=RUNNING, title__iexact=title)
    twin = rows.order_by("-pk").values_list("pk", flat=True).first()
    if twin is not None:
        raise Refusal("incident_declared_already", incident=twin)
