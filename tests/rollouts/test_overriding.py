"""A phase's guardrails set by hand: voids approvals, loosens aloud, and says on the pages where each comes from."""

from typing import Any

import pytest

from core.actors import SCHEDULER, command, person
from core.errors import InvalidInput, NotAllowed, Refusal
from core.people import create_person
from core.roles import Role
from flags.transitions import edit_environment
from health.guardrail_transitions import GuardrailWish, set_guardrail
from health.models import Mode
from rollouts.approval_queries import weigh_plan_approval
from rollouts.domain.phase_guardrails import PhaseGuardrail, Standing, is_looser, put_in
from rollouts.effective_guardrail import get_effective_guardrails
from rollouts.guardrail_settings import Origin, Setting
from rollouts.models import Phase, Rollout
from rollouts.story_words import say_event
from rollouts.transitions import cancel_rollout, schedule_rollout
from rollouts.transitions.approving import decide_plan, request_approval
from rollouts.transitions.overriding import override_guardrail
from tests.factories.world import DAY, NOW, WHY, World, make_rehearsal, make_world, play, reload
from tests.rollouts.test_approvals import _plan
from tests.signed_in import sign_in

BY: dict[str, Any] = {"actor": command("ops"), "reason": "A quiet pilot", "now": NOW}
STRICT = PhaseGuardrail("error_rate", "hold", 200)


@pytest.fixture
def world() -> World:
    return make_world()


def _require_approval(world: World) -> None:
    edit_environment(
        environment_id=world.environment.pk,
        name="Staging",
        position=1,
        is_production=False,
        allowed_origins=[],
        required_approvals=1,
        actor=SCHEDULER,
        reason=WHY,
        now=NOW,
    )


def _first(rollout: Rollout) -> Phase:
    return rollout.phases.order_by("position")[0]


def _override(rollout: Rollout, wish: PhaseGuardrail, **more: Any) -> Phase:
    return override_guardrail(rollout_id=rollout.pk, phase_id=_first(rollout).pk, wish=wish, **BY | more)


def _setting(rollout: Rollout, lane: str = "error_rate", *, flag_key: str = "") -> Setting:
    effective = get_effective_guardrails(reload(rollout))
    found = effective.list_settings_in(_first(rollout), [flag_key] if flag_key else [])
    return next(one for one in found if one.lane == lane and one.flag_key == flag_key)


def _running(world: World) -> Rollout:
    rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=DAY, healthy=False)
    return reload(rollout)


@pytest.mark.parametrize(
    ("before", "after", "looser"),
    [
        (("hold", 500, "flag"), ("observe", 500, "flag"), True),
        (("hold", 500, "flag"), ("roll_back", 500, "flag"), False),
        (("hold", 500, "flag"), ("hold", 600, "flag"), True),
        (("hold", 500, "flag"), ("hold", 400, "flag"), False),
        (("hold", 500, "flag"), ("roll_back", 600, "flag"), True),
        (("hold", None, "flag"), ("hold", None, "site"), False),
        (("roll_back", None, "rollout"), ("roll_back", None, "flag"), True),
        (("roll_back", None, "flag"), ("roll_back", None, "site"), True),
        (("roll_back", None, "site"), ("roll_back", None, "rollout"), False),
    ],
)
def test_looser__doing_less_or_later__is(before: tuple[Any, ...], after: tuple[Any, ...], looser: bool) -> None:
    assert is_looser(Standing(*before), Standing(*after)) is looser


def test_put_in__a_lane__replaces_its_own_and_an_empty_one_takes_it_out() -> None:
    complaints = PhaseGuardrail("complaints", "observe")

    assert put_in((complaints,), STRICT) == (STRICT, complaints)
    assert put_in((STRICT, complaints), PhaseGuardrail("error_rate", "observe"))[0].mode == "observe"
    assert put_in((STRICT, complaints), PhaseGuardrail("error_rate")) == (complaints,)


