"""What a rollback promises afterwards: nothing comes on again unasked, nothing is let through that was asked before."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.actors import SCHEDULER, person
from core.errors import Refusal
from core.models import User
from core.people import create_person
from core.roles import Role
from flags.models import FlagState, Rule
from flags.transitions import NewMember, create_till, kill_flag, release_flag
from incidents.intake import list_waiting, take_in
from rollouts.approval_queries import weigh_phase_approval
from rollouts.domain.lifecycle import Status
from rollouts.domain.templates import Advance, Gate, PhaseKind, PhaseTemplate
from rollouts.drawing import PlanRequest
from rollouts.models import Phase, PhaseStatus, Rollout, StepStatus, Trigger
from rollouts.page_queries import compose_page
from rollouts.queries import list_exposed_sites_of
from rollouts.story_words import say_event
from rollouts.transitions import (
    acknowledge_flag,
    plan_rollout,
    redraft_rollout,
    resume_rollout,
    roll_back,
    run_next_step,
    schedule_rollout,
)
from rollouts.transitions.approving import decide_phase
from rollouts.transitions.editing import skip_steps
from rollouts.transitions.hastening import promote_early
from rollouts.transitions.partial_rollback import roll_back_phase, roll_back_site
from rollouts.transitions.templating import create_template
from tests.factories.world import DAY, NOW, WHY, World, make_rehearsal, make_world, play
from tests.signed_in import sign_in

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}
HOUR = timedelta(hours=1)
INTERNAL = PhaseTemplate(PhaseKind.INTERNAL, days=1, advance=Advance.TOGETHER, gates=())
SITES = PhaseTemplate(PhaseKind.PER_SITE, days=3, advance=Advance.TOGETHER, gates=())
FULL = PhaseTemplate(PhaseKind.FULL, days=1, advance=Advance.TOGETHER, gates=())


@pytest.fixture
def world() -> World:
    return make_world()


def _killed(world: World) -> set[str]:
    states = FlagState.objects.filter(environment=world.environment, killed_at__isnull=False)
    return set(states.values_list("flag__key", flat=True))


def _take_back(world: World, *, start: datetime = NOW) -> tuple[Rollout, datetime]:
    """Return a rollout begun at `start` and rolled back whole, and when."""
    rollout = make_rehearsal(world, now=start)
    now = play(world, rollout, start=start, seconds=DAY)
    roll_back(rollout_id=rollout.pk, flag_ids=None, trigger=Trigger.MANUAL, now=now, **BY)
    return rollout, now


def _acknowledge(rollout: Rollout, now: datetime) -> None:
    for row in rollout.rollout_flags.filter(rolled_back_at__isnull=False):
        acknowledge_flag(rollout_id=rollout.pk, flag_id=row.flag_id, now=now, **BY)


def _lift_by_hand(world: World, now: datetime) -> None:
    for flag in world.flags:
        release_flag(flag_id=flag.pk, environment_id=world.environment.pk, now=now, **BY)


@pytest.mark.django_db
class TestRedraft:
    def test_redraft__nothing_happened_since__lifts_what_its_rollback_set(self, world: World) -> None:
        rollout, now = _take_back(world)
        _acknowledge(rollout, now)

        redraft_rollout(rollout_id=rollout.pk, now=now + HOUR, **BY)

        assert _killed(world) == set()
        last = rollout.events.latest("pk")
        assert say_event(kind=last.kind, data=last.data) == "Planned anew"

    def test_redraft__another_rollout_took_the_flags_back_since__leaves_them_off(self, world: World) -> None:
        first, now = _take_back(world)
        _acknowledge(first, now)
        _lift_by_hand(world, now + HOUR)
        second, now = _take_back(world, start=now + 2 * HOUR)

        redraft_rollout(rollout_id=first.pk, now=now + HOUR, **BY)

        assert _killed(world) == {"buttons", "tickets", "signals"}
        _acknowledge(second, now + 2 * HOUR)
        redraft_rollout(rollout_id=second.pk, now=now + 3 * HOUR, **BY)
        assert _killed(world) == set()

    def test_redraft__another_rollout_was_taken_back_under_the_same_kill__leaves_it(self, world: World) -> None:
        first, now = _take_back(world)
        _acknowledge(first, now)
        _take_back(world, start=now + HOUR)

        redraft_rollout(rollout_id=first.pk, now=now + 2 * HOUR, **BY)

        assert _killed(world) == {"buttons", "tickets", "signals"}

    def test_redraft__a_person_switched_a_flag_off_since__leaves_it_off_and_says_so(self, world: World) -> None:
        rollout, now = _take_back(world)
        _acknowledge(rollout, now)
        _lift_by_hand(world, now + HOUR)
        kill_flag(flag_id=world.flags[0].pk, environment_id=world.environment.pk, now=now + 2 * HOUR, **BY)

        redraft_rollout(rollout_id=rollout.pk, now=now + 3 * HOUR, **BY)

        assert _killed(world) == {"buttons"}
        last = rollout.events.latest("pk")
        assert say_event(kind=last.kind, data=last.data) == "Planned anew; off since, for another reason: buttons"


@pytest.mark.django_db
def test_acknowledge__twice__is_told_once_with_its_flag_and_keeps_its_moment(world: World) -> None:
    rollout, now = _take_back(world)
    flag = world.flags[0]
    acknowledge_flag(rollout_id=rollout.pk, flag_id=flag.pk, now=now, **BY)

    row = acknowledge_flag(rollout_id=rollout.pk, flag_id=flag.pk, now=now + HOUR, **BY)

    assert row.acknowledged_at == now
    event = rollout.events.get(kind="acknowledged")
    assert say_event(kind=event.kind, data=event.data) == "Rollback acknowledged: buttons"


def _plan(world: World, *phases: PhaseTemplate) -> Rollout:
    """Return a scheduled rehearsal of these phases, written by the scheduler."""
    template = create_template(name="Ours", phases=phases, now=NOW, **BY)
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in world.sites),
        day_seconds=DAY,
        template_version_id=template.versions.get().pk,
    )
    rollout = plan_rollout(request=request, now=NOW, **BY)
    return schedule_rollout(rollout_id=rollout.pk, now=NOW, **BY)


def _run(rollout: Rollout, until: datetime) -> None:
    while run_next_step(rollout_id=rollout.pk, now=until) is not None:
        pass


def _decide(phase: Phase, by: User, *, now: datetime) -> None:
    seen = weigh_phase_approval(phase).content_hash
    decide_phase(phase_id=phase.pk, is_approved=True, seen_hash=seen, actor=person(by), reason=WHY, now=now)


@pytest.mark.django_db
class TestPhaseTakenBack:
    """Internal with a gate, then the sites: the first site has the flags, then the phase is taken back."""

    BEGUN = NOW + timedelta(seconds=DAY * 0.5)
    LATER = NOW + timedelta(seconds=DAY * 1.5)

    def _take_back(self, rollout: Rollout) -> Phase:
        before, sites = rollout.phases.order_by("position")[:2]
        assert sites.status == PhaseStatus.RUNNING
        roll_back_phase(rollout_id=rollout.pk, phase_id=sites.pk, now=self.LATER, **BY)
        resume_rollout(rollout_id=rollout.pk, now=self.LATER, **BY)
        _run(rollout, self.LATER)
        return before

    def _is_held_at_gate(self, rollout: Rollout) -> bool:
        rollout.refresh_from_db()
        return (rollout.status, rollout.held_code) == (Status.HELD, "gate")

    def test_resume__after_a_waived_gate__asks_the_gate_anew(self, world: World) -> None:
        gates = (Gate.CHECKLIST,)
        rollout = _plan(world, replace(INTERNAL, gates=gates, checklist=("The phone is manned",)), SITES)
        _run(rollout, self.BEGUN)
        _run(rollout, self.LATER)
        assert self._is_held_at_gate(rollout)
        resume_rollout(rollout_id=rollout.pk, waive_gate=True, now=self.LATER, **BY)
        _run(rollout, self.LATER)

        before = self._take_back(rollout)

        assert self._is_held_at_gate(rollout)
        before.refresh_from_db()
        assert not before.gate_waived

    def test_resume__after_an_approval__asks_for_another(self, world: World) -> None:
        rollout = _plan(world, replace(INTERNAL, gates=(Gate.APPROVAL,)), SITES)
        _run(rollout, self.BEGUN)
        other = create_person(username="other", roles=[Role.RELEASE_MANAGER], actor=SCHEDULER, reason=WHY, now=NOW)
        _decide(rollout.phases.get(position=1), other, now=self.BEGUN)
        _run(rollout, self.LATER)

        before = self._take_back(rollout)

        assert self._is_held_at_gate(rollout)
        assert [one.name for one in weigh_phase_approval(before).void] == ["other"]
        _decide(before, other, now=self.LATER)
        assert weigh_phase_approval(before).holds


@pytest.mark.django_db
class TestSiteTakenBack:
    def test_site__taken_back_before_a_flag_is_on_anywhere__gets_that_flag_never(self, world: World) -> None:
        one_by_one = replace(INTERNAL, days=3, advance=Advance.ONE_BY_ONE)
        rollout = _plan(world, one_by_one, FULL)
        begun = rollout.steps.earliest("position").due_at
        _run(rollout, begun)
        assert rollout.steps.filter(status=StepStatus.DONE).count() == 1
        site = world.sites[1]

        rollback = roll_back_site(rollout_id=rollout.pk, site_id=site.pk, now=begun, **BY)

        assert [row.flag for row in rollback.rollback_flags.all()] == [world.flags[0]], "the only one that was on"
        resume_rollout(rollout_id=rollout.pk, now=begun, **BY)
        play(world, rollout, start=begun, seconds=DAY * 6)
        assert not rollout.steps.exclude(status=StepStatus.DONE).exists()
        for flag in world.flags:
            first = Rule.objects.filter(state__flag=flag).earliest("position")
            assert (first.site, first.variant) == (site, "off")

    def test_pages__of_a_site_taken_back__count_it_nowhere_as_on(self, world: World) -> None:
        rollout = _plan(world, SITES, FULL)
        first = rollout.steps.earliest("position")
        _run(rollout, first.due_at)
        assert first.site is not None
        create_till(site_id=first.site.pk, key="till-1", name="Till 1", now=NOW, **BY)
        camille = create_person(
            username="camille", roles=[Role.RELEASE_MANAGER], full_name="Camille", actor=SCHEDULER, reason=WHY, now=NOW
        )
        given: dict[str, Any] = {"actor": person(camille), "reason": WHY, "now": first.due_at}
        roll_back_site(rollout_id=rollout.pk, site_id=first.site.pk, **given)

        page = compose_page(Rollout.objects.get(pk=rollout.pk), now=first.due_at)

        assert [site.name for site in page.summary.phases[0].sites if site.is_shut] == [first.site.name]
        assert (page.reach.sites, page.reach.tills) == (0, 0)
        assert [(one.is_off, one.site) for one in page.confirmations] == [(True, first.site)]
        assert list_exposed_sites_of(rollout) == []
        assert f"3 flags off at {first.site.name}" in sign_in().get(f"/rollouts/{rollout.pk}/").content.decode()
        (event_id,) = list_waiting(limit=10)
        incident = take_in(event_id, now=first.due_at)
        assert incident is not None
        assert incident.title == f"↩ {first.site.name} · 1.3 · Buttons, Signals, Tickets (staging)"
        assert incident.timeline.get(code="site_rolled_back").actor_label == person(camille).label


@pytest.mark.django_db
class TestPhaseLeftOut:
    """Internal, a pilot that somebody else must approve of leaving, everyone; the pilot's steps are all left out."""

    PILOT = PhaseTemplate(PhaseKind.PILOT, days=1, advance=Advance.TOGETHER, gates=(Gate.SOAK, Gate.APPROVAL))

    @pytest.fixture
    def rollout(self, world: World) -> Rollout:
        rollout = _plan(world, INTERNAL, self.PILOT, FULL)
        step = rollout.steps.filter(phase__kind="pilot").earliest("position")
        skip_steps(rollout_id=rollout.pk, step_id=step.pk, now=NOW, **BY)
        assert not rollout.steps.filter(phase__kind="pilot", status=StepStatus.PLANNED).exists()
        _run(rollout, rollout.steps.earliest("position").due_at)
        return rollout

    def test_step__behind_it__waits_for_its_gates(self, rollout: Rollout) -> None:
        last = rollout.steps.get(phase__kind="full", flag__key="buttons")

        _run(rollout, last.due_at)

        rollout.refresh_from_db()
        assert (rollout.status, rollout.held_code) == (Status.HELD, "gate")
        assert rollout.held_data["gates"] == [{"code": "approval_pending", "approvers": 0, "needed": 1}]
        pilot = rollout.phases.get(kind="pilot")
        other = create_person(username="other", roles=[Role.RELEASE_MANAGER], actor=SCHEDULER, reason=WHY, now=NOW)
        _decide(pilot, other, now=last.due_at)
        resume_rollout(rollout_id=rollout.pk, now=last.due_at, **BY)
        _run(rollout, last.due_at)
        last.refresh_from_db()
        assert last.status == StepStatus.DONE
        assert list(rollout.phases.order_by("position").values_list("status", flat=True)) == ["done", "done", "running"]

    def test_step__behind_it__is_not_waived_past_other_peoples_approval(self, rollout: Rollout) -> None:
        last = rollout.steps.get(phase__kind="full", flag__key="buttons")
        _run(rollout, last.due_at)

        with pytest.raises(Refusal, match="approval_not_waived"):
            resume_rollout(rollout_id=rollout.pk, waive_gate=True, now=last.due_at, **BY)

        last.refresh_from_db()
        assert last.status == StepStatus.PLANNED

    def test_promote_early__over_it__is_refused_as_long_as_its_gates_do_not_hold(self, rollout: Rollout) -> None:
        with pytest.raises(Refusal) as refused:
            promote_early(rollout_id=rollout.pk, now=NOW + timedelta(seconds=DAY * 0.6), **BY)

        assert refused.value.data["gates"] == ["approval_pending"]

    def test_promote_early__over_one_without_other_gates__goes_on_at_once(self, world: World) -> None:
        rollout = _plan(world, INTERNAL, replace(self.PILOT, gates=(Gate.SOAK,)), FULL)
        step = rollout.steps.filter(phase__kind="pilot").earliest("position")
        skip_steps(rollout_id=rollout.pk, step_id=step.pk, now=NOW, **BY)
        _run(rollout, rollout.steps.earliest("position").due_at)
        now = NOW + timedelta(seconds=DAY * 0.6)

        promote_early(rollout_id=rollout.pk, now=now, **BY)
        _run(rollout, now)

        assert rollout.steps.filter(phase__kind="full", status=StepStatus.DONE).count() == 3
