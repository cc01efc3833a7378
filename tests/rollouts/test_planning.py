"""From a template, flags, sites and a start to dated steps."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from core.actors import SCHEDULER
from core.domain.business_time import is_public_holiday
from core.errors import InvalidInput
from core.history import NoActor, change_many, create_many, recorded, save_many
from flags.domain.opening import DayKind, ExceptionalDays
from flags.transitions import NewMember
from rollouts.domain.planning import (
    CalendarDays,
    PlannedPhase,
    PlanSite,
    RehearsalDays,
    StepAudience,
    check_plan,
    delay_sites,
    plan_phases,
)
from rollouts.domain.skipping import explain_skips
from rollouts.domain.templates import FOUR_PHASES
from rollouts.drawing import PlanRequest
from rollouts.models import RolloutSite, Step, StepStatus
from rollouts.transitions import plan_rollout
from tests.factories.flags import make_site
from tests.factories.world import DAY, NOW, WHY, make_rehearsal, make_world

PARIS = ZoneInfo("Europe/Paris")
SIX = time(6)
WEEK = frozenset({1, 2, 3, 4, 5, 6})

flag_counts = st.integers(1, 12)
site_weekdays = st.lists(st.frozensets(st.integers(1, 7), min_size=1), min_size=1, max_size=8)
start_days = st.dates(date(2026, 1, 1), date(2028, 12, 31))


def _sites(weekdays: list[frozenset[int]]) -> list[PlanSite]:
    return [PlanSite(f"site-{number}", days) for number, days in enumerate(weekdays)]


def _plan(start_on: date, *, flags: int = 8, sites: list[PlanSite] | None = None) -> tuple[PlannedPhase, ...]:
    sites = sites or _sites([WEEK] * 6)
    return plan_phases(
        FOUR_PHASES,
        flag_keys=[f"flag-{number}" for number in range(flags)],
        sites=sites,
        promotion_time=SIX,
        days=CalendarDays(start_on=start_on, sites=sites, zone=PARIS),
    )


@given(start_on=start_days, flags=flag_counts, weekdays=site_weekdays)
def test_plan__any__does_each_flag_once_for_each_audience_in_order(
    start_on: date, flags: int, weekdays: list[frozenset[int]]
) -> None:
    sites = _sites(weekdays)

    phases = _plan(start_on, flags=flags, sites=sites)

    assert [phase.kind for phase in phases] == [phase.kind for phase in FOUR_PHASES]
    steps = [step for phase in phases for step in phase.steps]
    done = [(step.flag_key, step.audience, step.site_key) for step in steps]
    assert len(set(done)) == len(done) == flags * (3 + len(sites))
    assert all(earlier.due_at <= later.due_at for earlier, later in pairwise(steps))
    assert all(earlier.ends_at <= later.starts_at for earlier, later in pairwise(phases))
    assert all(step.due_at < phase.ends_at for phase in phases for step in phase.steps)


@given(start_on=start_days, weekdays=site_weekdays)
def test_plan__any__gives_each_site_a_day_of_its_own_on_which_it_is_open(
    start_on: date, weekdays: list[frozenset[int]]
) -> None:
    sites = _sites(weekdays)

    per_site = _plan(start_on, sites=sites)[2]

    days = {step.site_key: step.due_at.astimezone(PARIS).date() for step in per_site.steps}
    assert list(days) == [site.key for site in sites]
    assert all(earlier < later for earlier, later in pairwise(days.values()))
    assert all(site.takes_changes(days[site.key]) for site in sites)


#: From the far west to the far east of what is French: the day there may be another one than in Paris.
ZONES = [PARIS, *map(ZoneInfo, ("Pacific/Tahiti", "America/Guadeloupe", "Indian/Reunion", "Pacific/Noumea"))]


@given(start_on=start_days, weekdays=site_weekdays, data=st.data())
def test_plan__sites_in_any_zone__each_gets_it_in_the_morning_of_its_own_open_day(
    start_on: date, weekdays: list[frozenset[int]], data: st.DataObject
) -> None:
    sites = [replace(site, zone=data.draw(st.sampled_from(ZONES))) for site in _sites(weekdays)]

    phases = _plan(start_on, sites=sites)

    local = {
        site.key: step.due_at.astimezone(site.zone)
        for step in phases[2].steps
        for site in sites
        if site.key == step.site_key
    }
    assert {moment.time() for moment in local.values()} == {SIX}
    assert all(site.takes_changes(local[site.key].date()) for site in sites)
    assert all(earlier.date() < later.date() for earlier, later in pairwise(local.values()))
    steps = [step for phase in phases for step in phase.steps]
    assert all(earlier.due_at <= later.due_at for earlier, later in pairwise(steps))
    assert all(earlier.ends_at <= later.starts_at for earlier, later in pairwise(phases))
    assert all(step.due_at < phase.ends_at for phase in phases for step in phase.steps)


def _apart(day: date, days: int, kind: DayKind, label: str = "Braderie") -> ExceptionalDays:
    return ExceptionalDays(day, day + timedelta(days=days), kind, label)


@st.composite
def exceptional_sites(draw: st.DrawFn, start_on: date) -> list[PlanSite]:
    """Sites with exceptional days of every kind, one behind the other, from around the start on."""
    sites = []
    for number, weekdays in enumerate(draw(site_weekdays)):
        day, exceptions = start_on - timedelta(days=3), []
        pieces = st.tuples(st.integers(0, 10), st.integers(1, 20), st.sampled_from(DayKind))
        for gap, length, kind in draw(st.lists(pieces, max_size=4)):
            day += timedelta(days=gap)
            exceptions.append(_apart(day, length, kind))
            day += timedelta(days=length)
        sites.append(PlanSite(f"site-{number}", weekdays, tuple(exceptions)))
    return sites


@given(data=st.data(), start_on=start_days, late=st.integers(0, 20))
def test_plan__any_exceptional_days__no_site_gets_it_when_closed_set_apart_or_on_a_holiday(
    data: st.DataObject, start_on: date, late: int
) -> None:
    sites = data.draw(exceptional_sites(start_on))

    phases = _plan(start_on, sites=sites)

    planned = {step.site_key: step.due_at for step in phases[2].steps}
    not_before = planned["site-0"] + timedelta(days=late)
    again = delay_sites(
        sites=sites,
        promotion_time=SIX,
        days=CalendarDays(start_on=not_before.astimezone(PARIS).date(), sites=sites, zone=PARIS),
        planned=list(planned.values()),
        not_before=not_before,
    )
    for moments in (list(planned.values()), again):
        days = [moment.astimezone(PARIS).date() for moment in moments]
        assert all(earlier < later for earlier, later in pairwise(days))
        for site, day in zip(sites, days, strict=True):
            kinds = [one.kind for one in site.exceptions if one.starts_on <= day < one.ends_on]
            assert kinds == [DayKind.OPEN] or (not kinds and day.isoweekday() in site.weekdays)
            assert not is_public_holiday(day)
    everyone = phases[3].steps[0].due_at.astimezone(PARIS).date()
    assert any(site.takes_changes(everyone) for site in sites)


def test_plan__an_extra_sunday__is_a_day_for_that_site() -> None:
    sunday = date(2026, 11, 15)
    sites = [PlanSite("lyon", WEEK, (_apart(sunday, 1, DayKind.OPEN),))]

    moments = {step.due_at.astimezone(PARIS).date() for step in _plan(date(2026, 11, 9), sites=sites)[2].steps}

    assert moments == {sunday}


def test_plan__closed_for_three_years__is_refused_instead_of_searched_for_ever() -> None:
    closed = tuple(_apart(date(2026, 11, 1) + timedelta(days=366 * n), 366, DayKind.CLOSED) for n in range(3))

    with pytest.raises(InvalidInput, match="site_never_open"):
        _plan(date(2026, 11, 9), sites=[PlanSite("lyon", WEEK, closed)])


def test_explain_skips__a_braderie_and_a_holiday__name_the_days_before_the_site() -> None:
    # Plan days 1 to 5 are Wed 4, Thu 5, Fri 6, Sat 7, Mon 9 November; Lyon would be on Tue 10, then Armistice.
    sites = [
        PlanSite("lyon", WEEK, (_apart(date(2026, 11, 10), 1, DayKind.NO_CHANGE),)),
        PlanSite("lille", WEEK),
    ]
    phases = _plan(date(2026, 11, 4), sites=sites)

    skips = explain_skips(phases, sites=sites, start_on=date(2026, 11, 4), zone=PARIS)

    (lyon,) = [found for (_due, site), found in skips.items() if site == "lyon"]
    assert [(skip.starts_on.day, skip.last_on.day, skip.standing, skip.label) for skip in lyon] == [
        (10, 10, "no_change", "Braderie"),
        (11, 11, "holiday", ""),
    ]
    assert "lille" not in {site for _due, site in skips}


@given(start_on=start_days)
def test_plan__any_start__keeps_the_local_hour_whatever_the_season(start_on: date) -> None:
    phases = _plan(start_on)

    assert {step.due_at.astimezone(PARIS).time() for phase in phases[2:] for step in phase.steps} == {SIX}


@pytest.mark.parametrize(
    ("start_on", "before", "after"),
    [(date(2026, 3, 23), 5, 4), (date(2026, 10, 19), 4, 5)],
)
def test_plan__over_the_night_the_clock_changes__stays_at_six(start_on: date, before: int, after: int) -> None:
    hours = [step.due_at.hour for step in _plan(start_on)[2].steps]

    assert (hours[0], hours[-1]) == (before, after)


def test_plan__around_christmas__skips_the_holidays() -> None:
    phases = _plan(date(2026, 12, 21))

    days = {step.due_at.astimezone(PARIS).date() for phase in phases for step in phase.steps}
    assert date(2026, 12, 25) not in days
    assert date(2027, 1, 1) not in days


def test_plan__the_customers_eight_flags__go_as_the_customer_wrote() -> None:
    internal, pilot, per_site, full = _plan(date(2026, 11, 2))

    assert (internal.first_day, internal.last_day) == (1, 2)
    assert (pilot.first_day, pilot.last_day) == (3, 5)
    moments = [step.due_at.astimezone(PARIS) for step in pilot.steps]
    assert len(set(moments)) == 8
    assert {step.audience for step in pilot.steps} == {StepAudience.PILOTS}
    assert {step.site_key for step in per_site.steps} == {f"site-{number}" for number in range(6)}
    assert {step.audience for step in full.steps} == {StepAudience.EVERYONE}
    assert len({step.due_at for step in full.steps}) == 1


@given(day_seconds=st.integers(1, 86_400), flags=flag_counts, weekdays=site_weekdays)
def test_rehearsal__any_length__has_the_steps_of_the_real_plan(
    day_seconds: int, flags: int, weekdays: list[frozenset[int]]
) -> None:
    start_at = datetime(2026, 11, 7, 22, tzinfo=UTC)
    sites = _sites(weekdays)

    phases = plan_phases(
        FOUR_PHASES,
        flag_keys=[f"flag-{number}" for number in range(flags)],
        sites=sites,
        promotion_time=SIX,
        days=RehearsalDays(start_at=start_at, day_seconds=day_seconds),
    )

    steps = [step for phase in phases for step in phase.steps]
    assert len(steps) == flags * (3 + len(sites))
    assert steps[0].due_at >= start_at
    assert phases[-1].ends_at == start_at + timedelta(seconds=day_seconds * phases[-1].last_day)


def test_plan__a_site_that_never_opens_on_the_plans_days__is_refused() -> None:
    sites = [PlanSite("lyon", WEEK), PlanSite("nowhere", frozenset())]

    with pytest.raises(InvalidInput) as refused:
        _plan(date(2026, 11, 2), sites=sites)

    assert (refused.value.code, refused.value.data) == ("site_never_open", {"site": "nowhere"})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"flag_keys": []}, "plan_without_flags"),
        ({"sites": []}, "plan_without_sites"),
        ({"sites": [PlanSite("a", WEEK), PlanSite("a", WEEK)]}, "site_twice"),
        ({"has_testers": False}, "plan_without_testers"),
        ({"pilots": 0}, "plan_without_pilots"),
    ],
)
def test_check_plan__what_cannot_be_planned__is_refused(change: dict[str, object], code: str) -> None:
    given_plan: dict[str, object] = {
        "phases": FOUR_PHASES,
        "flag_keys": ["a"],
        "sites": _sites([WEEK]),
        "pilots": 4,
        "has_testers": True,
    }

    with pytest.raises(InvalidInput) as refused:
        check_plan(**(given_plan | change))  # type: ignore[arg-type]  # wrong on purpose

    assert refused.value.code == code


@pytest.mark.parametrize(
    ("pilots", "warnings"), [(1, ["few_pilots"]), (2, ["few_pilots"]), (3, []), (5, []), (6, ["many_pilots"])]
)
def test_check_plan__three_to_five_pilots__are_no_warning(pilots: int, warnings: list[str]) -> None:
    assert check_plan(FOUR_PHASES, flag_keys=["a"], sites=_sites([WEEK]), pilots=pilots, has_testers=True) == warnings


@given(start_on=start_days, weekdays=site_weekdays, late=st.integers(0, 20))
def test_delay_sites__any_delay__keeps_order_one_a_day_and_never_comes_earlier(
    start_on: date, weekdays: list[frozenset[int]], late: int
) -> None:
    sites = _sites(weekdays)
    steps = {step.site_key: step.due_at for step in _plan(start_on, sites=sites)[2].steps}
    planned = [steps[site.key] for site in sites]
    not_before = planned[0] + timedelta(days=late)
    today = not_before.astimezone(PARIS).date()

    moved = delay_sites(
        sites=sites,
        promotion_time=SIX,
        days=CalendarDays(start_on=today, sites=sites, zone=PARIS),
        planned=planned,
        not_before=not_before,
    )

    assert all(new >= max(old, not_before) for new, old in zip(moved, planned, strict=True))
    days = [moment.astimezone(PARIS).date() for moment in moved]
    assert all(earlier < later for earlier, later in pairwise(days))
    assert all(site.takes_changes(day) for day, site in zip(days, sites, strict=True))


@pytest.mark.django_db
def test_plan__written__has_each_of_its_rows_in_history_with_who_and_why() -> None:
    world = make_world()

    rollout = make_rehearsal(world)

    rows = [*rollout.steps.all(), *rollout.phases.all(), *rollout.rollout_flags.all(), *rollout.rollout_sites.all()]
    assert len(rows) > 20
    for row in rows:
        line = row.history.order_by("history_id").first()  # type: ignore[attr-defined]  # tracked, all of them
        assert (line.history_type, line.actor_label, line.history_change_reason) == ("+", SCHEDULER.label, WHY)
    assert {line.due_at for line in Step.history.filter(history_type="+")} == {
        step.due_at for step in rollout.steps.all()
    }


@pytest.mark.django_db
def test_create_many__outside_of_a_recording__writes_nothing() -> None:
    world = make_world()
    rollout = make_rehearsal(world)

    with pytest.raises(NoActor), transaction.atomic():
        create_many([RolloutSite(rollout=rollout, site=make_site(), position=9)])

    assert rollout.rollout_sites.count() == len(world.sites)


@pytest.mark.django_db
def test_save_many__steps_move__each_keeps_its_own_moment_and_has_its_line() -> None:
    rollout = make_rehearsal(make_world())
    steps = list(rollout.steps.order_by("position"))
    untouched, moved = steps[0], steps[1:]
    for place, step in enumerate(moved, start=1):
        step.due_at += timedelta(minutes=place)
        step.status = StepStatus.SKIPPED
    asked = {step.pk: step.due_at for step in moved}

    with recorded(actor=SCHEDULER, reason="moved", now=NOW):
        save_many(moved, ["due_at", "status"])

    assert {step.pk: step.due_at for step in rollout.steps.exclude(pk=untouched.pk)} == asked
    assert rollout.steps.get(pk=untouched.pk).status == StepStatus.PLANNED
    lines = Step.history.filter(history_type="~", history_change_reason="moved")
    assert {line.id: (line.due_at, line.status) for line in lines} == {
        pk: (due_at, StepStatus.SKIPPED) for pk, due_at in asked.items()
    }


@pytest.mark.django_db
def test_change_many__steps_left_out__have_a_line_each_and_the_others_none() -> None:
    rollout = make_rehearsal(make_world())
    chosen = rollout.steps.filter(site__isnull=False)
    keys = set(chosen.values_list("pk", flat=True))

    with recorded(actor=SCHEDULER, reason="left out", now=NOW):
        change_many(chosen, status=StepStatus.SKIPPED)

    assert set(rollout.steps.filter(status=StepStatus.SKIPPED).values_list("pk", flat=True)) == keys
    lines = Step.history.filter(history_type="~", history_change_reason="left out")
    assert {(line.id, line.status) for line in lines} == {(pk, StepStatus.SKIPPED) for pk in keys}
    with pytest.raises(NoActor), transaction.atomic():
        change_many(rollout.steps.all(), status=StepStatus.PLANNED)
    assert rollout.steps.filter(status=StepStatus.SKIPPED).count() == len(keys)


@pytest.mark.django_db
def test_save_many__outside_of_a_recording__writes_nothing() -> None:
    rollout = make_rehearsal(make_world())
    steps = list(rollout.steps.all())
    for step in steps:
        step.status = StepStatus.SKIPPED

    with pytest.raises(NoActor), transaction.atomic():
        save_many(steps, ["status"])

    assert not rollout.steps.filter(status=StepStatus.SKIPPED).exists()


@pytest.mark.django_db
def test_plan_rollout__more_sites__asks_no_more_of_the_database() -> None:
    """Neither the plan nor its history is written row by row."""
    world = make_world()
    sites = [*world.sites, *(make_site() for _ in range(9))]
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in sites),
        day_seconds=DAY,
    )
    counts = []
    for asked in (replace(request, site_ids=request.site_ids[:2]), request):
        with CaptureQueriesContext(connection) as queries:
            plan_rollout(request=asked, actor=SCHEDULER, reason=WHY, now=NOW)
        counts.append(len(queries))

    assert counts[0] == counts[1]
