"""The calendar of a month: what goes out on which day, by each site's own clock, beside freezes and holidays."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from core import clock
from core.actors import SCHEDULER
from core.domain.business_time import find_holiday_name, is_public_holiday
from core.roles import Role
from flags.transitions import NewMember, create_environment, create_flag, create_site
from rollouts.domain.entries import Counts, EntryState, find_state
from rollouts.domain.freezing import Freeze
from rollouts.domain.lifecycle import Status
from rollouts.domain.month import Month, find_span, read_month
from rollouts.domain.templates import Advance, PhaseKind, PhaseTemplate
from rollouts.drawing import PlanRequest
from rollouts.models import PlanTemplate, Rollout
from rollouts.month_queries import MonthDay, list_month
from rollouts.transitions import (
    add_freeze,
    cancel_rollout,
    create_release,
    pause_rollout,
    plan_rollout,
    run_next_step,
    schedule_rollout,
)
from rollouts.transitions.editing import skip_steps
from rollouts.transitions.templating import create_template
from tests.factories.world import NOW, WHY, World, make_rehearsal, make_world
from tests.signed_in import sign_in

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}
DECEMBER = Month(2026, 12)
INTERNAL = PhaseTemplate(PhaseKind.INTERNAL, days=2, advance=Advance.TOGETHER, gates=())
SITES = PhaseTemplate(PhaseKind.PER_SITE, days=1, advance=Advance.TOGETHER, gates=())
FULL = PhaseTemplate(PhaseKind.FULL, days=1, advance=Advance.TOGETHER, gates=())


@pytest.fixture
def world() -> World:
    return make_world()


def plan(world: World, *phases: PhaseTemplate, start_on: date = date(2026, 11, 30), now: datetime = NOW) -> Rollout:
    template = create_template(
        name=f"Plan {PlanTemplate.objects.count()}", phases=phases or (INTERNAL, SITES, FULL), now=now, **BY
    )
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in world.sites),
        start_on=start_on,
        template_version_id=template.versions.get().pk,
    )
    return plan_rollout(request=request, now=now, **BY)


def _days(month: Month = DECEMBER, **filters: str) -> Iterator[MonthDay]:
    return (day for week in list_month(month, now=NOW, **filters) for day in week.days)


def _said(month: Month = DECEMBER, **filters: str) -> dict[str, list[str]]:
    """Return each day's lines, as "06:00 Lyon 3 planned"."""
    return {
        f"{day.day:%d %b}": [f"{line.hours} {'+'.join(line.whom)} {line.flags} {line.state}" for line in day.lines]
        for day in _days(month, **filters)
        if day.lines
    }


class TestMonthOfAWall:
    @given(year=st.integers(2000, 2100), number=st.integers(1, 12))
    def test_weeks__of_any_month__are_whole_from_monday_and_hold_each_of_its_days_once(
        self, year: int, number: int
    ) -> None:
        month = Month(year, number)

        days = [day for week in month.list_weeks() for day in week]

        assert all(week[0].isoweekday() == 1 and len(week) == 7 for week in month.list_weeks())
        assert days == [days[0] + timedelta(days=n) for n in range(len(days))]
        assert next(filter(month.holds, days)) == month.first_on
        assert sum(map(month.holds, days)) == (month.next.first_on - month.first_on).days
        assert month.next.previous == month.previous.next == month

    @given(st.text() | st.from_regex(r"\d{4}-\d{2}"))
    def test_read_month__of_any_text__is_a_month_within_reach(self, text: str) -> None:
        month = read_month(text, today=date(2026, 11, 26))

        assert text == str(month) or month == Month(2026, 11)
        month.list_weeks()

    @given(start=st.dates(date(2026, 1, 1), date(2026, 12, 31)), length=st.integers(1, 400))
    def test_span__of_any_freeze__covers_its_days_and_no_others(self, start: date, length: int) -> None:
        freeze = Freeze(start, start + timedelta(days=length), "Inventory")
        monday = start - timedelta(days=start.weekday() + 7)
        covered = []
        for _week in range(length // 7 + 3):
            span = find_span(freeze, monday)
            if span is not None:
                covered += [monday + timedelta(days=column - 1) for column in range(span.start, span.end)]
            monday += timedelta(days=7)

        assert covered == [start + timedelta(days=n) for n in range(length)]

    def test_state__of_every_rollout_and_count__is_one(self) -> None:
        for status in Status:
            for counts in (Counts(1, 0, 0), Counts(1, 1, 0), Counts(0, 1, 1), Counts(0, 0, 1)):
                assert find_state(status, counts) in EntryState
        assert find_state(Status.CANCELLED, Counts(2, 0, 1)) is EntryState.CANCELLED
        assert find_state(Status.ROLLED_BACK, Counts(0, 0, 3)) is EntryState.LEFT_OUT
        assert find_state(Status.AWAITING_APPROVAL, Counts(2, 0, 0)) is EntryState.DRAFT

    def test_holiday_names__in_both_languages__are_there_on_holidays_only(self) -> None:
        days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]

        for language in ("fr", "en"):
            assert all(bool(find_holiday_name(day, language=language)) is is_public_holiday(day) for day in days)
        assert find_holiday_name(date(2026, 7, 14), language="fr") == "Fête nationale"
        assert find_holiday_name(date(2026, 12, 25), language="en") == "Christmas Day"


