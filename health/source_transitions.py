"""Writes of monitoring sources: what people say of them, and how pulling them goes."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction

from core.actors import Actor
from core.errors import InvalidInput
from core.history import recorded
from core.outbound import is_web_address
from core.sealing import seal
from core.versions import check_version
from flags.models import Environment
from health.models import PrometheusPull, PrometheusSource, QueryWatch
from health.source_models import INTERVALS, LEAST_TIMEOUT, MOST_TIMEOUT, SEALED_FOR, SourceAuth
from notifications.domain.audience import CREW
from notifications.transitions import publish

#: A puller that died is followed by another after this; no pull takes as long.
LEASE = timedelta(seconds=60)
#: At once; what is due beyond it comes with the next turn.
MOST_AT_ONCE = 8
#: A source that had figures and has none for longer is silent, and people are told.
SILENT_AFTER = timedelta(minutes=3)
#: Any number of our own: workers look one after the other whether one pulls.
PULL_LOCK = 7_140_240
SOURCES_URL = "/health/sources/"
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
#: Header values: printable, without what could end the line.
HEADER = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
LABELS = ("site_label", "flag_label", "till_label", "transaction_label")
TEXTS = ("name", "url", "username", "tenant", "requests_query", "errors_query", "latency_query", *LABELS)


@transaction.atomic
def add_source(
    *, environment_id: int, values: Mapping[str, Any], secret: str, actor: Actor, reason: str, now: datetime
) -> PrometheusSource:
    """Add a source; it is pulled at once."""
    if not Environment.objects.filter(pk=environment_id).exists():
        raise InvalidInput("environment_unknown", environment=environment_id)
    source = PrometheusSource(environment_id=environment_id)
    _fill(source, values, secret=secret)
    _save(source, actor=actor, reason=reason, now=now)
    PrometheusPull.objects.create(source=source, next_pull_at=now)
    return source


@transaction.atomic
def change_source(
    *,
    source_id: int,
    values: Mapping[str, Any],
    secret: str | None,
    actor: Actor,
    reason: str,
    now: datetime,
    seen_version: int | None = None,
) -> PrometheusSource:
    """Change a source; a secret of None stays. A secret is kept for the address it was given for, and for no other.

    At another address, or for another tenant, what queries of one's own were told before is forgotten.
    """
    source = PrometheusSource.objects.select_for_update(of=("self",)).filter(pk=source_id).first()
    if source is None:
        raise InvalidInput("source_unknown", source=source_id)
    check_version(source, seen_version)
    if secret is None and source.sealed_secret and str(values["url"]).strip() != source.url:
        raise InvalidInput("secret_again")
    asked = source.url, source.tenant
    _fill(source, values, secret=secret)
    _save(source, actor=actor, reason=reason, now=now)
    if (source.url, source.tenant) != asked:
        # What another system said of a query counts no more; an answer under way finds no watch, and is dropped.
        QueryWatch.objects.filter(guardrail__source=source).delete()
    # What was counted is not asked for again, whatever is asked from now on: `pulled_until` stays.
    PrometheusPull.objects.filter(source=source).update(next_pull_at=now)
    return source


def _fill(source: PrometheusSource, values: Mapping[str, Any], *, secret: str | None) -> None:
    for name, value in values.items():
        setattr(source, name, value.strip() if isinstance(value, str) else value)
    if source.auth == SourceAuth.NONE:
        source.sealed_secret, source.username = "", ""
    elif secret is not None:
        if secret and not HEADER.fullmatch(secret):
            raise InvalidInput("secret_unfit")
        source.sealed_secret = seal(secret, purpose=SEALED_FOR) if secret else ""
    _check(source)


def _check(source: PrometheusSource) -> None:
    """Refuse what could never be asked."""
    if any("\x00" in getattr(source, name) for name in TEXTS):
        raise InvalidInput("source_unreadable")
    if not source.name or not source.requests_query or not source.errors_query:
        raise InvalidInput("source_incomplete")
    if not is_web_address(source.url) or "?" in source.url or "#" in source.url:
        raise InvalidInput("source_address_wrong")
    if source.auth not in SourceAuth.values or (source.auth != SourceAuth.NONE and not source.sealed_secret):
        raise InvalidInput("secret_missing")
    if source.tenant and not HEADER.fullmatch(source.tenant):
        raise InvalidInput("tenant_unfit")
    labels = [getattr(source, name) for name in LABELS]
    if not source.site_label or any(label and not LABEL.fullmatch(label) for label in labels):
        raise InvalidInput("source_labels_wrong")
    if source.interval_seconds not in INTERVALS or not LEAST_TIMEOUT <= source.timeout_seconds <= MOST_TIMEOUT:
        raise InvalidInput("source_times_wrong", least=LEAST_TIMEOUT, most=MOST_TIMEOUT)


def _save(source: PrometheusSource, *, actor: Actor, reason: str, now: datetime) -> None:
    try:
        with transaction.atomic(), recorded(actor=actor, reason=reason, now=now):
            source.save()
    except IntegrityError:
        raise InvalidInput("source_name_taken", name=source.name) from None


@transaction.atomic
def claim_due(*, now: datetime) -> list[PrometheusSource]:
    """Lease the sources that are due; empty where another worker pulls, since a worker has few threads.

    The next time is set now, so that a source whose pull kills its worker does not come back at once.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PULL_LOCK])
    if PrometheusPull.objects.filter(leased_until__gt=now).exists():
        return []
    due = PrometheusPull.objects.filter(next_pull_at__lte=now, source__is_active=True)
    rows = due.select_for_update(of=("self",), skip_locked=True).order_by("next_pull_at", "pk")
    pulls = list(rows.select_related("source__environment")[:MOST_AT_ONCE])
    for pull in pulls:
        pull.leased_until = now + LEASE
        pull.next_pull_at = now + timedelta(seconds=pull.source.interval_seconds)
        pull.save(update_fields=["leased_until", "next_pull_at"])
    return [pull.source for pull in pulls]


