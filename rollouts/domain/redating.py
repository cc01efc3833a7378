"""New dates for the rest of a plan: later, with its days, hours, order and the gaps between kept. Pure.

Whatever stands in the way, an outage, a site's edited days or a freeze, one rule answers: what is
promised keeps its place among the plan's days, and those days are counted anew without the ones
that cannot be used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from core.domain.business_time import at_local, local_day
from flags.domain.opening import each_day
from rollouts.domain.freezing import Freeze
from rollouts.domain.planning import CalendarDays, PlanSite, is_overtaken

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Promise:
    """Changes still to come at one moment: the position of their phase, and their site where they are one's."""

    due_at: datetime
    phase: int
    site: PlanSite | None = None

    def day(self, zone: ZoneInfo) -> date:
        """Return its day, on the site's own calendar or in the plan's zone."""
        return local_day(self.due_at, zone=self._zone(zone))

    def on(self, day: date, *, zone: ZoneInfo) -> datetime:
        """Return the moment of another day at the hour it has."""
        own = self._zone(zone)
        return at_local(day, self.due_at.astimezone(own).time(), zone=own)

    def _zone(self, zone: ZoneInfo) -> ZoneInfo:
        return self.site.zone if self.site is not None and self.site.zone else zone


@dataclass(frozen=True)
class NewDates:
    """A moment for each promise, and the ends of the phases that have one, by position."""

    moments: Sequence[datetime]
    ends: Mapping[int, datetime]


def can_change(day: date, *, site: PlanSite | None, sites: Sequence[PlanSite]) -> bool:
    """Tell whether something may go out on a day: to a site, or to people and everyone when any site could have it."""
    return any(one.takes_changes(day) for one in ([site] if site else sites))


def find_misdated(promises: Sequence[Promise], *, sites: Sequence[PlanSite], zone: ZoneInfo) -> int | None:
    """Return the index of the first promise whose day takes no changes (any more), None where all days do."""
    for index, promise in enumerate(promises):
        if not can_change(promise.day(zone), site=promise.site, sites=sites):
            return index
    return None


def redate(
    promises: Sequence[Promise],
    *,
    ends: Mapping[int, datetime],
    sites: Sequence[PlanSite],
    zone: ZoneInfo,
    start_on: date,
    new_on: date,
    stay: int = 0,
) -> NewDates:
    """Return new dates: what was promised for `start_on` comes on `new_on` or later, all behind it behind it.

    What is promised for days before stays, and so do the first `stay` promises. Sites keep to days on
    which they take changes, each to one of its own.
    """
    before = _NumberedDays(promises, sites=sites, zone=zone, start_on=start_on)
    after = CalendarDays(start_on=new_on, sites=sites, zone=zone)
    moments: list[datetime] = []
    late: dict[int, int] = {}
    number, last = 0, None
    for index, promise in enumerate(promises):
        day = promise.day(zone)
        if index < stay or day < start_on:
            moments.append(promise.due_at)
            continue
        if (group := (promise.phase, promise.site, day)) != last:
            behind = moments[-1] if moments else None
            first = max(before.number(day), number + 1)
            number, last = _find_day(promise, after, first=first, behind=behind, zone=zone), group
        moments.append(promise.on(after.day(number), zone=zone))
        late[promise.phase] = number - before.number(day)
    moved = {phase: _move_end(ends[phase], before, after, late=days, zone=zone) for phase, days in late.items()}
    return NewDates(moments, _end_before_next(moved, promises, moments))


def _find_day(promise: Promise, days: CalendarDays, *, first: int, behind: datetime | None, zone: ZoneInfo) -> int:
    """Return the first plan day from `first` on which a promise can be kept, behind what stands before it."""

    def find(first: int) -> int:
        return first if promise.site is None else days.find_for_site(promise.site, first=first)

    number = find(first)
    while is_overtaken(promise.on(days.day(number), zone=zone), after=behind):
        number = find(number + 1)
    return number


def _move_end(
    ends_at: datetime, before: "_NumberedDays", after: CalendarDays, *, late: int, zone: ZoneInfo
) -> datetime:
    """Return the end of a phase `late` plan days later: its last day counts, not the closed ones behind it."""
    local = ends_at.astimezone(zone)
    last = (local - timedelta(microseconds=1)).date()
    day = after.day(max(before.number_until(last) + late, 1)) + (local.date() - last)
    return at_local(day, local.time(), zone=zone)


def _end_before_next(
    ends: Mapping[int, datetime], promises: Sequence[Promise], moments: Sequence[datetime]
) -> dict[int, datetime]:
    """Return the ends, none after the next phase's first change, each after its own last one."""
    found = {}
    for phase, ends_at in ends.items():
        own = [moment for promise, moment in zip(promises, moments, strict=True) if promise.phase == phase]
        later = [moment for promise, moment in zip(promises, moments, strict=True) if promise.phase > phase]
        found[phase] = max(min([ends_at, *later]), max(own) + timedelta(seconds=1))
    return found


class _NumberedDays:
    """The plan's days as they were counted when the dates were promised, from 1."""

    def __init__(self, promises: Sequence[Promise], *, sites: Sequence[PlanSite], zone: ZoneInfo, start_on: date):
        self._promised = {promise.day(zone) for promise in promises}
        self._sites = [_forget_unforeseen(site, self._promised) for site in sites]
        self._next = start_on
        self._days: list[date] = []

    def number(self, day: date) -> int:
        """Return the number of a day, of the next plan day where it is none."""
        self._count_to(day)
        return next(number for number, one in enumerate(self._days, start=1) if one >= day)

    def number_until(self, day: date) -> int:
        """Return the number of a day, of the last plan day before it where it is none; 0 before the first."""
        self._count_to(day)
        return sum(one <= day for one in self._days)

    def _count_to(self, day: date) -> None:
        while not self._days or self._days[-1] < day:
            if self._next in self._promised or can_change(self._next, site=None, sites=self._sites):
                self._days.append(self._next)
            self._next += ONE_DAY


def _forget_unforeseen(site: PlanSite, promised: set[date]) -> PlanSite:
    """Return a site without the freezes that hold on a promised day: nobody knew of them when it was promised."""
    return replace(site, freezes=tuple(one for one in site.freezes if not _holds_on_any(one, promised)))


def _holds_on_any(freeze: Freeze, days: set[date]) -> bool:
    return any(day in days for day in each_day(freeze.starts_on, freeze.ends_on))
