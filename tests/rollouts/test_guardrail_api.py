"""Programs read how guardrails are set, what they decided, and investigations, which they close and hand over."""

from datetime import timedelta
from typing import Any

import pytest

from core import clock
from core.actors import SCHEDULER, command
from core.people import create_person
from core.roles import Role
from flags.domain.purposes import Purpose
from health.guardrail_transitions import GuardrailWish, set_guardrail
from rollouts.complaint_guarding import watch_complaints
from rollouts.domain.phase_guardrails import PhaseGuardrail
from rollouts.domain.templates import PhaseKind, PhaseTemplate
from rollouts.exposure_queries import exposures_of
from rollouts.models import Investigation, Rollout
from rollouts.transitions.overriding import override_guardrail
from rollouts.transitions.templating import create_template
from tests.api_client import Program, program_of
from tests.factories.flags import make_environment, make_token
from tests.factories.health import make_complaint
from tests.factories.investigations import make_investigation
from tests.factories.world import DAY, WHY, World, make_rehearsal, make_world, play, reload

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world(now=clock.now() - timedelta(minutes=20))


@pytest.fixture
def rollout(world: World) -> Rollout:
    start = clock.now() - 8 * DAY * timedelta(seconds=1)
    rollout = make_rehearsal(world, now=start)
    play(world, rollout, start=start, seconds=8 * DAY)
    return reload(rollout)


def _by() -> dict[str, Any]:
    return {"actor": command("ops"), "reason": WHY, "now": clock.now()}


def _elsewhere() -> Program:
    return Program(make_token(make_environment(), purpose=Purpose.MANAGE)[1])


def test_guardrails__of_the_environment_and_of_flags__are_told(world: World) -> None:
    own = GuardrailWish(lane="error_rate", mode="hold", threshold_bp=300, flag_id=world.flags[0].pk)
    everyones = GuardrailWish(lane="complaints", mode="observe", most_a_day=7)
    for wish in (own, everyones):
        set_guardrail(environment_id=world.environment.pk, wish=wish, **_by())

    items = program_of(world).get("/guardrails").json()["items"]

    assert [(one["lane"], one["flag"], one["mode"], one["limit"], one["is_set"]) for one in items] == [
        ("error_rate", None, "roll_back", 500, False),
        ("performance", None, "observe", 2_000, False),
        ("alert", None, "observe", None, False),
        ("complaints", None, "observe", 7, True),
        ("error_rate", "buttons", "hold", 300, True),
    ]
    assert not any(one["is_set"] for one in _elsewhere().get("/guardrails").json()["items"])


def test_rollout_guardrails__each_part__says_who_says_it(world: World, rollout: Rollout) -> None:
    phase = rollout.phases.get(status="running")
    wish = GuardrailWish(lane="error_rate", mode="hold", threshold_bp=400)
    set_guardrail(environment_id=world.environment.pk, wish=wish, **_by())
    asked = PhaseGuardrail("error_rate", "observe")
    override_guardrail(rollout_id=rollout.pk, phase_id=phase.pk, wish=asked, **_by())

    answer = program_of(world).get(f"/rollouts/{rollout.pk}/guardrails")

    told = answer.json()["items"][phase.position - 1]
    assert (told["phase"], told["status"]) == (phase.kind, "running")
    assert told["overrides"] == [{"lane": "error_rate", "mode": "observe", "limit": None, "scope": None}]
    setting = told["settings"][0]
    assert (setting["mode"], setting["mode_from"], setting["limit_from"]) == ("observe", "phase", "environment")
    # Support is heightened while it goes by site.
    assert (setting["limit"], setting["is_tightened"]) == (320, True)
    assert told["settings"][1]["mode_from"] == "default"
    assert _elsewhere().get(f"/rollouts/{rollout.pk}/guardrails").status_code == 404


