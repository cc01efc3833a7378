"""From a template's phase to a held rollout, through the tasks that run in production."""

from datetime import timedelta
from typing import Any

import pytest

from core import clock
from core.actors import command
from health.guardrail_transitions import GuardrailWish, set_guardrail
from health.models import Decision
from incidents.models import Incident
from incidents.tasks import take_in_events
from rollouts import tasks
from rollouts.domain.lifecycle import Status
from rollouts.domain.phase_guardrails import PhaseGuardrail
from rollouts.domain.templates import PhaseKind, PhaseTemplate
from rollouts.drawing import PlanRequest
from rollouts.models import Investigation, Rollout
from rollouts.transitions import plan_rollout, resume_rollout, schedule_rollout
from rollouts.transitions.overriding import override_guardrail
from rollouts.transitions.templating import create_template
from tests.api_client import program_of
from tests.factories.world import WHY, World, make_world, reload

pytestmark = pytest.mark.django_db
DAY_SECONDS = 3_600
FULL = PhaseTemplate(PhaseKind.FULL, days=1, gates=(), guardrails=(PhaseGuardrail("complaints", "hold", 3),))


@pytest.fixture
def world() -> World:
    return make_world(now=clock.now() - timedelta(hours=1))


def _begin(world: World, phase: PhaseTemplate) -> Rollout:
    """Return a rollout whose flags the scheduler's task has put on; in its environment complaints are observed."""
    start = clock.now() - timedelta(seconds=DAY_SECONDS / 2)
    by: dict[str, Any] = {"actor": command("ops"), "reason": WHY, "now": start}
    wish = GuardrailWish(lane="complaints", mode="observe", most_a_day=10)
    set_guardrail(environment_id=world.environment.pk, wish=wish, **by)
    template = create_template(name="Straight on", phases=[phase], **by)
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        site_ids=tuple(site.pk for site in world.sites),
        day_seconds=DAY_SECONDS,
        template_version_id=template.versions.get().pk,
    )
    rollout = plan_rollout(request=request, **by)
    schedule_rollout(rollout_id=rollout.pk, **by)
    assert tasks.run_due_steps() == len(world.flags)
    return reload(rollout)


def _complain(world: World, count: int) -> None:
    ci = program_of(world)
    for number in range(count):
        body = {"site": "lyon", "flag": "buttons", "severity": "blocking", "reporter": f"cashier {number}"}
        assert ci.post("/complaints", body | {"text": f"Article {number} costs nothing"}).status_code == 201


def test_complaints__beyond_the_phases_limit__hold_though_the_environment_only_observes(world: World) -> None:
    rollout = _begin(world, FULL)
    _complain(world, 3)
    tasks.watch_health()
    assert reload(rollout).status == Status.RUNNING

    _complain(world, 4)
    tasks.watch_health()
    tasks.watch_health()

    held = reload(rollout)
    assert (held.status, held.held_code, held.held_data["limit"]) == (Status.HELD, "complaint_limit", 3)
    assert Investigation.objects.get().evidence["limit"] == 3
    decision = Decision.objects.get()
    assert (decision.mode, decision.act, decision.threshold) == ("hold", "held", "3")
    take_in_events()
    assert Incident.objects.count() == 1


def test_complaints__where_the_phase_says_nothing__are_observed_until_somebody_overrides_it_by_hand(
    world: World,
) -> None:
    rollout = _begin(world, PhaseTemplate(PhaseKind.FULL, days=1, gates=()))
    _complain(world, 11)
    tasks.watch_health()
    assert (reload(rollout).status, Decision.objects.get().act) == (Status.RUNNING, "observed")

    by: dict[str, Any] = {"actor": command("ops"), "reason": "Too loud", "now": clock.now()}
    phase = rollout.phases.get()
    override_guardrail(rollout_id=rollout.pk, phase_id=phase.pk, wish=PhaseGuardrail("complaints", "hold"), **by)
    tasks.watch_health()

    assert reload(rollout).status == Status.HELD
    resume_rollout(rollout_id=rollout.pk, **by)
    tasks.watch_health()
    assert reload(rollout).status == Status.RUNNING
