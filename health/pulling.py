"""Pulls figures from monitoring systems: claims what is due, asks without a transaction, stores what is sound."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import transaction

from core import clock
from flags.models import Flag, Site
from health.domain.counters import Counted, Known, LabelNames, Raw, Window, count_windows, errors_may_be_none
from health.domain.pulling import Plan, has_data, is_gap, list_over, plan_windows
from health.models import PrometheusPull, PrometheusSource
from health.prometheus import MOST_SKEW_SECONDS, SourceFault, open_client
from health.sample_transitions import record_samples
from health.source_transitions import claim_due, note_pull, release

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fetched:
    """What a source answered, or why it did not."""

    raw: Raw | None
    fault: SourceFault | None = None


@dataclass(frozen=True)
class Outcome:
    """What a pull comes to: the samples to store, the windows that are done with, and what people should know."""

    counted: Counted = field(default_factory=Counted)
    done: Window | None = None
    fault: SourceFault | None = None
    newest_ms: int = 0


def pull_due() -> int:
    """Pull every source that is due, beside each other; return how many samples are new."""
    sources = claim_due(now=clock.now())
    if not sources:
        return 0
    pulls = PrometheusPull.objects.in_bulk([source.pk for source in sources])
    now = clock.now()
    plans = [
        plan_windows(pulled_until=pulls[source.pk].pulled_until, interval_seconds=source.interval_seconds, now=now)
        for source in sources
    ]
    with ThreadPoolExecutor(len(sources)) as pool:
        answers = list(pool.map(fetch, sources, plans))
    known = get_known()
    new = 0
    for source, plan, answer in zip(sources, plans, answers, strict=True):
        try:
            new += _settle(source, plan, answer, known=known)
        except Exception:  # whatever it is, it is this source's alone
            log.exception("the figures of source %s cannot be stored", source.pk)
            release(source_id=source.pk)
    return new


def get_known() -> Known:
    """Return the sites and flags that labels may name."""
    return Known(
        frozenset(Site.objects.values_list("key", flat=True)), frozenset(Flag.objects.values_list("key", flat=True))
    )


def label_names(source: PrometheusSource) -> LabelNames:
    return LabelNames(source.site_label, source.flag_label, source.till_label, source.transaction_label)


def fetch(source: PrometheusSource, plan: Plan) -> Fetched:
    """Return a source's scrapes for the windows of a plan, within its time limit. No database here."""
    if not plan.windows:
        return Fetched(None)
    try:
        client = open_client(source)
        skew = client.measure_skew()
        if abs(skew) > MOST_SKEW_SECONDS:
            return Fetched(None, SourceFault("clock_skew", seconds=round(skew)))
        requests = client.read_series(source.requests_query, seconds=plan.seconds, at=plan.at)
        errors = client.read_series(source.errors_query, seconds=plan.seconds, at=plan.at)
        latency = (
            client.read_series(source.latency_query, seconds=plan.seconds, at=plan.at) if source.latency_query else []
        )
    except SourceFault as fault:
        return Fetched(None, fault)
    except Exception:  # whatever it is, it is this source's alone
        log.exception("source %s cannot be asked", source.pk)
        return Fetched(None, SourceFault("broken"))
    if requests and not errors and not errors_may_be_none(source.errors_query, requests):
        return Fetched(None, SourceFault("errors_absent"))
    return Fetched(Raw(requests, errors, latency))


def weigh(source: PrometheusSource, plan: Plan, answer: Fetched, *, known: Known, now: datetime) -> Outcome:
    """Return what an answer comes to. No data, a gap, or figures that make no sense are never samples."""
    if answer.raw is None:
        return Outcome(fault=answer.fault)
    newest = max((one.scrapes[-1][0] for one in answer.raw.requests if one.scrapes), default=0)
    over = list_over(plan.windows, newest_ms=newest, now=now)
    counted = count_windows(answer.raw, over, names=label_names(source), known=known)
    done = over[-1] if over else None
    if done is None and is_gap(plan.windows, newest_ms=newest, now=now):
        done = plan.windows[-1]
    fault = None
    if not plan.more and not has_data(newest_ms=newest, now=now):
        fault = SourceFault("no_data")
    elif counted.faults:
        fault = SourceFault(min(counted.faults))
    return Outcome(counted, done, fault, newest)


def _settle(source: PrometheusSource, plan: Plan, answer: Fetched, *, known: Known) -> int:
    """Store what an answer comes to; return how many samples are new."""
    now = clock.now()
    if not plan.windows:
        release(source_id=source.pk)
        return 0
    outcome = weigh(source, plan, answer, known=known, now=now)
    with transaction.atomic():
        new = record_samples(
            source=f"prometheus:{source.pk}",
            environment_id=source.environment_id,
            values=outcome.counted.samples,
            now=now,
        )
        note_pull(
            source_id=source.pk,
            pulled_until=_moment(outcome.done.end_ms) if outcome.done else None,
            data_at=_moment(outcome.newest_ms) if outcome.newest_ms else None,
            unknown_sites=_shown(outcome.counted.unknown_sites),
            unknown_flags=_shown(outcome.counted.unknown_flags),
            fault=outcome.fault.code if outcome.fault else "",
            fault_data=outcome.fault.data if outcome.fault else {},
            more=plan.more and outcome.done is not None,
            now=now,
        )
    return new


def _shown(names: set[str]) -> Sequence[str]:
    return sorted(name.replace("\x00", "") for name in names)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1_000, UTC)
