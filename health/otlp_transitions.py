"""Writes of OTLP: what was seen of each cumulative series, and the samples its points make."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from health.domain.histograms import dump_buckets, load_buckets
from health.domain.samples import BadSample, SampleValue
from health.domain.series import Point, Seen, check_times, drop_idle, follow
from health.models import OtlpSeries
from health.otlp_messages import Batch
from health.sample_transitions import record_samples

#: What a token may have at a time; a shop's hundred tills with ten routes and five statuses each have 5,000.
MOST_SERIES = 20_000


@transaction.atomic
def take_points(batch: Batch, *, token_id: int, environment_id: int, now: datetime) -> int:
    """Store what the points add; return how many samples are new. What cannot be taken is noted in the batch.

    What is known of a series and the samples made of it are written together: after a lost answer the
    same points add nothing, after a rollback they add what they would have.
    """
    points = _check(batch, now=now)
    seen = _lock_series([point.key for point in points if point.is_cumulative], token_id=token_id, now=now)
    known: dict[str, Seen | None] = {key: _read(row) for key, row in seen.items()}
    samples: list[SampleValue] = []
    for point in points:
        if point.is_cumulative and point.key not in seen:
            batch.refuse(BadSample("TOO_MANY_SERIES", f"A token has at most {MOST_SERIES} series a day."))
            continue
        step = follow(known.get(point.key), point)
        if step.fault is not None:
            batch.refuse(step.fault)
        if step.sample is not None:
            samples.append(step.sample)
        if point.is_cumulative:
            known[point.key] = step.seen
    _save(seen, known, now=now)
    return record_samples(source=f"otlp:{token_id}", environment_id=environment_id, values=drop_idle(samples), now=now)


def _check(batch: Batch, *, now: datetime) -> list[Point]:
    """Return the points whose times can be, the oldest first."""
    fit = []
    for point in batch.points:
        try:
            check_times(point, now=now)
            fit.append(point)
        except BadSample as bad:
            batch.refuse(bad)
    return sorted(fit, key=lambda point: point.time_ns)


def _lock_series(keys: Sequence[str], *, token_id: int, now: datetime) -> dict[str, OtlpSeries]:
    """Return the rows of the series, locked in one order, made where there is room for them."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    rows = OtlpSeries.objects.filter(token_id=token_id)
    missing = sorted(set(wanted) - set(rows.filter(key__in=wanted).values_list("key", flat=True)))
    if missing:
        room = max(0, MOST_SERIES - rows.count())
        fresh = [OtlpSeries(token_id=token_id, key=key, seen_at=now) for key in missing[:room]]
        OtlpSeries.objects.bulk_create(fresh, ignore_conflicts=True)
    locked = rows.select_for_update(of=("self",)).filter(key__in=wanted).order_by("key")
    return {row.key: row for row in locked}


def _read(row: OtlpSeries) -> Seen | None:
    if row.time_ns is None:
        return None
    return Seen(row.time_ns, row.count, load_buckets(row.buckets))


def _save(rows: Mapping[str, OtlpSeries], known: Mapping[str, Seen | None], *, now: datetime) -> None:
    changed = []
    for key, row in rows.items():
        seen = known[key]
        if seen is not None:
            row.time_ns, row.count, row.buckets = seen.time_ns, seen.count, dump_buckets(seen.buckets)
            row.seen_at = now
            changed.append(row)
    OtlpSeries.objects.bulk_update(changed, ["time_ns", "count", "buckets", "seen_at"], batch_size=500)


@transaction.atomic
def forget_series(*, seen_before: datetime, at_most: int) -> int:
    """Delete what is known of series that have not reported since a moment; return how many."""
    rows = OtlpSeries.objects.select_for_update(of=("self",), skip_locked=True).filter(seen_at__lt=seen_before)
    old = list(rows.order_by("seen_at").values_list("pk", flat=True)[:at_most])
    deleted, _by_model = OtlpSeries.objects.filter(pk__in=old).delete()
    return deleted