@pytest.mark.django_db
class TestWhatGoesOut:
    def test_month__of_a_plan__has_each_site_on_its_day(self, world: World) -> None:
        rollout = plan(world)
        schedule_rollout(rollout_id=rollout.pk, now=NOW, **BY)

        assert _said() == {
            "30 Nov": ["06:00 Testers 3 planned"],
            "02 Dec": ["06:00 Lyon 3 planned"],
            "03 Dec": ["06:00 Nantes 3 planned"],
            "04 Dec": ["06:00 Lille 3 planned"],
            "05 Dec": ["06:00 everyone 3 planned"],
        }

    def test_month__of_flags_one_by_one__is_one_line_with_its_hours(self, world: World) -> None:
        slots = (time(6), time(11))
        one_by_one = PhaseTemplate(PhaseKind.PILOT, days=2, slots=slots, gates=())
        plan(world, one_by_one, FULL)

        lines = _said()["30 Nov"]

        assert len(lines) == 1
        assert lines[0].startswith("06:00 … 11:00 ")

    def test_month__done_left_out_paused_and_cancelled__say_so(self, world: World) -> None:
        rollout = plan(world)
        assert _said()["02 Dec"] == ["06:00 Lyon 3 draft"]
        schedule_rollout(rollout_id=rollout.pk, now=NOW, **BY)
        start = rollout.steps.earliest("position").due_at
        while run_next_step(rollout_id=rollout.pk, now=start):
            pass
        lyon = rollout.steps.get(
            site__key="lyon", position=rollout.steps.filter(site__key="lyon").earliest("position").position
        )
        skip_steps(rollout_id=rollout.pk, step_id=lyon.pk, now=start, **BY)
        pause_rollout(rollout_id=rollout.pk, now=start, **BY)

        said = _said()

        assert said["30 Nov"] == ["06:00 Testers 3 done"]
        assert said["02 Dec"] == ["06:00 Lyon 3 left_out"]
        assert said["03 Dec"] == ["06:00 Nantes 3 paused"]

        other = plan(world, FULL, start_on=date(2026, 12, 14))
        cancel_rollout(rollout_id=other.pk, now=NOW, **BY)
        assert _said()["14 Dec"] == ["06:00 everyone 3 cancelled"]

    def test_month__of_a_site_far_away__keeps_its_own_day_and_hour(self, world: World) -> None:
        noumea = create_site(key="noumea", name="Nouméa", city="Nouméa", time_zone="Pacific/Noumea", now=NOW, **BY)
        world.sites[:] = [noumea]
        rollout = plan(world, SITES, start_on=date(2026, 12, 1))

        line = next(day for day in _days() if day.lines).lines[0]

        assert _said() == {"01 Dec": ["06:00 Nouméa 3 draft"]}
        moment = rollout.steps.earliest("position").due_at
        assert line.here == f"{moment.astimezone(ZoneInfo('Europe/Paris')):%H:%M}" == "20:00"

    @pytest.mark.parametrize(
        ("start_on", "month"), [(date(2026, 3, 27), Month(2026, 3)), (date(2026, 10, 23), Month(2026, 10))]
    )
    def test_month__over_a_change_of_the_clocks__shows_the_same_hour(
        self, world: World, start_on: date, month: Month
    ) -> None:
        now = datetime(2026, 3, 1, tzinfo=ZoneInfo("UTC"))
        plan(world, INTERNAL, SITES, start_on=start_on, now=now)

        assert {line.split()[0] for lines in _said(month).values() for line in lines} == {"06:00"}

    def test_month__of_rehearsals_and_other_environments__is_empty(self, world: World) -> None:
        make_rehearsal(world)
        assert _said(Month(2026, 11)) == {}
        plan(world)

        assert _said(environment_key="nowhere") == {}
        assert _said(environment_key="staging") == _said()

    def test_month__with_a_freeze_and_a_holiday__shows_both(self, world: World) -> None:
        days: dict[str, Any] = {"starts_on": date(2026, 12, 24), "ends_on": date(2027, 1, 2)}
        add_freeze(environment_ids=[world.environment.pk], label="Year’s end", now=NOW, **days, **BY)

        weeks = list_month(DECEMBER, now=NOW)

        spans = [(week.number, band.span.start, band.span.end) for week in weeks for band in week.bands]
        assert spans == [(52, 4, 8), (53, 1, 6)]
        assert [day.day.day for day in _days() if day.holiday] == [25, 1]
        assert not [band for week in list_month(DECEMBER, environment_key="dev", now=NOW) for band in week.bands]

    def test_month__of_many_sites_and_flags__asks_two_queries_and_stays_short(self, world: World) -> None:
        with CaptureQueriesContext(connection) as few:
            list_month(DECEMBER, now=NOW)
        world.sites[3:] = [create_site(key=f"s-{n}", name=f"S {n}", city="S", now=NOW, **BY) for n in range(17)]
        flags = [create_flag(key=f"f-{n}", name=f"F {n}", criticality="minor", now=NOW, **BY) for n in range(20)]
        release = create_release(version="2.0", flag_ids=[flag.pk for flag in flags], now=NOW, **BY)
        world = World(world.environment, world.sites, flags, world.testers, release, world.tokens)
        plan(world)

        with CaptureQueriesContext(connection) as many:
            said = _said()

        assert len(many) == len(few) == 2
        assert sum(map(len, said.values())) == len(said)
        assert said["02 Dec"] == ["06:00 Lyon 20 draft"]


