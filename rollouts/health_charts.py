"""The charts of a rollout's health on one time axis, for all together, by site and by flag."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from core.domain.business_time import day_bounds, local_day
from core.domain.plot import Band, Span, Tick, choose_step, cut, draw_band, list_ticks
from flags.models import Site
from health.chart_queries import LONGEST_IN_MINUTES, By, Counted, Took, Where, Window, count_windows, time_windows
from health.complaint_trace import count_daily
from health.domain import error_rate, performance
from health.domain.complaints import DAILY_COMPLAINT_LIMIT
from rollouts.chart_marks import Happening, Mark, list_happenings, place_marks
from rollouts.effective_guardrail import get_effective_guardrails
from rollouts.models import Phase, Rollout, RolloutFlag
from rollouts.phase_windows import PhaseWindow, find_release_window, list_phase_windows
from rollouts.plots import Figure, Plot, plot_complaints, plot_errors, plot_p95

#: Named transactions with a chart of their own, those with the most requests; and small charts of one kind.
MOST_TRANSACTIONS, MOST_SMALL = 6, 24
#: Before it began, and for a while after it ended, there is something to see.
LEAD, AFTER = timedelta(minutes=10), timedelta(hours=1)


class Range(StrEnum):
    """What the time axis covers."""

    ROLLOUT = "rollout"
    WEEK = "7d"
    DAY = "24h"
    HOUR = "1h"


#: Sums of one stretch.
Summed = TypeVar("Summed", Counted, Took)

LENGTHS = {Range.WEEK: timedelta(days=7), Range.DAY: timedelta(days=1), Range.HOUR: timedelta(hours=1)}


@dataclass(frozen=True)
class Asked:
    """What the address asks for; empty: all."""

    range: Range = Range.ROLLOUT
    figure: Figure = Figure.ERRORS
    site_key: str = ""
    flag_key: str = ""
    transaction: str | None = None


@dataclass(frozen=True)
class PhaseBand:
    """A phase on the time axis, its number beside it."""

    number: int
    phase: Phase
    band: Band


@dataclass(frozen=True)
class Axis:
    """What all charts of the page share."""

    span: Span
    zone: ZoneInfo
    ticks: Sequence[Tick]
    bands: Sequence[PhaseBand]
    marks: Sequence[Mark]
    happenings: Sequence[Happening]
    now_x: float | None


@dataclass(frozen=True)
class HealthPage:
    """Everything the page of charts shows; `left_out`: sites without a small chart, for there are too many."""

    asked: Asked
    axis: Axis
    plots: Sequence[Plot]
    by_site: Sequence[Plot]
    by_flag: Sequence[Plot]
    left_out: int
    transactions: Sequence[str]
    sites: Sequence[Site]
    flags: Sequence[RolloutFlag]


@dataclass(frozen=True)
class _Reading:
    """What the figures of a page are read with."""

    rollout: Rollout
    asked: Asked
    span: Span
    windows: Sequence[Window]
    limit_bp: int
    rise_bp: int

    @property
    def by_hour(self) -> bool:
        return self.span.length > LONGEST_IN_MINUTES

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.rollout.zone)

    def time(self, where: Where) -> list[Took]:
        return time_windows(where, self.windows, subject=self.rollout.subject, by_hour=self.by_hour)


def compose_health_page(rollout: Rollout, asked: Asked, *, now: datetime) -> HealthPage:
    """Return the charts of a rollout, in a number of queries that does not grow with its sites or flags."""
    phases = list_phase_windows(rollout, now=now)
    span = choose_span(rollout, phases, asked.range, now=now)
    guardrails = get_effective_guardrails(rollout)
    step = choose_step(span.length)
    reading = _Reading(
        rollout,
        asked,
        span,
        [Window(str(i), piece.since, piece.until) for i, piece in enumerate(cut(span, step=step))],
        limit_bp=guardrails.get(error_rate.LANE).threshold_bp,
        rise_bp=guardrails.get(performance.LANE).threshold_bp,
    )
    flags = list(rollout.rollout_flags.select_related("flag").order_by("position"))
    sites = _list_sites(rollout)
    where = _choose_where(reading)
    took = reading.time(where)
    names = _rank_transactions(took)
    days = _list_days(span, zone=reading.zone)
    plots = [
        plot_errors(count_windows(where, reading.windows), reading.windows, span, limit_bp=reading.limit_bp),
        *(plot_p95(_only(took, name), reading.windows, span, name=name, rise_bp=reading.rise_bp) for name in names),
        plot_complaints(_count_complaints(reading, where).get(_get_key(where), {}), days, span, DAILY_COMPLAINT_LIMIT),
    ]
    name = asked.transaction if asked.transaction in names else next(iter(names), "")
    by_site = _plot_each(reading, Where(rollout.environment.key, By.SITE), days, name, keys=[one.key for one in sites])
    flag_keys = [row.flag.key for row in flags]
    by_flag = _plot_each(reading, Where(rollout.environment.key, By.FLAG, flag_keys), days, name, keys=flag_keys)
    return HealthPage(
        asked=asked,
        axis=_draw_axis(rollout, phases, span, now=now),
        plots=plots,
        by_site=by_site[:MOST_SMALL],
        by_flag=by_flag[:MOST_SMALL],
        left_out=max(len(by_site) - MOST_SMALL, 0),
        transactions=names,
        sites=sites,
        flags=flags,
    )


def choose_span(rollout: Rollout, phases: list[PhaseWindow], asked: Range, *, now: datetime) -> Span:
    """Return what the time axis covers: up to now, or a while after a rollout that is over."""
    until = min(now, rollout.ended_at + AFTER) if rollout.ended_at else now
    if asked is not Range.ROLLOUT:
        return Span(until - LENGTHS[asked], until)
    whole = find_release_window(phases)
    return Span((whole.since if whole else until - LENGTHS[Range.HOUR]) - LEAD, until)


def _list_sites(rollout: Rollout) -> list[Site]:
    """Return the sites, those of the plan first and in its order."""
    order = dict(rollout.rollout_sites.values_list("site_id", "position"))
    return sorted(Site.objects.all(), key=lambda site: (order.get(site.pk, len(order)), site.name))


def _choose_where(reading: _Reading) -> Where:
    asked = reading.asked
    return Where(
        reading.rollout.environment.key,
        By.FLAG if asked.flag_key else By.ALL,
        [asked.flag_key] if asked.flag_key else [],
        [asked.site_key] if asked.site_key else None,
    )


def _get_key(where: Where) -> str:
    return next(iter(where.flag_keys), "")


def _rank_transactions(took: Sequence[Took]) -> list[str]:
    """Return the named transactions with the most requests; those without a name come last."""
    requests: dict[str, int] = {}
    for one in took:
        requests[one.transaction] = requests.get(one.transaction, 0) + one.requests
    ranked = sorted(requests, key=lambda name: (not name, -requests[name], name))
    return ranked[:MOST_TRANSACTIONS]


def _only(took: Sequence[Took], name: str) -> list[Took]:
    return [one for one in took if one.transaction == name]


def _list_days(span: Span, *, zone: ZoneInfo) -> list[tuple[Window, Span]]:
    """Return the civil days that the span touches: the day as the window's name, and its bounds."""
    day, last = local_day(span.since, zone=zone), local_day(span.until - timedelta(microseconds=1), zone=zone)
    found = []
    while day <= last:
        since, until = day_bounds(day, zone=zone)
        found.append((Window(day.isoformat(), since, until), Span(since, until)))
        day += timedelta(days=1)
    return found