def test_plan_templates__say_what_their_phases_override(world: World) -> None:
    phase = PhaseTemplate(PhaseKind.FULL, days=1, gates=(), guardrails=(PhaseGuardrail("complaints", "hold", 3),))
    create_template(name="Ours", phases=[phase], **_by())

    items = program_of(world).get("/plan-templates").json()["items"]

    [ours] = [one for one in items if one["key"] == "ours"]
    assert ours["phases"][0]["overrides"] == [{"lane": "complaints", "mode": "hold", "limit": 3, "scope": None}]


def test_decisions__are_told_with_their_numbers_to_their_environment_alone(world: World, rollout: Rollout) -> None:
    for number in range(11):
        make_complaint(
            world.environment,
            site=world.sites[0],
            flag=world.flags[0],
            text=f"Article {number} is wrong",
            reporter=f"cashier {number}",
            now=clock.now(),
        )
    watch_complaints(rollout, exposures_of(rollout), now=clock.now())
    ci = program_of(world)

    [item] = ci.get("/guardrail-decisions", lane="complaints").json()["items"]

    assert (item["act"], item["n"], item["threshold"], item["subject"]) == ("held", 11, "10", f"rollout:{rollout.pk}")
    assert ci.get("/guardrail-decisions", lane="alert").json()["items"] == []
    assert _elsewhere().get("/guardrail-decisions").json()["items"] == []


class TestInvestigations:
    def test_list__by_state_and_environment__shows_those(self, world: World, rollout: Rollout) -> None:
        opened = make_investigation(rollout, now=clock.now())
        ci = program_of(world)

        [item] = ci.get("/investigations", status="open").json()["items"]

        assert item == ci.get(f"/investigations/{opened.pk}").json()
        assert (item["rollout"], item["code"], item["evidence"]["said"]) == (rollout.pk, "alert", "TillErrors fires")
        assert ci.get("/investigations", status="dismissed").json()["items"] == []
        assert _elsewhere().get("/investigations").json()["items"] == []
        assert _elsewhere().get(f"/investigations/{opened.pk}").status_code == 404

    def test_dismiss__with_a_reason__ends_it_once_in_the_tokens_name(self, world: World, rollout: Rollout) -> None:
        opened = make_investigation(rollout, now=clock.now())
        ci, path = program_of(world), f"/investigations/{opened.pk}/dismiss"
        assert ci.post(path, reason="").status_code == 400

        answer = ci.post(path, reason="A drill of the monitoring")

        assert (answer.status_code, answer.json()["status"]) == (200, "dismissed")
        assert answer.json()["conclusion"] == "A drill of the monitoring"
        assert Investigation.history.filter(id=opened.pk).latest().actor_kind == "token"
        assert rollout.events.get(kind="investigation_dismissed").actor_label == "manage"
        assert (ci.post(path, reason="Again").status_code) == 409

    def test_dismiss__of_another_environment__is_not_there(self, world: World, rollout: Rollout) -> None:
        opened = make_investigation(rollout, now=clock.now())

        answer = _elsewhere().post(f"/investigations/{opened.pk}/dismiss", reason="Mine")

        assert (answer.status_code, answer.json()["errorCode"]) == (404, "investigation_unknown")
        opened.refresh_from_db()
        assert opened.status == "open"

    def test_hand_over__to_who_may__makes_them_its_owner_and_nobody_else(self, world: World, rollout: Rollout) -> None:
        opened = make_investigation(rollout, now=clock.now())
        for name, role in (("nadia", Role.SUPPORT), ("audrey", Role.AUDITOR)):
            create_person(username=name, roles=[role], actor=SCHEDULER, reason=WHY, now=clock.now())
        ci, path = program_of(world), f"/investigations/{opened.pk}/hand-over"

        answer = ci.post(path, owner="nadia", reason="On duty")

        assert (answer.status_code, answer.json()["owner"], answer.json()["taken_at"]) == (200, "nadia", None)
        for name in ("audrey", "nobody"):
            refused = ci.post(path, owner=name, reason="On duty")
            assert (refused.status_code, refused.json()["errorCode"]) == (400, "owner_unfit")
