"""Writes of what goes to endpoints: what is claimed together, what came of it, and when a channel is given up.

One conversation at a time with each endpoint: it keeps what is told about one thing in order, and one that hangs
keeps nothing but itself waiting.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from core.actors import COURIER
from core.history import recorded
from core.reasons import write_reason
from notifications.domain.audience import DRIVERS
from notifications.domain.parcels import Parcel
from notifications.domain.retry import LEASE, MAX_ATTEMPTS, MOST_OUTSIDE, delay_after
from notifications.models import Channel, Delivery, DeliveryStatus, Endpoint, EndpointLine, EndpointStatus
from notifications.packing import lease, mark_replaced, pack_rows
from notifications.transitions import LEASE_RAN_OUT, clean_error, publish
from notifications.waiting_queries import PARCELS

#: Any number of our own: couriers count each other one after the other.
OUTSIDE_LOCK = 7_140_210
#: What an endpoint's deliveries end with when it is switched off under them.
SWITCHED_OFF = "the channel was switched off before this was sent"


@dataclass(frozen=True)
class Claim:
    """Deliveries of one endpoint, leased together, oldest first; more than one goes out as one message."""

    endpoint: Endpoint
    deliveries: Sequence[Delivery]


@transaction.atomic
def claim_parcel(*, now: datetime) -> Claim | None:
    """Lease what one endpoint is sent next, the most urgent first; None where nothing is due or enough are out."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [OUTSIDE_LOCK])
    _take_back_lost(now=now)
    out = _outside(status=DeliveryStatus.SENDING)
    if out.order_by().values("endpoint").distinct().count() >= MOST_OUTSIDE:
        return None
    while (first := _find_first(now=now)) is not None:
        endpoint = Endpoint.objects.get(deliveries=first)
        parcel = _pack(endpoint, now=now)
        mark_replaced(parcel.replaced, now=now)
        if parcel.sent:
            return Claim(endpoint, lease(parcel.sent, now=now))
    return None


def _outside(**wanted: object) -> QuerySet[Delivery]:
    return Delivery.objects.filter(PARCELS, **wanted)


def _take_back_lost(*, now: datetime) -> None:
    """Let what a dead courier held be sent again; what came back too often may be what kills its couriers."""
    lost = _outside(status=DeliveryStatus.SENDING, leased_until__lte=now)
    again = lost.filter(attempts__lt=MAX_ATTEMPTS)
    again.update(status=DeliveryStatus.PENDING, leased_until=None, next_attempt_at=now)
    for poison in lost.select_related("endpoint"):
        _bury([poison.pk], error=LEASE_RAN_OUT, now=now)
        _tell_dead(poison.endpoint, attempts=poison.attempts, error=LEASE_RAN_OUT, now=now)


def _find_first(*, now: datetime) -> Delivery | None:
    """Return the most urgent delivery that is due at an endpoint which is in use and free."""
    busy = _outside(endpoint=OuterRef("endpoint"), status=DeliveryStatus.SENDING)
    due = _outside(status=DeliveryStatus.PENDING, next_attempt_at__lte=now, endpoint__status=EndpointStatus.ACTIVE)
    free = due.filter(endpoint__line__free_at__lte=now).exclude(Exists(busy))
    return free.order_by("priority", "pk").first()


def _pack(endpoint: Endpoint, *, now: datetime) -> Parcel:
    rows = _outside(endpoint=endpoint, status=DeliveryStatus.PENDING, next_attempt_at__lte=now).order_by("pk")
    return pack_rows(rows, gathers=endpoint.gathers and endpoint.kind != Channel.WEBHOOK)


@transaction.atomic
def mark_parcel_sent(*, claim: Claim, now: datetime) -> None:
    """Note that a parcel went out, also where its lease had run out meanwhile; the endpoint rests for its pace."""
    first, *others = [one.pk for one in claim.deliveries]
    sent = {"status": DeliveryStatus.SENT, "sent_at": now, "leased_until": None, "last_error": "", "replaced_by": None}
    rows = Delivery.objects.exclude(status=DeliveryStatus.SENT)
    rows.filter(pk=first).update(**sent)
    rows.filter(pk__in=others).update(**sent, sent_with=first)
    gap = timedelta(minutes=1) / claim.endpoint.per_minute
    EndpointLine.objects.filter(endpoint=claim.endpoint).update(
        free_at=now + gap, failures=0, failing_since=None, last_sent_at=now, last_error=""
    )