def _count_complaints(reading: _Reading, where: Where) -> Mapping[str, Mapping[str, int]]:
    """Return complaints by key and day, of whole days: that the axis begins at noon makes no day quieter."""
    days = _list_days(reading.span, zone=reading.zone)
    found = count_daily(where, Window("", days[0][0].since, days[-1][0].until))
    return {key: {day.isoformat(): n for day, n in counts.items()} for key, counts in found.items()}


def _plot_each(
    reading: _Reading, where: Where, days: Sequence[tuple[Window, Span]], name: str, *, keys: Sequence[str]
) -> list[Plot]:
    """Return a small chart of the chosen figure for each key with something to show, in the keys' order: one query."""
    where = where._replace(site_keys=[reading.asked.site_key] if reading.asked.site_key else None)
    found: Mapping[str, Plot]
    if reading.asked.figure is Figure.ERRORS:
        counted = _group(count_windows(where, reading.windows))
        found = {
            key: plot_errors(rows, reading.windows, reading.span, limit_bp=reading.limit_bp)
            for key, rows in counted.items()
        }
    elif reading.asked.figure is Figure.P95:
        took = _group(_only(reading.time(where), name))
        found = {
            key: plot_p95(rows, reading.windows, reading.span, name=name, rise_bp=reading.rise_bp)
            for key, rows in took.items()
        }
    else:
        daily = _count_complaints(reading, where)
        found = {
            key: plot_complaints(counts, days, reading.span, DAILY_COMPLAINT_LIMIT) for key, counts in daily.items()
        }
    return [found[key].of(key) for key in keys if key in found]


def _group(rows: Iterable[Summed]) -> dict[str, list[Summed]]:
    found: dict[str, list[Summed]] = {}
    for row in rows:
        found.setdefault(row.key, []).append(row)
    return found


def _draw_axis(rollout: Rollout, phases: Sequence[PhaseWindow], span: Span, *, now: datetime) -> Axis:
    zone = ZoneInfo(rollout.zone)
    happenings = list_happenings(rollout, span)
    bands = [
        PhaseBand(one.number, one.phase, band)
        for one in phases
        if one.window and (band := draw_band(span, since=one.window.since, until=one.window.until))
    ]
    return Axis(
        span=span,
        zone=zone,
        ticks=list_ticks(span, zone=zone),
        bands=bands,
        marks=place_marks(happenings, span),
        happenings=happenings,
        now_x=span.place(now) if now < span.until else None,
    )
