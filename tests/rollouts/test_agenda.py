"""The next 48 hours: what goes out, where, to whom; nothing else; as many queries however much it is."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import clock
from core.actors import SCHEDULER
from core.roles import Role
from flags.transitions import NewMember
from rollouts.agenda import list_agenda
from rollouts.models import Rollout
from rollouts.transitions import PlanRequest, pause_rollout, plan_rollout, run_next_step, schedule_rollout
from tests.factories.world import NOW, WHY, World, make_rehearsal, make_world
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def _real(world: World) -> Rollout:
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in world.sites),
        start_on=(NOW + timedelta(days=1)).date(),
    )
    rollout = plan_rollout(request=request, actor=SCHEDULER, reason=WHY, now=NOW)
    return schedule_rollout(rollout_id=rollout.pk, actor=SCHEDULER, reason=WHY, now=NOW)


def test_agenda__of_a_plan__has_its_moments_of_two_days_by_day(world: World) -> None:
    rollout = _real(world)

    days = list_agenda(now=NOW)

    lines = [line for day in days for line in day.lines]
    assert [line.due_at for line in lines] == sorted(line.due_at for line in lines)
    within = rollout.steps.filter(due_at__lt=NOW + timedelta(hours=48))
    assert sum(len(line.flags) for line in lines) == within.count() > 0
    assert {line.whom for line in lines} == {"Testers"}
    paris = ZoneInfo("Europe/Paris")
    assert all(day.day == line.due_at.astimezone(paris).date() for day in days for line in day.lines)


def test_agenda__of_rehearsals_and_what_is_paused__is_empty(world: World) -> None:
    make_rehearsal(world)
    assert list_agenda(now=NOW) == []


def test_agenda__of_a_paused_rollout__is_empty(world: World) -> None:
    rollout = _real(world)
    first = rollout.steps.earliest("position")
    run_next_step(rollout_id=rollout.pk, now=first.due_at)
    assert list_agenda(now=first.due_at) != []

    pause_rollout(rollout_id=rollout.pk, actor=SCHEDULER, reason=WHY, now=first.due_at)

    assert list_agenda(now=first.due_at) == []


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.AUDITOR])
def test_page__for_everybody__lists_them_or_says_that_nothing_goes_out(role: Role) -> None:
    world = make_world(now=clock.now())
    client = sign_in(role)
    assert "Nothing goes out" in client.get("/agenda/").content.decode()
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in world.sites),
        start_on=(clock.now() + timedelta(days=1)).date(),
    )
    now = clock.now()
    rollout = plan_rollout(request=request, actor=SCHEDULER, reason=WHY, now=now)
    schedule_rollout(rollout_id=rollout.pk, actor=SCHEDULER, reason=WHY, now=now)
    first = rollout.steps.earliest("position")
    with CaptureQueriesContext(connection) as asked:
        page = client.get("/agenda/").content.decode()

    is_near = first.due_at < now + timedelta(hours=48)
    assert ("Testers" in page) is is_near
    assert len(asked) < 20
