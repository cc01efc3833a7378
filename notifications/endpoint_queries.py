"""Reads of endpoints: who wants to hear an event, and how sending to each goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from core.clock import get_zone
from notifications.domain.wishes import EVERY_DAY, Drills, Hours, Scope, Wishes, opens_at, wants
from notifications.labels import GROUPS
from notifications.models import ChannelTrial, Delivery, DeliveryStatus, Endpoint, EndpointStatus


def list_wishing(scope: Scope) -> list[Endpoint]:
    """Return the endpoints in use that want to hear an event: one query."""
    return [one for one in Endpoint.objects.filter(status=EndpointStatus.ACTIVE) if wants(wishes_of(one), scope)]


def wishes_of(endpoint: Endpoint) -> Wishes:
    """Return what an endpoint wants to hear."""
    chosen = [GROUPS[code][1] for code in endpoint.groups if code in GROUPS]
    return Wishes(
        environments=frozenset(endpoint.environments),
        kinds=frozenset().union(*chosen),
        sites=frozenset(endpoint.site_keys),
        least_tier=endpoint.least_tier,
        drills=Drills(endpoint.drills),
    )


def find_opening(endpoint: Endpoint, *, is_urgent: bool, now: datetime) -> datetime:
    """Return from when on an endpoint may be sent a message: `now`, unless it is outside of its hours."""
    if is_urgent and endpoint.is_urgent_anytime:
        return now
    days = frozenset(endpoint.weekdays) or EVERY_DAY
    hours = Hours(begin=endpoint.hours_from, end=endpoint.hours_until, days=days, zone=get_zone())
    return opens_at(hours, now=now)


@dataclass(frozen=True)
class Standing:
    """How an endpoint stands: what waits and was given up, and the newest test of its address."""

    endpoint: Endpoint
    waiting: int
    given_up: int
    trial: ChannelTrial | None

    @property
    def is_confirmed(self) -> bool:
        """Whether a person saw a test arrive since the address was given."""
        return self.trial is not None and bool(self.trial.has_arrived)


def list_standings() -> list[Standing]:
    """Return all endpoints with how each stands, by name: three queries."""
    endpoints = list(Endpoint.objects.select_related("line"))
    trials: Mapping[int | None, ChannelTrial] = {
        trial.endpoint_id: trial
        for trial in ChannelTrial.objects.filter(endpoint__in=endpoints).select_related("answered_by").order_by("pk")
    }
    counts = _count_open()
    return [_stand(one, trial=trials.get(one.pk), counts=counts.get(one.pk, (0, 0))) for one in endpoints]


def find_standing(endpoint: Endpoint) -> Standing:
    """Return how one endpoint stands: two queries."""
    trials = ChannelTrial.objects.filter(endpoint=endpoint).select_related("answered_by", "asked_by", "delivery")
    return _stand(endpoint, trial=trials.first(), counts=_count_open().get(endpoint.pk, (0, 0)))


def _stand(endpoint: Endpoint, *, trial: ChannelTrial | None, counts: tuple[int, int]) -> Standing:
    # A test of another address says nothing of this one.
    is_of_address = trial is not None and trial.asked_at >= endpoint.address_changed_at
    return Standing(endpoint, waiting=counts[0], given_up=counts[1], trial=trial if is_of_address else None)


def _count_open() -> dict[int, tuple[int, int]]:
    open_ones = [DeliveryStatus.PENDING, DeliveryStatus.SENDING, DeliveryStatus.DEAD]
    rows = Delivery.objects.filter(endpoint__isnull=False, status__in=open_ones).order_by().values_list("endpoint_id")
    is_dead = Q(status=DeliveryStatus.DEAD)
    counted = rows.annotate(waiting=Count("pk", filter=~is_dead), given_up=Count("pk", filter=is_dead))
    return {endpoint: (waiting, given_up) for endpoint, waiting, given_up in counted}
