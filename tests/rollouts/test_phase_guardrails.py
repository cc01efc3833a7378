"""What a plan with another template asks of guardrails is said among its differences."""

from dataclasses import replace

import pytest

from rollouts.domain.phase_guardrails import PhaseGuardrail
from rollouts.drawing import draw_plan
from rollouts.plan_diff import compare_plans
from rollouts.transitions import plan_rollout
from rollouts.transitions.templating import create_template
from tests.factories.world import NOW, make_world
from tests.rollouts.test_templates import BY, FULL, _request


@pytest.mark.django_db
def test_differences__another_guardrail_of_a_phase__are_said_in_words() -> None:
    world = make_world()
    asked = PhaseGuardrail("complaints", "observe", 5)
    before = create_template(name="Before", phases=[FULL], **BY)
    after = create_template(name="After", phases=[replace(FULL, guardrails=(asked,))], **BY)
    rollout = plan_rollout(request=_request(world, before), **BY)
    request = _request(world, after)

    found = compare_plans(rollout, request, draw_plan(request, now=NOW))

    said = {one.what: (one.before, one.after) for one in found}
    was, will_be = said["Everyone: guardrails"]
    assert was == "as in the environment"
    assert will_be.startswith("Complaints: observe")
    assert will_be.endswith("more than 5 a day")
