"""What stands in a plan's way is said in sentences before it is confirmed."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from core.actors import SCHEDULER
from core.history import create_many, recorded
from flags.domain.opening import DayKind
from flags.models import Site
from flags.transitions import NewMember, add_site_days
from rollouts.conflicts import Conflicts
from rollouts.domain.conflicts import list_pushes
from rollouts.domain.freezing import Freeze
from rollouts.domain.planning import PlanSite
from rollouts.drawing import PlanRequest, draw_plan
from rollouts.models import Rollout
from rollouts.transitions import add_freeze, create_release, plan_rollout, schedule_rollout
from tests.factories.flags import make_flag
from tests.factories.world import NOW, WHY, World, make_world
from tests.signed_in import sign_in

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}
#: A Wednesday.
START = date(2030, 1, 2)


@pytest.fixture
def world() -> World:
    return make_world()


def _request(world: World, **chosen: Any) -> PlanRequest:
    values: dict[str, Any] = {"release_id": world.release.pk, "start_on": START} | chosen
    return PlanRequest(
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in world.sites),
        **values,
    )


@pytest.fixture
def other(world: World) -> Rollout:
    """Another rollout of the same flags, scheduled for the same days."""
    rollout = plan_rollout(request=_request(world), now=NOW, **BY)
    return schedule_rollout(rollout_id=rollout.pk, now=NOW, **BY)


def _form(world: World, **chosen: Any) -> dict[str, Any]:
    return {
        "release": world.release.pk,
        "environment": world.environment.pk,
        "testers": world.testers.pk,
        "pilots": ["tester-1"],
        "sites": [site.key for site in world.sites],
        "start_on": START.isoformat(),
        "promotion_time": "06:00",
        "preview": "1",
    } | chosen


@pytest.mark.django_db
def test_draw__nothing_in_the_way__says_nothing(world: World) -> None:
    plan = draw_plan(_request(world), now=NOW)

    assert plan.warnings == ()
    assert plan.conflicts == Conflicts([], [], [])


@pytest.mark.django_db
def test_draw__flags_that_another_rollout_drives__says_which_and_until_when(world: World, other: Rollout) -> None:
    (busy,) = draw_plan(_request(world), now=NOW).conflicts.busy

    assert busy.rollout == other
    assert busy.flags == [flag.name for flag in world.flags]
    assert busy.until == other.phases.latest("position").ends_at


@pytest.mark.django_db
def test_draw__another_release_at_the_same_sites__names_sites_and_days(world: World, other: Rollout) -> None:
    release = create_release(version="2.0", flag_ids=[make_flag().pk], now=NOW, **BY)

    same = draw_plan(_request(world, release_id=release.pk), now=NOW).conflicts
    later = draw_plan(_request(world, release_id=release.pk, start_on=date(2030, 3, 1)), now=NOW).conflicts

    assert same.busy == []
    (meeting,) = same.meetings
    assert meeting.rollout == other
    assert [name for name, _day in meeting.sites] == [site.name for site in world.sites]
    assert len({day for _name, day in meeting.sites}) == 3
    assert later.meetings == []


@pytest.mark.django_db
def test_draw__a_freeze_in_the_way__says_which_and_how_many_days(world: World) -> None:
    places = [world.environment.pk]
    add_freeze(environment_ids=places, starts_on=START, ends_on=date(2030, 1, 8), label="Sales", now=NOW, **BY)
    add_freeze(environment_ids=places, starts_on=date(2031, 1, 1), ends_on=date(2031, 2, 1), label="Far", now=NOW, **BY)

    plan = draw_plan(_request(world), now=NOW)

    # Wednesday to Monday without the Sunday.
    assert [(push.freeze.label, push.days) for push in plan.conflicts.pushes] == [("Sales", 5)]
    assert "start_closed" not in plan.warnings


@pytest.mark.django_db
def test_draw__a_closed_start_day__is_said(world: World) -> None:
    for site in world.sites:
        end = START + timedelta(days=1)
        add_site_days(
            site_id=site.pk, starts_on=START, ends_on=end, kind=DayKind.CLOSED, label="Stocktaking", now=NOW, **BY
        )

    assert draw_plan(_request(world), now=NOW).warnings == ("start_closed",)


def test_pushes__of_days_on_which_nothing_could_go_out__are_none() -> None:
    sunday = date(2030, 1, 6)
    freeze = Freeze(sunday, sunday + timedelta(days=1), "Sunday")
    site = PlanSite("lyon", frozenset({1, 2, 3, 4, 5, 6}), freezes=(freeze,))
    on_sundays = replace(site, key="lille", weekdays=frozenset({7}))

    assert list_pushes(sites=[site], start_on=START, last_on=date(2030, 2, 1)) == []
    (push,) = list_pushes(sites=[site, on_sundays], start_on=START, last_on=date(2030, 2, 1))
    assert push.days == 1


@pytest.mark.django_db
def test_page__more_than_a_thousand_sites__are_planned_as_few_are(world: World) -> None:
    """Refusals of the framework itself would answer without the form and what was chosen in it."""
    with recorded(now=NOW, **BY):
        create_many([Site(key=f"further-{number}", name=f"Further {number}", city="Lyon") for number in range(1_010)])
    keys = list(Site.objects.values_list("key", flat=True))

    page = sign_in().post("/rollouts/plan/", _form(world, sites=keys))

    assert page.status_code == 200
    assert all(f"<b>{name}</b>" in page.content.decode() for name in Site.objects.values_list("name", flat=True))


@pytest.mark.django_db
def test_page__before_confirming__says_all_of_it_with_names(world: World, other: Rollout) -> None:
    places = [world.environment.pk]
    add_freeze(
        environment_ids=places, starts_on=date(2030, 1, 3), ends_on=date(2030, 1, 5), label="<b>Sales", now=NOW, **BY
    )
    client = sign_in()

    page = client.post("/rollouts/plan/", _form(world)).content.decode()

    assert page.count(f'href="/rollouts/{other.pk}/"') >= 2
    assert ", ".join(flag.name for flag in world.flags) in page
    assert "Lyon (" in page
    assert "Fewer than three pilot cashiers" in page
    assert "&lt;b&gt;Sales" in page
    assert "by 2 days" in page
    assert Rollout.objects.count() == 1
