"""The planner's calendar: whatever the start, zone, closed days, freezes, holidays, delays and outages.

Steps stay in order, never two sites on one day, never on a closed day or in a freeze, at the hour
of the place they are for, also across both clock changes of every year from 2024 to 2030.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.business_time import at_local, is_public_holiday, local_day
from flags.domain.opening import DayKind, ExceptionalDays, each_day
from rollouts.domain.freezing import Freeze
from rollouts.domain.planning import CalendarDays, PlannedPhase, PlanSite, StepAudience, delay_sites, plan_phases
from rollouts.domain.redating import Promise, can_change, find_misdated, redate
from rollouts.domain.shifting import find_new_day, is_missed
from rollouts.domain.skipping import explain_skips
from rollouts.domain.templates import FOUR_PHASES

PARIS = ZoneInfo("Europe/Paris")
SIX = time(6)
ONE_DAY = timedelta(days=1)
#: Mainland and overseas France from its far west to its far east, the edges of the calendar, and places with
#: other rules or halves of hours.
ZONES = [
    *(PARIS, ZoneInfo("Pacific/Tahiti"), ZoneInfo("Pacific/Marquesas"), ZoneInfo("America/Miquelon")),
    *(ZoneInfo("America/Guadeloupe"), ZoneInfo("America/Cayenne"), ZoneInfo("Indian/Mayotte")),
    *(ZoneInfo("Indian/Reunion"), ZoneInfo("Pacific/Noumea"), ZoneInfo("Pacific/Wallis")),
    *(ZoneInfo("Europe/London"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")),
    *(ZoneInfo("Africa/Casablanca"), ZoneInfo("Pacific/Auckland"), ZoneInfo("UTC")),
    *(ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Pacific/Pago_Pago")),
]
FLAGS = ("buttons", "tickets", "signals")
#: The last Sundays of March and October.
CHANGES = [
    max(day for number in range(31) if (day := date(year, month, 1 + number)).isoweekday() == 7)
    for year in range(2024, 2031)
    for month in (3, 10)
]

start_days = st.dates(date(2024, 1, 1), date(2030, 12, 31))
zones = st.sampled_from(ZONES)
hours = st.sampled_from([time(), time(5), SIX, time(6, 30), time(8), time(22)])


@dataclass(frozen=True)
class Shop:
    """A plan's calendar as drawn by chance: its sites with their days, its zone and its hour."""

    start_on: date
    sites: list[PlanSite]
    zone: ZoneInfo
    hour: time


@st.composite
def spans(draw: st.DrawFn, start_on: date, *, most: int, longest: int) -> list[tuple[date, date]]:
    """Return runs of days, one behind the other, from around a day on."""
    day, found = start_on - timedelta(days=3), []
    pieces = st.tuples(st.integers(0, 12), st.integers(1, longest))
    for gap, length in draw(st.lists(pieces, max_size=most)):
        day += timedelta(days=gap)
        found.append((day, day + timedelta(days=length)))
        day += timedelta(days=length)
    return found


@st.composite
def freezes(draw: st.DrawFn, start_on: date, *, most: int = 3) -> tuple[Freeze, ...]:
    days = draw(spans(start_on, most=most, longest=15))
    return tuple(Freeze(first, end, f"freeze {number}") for number, (first, end) in enumerate(days))


@st.composite
def shops(draw: st.DrawFn) -> Shop:
    start_on = draw(start_days)
    frozen = draw(freezes(start_on))
    on_holidays = draw(st.booleans())
    weekdays = draw(st.lists(st.frozensets(st.integers(1, 7), min_size=1), min_size=1, max_size=6))
    sites = []
    for number, opening in enumerate(weekdays):
        exceptions = tuple(
            ExceptionalDays(first, end, draw(st.sampled_from(DayKind)))
            for first, end in draw(spans(start_on, most=3, longest=10))
        )
        sites.append(PlanSite(f"site-{number}", opening, exceptions, draw(zones), frozen, on_holidays))
    return Shop(start_on, sites, draw(zones), draw(hours))


def _plan(shop: Shop) -> tuple[PlannedPhase, ...]:
    days = CalendarDays(start_on=shop.start_on, sites=shop.sites, zone=shop.zone)
    return plan_phases(FOUR_PHASES, flag_keys=FLAGS, sites=shop.sites, promotion_time=shop.hour, days=days)