@pytest.mark.django_db
class TestOverride:
    def test_override__of_a_draft__holds_with_history_and_story(self, world: World) -> None:
        rollout = _plan(world, command("ops"))

        phase = _override(rollout, STRICT)

        setting = _setting(rollout)
        assert (setting.guardrail.mode, setting.guardrail.threshold_bp) == (Mode.HOLD, 200)
        assert setting.origins == {"mode": Origin.PHASE, "limit": Origin.PHASE}
        row = Phase.history.filter(id=phase.pk).latest()
        assert (row.history_change_reason, row.guardrails[0]["limit"]) == ("A quiet pilot", 200)
        event = rollout.events.get(kind="guardrail_loosened")
        assert reload(rollout).epoch == rollout.epoch + 1
        assert say_event(kind=event.kind, data=event.data) == (
            "Guardrail loosened for Internal. Error rate: roll back: what the scope says goes off · limit 5 %"
            " · what goes off: the suspect flag, for everyone → hold: the rollout stops and people are told · limit 2 %"
        )

    def test_override__empty__is_as_flag_and_environment_have_it(self, world: World) -> None:
        rollout = _plan(world, command("ops"))
        _override(rollout, STRICT)

        _override(rollout, PhaseGuardrail("error_rate"))

        assert _first(rollout).guardrails == []
        assert _setting(rollout).mode_from == Origin.DEFAULT

    def test_override__approved_plan_that_waits__voids_the_approval_and_makes_an_author(self, world: World) -> None:
        _require_approval(world)
        people = [
            create_person(username=name, roles=[Role.RELEASE_MANAGER], actor=SCHEDULER, reason=WHY, now=NOW)
            for name in ("author", "other", "third")
        ]
        author, other, third = people
        rollout = request_approval(
            rollout_id=_plan(world, person(author)).pk, actor=person(author), reason=WHY, now=NOW
        )
        seen = weigh_plan_approval(rollout).content_hash
        decide: dict[str, Any] = {"rollout_id": rollout.pk, "is_approved": True, "reason": WHY, "now": NOW}
        decide_plan(actor=person(other), seen_hash=seen, **decide)
        assert weigh_plan_approval(rollout).holds

        _override(rollout, PhaseGuardrail("error_rate", limit=300), actor=person(third))

        state = weigh_plan_approval(reload(rollout))
        assert (state.holds, len(state.void)) == (False, 1)
        with pytest.raises(Refusal) as refused:
            schedule_rollout(rollout_id=rollout.pk, actor=person(author), reason=WHY, now=NOW)
        assert refused.value.code == "approval_missing"
        with pytest.raises(NotAllowed) as alone:
            decide_plan(actor=person(third), seen_hash=state.content_hash, **decide)
        assert alone.value.code == "approval_by_author"

    def test_override__approved_and_scheduled__is_tightened_and_never_loosened(self, world: World) -> None:
        _require_approval(world)
        other = create_person(username="o", roles=[Role.RELEASE_MANAGER], actor=SCHEDULER, reason=WHY, now=NOW)
        rollout = request_approval(rollout_id=_plan(world, command("ops")).pk, **BY)
        # A program wrote it: two must approve.
        last = create_person(username="l", roles=[Role.RELEASE_MANAGER], actor=SCHEDULER, reason=WHY, now=NOW)
        for one in (other, last):
            decide_plan(
                rollout_id=rollout.pk,
                is_approved=True,
                seen_hash=weigh_plan_approval(rollout).content_hash,
                actor=person(one),
                reason=WHY,
                now=NOW,
            )
        schedule_rollout(rollout_id=rollout.pk, **BY)

        with pytest.raises(Refusal) as refused:
            _override(rollout, PhaseGuardrail("error_rate", limit=600))
        _override(rollout, PhaseGuardrail("error_rate", limit=300))

        assert refused.value.code == "guardrail_is_approved"
        assert _setting(rollout).guardrail.threshold_bp == 300
        assert rollout.events.filter(kind="guardrail_changed").count() == 1

    def test_override__running__a_mode_turned_down_is_told_and_acts_at_once(self, world: World) -> None:
        rollout = _running(world)

        _override(rollout, PhaseGuardrail("complaints", "observe"))

        assert rollout.events.get(kind="guardrail_loosened").reason == "A quiet pilot"
        assert get_effective_guardrails(reload(rollout)).get("complaints").mode == Mode.OBSERVE

    def test_override__looser_for_a_flag_with_a_stricter_one_of_its_own__is_loosened(self, world: World) -> None:
        strict = GuardrailWish(lane="error_rate", mode="roll_back", threshold_bp=100, flag_id=world.flags[0].pk)
        set_guardrail(environment_id=world.environment.pk, wish=strict, **BY)
        rollout = _running(world)
        assert _setting(rollout, flag_key="buttons").limit_from == Origin.FLAG

        _override(rollout, PhaseGuardrail("error_rate", limit=400))

        assert rollout.events.filter(kind="guardrail_loosened").exists()
        assert get_effective_guardrails(reload(rollout)).get("error_rate", "buttons").threshold_bp == 400

    @pytest.mark.parametrize(
        ("wish", "code"),
        [
            (PhaseGuardrail("error_rate", "off"), "template_guardrail_mode"),
            (PhaseGuardrail("error_rate", limit=5_000), "template_guardrail_wrong"),
            (PhaseGuardrail("complaints", scope="site"), "template_guardrail_scope"),
            (PhaseGuardrail("critical", "hold"), "template_guardrail_unknown"),
            (PhaseGuardrail("critical"), "template_guardrail_unknown"),
        ],
    )
    def test_override__what_it_cannot_be__is_refused(self, world: World, wish: PhaseGuardrail, code: str) -> None:
        rollout = _running(world)

        with pytest.raises(InvalidInput) as refused:
            _override(rollout, wish)

        assert refused.value.code == code
        assert _first(rollout).guardrails == []

    def test_override__as_it_is_or_over_or_seen_before_a_change__is_refused(self, world: World) -> None:
        rollout = _plan(world, command("ops"))
        codes = []
        _override(rollout, STRICT)
        for more in ({}, {"seen_epoch": rollout.epoch}):
            with pytest.raises(Refusal) as refused:
                _override(rollout, STRICT, **more)
            codes.append(refused.value.code)
        cancel_rollout(rollout_id=rollout.pk, **BY)
        with pytest.raises(Refusal) as refused:
            _override(rollout, PhaseGuardrail("error_rate"))

        assert [*codes, refused.value.code] == ["guardrail_as_it_is", "changed_meanwhile", "rollout_over"]

    def test_override__a_phase_that_has_ended__is_refused(self, world: World) -> None:
        rollout = _running(world)
        play(world, rollout, start=NOW, seconds=3 * DAY)
        assert _first(rollout).status == "done"

        with pytest.raises(Refusal) as refused:
            _override(rollout, STRICT)

        assert refused.value.code == "phase_ended"


