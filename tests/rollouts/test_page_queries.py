"""The pages of rollouts ask as often for twenty rows as for two."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import clock
from core.actors import SCHEDULER
from flags.transitions import NewMember
from rollouts.drawing import PlanRequest
from rollouts.models import Rollout
from rollouts.queries import MOST_LINES, get_story
from rollouts.story import add_event
from rollouts.transitions import create_release, plan_rollout
from tests.factories.flags import make_flag, make_site
from tests.factories.world import DAY, WHY, World, make_rehearsal, make_world, play
from tests.recovery.operations import make_target
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world(now=clock.now() - timedelta(minutes=10))


def _count(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def _draft(world: World, *, flags: int = 2, sites: int = 2) -> Rollout:
    now = clock.now()
    release = create_release(
        version=f"9.{Rollout.objects.count()}",
        flag_ids=[make_flag().pk for _ in range(flags)],
        actor=SCHEDULER,
        reason=WHY,
        now=now,
    )
    request = PlanRequest(
        release_id=release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(make_site().pk for _ in range(sites)),
        day_seconds=DAY,
    )
    return plan_rollout(request=request, actor=SCHEDULER, reason=WHY, now=now)


@pytest.mark.parametrize("path", ["/rollouts/", "/rollouts/?status=draft", "/"])
def test_lists__twenty_rollouts__take_as_many_queries_as_two(world: World, path: str) -> None:
    client = sign_in()
    for _ in range(2):
        _draft(world)
    few = _count(client, path)

    for _ in range(18):
        _draft(world)

    assert _count(client, path) == few


@pytest.mark.parametrize("part", ["", "?part=head"])
def test_page__twenty_flags_and_sites__take_as_many_queries_as_two(world: World, part: str) -> None:
    client = sign_in()

    few, many = (_draft(world, flags=size, sites=size) for size in (2, 20))

    assert _count(client, f"/rollouts/{few.pk}/{part}") == _count(client, f"/rollouts/{many.pk}/{part}")


def test_planner__twenty_sites_more__take_as_many_queries(world: World) -> None:
    client = sign_in()
    few = _count(client, "/rollouts/plan/")

    for _ in range(20):
        make_site()
        make_flag()

    assert _count(client, "/rollouts/plan/") == few


def test_running_page__a_long_story__takes_as_many_queries(world: World) -> None:
    client = sign_in()
    start = clock.now() - timedelta(seconds=DAY * 4)
    rollout = make_rehearsal(world, now=start)
    play(world, rollout, start=start, seconds=DAY * 3)
    few = _count(client, f"/rollouts/{rollout.pk}/")

    play(world, rollout, start=start + timedelta(seconds=DAY * 3), seconds=DAY)

    assert rollout.events.count() > 5
    assert _count(client, f"/rollouts/{rollout.pk}/") == few


def test_story__many_flags_at_each_site__are_a_line_each_and_hide_no_hold(world: World) -> None:
    rollout = make_rehearsal(world)
    now = clock.now()
    add_event(rollout, kind="held", actor=SCHEDULER, reason=WHY, now=now)
    for site in range(3):
        for _ in range(50):
            data = {"audience": f"Site {site}"}
            add_event(rollout, kind="step_done", actor=SCHEDULER, reason=WHY, now=now + timedelta(days=site), data=data)

    story = get_story(rollout)

    assert [(line.event.kind, line.count) for line in story[:4]] == [*[("step_done", 50)] * 3, ("held", 1)]


def test_story__longer_than_a_page__ends_there(world: World) -> None:
    rollout = make_rehearsal(world)
    for _ in range(MOST_LINES + 5):
        add_event(rollout, kind="paused", actor=SCHEDULER, reason=WHY, now=clock.now())

    assert len(get_story(rollout)) == MOST_LINES


def test_running_page__a_target_of_its_environment__shows_the_light(world: World) -> None:
    rollout = _draft(world)
    make_target(world.environment)

    page = sign_in().get(f"/rollouts/{rollout.pk}/").content.decode()

    assert "Can we roll back now?" in page
    assert "no verified restore point" in page
