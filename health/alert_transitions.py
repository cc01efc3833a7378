"""Writes of alerts: what monitoring systems send, and what ends after its time."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Greatest

from core.actors import Actor
from core.errors import NotFound, Refusal
from core.history import check_reason
from flags.models import Flag, Site
from health.alert_models import Alert, AlertSource, ForgottenSource, SentryReceipt
from health.domain.alerts import AlertValue, Match, Origin, Severity

#: A message that an alert fires, so soon after the one that it ended, was overtaken on its way; later it fires again.
OVERTAKEN = timedelta(seconds=60)
#: A source heard of within it is alive: it would be back with its next message.
GONE_AFTER = timedelta(hours=1)
#: What a repeat may change of a record.
CHANGING = ("ended_at", "severity", "summary")
#: Records of one issue that a message is compared with.
MOST_COMPARED = 100
BATCH = 200


@transaction.atomic
def record_alerts(
    *, environment_id: int, origin: Origin, values: Sequence[AlertValue], left_out: int = 0, now: datetime
) -> int:
    """Store what a message says of its alerts; return how many were not known before.

    The source's row is locked first: two messages of one source never write at once, and a repeat
    finds what the first one wrote.
    """
    source = _lock_source(environment_id=environment_id, origin=origin, now=now)
    _note_source(source, values, left_out=left_out, now=now)
    told = [value for value in values if not value.is_watchdog]
    if not told:
        return 0
    known = _load_known(told, environment_id=environment_id, origin=origin)
    before = {alert.pk: _say(alert) for alert in known}
    flags, sites = _find_keys(told)
    fresh: list[Alert] = []
    heard: Counter[int] = Counter()
    records: dict[str, list[Alert]] = defaultdict(list)
    for one in known:
        records[one.fingerprint].append(one)
    for value in told:
        alert = next((one for one in records[value.fingerprint] if _is_same(one, value)), None)
        if alert is None:
            alert = _make_record(value, flags=flags, sites=sites, now=now)
            alert.environment_id, alert.origin = environment_id, origin
            fresh.append(alert)
            records[value.fingerprint].append(alert)
        else:
            _update_record(alert, value, now=now)
            heard.update([alert.pk] if alert.pk else [])
    _count_heard(heard, now=now)
    Alert.objects.bulk_update([one for one in known if _say(one) != before[one.pk]], CHANGING, batch_size=BATCH)
    Alert.objects.bulk_create(fresh)
    return len(fresh)


@transaction.atomic
def record_sentry_alert(
    *, hook_id: int, environment_id: int, value: AlertValue | None, body_hash: str, request_id: str, now: datetime
) -> bool:
    """Store what a message of Sentry says, once; True where it was new. Without an alert only that it came."""
    try:
        with transaction.atomic():
            SentryReceipt.objects.create(hook_id=hook_id, body_hash=body_hash, request_id=request_id, received_at=now)
    except IntegrityError:
        return False
    values = [] if value is None else [value]
    record_alerts(environment_id=environment_id, origin=Origin.SENTRY, values=values, now=now)
    return True


@transaction.atomic
def forget_alerts(*, heard_before: datetime, at_most: int) -> int:
    """Delete alerts, sources and receipts last heard of before a moment, oldest first; return how many."""
    old = Alert.objects.filter(last_received_at__lt=heard_before).order_by("last_received_at")[:at_most]
    alerts, _by_model = Alert.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()
    receipts = SentryReceipt.objects.filter(received_at__lt=heard_before).order_by("received_at")[:at_most]
    ended, _by_model = SentryReceipt.objects.filter(pk__in=list(receipts.values_list("pk", flat=True))).delete()
    sources, _by_model = AlertSource.objects.filter(last_received_at__lt=heard_before).delete()
    return alerts + ended + sources


@transaction.atomic
def forget_source(*, source_id: int, environment_id: int, actor: Actor, reason: str, now: datetime) -> ForgottenSource:
    """Take a source away that is gone: what it said last that still fires counts as over.

    Refuses one that was heard lately; where it speaks again, it is a source again.
    """
    rows = AlertSource.objects.select_for_update(of=("self",)).filter(environment=environment_id)
    source = rows.filter(pk=source_id).first()
    if source is None:
        raise NotFound("alert_source_unknown")
    if now - source.last_received_at < GONE_AFTER:
        raise Refusal("alert_source_alive", hours=int(GONE_AFTER.total_seconds() // 3_600))
    wanted = {"environment_id": environment_id, "origin": source.origin}
    firing = Alert.objects.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=now), **wanted)
    forgotten = ForgottenSource.objects.create(
        **wanted,
        last_received_at=source.last_received_at,
        forgotten_at=now,
        forgotten_by=actor.label[:200],
        reason=check_reason(reason),
        alerts_ended=firing.update(ended_at=Greatest("started_at", Value(now))),
    )
    source.delete()
    return forgotten


def _lock_source(*, environment_id: int, origin: Origin, now: datetime) -> AlertSource:
    wanted = {"environment_id": environment_id, "origin": origin}
    fresh = AlertSource(**wanted, first_received_at=now, last_received_at=now)
    AlertSource.objects.bulk_create([fresh], ignore_conflicts=True)
    return AlertSource.objects.select_for_update(of=("self",)).get(**wanted)


def _note_source(source: AlertSource, values: Sequence[AlertValue], *, left_out: int, now: datetime) -> None:
    source.last_received_at = max(source.last_received_at, now)
    dogs = [value for value in values if value.is_watchdog]
    if any(dog.ended_at is None for dog in dogs):
        source.watchdog_at, source.watchdog_ended_at = now, None
    elif dogs and source.watchdog_at is not None:
        source.watchdog_ended_at = now
    if left_out:
        source.left_out, source.left_out_at = left_out, now
    source.save()


def _find_keys(values: Sequence[AlertValue]) -> tuple[dict[str, int], dict[str, int]]:
    """Return the known ones among the flags and sites that alerts name."""
    flag_keys, site_keys = {one.flag_key for one in values}, {one.site_key for one in values}
    flags = dict(Flag.objects.filter(key__in=flag_keys).values_list("key", "pk"))
    return flags, dict(Site.objects.filter(key__in=site_keys).values_list("key", "pk"))


def _load_known(values: Sequence[AlertValue], *, environment_id: int, origin: Origin) -> list[Alert]:
    """Return the records that the messages may speak of, the one begun last first: one query."""
    rows = Alert.objects.filter(
        environment_id=environment_id, origin=origin, fingerprint__in={value.fingerprint for value in values}
    ).order_by("-started_at")
    if all(value.match is Match.START for value in values):
        return list(rows.filter(started_at__in={value.started_at for value in values}))
    return list(rows[:MOST_COMPARED])


def _is_same(alert: Alert, value: AlertValue) -> bool:
    if value.match is Match.START:
        return alert.started_at == value.started_at
    if value.match is Match.SPAN:
        return alert.started_at <= value.started_at and (alert.ended_at is None or value.started_at < alert.ended_at)
    return True


def _make_record(value: AlertValue, *, flags: Mapping[str, int], sites: Mapping[str, int], now: datetime) -> Alert:
    return Alert(
        fingerprint=value.fingerprint,
        name=value.name,
        summary=value.summary,
        severity=value.severity or Severity.WARNING,
        labels=dict(value.labels),
        flag_id=flags.get(value.flag_key),
        site_id=sites.get(value.site_key),
        release=value.release,
        started_at=value.started_at,
        ended_at=value.ended_at,
        received_at=now,
        last_received_at=now,
        link=value.link,
    )


def _update_record(alert: Alert, value: AlertValue, *, now: datetime) -> None:
    alert.ended_at = _find_end(alert, value, now=now)
    alert.severity = value.severity or alert.severity
    alert.summary = value.summary or alert.summary
    alert.last_received_at = max(alert.last_received_at, now)
    alert.times_received += 1


def _say(alert: Alert) -> tuple[object, ...]:
    return tuple(getattr(alert, name) for name in CHANGING)


def _count_heard(heard: Counter[int], *, now: datetime) -> None:
    """Count how often records were heard of again; mostly all that a message changes."""
    by_times: dict[int, list[int]] = defaultdict(list)
    for pk, times in heard.items():
        by_times[times].append(pk)
    for times, keys in by_times.items():
        Alert.objects.filter(pk__in=keys).update(
            last_received_at=Greatest("last_received_at", Value(now)), times_received=F("times_received") + times
        )


def _find_end(alert: Alert, value: AlertValue, *, now: datetime) -> datetime | None:
    """Return when an alert ends after a message that says otherwise, or the same again."""
    if alert.ended_at is None:
        return value.ended_at
    if value.ended_at is not None:
        return max(alert.ended_at, value.ended_at)
    was_overtaken = now - alert.last_received_at < OVERTAKEN
    return alert.ended_at if value.match is Match.THREAD or was_overtaken else None