@pytest.mark.django_db
class TestPages:
    def test_page__says_what_holds_and_who_says_so_and_changes_it(self, world: World) -> None:
        rollout = _running(world)
        wish = GuardrailWish(lane="complaints", mode="investigate", most_a_day=7)
        set_guardrail(environment_id=world.environment.pk, wish=wish, **BY)
        client = sign_in()
        path = f"/rollouts/phases/{_first(rollout).pk}/guardrails/error_rate/"
        form = client.get(path)
        assert 'name="epoch"' in form.content.decode()

        answer = client.post(
            path, {"error_rate_mode": "hold", "error_rate_percent": "3", "epoch": rollout.epoch, "reason": "A pilot"}
        )

        assert answer.status_code == 302
        page = client.get(f"/rollouts/{rollout.pk}/guardrails/").content.decode()
        assert "hold: the rollout stops and people are told · limit 3 %" in page
        for words in ("from this phase", "from the environment", "as it comes", "more than 7 a day"):
            assert words in page
        live = client.get(f"/rollouts/{rollout.pk}/").content.decode()
        assert "limit 3 %" in live
        assert "from this phase" in live
        assert "Guardrail loosened for Internal" in live

    def test_form__wrong_or_old__is_said_and_writes_nothing(self, world: World) -> None:
        rollout = _running(world)
        client, path = sign_in(), f"/rollouts/phases/{_first(rollout).pk}/guardrails/error_rate/"
        good = {"error_rate_mode": "hold", "epoch": rollout.epoch, "reason": "A pilot"}

        for change in ({"reason": ""}, {"error_rate_percent": "90"}, {"epoch": rollout.epoch + 1}):
            assert client.post(path, good | change).status_code == 400

        assert _first(rollout).guardrails == []

    def test_form__of_no_phase_or_no_lane__is_not_there(self, world: World) -> None:
        phase, client = _first(_running(world)), sign_in()

        assert client.get(f"/rollouts/phases/{phase.pk}/guardrails/critical/").status_code == 404
        assert client.get("/rollouts/phases/0/guardrails/alert/").status_code == 404

    @pytest.mark.parametrize("role", [Role.SUPPORT, Role.AUDITOR])
    def test_pages__without_the_right__show_and_do_not_change(self, world: World, role: Role) -> None:
        rollout, client = _running(world), sign_in(role)
        path = f"/rollouts/{rollout.pk}/guardrails/"
        own = f"/rollouts/phases/{_first(rollout).pk}/guardrails/error_rate/"

        assert own not in client.get(path).content.decode()
        assert client.post(own, {"error_rate_mode": "observe", "reason": "Mine"}).status_code == 403
        assert _first(rollout).guardrails == []