def _promises(shop: Shop, phases: Sequence[PlannedPhase]) -> list[Promise]:
    """Return a drawn plan's moments as they are promised."""
    sites = {site.key: site for site in shop.sites}
    return [
        Promise(due_at, number, sites.get(site_key))
        for number, phase in enumerate(phases, start=1)
        for (due_at, site_key), _same in groupby(phase.steps, key=lambda step: (step.due_at, step.site_key))
    ]


def _ends(phases: Sequence[PlannedPhase]) -> dict[int, datetime]:
    return {number: phase.ends_at for number, phase in enumerate(phases, start=1)}


def _check_day(promise: Promise, shop: Shop) -> None:
    """Check the rules of one moment's day, from the words of the issue rather than by the code under test."""
    day = promise.day(shop.zone)
    sites = [promise.site] if promise.site else shop.sites
    assert not any(one.starts_on <= day < one.ends_on for one in shop.sites[0].freezes), "in a freeze"
    assert any(_is_open(site, day) for site in sites), "on a closed day"


def _is_open(site: PlanSite, day: date) -> bool:
    if is_public_holiday(day) and not site.allows_holidays:
        return False
    kinds = [one.kind for one in site.exceptions if one.starts_on <= day < one.ends_on]
    return kinds[0] is DayKind.OPEN if kinds else day.isoweekday() in site.weekdays


def _check(promises: Sequence[Promise], shop: Shop) -> None:
    """Check everything that must hold of promised moments."""
    assert all(earlier.due_at <= later.due_at for earlier, later in pairwise(promises)), "out of order"
    for promise in promises:
        _check_day(promise, shop)
        if promise.site is not None:
            assert promise.due_at.astimezone(promise.site.zone).time() == shop.hour, "at another hour"
    days = [promise.day(shop.zone) for promise in promises if promise.site is not None]
    assert all(earlier < later for earlier, later in pairwise(days)), "two sites on one day"
    by_phase = [(promise.phase, promise.day(shop.zone)) for promise in promises]
    assert all(earlier[1] < later[1] for earlier, later in pairwise(by_phase) if earlier[0] != later[0]), (
        "two phases on one day"
    )


@settings(max_examples=150)
@given(shop=shops())
def test_plan__any_calendar__keeps_every_rule(shop: Shop) -> None:
    phases = _plan(shop)

    promises = _promises(shop, phases)
    _check(promises, shop)
    assert [promise.site for promise in promises if promise.site] == shop.sites
    assert all(earlier.ends_at <= later.starts_at for earlier, later in pairwise(phases))
    assert all(step.due_at < phase.ends_at for phase in phases for step in phase.steps)
    everyone = {step.due_at.astimezone(shop.zone).time() for step in phases[-1].steps}
    assert everyone == {shop.hour}
    assert find_misdated(promises, sites=shop.sites, zone=shop.zone) is None


@settings(max_examples=80)
@given(shop=shops())
def test_skips__any_calendar__name_each_freeze_that_stood_in_the_way(shop: Shop) -> None:
    skips = explain_skips(_plan(shop), sites=shop.sites, start_on=shop.start_on, zone=shop.zone)

    labels = {one.label: one for one in shop.sites[0].freezes}
    for skip in (one for found in skips.values() for one in found):
        if skip.standing == "frozen":
            freeze = labels[skip.label]
            assert freeze.starts_on <= skip.starts_on < skip.ends_on <= freeze.ends_on


@settings(max_examples=200)
@given(shop=shops(), data=st.data(), are_closed=st.booleans())
def test_redate__freezes_or_closings_after_planning__move_what_they_hit_and_all_behind_it(
    shop: Shop, data: st.DataObject, are_closed: bool
) -> None:
    phases = _plan(shop)
    ends = _ends(phases)
    later = _close_more(shop, data) if are_closed else _freeze_more(shop, data)
    known = {site.key: site for site in later.sites}
    promises = [replace(one, site=known[one.site.key] if one.site else None) for one in _promises(shop, phases)]

    moved = promises
    index = find_misdated(promises, sites=later.sites, zone=shop.zone)
    if index is not None:
        day = promises[index].day(shop.zone)
        dates = redate(promises, ends=ends, sites=later.sites, zone=shop.zone, start_on=day, new_on=day)
        moved = [replace(one, due_at=at) for one, at in zip(promises, dates.moments, strict=True)]
        assert moved[:index] == promises[:index]
        for phase, end in dates.ends.items():
            assert end >= min(ends[phase], _next_start(moved, phase))
            assert max(one.due_at for one in moved if one.phase == phase) < end <= _next_start(moved, phase)

    _check(moved, later)
    assert all(after.due_at >= before.due_at for before, after in zip(promises, moved, strict=True))
    assert find_misdated(moved, sites=later.sites, zone=shop.zone) is None
    _check_together(promises, moved, shop)
    if not are_closed:
        _check_gaps(promises, moved, shop, later)


