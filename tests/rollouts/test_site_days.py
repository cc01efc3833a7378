"""Days set apart after planning: the dates people see move, and nothing goes out on such a day."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.actors import SCHEDULER
from core.domain.business_time import at_local
from core.reasons import say_reason
from flags.domain.opening import DayKind
from flags.models import Site
from flags.transitions import NewMember, add_site_days, edit_site
from rollouts.domain.templates import PhaseKind
from rollouts.drawing import PlanRequest, draw_plan
from rollouts.models import Rollout, Step, StepStatus
from rollouts.promises import list_misdated_rollouts
from rollouts.queries import find_next_step
from rollouts.transitions import (
    keep_to_open_days,
    plan_rollout,
    resume_rollout,
    run_next_step,
    schedule_rollout,
)
from tests.factories.world import NOW, WHY, World, make_world
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}
PARIS = ZoneInfo("Europe/Paris")
Close = Callable[[Site, date], object]


def _request(world: World) -> PlanRequest:
    return PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in world.sites),
        start_on=date(2026, 11, 25),
    )


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def rollout(world: World) -> Rollout:
    """Scheduled from Wed 25 November: Lyon on Tue 1 December, Nantes on Wed 2, Lille on Thu 3, everyone on Mon 7."""
    rollout = plan_rollout(request=_request(world), now=NOW, **BY)
    return schedule_rollout(rollout_id=rollout.pk, now=NOW, **BY)


def _days(rollout: Rollout) -> list[date]:
    steps = rollout.steps.exclude(site=None).order_by("position").values_list("site__key", "due_at")
    return list({site: due.astimezone(PARIS).date() for site, due in steps}.values())


def _apart(site: Site, day: date, kind: DayKind = DayKind.NO_CHANGE, days: int = 1) -> None:
    end = day + timedelta(days=days)
    add_site_days(site_id=site.pk, starts_on=day, ends_on=end, kind=kind, label="Braderie", now=NOW, **BY)


def _shut_weekday(site: Site, day: date) -> None:
    weekdays = [number for number in range(1, 7) if number != day.isoweekday()]
    edit_site(site_id=site.pk, name=site.name, city=site.city, opening_weekdays=weekdays, now=NOW, **BY)


def _run(rollout: Rollout, now: datetime) -> None:
    """Do what is due; a gate without samples is waived."""
    for _round in range(20):
        while run_next_step(rollout_id=rollout.pk, now=now) is not None:
            pass
        rollout.refresh_from_db()
        if rollout.status != "held":
            return
        resume_rollout(rollout_id=rollout.pk, waive_gate=True, now=now, **BY)


def _play(rollout: Rollout, until: datetime) -> None:
    """Let the days until then come, each step at its own hour."""
    while (step := find_next_step(rollout)) is not None and step.due_at <= until:
        _run(rollout, step.due_at)


def _at(day: date, hour: int = 6) -> datetime:
    return at_local(day, time(hour), zone=PARIS)


def _done(rollout: Rollout) -> set[str]:
    return set(rollout.steps.filter(status=StepStatus.DONE).exclude(site=None).values_list("site__key", flat=True))


@pytest.mark.parametrize(
    "close", [_apart, _shut_weekday, lambda site, day: _apart(site, day, DayKind.CLOSED)], ids=["apart", "week", "shut"]
)
def test_keep_dates__a_site_closed_after_planning__moves_at_once_and_says_why(
    world: World, rollout: Rollout, close: Close
) -> None:
    lyon, nantes, lille = _days(rollout)
    close(world.sites[1], nantes)
    assert list_misdated_rollouts(now=NOW) == [rollout.pk]

    assert keep_to_open_days(rollout_id=rollout.pk, now=NOW)

    moved = _days(rollout)
    assert moved[0] == lyon
    assert moved[1] > nantes
    assert moved[2] > moved[1] >= lille
    assert list_misdated_rollouts(now=NOW) == []
    assert not keep_to_open_days(rollout_id=rollout.pk, now=NOW)
    everyone = rollout.steps.filter(phase__kind=PhaseKind.FULL).earliest("due_at").due_at
    assert everyone > _at(moved[2])
    event = rollout.events.get(kind="sites_delayed")
    assert event.data["sites"][0] == "nantes"
    assert event.reason.startswith(f"Nantes takes no change on {nantes}: ")
    assert say_reason(event.reason).startswith("Nantes takes")


def test_step__due_on_a_day_set_apart_meanwhile__waits_for_the_next(world: World, rollout: Rollout) -> None:
    lyon, nantes, _lille = _days(rollout)
    _play(rollout, _at(lyon))
    _apart(world.sites[1], nantes)

    _run(rollout, _at(nantes))

    assert _done(rollout) == {"lyon"}
    assert _days(rollout)[1] > nantes


@pytest.mark.parametrize("hour", [6, 15])
def test_step__caught_up_after_an_outage__never_on_a_closed_day(world: World, rollout: Rollout, hour: int) -> None:
    lyon, nantes, lille = _days(rollout)
    _play(rollout, _at(lyon))
    _apart(world.sites[1], lille)
    # Down through Nantes's day; back on a day on which Nantes may not change, then a Sunday.
    sunday = date(2026, 12, 6)

    for day in (lille, sunday):
        _run(rollout, _at(day, hour))
        assert _done(rollout) == {"lyon"}, day
    _run(rollout, _at(sunday + timedelta(days=1), hour))

    assert nantes not in _days(rollout)
    assert _done(rollout) == {"lyon", "nantes"}


def test_everyone__caught_up_on_a_sunday__waits_for_an_open_day(world: World, rollout: Rollout) -> None:
    _play(rollout, _at(_days(rollout)[-1]))
    full = rollout.steps.filter(phase__kind=PhaseKind.FULL)
    due_on = full.earliest("due_at").due_at.astimezone(PARIS).date()
    for site in world.sites:
        _apart(site, due_on)

    _run(rollout, _at(due_on))

    assert not full.filter(status=StepStatus.DONE).exists()
    assert rollout.events.filter(kind="everyone_delayed").exists()
    _run(rollout, full.earliest("due_at").due_at)
    assert not full.exclude(status=StepStatus.DONE).exists()


def test_preview__a_day_set_apart__is_left_out_and_says_why(world: World) -> None:
    lyon = next(
        step.due_at.astimezone(PARIS).date()
        for phase in draw_plan(_request(world), now=NOW).phases
        for step in phase.steps
        if step.site_key == "lyon"
    )
    _apart(world.sites[0], lyon)

    plan = draw_plan(_request(world), now=NOW)

    ((skip,),) = [skips for (_due, site), skips in plan.skips.items() if site == "lyon"]
    assert (skip.starts_on, skip.label) == (lyon, "Braderie")


def test_plan_page__a_day_set_apart__names_it(world: World) -> None:
    _apart(world.sites[0], date(2030, 1, 2), days=300)
    client = sign_in()
    wanted = {
        "release": world.release.pk,
        "environment": world.environment.pk,
        "testers": world.testers.pk,
        "pilots": ["tester-1"],
        "sites": ["lyon"],
        "start_on": "2030-01-02",
        "promotion_time": "06:00",
        "preview": "1",
    }

    page = client.post("/rollouts/plan/", wanted).content.decode()

    assert "Braderie" in page
    assert not Step.objects.exists()


#: On Wed 2 December at 06:00 there, while it is still the evening before in Paris.
FAR_EAST = datetime(2026, 12, 1, 19, tzinfo=UTC)


@pytest.fixture
def far_away(world: World) -> Rollout:
    """The same plan, with Nantes in New Caledonia."""
    site = world.sites[1]
    edit_site(site_id=site.pk, name=site.name, city=site.city, time_zone="Pacific/Noumea", now=NOW, **BY)
    rollout = plan_rollout(request=_request(world), now=NOW, **BY)
    return schedule_rollout(rollout_id=rollout.pk, now=NOW, **BY)


def _due(rollout: Rollout) -> dict[str, datetime]:
    return dict(rollout.steps.exclude(site=None).order_by("position").values_list("site__key", "due_at"))


def test_plan__a_site_far_away__gets_it_at_its_own_six_o_clock_and_not_before(world: World, far_away: Rollout) -> None:
    assert list(_due(far_away).values()) == [_at(date(2026, 12, 1)), FAR_EAST, _at(date(2026, 12, 3))]

    _play(far_away, FAR_EAST - timedelta(seconds=1))
    assert _done(far_away) == {"lyon"}
    _run(far_away, FAR_EAST)
    assert _done(far_away) == {"lyon", "nantes"}
    _play(far_away, _at(date(2026, 12, 3)))
    assert _done(far_away) == {"lyon", "nantes", "lille"}


def test_plan__a_site_far_away_is_late__keeps_its_own_day_and_hour(world: World, far_away: Rollout) -> None:
    _play(far_away, FAR_EAST - timedelta(hours=1))
    # Nothing runs for two days; by then it is Friday the 4th over there.
    back = FAR_EAST + timedelta(days=2, hours=1)

    _run(far_away, back)

    assert _done(far_away) == {"lyon", "nantes"}
    assert _due(far_away)["lille"] == _at(date(2026, 12, 5))


def test_keep_dates__a_day_set_apart_far_away__is_the_day_there(world: World, far_away: Rollout) -> None:
    _apart(world.sites[1], date(2026, 12, 2))

    assert list_misdated_rollouts(now=NOW) == [far_away.pk]
    assert keep_to_open_days(rollout_id=far_away.pk, now=NOW)
    assert list(_due(far_away).values()) == [
        _at(date(2026, 12, 1)),
        FAR_EAST + timedelta(days=1),
        _at(date(2026, 12, 4)),
    ]
    assert list_misdated_rollouts(now=NOW) == []


def test_pages__a_site_far_away__name_the_day_and_hour_there(world: World, far_away: Rollout) -> None:
    client = sign_in()
    wanted = {
        "release": world.release.pk,
        "environment": world.environment.pk,
        "testers": world.testers.pk,
        "pilots": ["tester-1"],
        "sites": [site.key for site in world.sites],
        "start_on": "2030-01-02",
        "promotion_time": "06:00",
        "preview": "1",
    }

    preview = client.post("/rollouts/plan/", wanted).content.decode()
    page = client.get(f"/rollouts/{far_away.pk}/").content.decode()

    assert preview.count("06:00 there") == 1
    [nantes] = re.findall(r"<span [^>]*>([^<]+)<br>\s*<b class=\"named\">Nantes", page)
    assert nantes.strip() == "Wed 2"