@transaction.atomic
def mark_parcel_later(
    *, claim: Claim, error: str, jitter: float, now: datetime, asked_wait: timedelta | None = None
) -> None:
    """Note that an endpoint took nothing now: everything for it waits longer each time, and at least as it asked.

    What failed too often is given up, and the channel with it.
    """
    if max(one.attempts for one in claim.deliveries) >= MAX_ATTEMPTS:
        close_endpoint(claim=claim, error=error, now=now)
        return
    line = EndpointLine.objects.select_for_update().get(endpoint=claim.endpoint)
    line.failures += 1
    line.failing_since = line.failing_since or now
    line.last_error = clean_error(error)
    usual = delay_after(min(line.failures, MAX_ATTEMPTS - 1), jitter=jitter) or LEASE
    line.free_at = now + max(usual, asked_wait or usual)
    line.save()
    _ours(claim).update(
        status=DeliveryStatus.PENDING, leased_until=None, next_attempt_at=now, last_error=line.last_error
    )


@transaction.atomic
def mark_parcel_refused(*, claim: Claim, error: str, now: datetime) -> None:
    """Give a parcel up that the endpoint refuses for good, and say so: once a day for each endpoint."""
    _bury([one.pk for one in claim.deliveries], error=error, now=now)
    gap = timedelta(minutes=1) / claim.endpoint.per_minute
    EndpointLine.objects.filter(endpoint=claim.endpoint).update(free_at=now + gap, last_error=clean_error(error))
    attempts = max(one.attempts for one in claim.deliveries)
    _tell_dead(claim.endpoint, attempts=attempts, error=error, now=now)


@transaction.atomic
def close_endpoint(*, claim: Claim, error: str, now: datetime) -> None:
    """Give an endpoint up that will take nothing any more: what waits for it ends, and others are told."""
    endpoint = Endpoint.objects.select_for_update().get(pk=claim.endpoint.pk)
    _bury([one.pk for one in claim.deliveries], error=error, now=now)
    EndpointLine.objects.filter(endpoint=endpoint).update(last_error=clean_error(error))
    if endpoint.status != EndpointStatus.ACTIVE or endpoint.sealed_address != claim.endpoint.sealed_address:
        return
    endpoint.status = EndpointStatus.BROKEN
    with recorded(actor=COURIER, reason=write_reason("endpoint_gave_out"), now=now):
        endpoint.save()
    end_waiting(endpoint_id=endpoint.pk, now=now)
    publish(
        kind="channel_broken",
        data={"channel": endpoint.name, "error": clean_error(error)[:200]},
        audience=DRIVERS,
        dedupe_key=f"channel-broken:{endpoint.pk}:{now.isoformat()}",
        now=now,
        url=f"/channels/{endpoint.pk}/",
    )


def end_waiting(*, endpoint_id: int, now: datetime) -> None:
    """Give up what waits at an endpoint that is switched off; the ledger says so, and offers to send it again."""
    waiting = _outside(endpoint_id=endpoint_id, status=DeliveryStatus.PENDING)
    waiting.update(status=DeliveryStatus.DEAD, next_attempt_at=now, last_error=SWITCHED_OFF)


def _ours(claim: Claim) -> QuerySet[Delivery]:
    """Return the rows of a claim that no other courier has taken over."""
    mine = Q()
    for one in claim.deliveries:
        mine |= Q(pk=one.pk, attempts=one.attempts)
    return Delivery.objects.filter(mine, status=DeliveryStatus.SENDING)


def _bury(keys: Collection[int], *, error: str, now: datetime) -> None:
    rows = Delivery.objects.filter(pk__in=keys).exclude(status=DeliveryStatus.SENT)
    rows.update(status=DeliveryStatus.DEAD, next_attempt_at=now, leased_until=None, last_error=clean_error(error))


def _tell_dead(endpoint: Endpoint | None, *, attempts: int, error: str, now: datetime) -> None:
    if endpoint is None:
        return
    publish(
        kind="delivery_failed",
        data={"reader": endpoint.name, "attempts": attempts, "error": clean_error(error)[:200]},
        audience=DRIVERS,
        dedupe_key=f"delivery-failed:endpoint:{endpoint.pk}:{now:%Y-%m-%d}",
        now=now,
        url=f"/channels/{endpoint.pk}/",
    )