def _freeze_more(shop: Shop, data: st.DataObject) -> Shop:
    new = tuple(replace(one, label=f"new {one.label}") for one in data.draw(freezes(shop.start_on, most=2)))
    return replace(shop, sites=[replace(site, freezes=(*site.freezes, *new)) for site in shop.sites])


def _close_more(shop: Shop, data: st.DataObject) -> Shop:
    """Set days of each site apart that were as usual when it was planned."""
    sites = []
    for site in shop.sites:
        new = [ExceptionalDays(*days, DayKind.NO_CHANGE) for days in data.draw(spans(shop.start_on, most=2, longest=9))]
        sites.append(replace(site, exceptions=(*new, *site.exceptions)))
    return replace(shop, sites=sites)


def _next_start(promises: Sequence[Promise], phase: int) -> datetime:
    later = [one.due_at for one in promises if one.phase > phase]
    return min(later, default=datetime.max.replace(tzinfo=UTC))


def _check_together(before: Sequence[Promise], after: Sequence[Promise], shop: Shop) -> None:
    """Check that what had days of its own still has, and what went together on a day still does."""
    for (old, older), (new, newer) in zip(pairwise(before), pairwise(after), strict=True):
        was_together = old.day(shop.zone) == older.day(shop.zone)
        assert (new.day(shop.zone) == newer.day(shop.zone)) == was_together


def _check_gaps(before: Sequence[Promise], after: Sequence[Promise], shop: Shop, later: Shop) -> None:
    """Check that as many plan days lie between two changes, where the new freezes stood in the way of some.

    Sites with days of their own may use up days on which their phase only waits.
    """
    if len({(site.weekdays, site.exceptions) for site in shop.sites}) > 1:
        return
    promised = {one.day(shop.zone) for one in before}
    new = set(later.sites[0].freezes) - set(shop.sites[0].freezes)
    if not all(any(one.holds_on(day) for day in promised) for one in new):
        return
    for (old, older), (moved, mover) in zip(pairwise(before), pairwise(after), strict=True):
        asked = _count(old.day(shop.zone), older.day(shop.zone), shop.sites)
        assert _count(moved.day(shop.zone), mover.day(shop.zone), later.sites) >= asked or moved == old


def _count(start: date, end: date, sites: Sequence[PlanSite]) -> int:
    return sum(can_change(day, site=None, sites=sites) for day in each_day(start, end))


@dataclass
class Scheduler:
    """The scheduler in pure code: does what is due, and gives new dates as the transitions do.

    It looks at every moment at which something is due or it comes back; between, it may be away.
    """

    shop: Shop
    promises: list[Promise]
    ends: Mapping[int, datetime]
    done: list[Promise]

    def run_until_done(self, absences: Sequence[tuple[datetime, timedelta]]) -> None:
        for _round in range(400):
            if not self.promises:
                return
            now = self.promises[0].due_at
            for start, length in absences:
                if start <= now < start + length:
                    now = start + length
            self.look(now)
        raise AssertionError("it never ends")

    def look(self, now: datetime) -> None:
        while self.promises and self.promises[0].due_at <= now:
            step = self.promises[0]
            zone = self._zone(step)
            today = local_day(now, zone=zone)
            if is_missed(step.due_at, day_seconds=None, zone=zone, now=now):
                self._move(new_on=self._find_new_day(step, zone=zone, now=now))
                continue
            if not can_change(today, site=step.site, sites=self.shop.sites):
                self._move(new_on=today)
                continue
            if step.site and any(one.site and one.day(self.shop.zone) == today for one in self.done):
                self._move(new_on=today + ONE_DAY)
                continue
            # What is done late is done now: its day is today, and its hour passed.
            self.done.append(replace(step, due_at=now))
            self.promises.pop(0)

    def _find_new_day(self, step: Promise, *, zone: ZoneInfo, now: datetime) -> date:
        days = CalendarDays(start_on=local_day(now, zone=zone), sites=self.shop.sites, zone=self.shop.zone)
        is_under_way = any(one.phase == step.phase for one in self.done)
        may_be_late = step.site is not None and is_under_way
        return find_new_day(step.due_at, days=days, zone=zone, now=now, may_be_late=may_be_late)

    def _move(self, *, new_on: date) -> None:
        dates = redate(
            self.promises,
            ends=self.ends,
            sites=self.shop.sites,
            zone=self.shop.zone,
            start_on=self.promises[0].day(self.shop.zone),
            new_on=new_on,
        )
        moved = [replace(one, due_at=at) for one, at in zip(self.promises, dates.moments, strict=True)]
        assert all(new.due_at >= old.due_at for old, new in zip(self.promises, moved, strict=True))
        self.promises, self.ends = moved, {**self.ends, **dates.ends}

    def _zone(self, step: Promise) -> ZoneInfo:
        return step.site.zone if step.site and step.site.zone else self.shop.zone


