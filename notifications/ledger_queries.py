"""The ledger: what was told, to whom, by which channel, and what came of it; a fixed number of queries."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, QuerySet, Value, When

from notifications.models import Delivery, DeliveryStatus, Event

PAGE_SIZE = 20


class Outcome(StrEnum):
    """What came of a delivery so far; the order is that of what somebody has to look at."""

    GIVEN_UP = "given_up"
    RETRIED = "retried"
    WAITING = "waiting"
    SENT = "sent"
    REPLACED = "replaced"


#: `RETRIED`: it failed at least once, and is tried again.
CONDITIONS: Mapping[Outcome, Q] = {
    Outcome.GIVEN_UP: Q(status=DeliveryStatus.DEAD),
    Outcome.RETRIED: Q(status=DeliveryStatus.PENDING, attempts__gt=0)
    | Q(status=DeliveryStatus.SENDING, attempts__gt=1),
    Outcome.WAITING: Q(status=DeliveryStatus.PENDING, attempts=0) | Q(status=DeliveryStatus.SENDING, attempts__lte=1),
    Outcome.SENT: Q(status=DeliveryStatus.SENT),
    Outcome.REPLACED: Q(status=DeliveryStatus.REPLACED),
}
ENDS: Mapping[DeliveryStatus, Outcome] = {
    DeliveryStatus.DEAD: Outcome.GIVEN_UP,
    DeliveryStatus.SENT: Outcome.SENT,
    DeliveryStatus.REPLACED: Outcome.REPLACED,
}
_OUTCOME = Case(
    *(When(condition, then=Value(str(one))) for one, condition in CONDITIONS.items()), output_field=CharField()
)
_PLACE = Case(*(When(condition, then=Value(place)) for place, condition in enumerate(CONDITIONS.values())))


@dataclass(frozen=True)
class Wish:
    """What the ledger is narrowed by; None narrows nothing. `about`: the page that a message leads to."""

    outcome: Outcome | None = None
    channel: str | None = None
    kinds: Collection[str] | None = None
    reader_id: int | None = None
    endpoint_id: int | None = None
    about: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Page:
    """Events, the newest first; `older` is the number below which the next page begins, None on the last."""

    events: Sequence[Event]
    older: int | None


def find_told(wish: Wish, *, before: int | None = None) -> Page:
    """Return a page of what was told to anybody, as far as it fits: one query."""
    rows = Event.objects.order_by("-pk")
    narrowing: dict[str, Any] = {
        "pk__lt": before,
        "kind__in": wish.kinds,
        "url": wish.about,
        "created_at__gte": wish.since,
        "created_at__lt": wish.until,
    }
    rows = rows.filter(**{name: value for name, value in narrowing.items() if value is not None})
    given = {"channel": wish.channel, "recipient": wish.reader_id, "endpoint": wish.endpoint_id}
    wanted = Q(**{name: value for name, value in given.items() if value is not None})
    if wish.outcome is not None:
        wanted &= CONDITIONS[wish.outcome]
    # Without, also what was for nobody is listed: that nobody was told is to be seen.
    if wanted:
        rows = rows.filter(Exists(Delivery.objects.filter(wanted, event=OuterRef("pk"))))
    found = list(rows[: PAGE_SIZE + 1])
    return Page(found[:PAGE_SIZE], found[PAGE_SIZE - 1].pk if len(found) > PAGE_SIZE else None)


def count_outcomes(events: Collection[Event]) -> dict[int, dict[tuple[str, Outcome], int]]:
    """Return, by event, how many deliveries came to what, by channel and outcome: one query."""
    rows = Delivery.objects.filter(event__in=events).annotate(outcome=_OUTCOME)
    counted = rows.order_by().values_list("event_id", "channel", "outcome").annotate(number=Count("pk"))
    found: dict[int, dict[tuple[str, Outcome], int]] = {event.pk: {} for event in events}
    for event_id, channel, outcome, number in counted:
        found[event_id][channel, Outcome(outcome)] = number
    return found


def list_deliveries(event: Event) -> QuerySet[Delivery]:
    """Return an event's deliveries with their readers: first what failed, then by name."""
    rows = event.deliveries.select_related("recipient", "endpoint").annotate(place=_PLACE)
    return rows.order_by(
        "place", "endpoint__name", "recipient__last_name", "recipient__first_name", "recipient__username", "channel"
    )


def outcome_of(delivery: Delivery) -> Outcome:
    """Return what came of a delivery: as `CONDITIONS`, without asking the database."""
    status = DeliveryStatus(delivery.status)
    if status in ENDS:
        return ENDS[status]
    failures = delivery.attempts - (status is DeliveryStatus.SENDING)
    return Outcome.RETRIED if failures > 0 else Outcome.WAITING
