"""Planned updates, releases under way and breaches of guardrails, as everybody sees them."""

from datetime import datetime, timedelta

import pytest

from core.actors import SCHEDULER
from flags.transitions import NewMember
from health.models import StoredVerdict
from rollouts.domain.templates import PhaseKind
from rollouts.drawing import PlanRequest
from rollouts.models import Rollout, Step, Trigger
from rollouts.transitions import pause_rollout, plan_rollout, roll_back, run_next_step, schedule_rollout
from statuspage.domain.states import State
from statuspage.facts import Facts
from statuspage.queries import read_facts
from statuspage.transitions import add_component, set_public
from tests.factories.statuspage import BY, PUBLIC, open_page
from tests.factories.world import NOW, WHY, World, make_rehearsal, make_world

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def world() -> World:
    world = make_world(now=NOW - timedelta(days=1))
    open_page(world.environment)
    for place, site in enumerate(world.sites, start=2):
        values = {"kind": "site", "site": site, "name_fr": site.name, "name_en": site.name, "position": place}
        add_component(environment_id=world.environment.pk, values=values, **BY)
    return world


@pytest.fixture
def rollout(world: World) -> Rollout:
    """A real rollout that begins tomorrow."""
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


def _first(rollout: Rollout, kind: PhaseKind) -> Step:
    found = rollout.steps.filter(phase__kind=kind).order_by("due_at", "position").first()
    assert found is not None
    return found


def _statuses(facts: Facts, *, at: datetime) -> list[str]:
    return [one.status for one in facts.maintenances if one.starts_at == at]


def test_maintenance__of_a_scheduled_plan__is_announced_by_moment_without_what_testers_get(rollout: Rollout) -> None:
    facts = read_facts(now=NOW)

    pilot = _first(rollout, PhaseKind.PILOT)
    internal = _first(rollout, PhaseKind.INTERNAL)
    assert internal.due_at not in {one.starts_at for one in facts.maintenances}
    [one] = [one for one in facts.maintenances if one.starts_at == pilot.due_at]
    assert (one.status, one.name.fr, one.ends_at) == ("scheduled", "Mise à jour 1.3", pilot.due_at + 15 * MINUTE)
    [till] = [one for one in facts.components if one.name.en == "Till"]
    assert list(one.component_ids) == [till.id]
    assert till.state is State.OPERATIONAL


def test_maintenance__of_a_site__names_it_and_touches_it_alone(rollout: Rollout) -> None:
    step = _first(rollout, PhaseKind.PER_SITE)
    assert step.site is not None

    facts = read_facts(now=step.due_at - timedelta(days=1))

    [one] = [one for one in facts.maintenances if one.starts_at == step.due_at]
    assert one.name.fr == f"Mise à jour 1.3 : {step.site.name}"
    assert [c.name.en for c in facts.components if c.id in one.component_ids] == [step.site.name]


def test_maintenance__at_its_moment__is_in_progress_and_missed_is_gone(rollout: Rollout) -> None:
    at = _first(rollout, PhaseKind.PILOT).due_at

    now, later = read_facts(now=at + MINUTE), read_facts(now=at + 15 * MINUTE)

    assert _statuses(now, at=at) == ["in_progress"]
    assert [one.state for one in now.components if one.name.en == "Till"] == [State.MAINTENANCE]
    assert _statuses(later, at=at) == []


def test_maintenance__held_plan__promises_nothing(rollout: Rollout) -> None:
    first = _first(rollout, PhaseKind.INTERNAL)
    run_next_step(rollout_id=rollout.pk, now=first.due_at)
    pause_rollout(rollout_id=rollout.pk, actor=SCHEDULER, reason=WHY, now=first.due_at + MINUTE)

    facts = read_facts(now=first.due_at + 2 * MINUTE)

    assert not [one for one in facts.maintenances if one.status == "scheduled"]
    assert [(one.version, one.status) for one in facts.rollouts] == [("1.3", "paused")]


def test_rollout__taken_back__says_so_and_not_why(world: World, rollout: Rollout) -> None:
    first = _first(rollout, PhaseKind.INTERNAL)
    run_next_step(rollout_id=rollout.pk, now=first.due_at)
    roll_back(
        rollout_id=rollout.pk,
        flag_ids=None,
        trigger=Trigger.MANUAL,
        actor=SCHEDULER,
        reason="SECRET",
        now=first.due_at + MINUTE,
    )

    [one] = read_facts(now=first.due_at + 2 * MINUTE).rollouts

    assert (one.status, one.taken_back_at) == ("rolled_back", first.due_at + MINUTE)


def test_rollouts__where_the_environment_does_not_show_them_or_rehearse__are_none(world: World) -> None:
    rehearsal = make_rehearsal(world, now=NOW)
    run_next_step(rollout_id=rehearsal.pk, now=NOW + MINUTE)
    assert not read_facts(now=NOW + MINUTE).rollouts
    set_public(environment_id=world.environment.pk, **(PUBLIC | {"shows_maintenance": False}), **BY)

    assert not read_facts(now=NOW + MINUTE).maintenances


def _judge(world: World, rollout: Rollout, verdict: str, *, at: datetime) -> None:
    StoredVerdict.objects.create(
        subject=rollout.subject,
        epoch=1,
        lane="error_rate",
        environment_key=world.environment.key,
        flag_key=world.flags[0].key,
        verdict=verdict,
        at=at,
        n=100,
        k=30,
        window_start=at - 15 * MINUTE,
        window_end=at,
        threshold="5 %",
        code="over",
    )


def test_breach__until_the_next_verdict__is_a_partial_outage_of_the_till(world: World, rollout: Rollout) -> None:
    for verdict, minute in (("pass", 0), ("breach", 10), ("inconclusive", 30)):
        _judge(world, rollout, verdict, at=NOW + minute * MINUTE)

    facts = read_facts(now=NOW + 60 * MINUTE)

    minutes = {one.name.en: one.days[-1].minutes for one in facts.components}
    assert minutes.pop("Till") == {State.PARTIAL: 20}
    assert not any(minutes.values())


def test_breach__of_a_flag_taken_back__ends_there(world: World, rollout: Rollout) -> None:
    first = _first(rollout, PhaseKind.INTERNAL)
    run_next_step(rollout_id=rollout.pk, now=first.due_at)
    _judge(world, rollout, "breach", at=first.due_at + MINUTE)
    roll_back(
        rollout_id=rollout.pk,
        flag_ids=None,
        trigger=Trigger.MANUAL,
        actor=SCHEDULER,
        reason=WHY,
        now=first.due_at + 4 * MINUTE,
    )

    facts = read_facts(now=first.due_at + 60 * MINUTE)

    [till] = [one for one in facts.components if one.name.en == "Till"]
    assert till.days[-1].minutes == {State.PARTIAL: 3}


def test_breach__of_a_rehearsal__counts_nowhere(world: World) -> None:
    _judge(world, make_rehearsal(world, now=NOW), "breach", at=NOW)

    facts = read_facts(now=NOW + 60 * MINUTE)

    assert not any(day.minutes for one in facts.components for day in one.days)