def release(*, source_id: int) -> None:
    """Give a source's lease back where there was nothing to ask."""
    PrometheusPull.objects.filter(source_id=source_id).update(leased_until=None)


@transaction.atomic
def note_pull(
    *,
    source_id: int,
    pulled_until: datetime | None,
    data_at: datetime | None,
    unknown_sites: Sequence[str],
    unknown_flags: Sequence[str],
    fault: str,
    fault_data: Mapping[str, object],
    more: bool,
    now: datetime,
) -> None:
    """Note how a pull went, and tell people once when the source has gone silent, and when it is back.

    `pulled_until`: None where no window was counted; `more`: windows are left that can be asked for at once.
    """
    pull = PrometheusPull.objects.select_for_update(of=("self",)).filter(source_id=source_id).first()
    if pull is None:
        return
    pull.leased_until = None
    if more:
        pull.next_pull_at = now
    if pulled_until is not None and (pull.pulled_until is None or pulled_until > pull.pulled_until):
        pull.pulled_until = pulled_until
    if data_at is not None and (pull.last_data_at is None or data_at > pull.last_data_at):
        pull.last_data_at = data_at
    if not fault:
        pull.last_success_at = now
        pull.unknown_sites, pull.unknown_flags = list(unknown_sites)[:20], list(unknown_flags)[:20]
    _note_fault(pull, fault, fault_data, now=now)
    _tell(pull, now=now)
    pull.save()


def _note_fault(pull: PrometheusPull, fault: str, data: Mapping[str, object], *, now: datetime) -> None:
    if not fault:
        pull.fault_since = None
    elif pull.fault != fault or pull.fault_since is None:
        pull.fault_since = now
    pull.fault, pull.fault_data = fault, dict(data)


def _tell(pull: PrometheusPull, *, now: datetime) -> None:
    if pull.last_data_at is None:
        return
    source = PrometheusSource.objects.select_related("environment").get(pk=pull.source_id)
    limit = max(SILENT_AFTER, 3 * timedelta(seconds=source.interval_seconds))
    is_silent = now - pull.last_data_at > limit
    if is_silent == (pull.silent_since is not None):
        return
    data = {"source": source.name, "environment": source.environment.key}
    moment = f"{pull.last_data_at:%Y-%m-%dT%H:%M:%S.%f}"
    if is_silent:
        key = f"source-silent:{source.pk}:{moment}"
        publish(kind="source_silent", data=data, audience=CREW, dedupe_key=key, now=now, url=SOURCES_URL)
    else:
        key = f"source-back:{source.pk}:{moment}"
        publish(kind="source_back", data=data, audience=CREW, dedupe_key=key, now=now, url=SOURCES_URL)
    pull.silent_since = now if is_silent else None
