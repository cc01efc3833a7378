"""Public holidays take changes only where it was asked, and only at sites that are open then."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.actors import SCHEDULER
from core.domain.business_time import local_day
from flags.domain.opening import DayKind, ExceptionalDays, Standing
from flags.transitions import NewMember
from rollouts.domain.lifecycle import Status
from rollouts.domain.planning import PlanSite
from rollouts.drawing import PlanRequest
from rollouts.models import Rollout
from rollouts.promises import list_misdated_rollouts
from rollouts.queries import find_next_step
from rollouts.transitions import plan_rollout, resume_rollout, run_next_step, schedule_rollout
from tests.factories.world import NOW, WHY, World, make_world
from tests.signed_in import sign_in

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}
PARIS = ZoneInfo("Europe/Paris")
#: A Friday, with a bridge of ordinary days round it.
CHRISTMAS = date(2026, 12, 25)
WEEK = frozenset({1, 2, 3, 4, 5, 6})


def _apart(kind: DayKind) -> tuple[ExceptionalDays, ...]:
    return (ExceptionalDays(CHRISTMAS, CHRISTMAS + timedelta(days=1), kind, "Market"),)


@pytest.mark.parametrize(
    ("weekdays", "exceptions", "asked", "unasked"),
    [
        (WEEK, (), True, False),
        (WEEK - {5}, (), False, False),
        (WEEK - {5}, _apart(DayKind.OPEN), True, False),
        (WEEK, _apart(DayKind.CLOSED), False, False),
        (WEEK, _apart(DayKind.NO_CHANGE), False, False),
    ],
    ids=["open weekday", "closed weekday", "extra open", "closed", "no change"],
)
def test_site__on_a_public_holiday__takes_changes_where_asked_and_open(
    weekdays: frozenset[int], exceptions: tuple[ExceptionalDays, ...], asked: bool, unasked: bool
) -> None:
    site = PlanSite("lyon", weekdays, exceptions)

    assert site.takes_changes(CHRISTMAS) is unasked
    assert replace(site, allows_holidays=True).takes_changes(CHRISTMAS) is asked
    assert replace(site, allows_holidays=True).view(CHRISTMAS).standing is not Standing.HOLIDAY


@pytest.fixture
def world() -> World:
    return make_world()


def _plan(world: World, *, allows_holidays: bool) -> Rollout:
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in world.sites),
        start_on=CHRISTMAS,
        allows_holidays=allows_holidays,
    )
    rollout = plan_rollout(request=request, now=NOW, **BY)
    return schedule_rollout(rollout_id=rollout.pk, now=NOW, **BY)


def _run(rollout: Rollout, now: datetime) -> None:
    while run_next_step(rollout_id=rollout.pk, now=now) is not None:
        pass
    rollout.refresh_from_db()
    if rollout.status == Status.HELD:
        resume_rollout(rollout_id=rollout.pk, waive_gate=True, now=now, **BY)
        while run_next_step(rollout_id=rollout.pk, now=now) is not None:
            pass


@pytest.mark.django_db
@pytest.mark.parametrize("allows_holidays", [True, False])
def test_rollout__asked_or_not__keeps_its_dates_and_does_its_steps(world: World, allows_holidays: bool) -> None:
    rollout = _plan(world, allows_holidays=allows_holidays)
    planned = [step.due_at for step in rollout.steps.order_by("position")]
    first = local_day(planned[0], zone=PARIS)
    assert (first == CHRISTMAS) is allows_holidays

    assert list_misdated_rollouts(now=NOW) == []
    for _step in range(60):
        step = find_next_step(rollout)
        if step is None:
            break
        _run(rollout, step.due_at)

    assert [step.done_at for step in rollout.steps.order_by("position")] == planned


@pytest.mark.django_db
def test_plan_page__the_box__allows_holidays(world: World) -> None:
    client = sign_in()
    wanted = {
        "release": world.release.pk,
        "environment": world.environment.pk,
        "testers": world.testers.pk,
        "pilots": ["tester-1"],
        "sites": ["lyon"],
        "start_on": "2030-12-25",
        "promotion_time": "06:00",
        "confirm": "1",
        "reason": "Christmas market",
    }

    assert client.post("/rollouts/plan/", wanted).status_code == 302
    assert client.post("/rollouts/plan/", wanted | {"allows_holidays": "on"}).status_code == 302

    later, holiday = Rollout.objects.order_by("pk")
    assert (later.allows_holidays, holiday.allows_holidays) == (False, True)
    assert holiday.phases.earliest("starts_at").starts_at < later.phases.earliest("starts_at").starts_at
