"""From a template, flags, sites and a start to dated steps. Pure: no clock, no database.

Plan days are open days: days on which at least one of the rollout's sites is open and takes
changes, no French public holiday unless asked, in no freeze. A site gets its flags at the hour of its own time zone. A
rehearsal numbers its days instead of dating them: each lasts `day_seconds`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import zip_longest
from typing import Protocol
from zoneinfo import ZoneInfo

from core.domain.business_time import at_local
from core.errors import InvalidInput
from flags.domain.opening import DayView, ExceptionalDays, Standing, view_day
from rollouts.domain.freezing import Freeze, find_freeze
from rollouts.domain.templates import Advance, PhaseKind, PhaseTemplate, needs_pilots, needs_testers

DAY_SECONDS = 86_400
PILOTS_FEWEST, PILOTS_MOST = 3, 5
REHEARSAL_DAY_SECONDS_LEAST = 1
#: A phase ends after its last change, be its days seconds.
SHORTEST = timedelta(microseconds=1)
#: A site that takes no change on any day of two years is a mistake in its opening days.
SEARCH_DAYS = 732


@dataclass(frozen=True)
class PlanSite:
    """A site as planning sees it: its key, ISO opening weekdays, exceptional days and time zone (None: the plan's).

    `freezes` are those of the environment that is planned for; with `allows_holidays` the plan may fall on
    public holidays on which the site is open by its weekdays or its exceptional days.
    """

    key: str
    weekdays: frozenset[int]
    exceptions: tuple[ExceptionalDays, ...] = ()
    zone: ZoneInfo | None = None
    freezes: tuple[Freeze, ...] = ()
    allows_holidays: bool = False

    def view(self, day: date) -> DayView:
        """Return how the site stands on a day: a freeze comes before everything else."""
        freeze = find_freeze(self.freezes, day)
        if freeze is not None:
            return DayView(day, Standing.FROZEN, freeze.label)
        return view_day(day, weekdays=self.weekdays, exceptions=self.exceptions, on_holidays=self.allows_holidays)

    def takes_changes(self, day: date) -> bool:
        """Tell whether a promotion may fall on the day."""
        return self.view(day).takes_changes


class Days(Protocol):
    """The plan's days by number, from 1, and moments on them."""

    def moment(self, number: int, local: time, *, zone: ZoneInfo | None = None) -> datetime:
        """Return the moment, UTC, of a local time on a plan day: of the plan's zone, or another."""

    def end(self, number: int) -> datetime:
        """Return when a plan day is over: its midnight, closed days behind it are no part of it."""

    def find_for_site(self, site: PlanSite, *, first: int) -> int:
        """Return the first plan day from `first` on which the site is open."""


class CalendarDays:
    """Real days from a start day on."""

    def __init__(self, *, start_on: date, sites: Sequence[PlanSite], zone: ZoneInfo) -> None:
        self._zone = zone
        self._source = _plan_days(start_on, sites=sites)
        self._days: list[date] = []

    def day(self, number: int) -> date:
        """Return the date of a plan day."""
        while len(self._days) < number:
            self._days.append(next(self._source))
        return self._days[number - 1]

    def moment(self, number: int, local: time, *, zone: ZoneInfo | None = None) -> datetime:
        return at_local(self.day(number), local, zone=zone or self._zone)

    def end(self, number: int) -> datetime:
        return at_local(self.day(number) + timedelta(days=1), time(), zone=self._zone)

    def find_for_site(self, site: PlanSite, *, first: int) -> int:
        for number in range(first, first + SEARCH_DAYS):
            if site.takes_changes(self.day(number)):
                return number
        raise InvalidInput("site_never_open", site=site.key)


def list_calendars(sites: Iterable[PlanSite]) -> list[PlanSite]:
    """Return one site for each different calendar: of a thousand shops most keep the same days."""
    return list(dict.fromkeys(replace(site, key="", zone=None) for site in sites))


def _plan_days(start_on: date, *, sites: Sequence[PlanSite]) -> Iterator[date]:
    """Yield the days from `start_on` on on which any of the sites takes changes; refuse a search without end."""
    day, missed = start_on, 0
    calendars = list_calendars(sites)
    while missed < SEARCH_DAYS:
        missed += 1
        if any(site.takes_changes(day) for site in calendars):
            missed = 0
            yield day
        day += timedelta(days=1)
    raise InvalidInput("site_never_open", site=sites[0].key)


class RehearsalDays:
    """Numbered days of `day_seconds` each; hours scale, calendar rules are off."""

    def __init__(self, *, start_at: datetime, day_seconds: int) -> None:
        self._start_at = start_at
        self._day_seconds = day_seconds

    def moment(self, number: int, local: time, *, zone: ZoneInfo | None = None) -> datetime:
        share = (local.hour * 3_600 + local.minute * 60 + local.second) / DAY_SECONDS
        return self._start_at + timedelta(seconds=self._day_seconds * (number - 1 + share))

    def end(self, number: int) -> datetime:
        return self.moment(number + 1, time())

    def find_for_site(self, site: PlanSite, *, first: int) -> int:
        return first


class StepAudience:
    """Names of a step's audiences, as stored."""

    TESTERS = "testers"
    PILOTS = "pilots"
    SEGMENT = "segment"
    SITE = "site"
    EVERYONE = "everyone"


@dataclass(frozen=True)
class PlannedStep:
    """One change: a flag for an audience at a moment (UTC) of a plan day.

    `site_key` for a site, `segment_key` for a segment that the template names, `share_bp` where only a
    share of the audience, in basis points, gets it.
    """

    flag_key: str
    audience: str
    due_at: datetime
    day: int
    site_key: str = ""
    segment_key: str = ""
    share_bp: int | None = None


@dataclass(frozen=True)
class PlannedPhase:
    """A phase on plan days [first_day, last_day]; it has soaked at `ends_at`, when the last of them is over."""

    kind: PhaseKind
    first_day: int
    last_day: int
    starts_at: datetime
    ends_at: datetime
    steps: tuple[PlannedStep, ...]


def check_plan(
    phases: Sequence[PhaseTemplate],
    *,
    flag_keys: Sequence[str],
    sites: Sequence[PlanSite],
    pilots: int,
    has_testers: bool,
) -> list[str]:
    """Refuse what cannot be planned; return the codes of what is odd about the rest.

    `pilots` are how many people were chosen; there are testers where anybody may be one.
    """
    if not flag_keys:
        raise InvalidInput("plan_without_flags")
    if not sites:
        raise InvalidInput("plan_without_sites")
    if len({site.key for site in sites}) != len(sites):
        raise InvalidInput("site_twice")
    if not has_testers and needs_testers(phases):
        raise InvalidInput("plan_without_testers")
    if not needs_pilots(phases):
        return []
    if not pilots:
        raise InvalidInput("plan_without_pilots")
    if pilots < PILOTS_FEWEST:
        return ["few_pilots"]
    return ["many_pilots"] if pilots > PILOTS_MOST else []


def plan_phases(
    template: Sequence[PhaseTemplate],
    *,
    flag_keys: Sequence[str],
    sites: Sequence[PlanSite],
    promotion_time: time,
    days: Days,
) -> tuple[PlannedPhase, ...]:
    """Return the dated phases of a rollout, in order."""
    phases: list[PlannedPhase] = []
    first = 1
    after: datetime | None = None
    for phase in template:
        steps, last = _plan_steps(
            phase, flag_keys=flag_keys, sites=sites, at=promotion_time, days=days, first=first, after=after
        )
        after = steps[-1].due_at
        phases.append(
            PlannedPhase(
                kind=phase.kind,
                first_day=first,
                last_day=last,
                starts_at=min(step.due_at for step in steps),
                ends_at=max(days.end(last), after + SHORTEST),
                steps=tuple(steps),
            )
        )
        first = last + 1
    return tuple(_end_before_next(phases))


def _end_before_next(phases: Sequence[PlannedPhase]) -> Iterator[PlannedPhase]:
    """Yield the phases so that none ends after the next begins: morning in the far east is before midnight here."""
    for phase, following in zip_longest(phases, phases[1:]):
        ends_at = phase.ends_at if following is None else min(phase.ends_at, following.starts_at)
        yield replace(phase, ends_at=ends_at)


def _plan_steps(
    phase: PhaseTemplate,
    *,
    flag_keys: Sequence[str],
    sites: Sequence[PlanSite],
    at: time,
    days: Days,
    first: int,
    after: datetime | None,
) -> tuple[list[PlannedStep], int]:
    if phase.kind is PhaseKind.PER_SITE:
        return _plan_sites(phase, flag_keys=flag_keys, sites=sites, at=at, days=days, first=first, after=after)
    while is_overtaken(days.moment(first, min(phase.slots or (at,))), after=after):
        first += 1
    if phase.kind is PhaseKind.PERCENTAGE:
        return _plan_shares(phase, flag_keys=flag_keys, at=at, days=days, first=first)
    audience = StepAudience.SEGMENT if phase.segment_key else _AUDIENCES[phase.kind]
    slots = _list_slots(phase, range(first, first + phase.days), at=at)
    steps = [
        PlannedStep(key, audience, days.moment(day, slot), day, segment_key=phase.segment_key)
        for key, (day, slot) in _spread(phase, flag_keys, slots)
    ]
    return steps, first + phase.days - 1


_AUDIENCES = {
    PhaseKind.INTERNAL: StepAudience.TESTERS,
    PhaseKind.PILOT: StepAudience.PILOTS,
    PhaseKind.FULL: StepAudience.EVERYONE,
}


def _list_slots(phase: PhaseTemplate, numbers: Iterable[int], *, at: time) -> list[tuple[int, time]]:
    return [(number, slot) for number in numbers for slot in phase.slots or (at,)]


def _spread(
    phase: PhaseTemplate, flag_keys: Sequence[str], slots: Sequence[tuple[int, time]]
) -> list[tuple[str, tuple[int, time]]]:
    """Return each flag, in the order it advances, with the slot of its turn: evenly spread, or all in the first."""
    keys = phase.order(flag_keys)
    if phase.advance is Advance.TOGETHER:
        return [(key, slots[0]) for key in keys]
    return [(key, slots[index * len(slots) // len(keys)]) for index, key in enumerate(keys)]


def _plan_shares(
    phase: PhaseTemplate, *, flag_keys: Sequence[str], at: time, days: Days, first: int
) -> tuple[list[PlannedStep], int]:
    """Return the steps of growing shares, spread over the phase's days; within a share the flags advance."""
    begins = [first + index * phase.days // len(phase.shares_bp) for index in range(len(phase.shares_bp))]
    ends = [*begins[1:], first + phase.days]
    steps = [
        PlannedStep(key, StepAudience.EVERYONE, days.moment(day, slot), day, share_bp=share_bp)
        for share_bp, begin, end in zip(phase.shares_bp, begins, ends, strict=True)
        for key, (day, slot) in _spread(phase, flag_keys, _list_slots(phase, range(begin, end), at=at))
    ]
    return steps, first + phase.days - 1


def is_overtaken(moment: datetime, *, after: datetime | None) -> bool:
    """Tell whether a moment of a later plan day comes no later than what stands before it.

    A morning in the far east may come before the evening before in the far west: then it is a day too early.
    """
    return after is not None and moment <= after


def _plan_sites(
    phase: PhaseTemplate,
    *,
    flag_keys: Sequence[str],
    sites: Sequence[PlanSite],
    at: time,
    days: Days,
    first: int,
    after: datetime | None,
) -> tuple[list[PlannedStep], int]:
    steps: list[PlannedStep] = []
    number = first
    last = first + phase.days - 1
    for site in sites:
        number = days.find_for_site(site, first=number)
        while is_overtaken(days.moment(number, min(phase.slots or (at,)), zone=site.zone), after=after):
            number = days.find_for_site(site, first=number + 1)
        steps += [
            PlannedStep(key, StepAudience.SITE, days.moment(number, slot, zone=site.zone), number, site.key)
            for key, (_number, slot) in _spread(phase, flag_keys, _list_slots(phase, [number], at=at))
        ]
        after = steps[-1].due_at
        last = max(last, number)
        number += 1
    return steps, last


def delay_sites(
    *, sites: Sequence[PlanSite], promotion_time: time, days: Days, planned: Sequence[datetime], not_before: datetime
) -> list[datetime]:
    """Return new moments for late sites, in order: none before `not_before` or its plan, one a plan day."""
    moments: list[datetime] = []
    number = 1
    for site, due_at in zip(sites, planned, strict=True):
        number = days.find_for_site(site, first=number)
        after = moments[-1] if moments else None
        while (moment := days.moment(number, promotion_time, zone=site.zone)) < max(not_before, due_at) or is_overtaken(
            moment, after=after
        ):
            number = days.find_for_site(site, first=number + 1)
        moments.append(moment)
        number += 1
    return moments