@settings(max_examples=150, deadline=None)
@given(
    shop=shops(),
    away=st.lists(st.tuples(st.integers(0, 40 * 24), st.integers(1, 12 * 24)), max_size=4),
)
def test_outages__any__nothing_is_done_on_a_wrong_day_out_of_order_or_two_sites_at_once(
    shop: Shop, away: list[tuple[int, int]]
) -> None:
    phases = _plan(shop)
    promises = _promises(shop, phases)
    start = promises[0].due_at
    absences = sorted((start + timedelta(hours=hour), timedelta(hours=length)) for hour, length in away)
    scheduler = Scheduler(shop, promises, _ends(phases), [])

    scheduler.run_until_done(absences)

    done = scheduler.done
    assert [one.site for one in done if one.site] == shop.sites
    assert len(done) == len(_promises(shop, phases))
    assert all(earlier.due_at <= later.due_at for earlier, later in pairwise(done))
    for one in done:
        _check_day(one, shop)
    days = [one.day(shop.zone) for one in done if one.site]
    assert all(earlier < later for earlier, later in pairwise(days)), "two sites on one day"


@settings(max_examples=100)
@given(shop=shops(), late=st.integers(0, 30))
def test_delay_sites__any_calendar__keeps_order_days_and_hours(shop: Shop, late: int) -> None:
    steps = {step.site_key: step.due_at for step in _plan(shop)[2].steps}
    planned = [steps[site.key] for site in shop.sites]
    not_before = planned[0] + timedelta(days=late)
    # A site's own day may be the plan's day before, or after.
    days = CalendarDays(start_on=local_day(not_before, zone=shop.zone) - ONE_DAY, sites=shop.sites, zone=shop.zone)

    moved = delay_sites(sites=shop.sites, promotion_time=shop.hour, days=days, planned=planned, not_before=not_before)

    _check([Promise(at, 3, site) for site, at in zip(shop.sites, moved, strict=True)], shop)
    assert all(new >= max(old, not_before) for new, old in zip(moved, planned, strict=True))


@pytest.mark.parametrize("sunday", CHANGES, ids=str)
@pytest.mark.parametrize("zone", [PARIS, ZoneInfo("America/Miquelon")], ids=str)
def test_plan__across_each_change_of_the_clocks__keeps_the_hour_of_the_shops(sunday: date, zone: ZoneInfo) -> None:
    every_day = frozenset(range(1, 8))
    sites = [PlanSite(f"site-{number}", every_day, zone=zone) for number in range(14)]
    shop = Shop(sunday - timedelta(days=8), sites, PARIS, SIX)

    phases = _plan(shop)

    promises = _promises(shop, phases)
    _check(promises, shop)
    days = [promise.day(PARIS) for promise in promises if promise.site]
    assert days[0] < sunday < days[-1]
    offsets = {at_local(day, SIX, zone=PARIS).astimezone(PARIS).utcoffset() for day in days}
    assert offsets == {timedelta(hours=1), timedelta(hours=2)}
    # A week's outage that begins before the change and ends behind it.
    scheduler = Scheduler(shop, promises, _ends(phases), [])
    scheduler.run_until_done([(at_local(sunday - ONE_DAY, time(3), zone=PARIS), timedelta(days=7))])
    moved = [one for one in scheduler.done if one.site]
    assert [one.site for one in moved] == sites
    assert {one.due_at.astimezone(zone).time() for one in moved[-7:]} == {SIX}
    gaps = {later.due_at - earlier.due_at for earlier, later in pairwise(moved[-7:])}
    assert gaps <= {timedelta(hours=hours) for hours in (23, 24, 25, 47, 48, 49)}


def test_phases__of_every_kind__are_dated() -> None:
    shop = Shop(date(2026, 11, 25), [PlanSite("lyon", frozenset({1, 2, 3, 4, 5}))], PARIS, SIX)

    phases = _plan(shop)

    assert [phase.kind for phase in phases] == [phase.kind for phase in FOUR_PHASES]
    assert {step.audience for step in phases[-1].steps} == {StepAudience.EVERYONE}
