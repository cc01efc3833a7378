"""The next 48 hours: what goes out, where, to whom; nothing else; as many queries however much it is."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import clock
from core.actors import SCHEDULER
from core.history import recorded
from core.roles import Role
from flags.domain.audience import RuleKind
from flags.models import FlagState, Rule
from flags.transitions import NewMember
from rollouts.agenda import list_agenda, list_done_today
from rollouts.drawing import PlanRequest
from rollouts.models import Rollout, Step, StepStatus, Trigger
from rollouts.shut_queries import TAKEN_BACK
from rollouts.transitions import pause_rollout, plan_rollout, roll_back, run_next_step, schedule_rollout
from tests.factories.world import NOW, WHY, World, make_rehearsal, make_world
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def _real(world: World, *, now: datetime = NOW) -> Rollout:
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in world.sites),
        start_on=(now + timedelta(days=1)).date(),
    )
    rollout = plan_rollout(request=request, actor=SCHEDULER, reason=WHY, now=now)
    return schedule_rollout(rollout_id=rollout.pk, actor=SCHEDULER, reason=WHY, now=now)


def test_agenda__of_a_plan__has_its_moments_of_two_days_by_day(world: World) -> None:
    rollout = _real(world)

    days = list_agenda(now=NOW)

    lines = [line for day in days for line in day.lines]
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    within = rollout.steps.filter(due_at__lt=NOW + timedelta(hours=48))
    assert sum(len(line.flags) for line in lines) == within.count() > 0
    assert {line.whom for line in lines} == {"Testers"}
    paris = ZoneInfo("Europe/Paris")
    assert all(day.day == line.at.astimezone(paris).date() for day in days for line in day.lines)


def test_agenda__of_rehearsals__is_empty(world: World) -> None:
    make_rehearsal(world)
    assert list_agenda(now=NOW) == []


def test_agenda__of_a_paused_rollout__says_so(world: World) -> None:
    rollout = _real(world)
    first = rollout.steps.earliest("position")
    run_next_step(rollout_id=rollout.pk, now=first.due_at)
    assert list_agenda(now=first.due_at) != []

    pause_rollout(rollout_id=rollout.pk, actor=SCHEDULER, reason=WHY, now=first.due_at)

    lines = [line for day in list_agenda(now=first.due_at) for line in day.lines]
    assert lines
    assert all(line.stands_still for line in lines)


def test_done_today__of_a_plan__has_what_went_out_and_what_is_off_again(world: World) -> None:
    rollout = _real(world)
    first = rollout.steps.earliest("position")
    now = first.due_at
    assert list_done_today(now=now) == []
    run_next_step(rollout_id=rollout.pk, now=now)

    (line,) = list_done_today(now=now)

    assert (line.whom, line.flags, line.at, line.off) == ("Testers", [first.flag.name], now, 0)
    assert list_done_today(now=now + timedelta(days=1)) == []
    roll_back(
        rollout_id=rollout.pk, flag_ids=[first.flag_id], trigger=Trigger.MANUAL, actor=SCHEDULER, reason=WHY, now=now
    )
    assert [one.off for one in list_done_today(now=now)] == [1]


def test_done_today__at_a_site_taken_back__is_all_off_again(world: World) -> None:
    rollout = _real(world)
    step = rollout.steps.filter(site__isnull=False).earliest("position")
    steps = rollout.steps.filter(site=step.site, due_at=step.due_at)
    steps.update(status=StepStatus.DONE, done_at=step.due_at)
    state = FlagState.objects.get(flag=step.flag, environment=rollout.environment)
    with recorded(actor=SCHEDULER, reason=WHY, now=NOW):
        Rule.objects.create(
            state=state,
            position=0,
            kind=RuleKind.SITE,
            site=step.site,
            variant="off",
            since=NOW,
            origin=f"rollout:{rollout.pk}:{rollout.epoch}:shut",
            phase=TAKEN_BACK,
        )

    lines = list_done_today(now=step.due_at)

    assert lines
    assert all(line.off == len(line.flags) for line in lines)


def test_dashboard__for_support__says_what_went_out_today_and_who_answers() -> None:
    now = clock.now()
    world = make_world(now=now)
    client = sign_in(Role.SUPPORT)
    assert "nothing went out yet" in client.get("/").content.decode()
    rollout = _real(world, now=now)
    Step.objects.filter(rollout=rollout, site=world.sites[0]).update(status=StepStatus.DONE, done_at=now)

    page = client.get("/").content.decode()

    assert f'href="/sites/{world.sites[0].key}/"' in page
    assert 'href="/support/"' in page
    assert "Already today" in client.get("/agenda/").content.decode()


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
