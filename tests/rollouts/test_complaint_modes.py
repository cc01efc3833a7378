"""What the lane of complaints does in each mode, and with another limit."""

import pytest

from core import clock
from core.actors import command
from core.errors import InvalidInput
from health.guardrail_transitions import GuardrailWish, set_guardrail
from health.models import Decision, Guardrail, Mode
from health.transitions import log_complaint
from incidents.intake import list_waiting, take_in
from incidents.models import Incident
from notifications.models import Event
from rollouts.complaint_guarding import watch_complaints
from rollouts.domain.lifecycle import Status
from rollouts.exposure_queries import exposures_of
from rollouts.models import Investigation, Rollout
from tests.factories.world import DAY, WHY, World, make_rehearsal, make_world, play, reload
from tests.rollouts.test_investigations import SECOND

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world(now=clock.now() - 1200 * SECOND)


@pytest.fixture
def rollout(world: World) -> Rollout:
    """Its flags are on at whole sites."""
    start = clock.now() - 8 * DAY * SECOND
    rollout = make_rehearsal(world, now=start)
    play(world, rollout, start=start, seconds=8 * DAY)
    return reload(rollout)


def _set(world: World, mode: str, *, most_a_day: int = 10) -> None:
    wish = GuardrailWish(lane="complaints", mode=mode, most_a_day=most_a_day)
    set_guardrail(environment_id=world.environment.pk, wish=wish, actor=command("ops"), reason=WHY, now=clock.now())


def _complain(world: World, count: int) -> None:
    for number in range(count):
        log_complaint(
            environment_id=world.environment.pk,
            site_id=world.sites[0].pk,
            flag_id=world.flags[0].pk,
            text=f"The price of article {number} is wrong",
            severity="annoying",
            reporter=f"cashier {number}",
            actor=command("support"),
            now=clock.now(),
        )


def _watch(rollout: Rollout) -> None:
    rollout = reload(rollout)
    watch_complaints(rollout, exposures_of(rollout), now=clock.now())


@pytest.mark.parametrize(
    ("mode", "status", "acts"),
    [
        (Mode.OFF, Status.RUNNING, []),
        (Mode.OBSERVE, Status.RUNNING, ["observed"]),
        (Mode.INVESTIGATE, Status.RUNNING, ["investigate"]),
        (Mode.HOLD, Status.HELD, ["held"]),
    ],
)
def test_eleven__does_what_the_mode_says_once(
    world: World, rollout: Rollout, mode: str, status: str, acts: list[str]
) -> None:
    _set(world, mode)
    _complain(world, 11)

    _watch(rollout)
    _watch(rollout)

    assert reload(rollout).status == status
    assert list(Decision.objects.values_list("act", flat=True)) == acts
    assert Investigation.objects.count() == (mode in {Mode.INVESTIGATE, Mode.HOLD})
    for event_id in list_waiting(now=clock.now(), limit=10):
        take_in(event_id, now=clock.now())
    assert Incident.objects.count() == (mode == Mode.HOLD)
    assert Event.objects.filter(kind="complaints_investigate").count() == (mode == Mode.INVESTIGATE)
    assert rollout.events.filter(kind="guardrail_observed").count() == (mode == Mode.OBSERVE)


def test_default__holds_and_writes_the_decision_with_its_numbers(world: World, rollout: Rollout) -> None:
    _complain(world, 11)

    _watch(rollout)

    decision = Decision.objects.get()
    assert (decision.lane, decision.code, decision.n, decision.threshold) == ("complaints", "complaint_limit", 11, "10")
    assert (decision.mode, decision.act, decision.subject) == ("hold", "held", f"rollout:{rollout.pk}")


def test_other_limit__is_the_one_that_counts_and_is_said(world: World, rollout: Rollout) -> None:
    _set(world, Mode.HOLD, most_a_day=3)
    _complain(world, 3)
    _watch(rollout)
    assert not Investigation.objects.exists()

    _complain(world, 1)
    _complain(world, 4)
    _watch(rollout)

    assert Investigation.objects.get().evidence["limit"] == 3
    assert reload(rollout).held_data["limit"] == 3


def test_observed__then_set_to_hold__holds(world: World, rollout: Rollout) -> None:
    _set(world, Mode.OBSERVE)
    _complain(world, 11)
    _watch(rollout)

    _set(world, Mode.HOLD)
    _watch(rollout)

    assert reload(rollout).status == Status.HELD
    assert set(Decision.objects.values_list("act", flat=True)) == {"observed", "held"}


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (GuardrailWish(lane="complaints", mode="roll_back", most_a_day=10), "guardrail_mode_wrong"),
        (GuardrailWish(lane="complaints", mode="hold", most_a_day=0), "limit_a_day_wrong"),
        (GuardrailWish(lane="complaints", mode="hold"), "limit_a_day_wrong"),
        (GuardrailWish(lane="complaints", mode="hold", most_a_day=5, threshold_bp=500), "limit_a_day_wrong"),
        (GuardrailWish(lane="error_rate", mode="hold", threshold_bp=500, most_a_day=5), "threshold_wrong"),
        (GuardrailWish(lane="complaints", mode="hold", most_a_day=5, flag_id=1), "guardrail_without_flags"),
    ],
)
def test_set__what_it_cannot_be__is_refused(world: World, wish: GuardrailWish, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        set_guardrail(environment_id=world.environment.pk, wish=wish, actor=command("ops"), reason=WHY, now=clock.now())

    assert refused.value.code == code
    assert not Guardrail.objects.exists()
