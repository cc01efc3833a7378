"""Calendar feeds of people: made, and taken back."""

import secrets
from datetime import datetime, timedelta

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, NotFound, Refusal
from core.history import recorded
from core.models import User
from core.reasons import write_reason
from flags.domain.tokens import hash_token
from flags.models import Environment
from rollouts.models import CalendarFeed, CalendarFeedUse

#: One for each device and environment is plenty.
MOST_FEEDS = 20
LONGEST_NAME = 100
#: A feed in steady use is noted this often.
QUIET = timedelta(hours=1)


@transaction.atomic
def create_feed(
    *, person_id: int, name: str, environment_id: int | None, actor: Actor, now: datetime
) -> tuple[CalendarFeed, str]:
    """Make a person's feed; return it with its secret, which is stored nowhere and can be shown only now."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput("feed_nameless", limit=LONGEST_NAME)
    if environment_id is not None and not Environment.objects.filter(pk=environment_id).exists():
        raise InvalidInput("environment_unknown")
    # The person's row is the lock: two requests at once do not make one too many.
    person = User.objects.select_for_update(of=("self",)).get(pk=person_id)
    if CalendarFeed.objects.filter(person=person, revoked_at=None).count() >= MOST_FEEDS:
        raise Refusal("feeds_too_many", limit=MOST_FEEDS)
    secret = secrets.token_urlsafe(32)
    with recorded(actor=actor, reason=write_reason("feed_made"), now=now):
        feed = CalendarFeed(
            person=person, name=name, environment_id=environment_id, secret_hash=hash_token(secret), created_at=now
        )
        feed.save()
    return feed, secret


def note_use(feed: CalendarFeed, *, now: datetime) -> None:
    """Keep when a feed was last fetched, to the hour: a program that asks every minute writes no more."""
    used = getattr(feed, "use", None)
    if used is None or now - used.last_used_at >= QUIET:
        CalendarFeedUse.objects.update_or_create(feed=feed, defaults={"last_used_at": now})


@transaction.atomic
def revoke_feed(*, feed_id: int, owner_id: int | None, actor: Actor, reason: str, now: datetime) -> None:
    """Let a feed's address lead nowhere from now on; with `owner_id` another person's is as if it were not there."""
    rows = CalendarFeed.objects.select_for_update(of=("self",)).filter(pk=feed_id)
    feed = (rows if owner_id is None else rows.filter(person=owner_id)).first()
    if feed is None:
        raise NotFound("feed_unknown")
    if feed.revoked_at is not None:
        raise Refusal("changed_meanwhile")
    with recorded(actor=actor, reason=reason, now=now):
        feed.revoked_at = now
        feed.save()
