"""Writes of what queries of one's own said: who is asked next, and what came."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from health.models import Mode, QueryReading, QueryWatch

#: Each query and flag is asked so often.
EVERY = timedelta(seconds=15)
#: Wanted by no lane for longer, it is asked no more: nobody sees the flag, or the guardrail is off.
WANTED_FOR = timedelta(minutes=1)
#: How often it is written down that it is still wanted.
WANTED_AGAIN = timedelta(seconds=20)
#: An asker that died is followed by another after this; no asking takes as long.
LEASE = timedelta(seconds=20)
#: At once; what is due beyond it comes right after.
MOST_AT_ONCE = 16
#: Any number of our own: workers look one after the other whether one asks.
ASK_LOCK = 7_140_250
#: A guardrail's id, and the key of the flag it is asked for or "".
Wanted = tuple[int, str]


@transaction.atomic
def want_readings(wanted: Collection[Wanted], *, now: datetime) -> int:
    """Note that these are to be asked; return how many were not lately noted. New ones are asked at once."""
    ids = {guardrail_id for guardrail_id, _flag_key in wanted}
    rows = QueryWatch.objects.filter(guardrail__in=ids, wanted_at__gt=now - WANTED_AGAIN)
    missing = set(wanted) - set(rows.values_list("guardrail_id", "flag_key"))
    # In order, so that two that note the same wait for each other, and neither for ever.
    QueryWatch.objects.bulk_create(
        [
            QueryWatch(guardrail_id=guardrail_id, flag_key=flag_key, wanted_at=now, next_ask_at=now)
            for guardrail_id, flag_key in sorted(missing)
        ],
        update_conflicts=True,
        unique_fields=["guardrail", "flag_key"],
        update_fields=["wanted_at"],
    )
    return len(missing)


@transaction.atomic
def claim_asks(*, now: datetime) -> list[QueryWatch]:
    """Lease the queries that are due; empty where another worker asks, since a worker has few threads.

    The next time is set now, so that a query that kills its worker does not come back at once.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ASK_LOCK])
    if QueryWatch.objects.filter(leased_until__gt=now).exists():
        return []
    due = QueryWatch.objects.filter(
        ~Q(guardrail__mode=Mode.OFF),
        next_ask_at__lte=now,
        wanted_at__gt=now - WANTED_FOR,
        guardrail__is_active=True,
        guardrail__source__is_active=True,
    )
    rows = due.select_for_update(of=("self",), skip_locked=True).order_by("next_ask_at", "pk")
    watches = list(rows.select_related("guardrail__source")[:MOST_AT_ONCE])
    pks = [watch.pk for watch in watches]
    QueryWatch.objects.filter(pk__in=pks).update(leased_until=now + LEASE, next_ask_at=now + EVERY)
    return watches


@transaction.atomic
def note_reading(
    *, watch_id: int, at: datetime, value: float | None, code: str, data: Mapping[str, object]
) -> QueryReading | None:
    """Store what a query said, and give its lease back; None where it is another query by now."""
    watch = QueryWatch.objects.select_for_update(of=("self",)).filter(pk=watch_id).first()
    if watch is None:
        return None
    watch.leased_until = None
    watch.save(update_fields=["leased_until"])
    return QueryReading.objects.create(watch=watch, at=at, value=value, code=code, data=dict(data))


def release_ask(*, watch_id: int) -> None:
    """Give a lease back where nothing could be stored."""
    QueryWatch.objects.filter(pk=watch_id).update(leased_until=None)


@transaction.atomic
def forget_readings(*, read_before: datetime, at_most: int) -> int:
    """Delete old readings, and the watches that nobody has wanted since; return how many readings."""
    oldest = QueryReading.objects.filter(at__lt=read_before).order_by("at").values("pk")[:at_most]
    readings, _by_model = QueryReading.objects.filter(pk__in=oldest).delete()
    QueryWatch.objects.filter(wanted_at__lt=read_before).delete()
    return readings