@pytest.mark.django_db
class TestPage:
    @pytest.mark.parametrize("role", [Role.SUPPORT, Role.AUDITOR])
    def test_page__of_a_month__links_each_line_to_its_rollout_and_marks_today(self, role: Role) -> None:
        world = make_world(now=clock.now())
        rollout = plan(world, start_on=clock.now().date() + timedelta(days=3), now=clock.now())
        client = sign_in(role)
        starts = rollout.steps.earliest("position").due_at

        page = client.get(f"/calendar/?month={starts:%Y-%m}").content.decode()
        today = client.get("/calendar/").content.decode()

        assert f'href="/rollouts/{rollout.pk}/"' in page
        assert today.count('aria-current="date"') == 2
        assert "today-word" in today

    def test_page__its_ways_on__keep_the_filter(self, world: World) -> None:
        create_environment(key="prod", name="Prod", position=2, is_production=True, now=NOW, **BY)
        client = sign_in(Role.SUPPORT)

        page = client.get("/calendar/?month=2026-12&environment=prod").content.decode()

        assert "?month=2027-01&amp;environment=prod" in page
        assert "?month=2026-12&amp;environment=staging" in page
        assert "Nothing goes out in this month" in page

    @pytest.mark.parametrize("month", ["2026-13", "0000-01", "9999-12", "２０２６-12", "-1", "2026-12-01"])
    def test_page__of_no_month__shows_this_one(self, world: World, month: str) -> None:
        client = sign_in(Role.SUPPORT)

        page: Any = client.get("/calendar/", {"month": month})

        assert page.status_code == 200
        assert page.context["month"] == page.context["this_month"]

    def test_page__stranger__is_sent_to_sign_in(self) -> None:
        assert Client().get("/calendar/").status_code == 302
