"""What goes out in a month, day by day, with the freezes and holidays it stands beside: two queries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone, translation

from core.domain.business_time import at_local, find_holiday_name
from rollouts.domain.entries import Counts, EntryState, find_state
from rollouts.domain.month import Month, Span, find_span
from rollouts.models import FreezeWindow, Step, StepStatus
from rollouts.models.steps import say_whom

#: A site's civil day may begin so long before the portal's, or end so long after it.
FARTHEST = timedelta(hours=26)
#: Of the audiences of one line so many are named.
NAMED = 3


@dataclass(frozen=True)
class MonthLine:
    """What of one phase goes out on a day, all in one state: when by the clock there and here, to whom, how much."""

    rollout_id: int
    release: str
    environment: str
    is_production: bool
    phase_kind: str
    state: EntryState
    hours: str
    here: str
    whom: Sequence[str]
    more: int
    flags: int


@dataclass(frozen=True)
class MonthDay:
    day: date
    is_within: bool
    is_today: bool
    holiday: str
    lines: Sequence[MonthLine]

    @property
    def is_bare(self) -> bool:
        return not (self.lines or self.holiday or self.is_today)


@dataclass(frozen=True)
class Band:
    freeze: FreezeWindow
    span: Span


@dataclass(frozen=True)
class MonthWeek:
    number: int
    days: Sequence[MonthDay]
    bands: Sequence[Band]

    @property
    def is_bare(self) -> bool:
        return not self.bands and all(day.is_bare or not day.is_within for day in self.days)


@dataclass(frozen=True)
class _Moment:
    """Steps of one audience at one moment."""

    row: dict[str, Any]
    at: datetime
    state: EntryState
    counts: Counts

    @property
    def line(self) -> tuple[Any, ...]:
        """What those of one line have in common; steps that go apart by their clocks do not go together."""
        return self.row["rollout"], self.row["phase"], str(self.at.tzinfo), self.state


def list_month(month: Month, *, environment_key: str = "", now: datetime) -> list[MonthWeek]:
    """Return a month's weeks: of real rollouts what went out, goes out, or would have; on each site's own days."""
    since, until = month.grid
    moments = sorted(_list_moments(since, until, environment_key), key=lambda one: one.at.date())
    by_day = {day: list(found) for day, found in groupby(moments, key=lambda one: one.at.date())}
    freezes = list(_list_freezes(since, until, environment_key))
    today, language = timezone.localdate(now), translation.get_language() or settings.LANGUAGE_CODE
    weeks = []
    for week in month.list_weeks():
        spans = ((row, find_span(row.as_value, week[0])) for row in freezes)
        days = [
            MonthDay(
                day=day,
                is_within=month.holds(day),
                is_today=day == today,
                holiday=find_holiday_name(day, language=language),
                lines=_make_lines(by_day.get(day, ())),
            )
            for day in week
        ]
        bands = [Band(row, span) for row, span in spans if span is not None]
        weeks.append(MonthWeek(week[0].isocalendar().week, days, bands))
    return weeks


def _list_moments(since: date, until: date, environment_key: str) -> Iterable[_Moment]:
    zone = timezone.get_default_timezone()
    edges = (at_local(edge, time(), zone=ZoneInfo(str(zone))) for edge in (since, until))
    start, end = (edge + shift for edge, shift in zip(edges, (-FARTHEST, FARTHEST), strict=True))
    steps = Step.objects.filter(due_at__gte=start, due_at__lt=end, rollout__is_rehearsal=False)
    if environment_key:
        steps = steps.filter(rollout__environment__key=environment_key)
    groups = steps.order_by().values(
        *("rollout", "rollout__release__version", "rollout__environment__key", "rollout__environment__is_production"),
        *("rollout__status", "rollout__zone", "phase", "phase__kind", "due_at"),
        *("segment__name", "site__name", "site__time_zone", "share_bp"),
    )
    for row in groups.annotate(place=Min("position"), **count_states()).order_by("due_at", "rollout", "place"):
        counts = Counts(row["planned"], row["done"], row["skipped"])
        at = row["due_at"].astimezone(ZoneInfo(row["site__time_zone"] or row["rollout__zone"]))
        if since <= at.date() < until:
            yield _Moment(row, at, find_state(row["rollout__status"], counts), counts)


def count_states() -> dict[str, Count]:
    """Return how many steps of a group are in each state, to annotate."""
    return {str(status): Count("pk", filter=Q(status=status)) for status in StepStatus}


def _make_lines(moments: Sequence[_Moment]) -> list[MonthLine]:
    found: dict[tuple[Any, ...], list[_Moment]] = {}
    for moment in moments:
        found.setdefault(moment.line, []).append(moment)
    return sorted(map(_make_line, found.values()), key=lambda line: (line.hours, line.rollout_id))


def _make_line(moments: Sequence[_Moment]) -> MonthLine:
    first, row = moments[0], moments[0].row
    times = list(dict.fromkeys(f"{one.at:%H:%M}" for one in moments))
    flags: dict[str, int] = {}
    for one in moments:
        whom = say_whom(one.row["segment__name"] or one.row["site__name"], one.row["share_bp"])
        flags[whom] = flags.get(whom, 0) + one.counts.total
    here = timezone.localtime(first.at)
    return MonthLine(
        rollout_id=row["rollout"],
        release=row["rollout__release__version"],
        environment=row["rollout__environment__key"],
        is_production=row["rollout__environment__is_production"],
        phase_kind=row["phase__kind"],
        state=first.state,
        hours=times[0] if len(times) == 1 else f"{times[0]} … {times[-1]}",
        here="" if here.utcoffset() == first.at.utcoffset() else f"{here:%H:%M}",
        whom=list(flags)[:NAMED],
        more=max(len(flags) - NAMED, 0),
        flags=max(flags.values()),
    )


def _list_freezes(since: date, until: date, environment_key: str) -> QuerySet[FreezeWindow]:
    rows = FreezeWindow.objects.filter(starts_on__lt=until, ends_on__gt=since).select_related("environment")
    if environment_key:
        rows = rows.filter(environment__key=environment_key)
    return rows.order_by("starts_on", "environment__position", "pk")
