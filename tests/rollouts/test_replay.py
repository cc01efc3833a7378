"""A replay with the settings that were gives what was stored; with others, what they would have done."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.actors import SCHEDULER
from core.errors import InvalidInput
from health.domain.guardrail import Act
from health.domain.replay import Kind, Line, Settings
from health.models import Decision, Mode, StoredVerdict
from rollouts.exposure_queries import exposures_of
from rollouts.lane_guarding import watch_lanes
from rollouts.models import Rollout
from rollouts.past_queries import read_past
from rollouts.replaying import Answer, ReplayWish, replay_rollout
from rollouts.transitions import resume_rollout
from tests.factories.world import DAY, NOW, WHY, World, make_rehearsal, make_world, play, reload
from tests.rollouts.test_error_rate import _set as set_error_rate
from tests.rollouts.test_error_rate import send

pytestmark = pytest.mark.django_db

#: The second flag is on for the testers, the gate after the phase not reached.
LATER = NOW + timedelta(seconds=DAY)
A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def rollout(world: World) -> Rollout:
    rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=DAY, healthy=False)
    return reload(rollout)


def run_minutes(
    world: World, rollout: Rollout, shares: Sequence[float | None], *, start: datetime = LATER, elsewhere: float = 0.0
) -> datetime:
    """Let the shop sell minute by minute, so many of the first flag's requests failing, and watch at each end."""
    now = start
    for share in shares:
        for second in (20, 50) if share is not None else ():
            at = now + timedelta(seconds=second)
            send(world, flag=world.flags[0], now=at, share=share or 0)
            send(world, flag=world.flags[1], now=at, share=0)
            send(world, flag=None, now=at, share=elsewhere, site="lille")
        now += A_MINUTE
        watch_lanes([reload(rollout)], now=now)
    return now


def ask(rollout: Rollout, *, now: datetime, compared_bp: Sequence[int] = (), **given: Any) -> Answer:
    wished = {name: given.pop(name) for name in ("flag_keys", "since", "until") if name in given}
    most_looks = given.pop("most_looks", None)
    chosen: dict[str, Any] = {
        "lane": "error_rate",
        "mode": "hold",
        "limit_bp": 500,
        "scope": "flag",
        "cool_down": timedelta(minutes=15),
    }
    return replay_rollout(
        reload(rollout),
        ReplayWish(Settings(**chosen | given), **wished),
        now=now,
        compared_bp=compared_bp,
        most_looks=most_looks,
    )


def list_acts(lines: Sequence[Line]) -> list[tuple[datetime, str, str, int, int, str]]:
    return [
        (line.at, line.flag_key, str(line.act), line.judgement.n, line.judgement.k, line.judgement.code)
        for line in lines
        if line.kind is Kind.ACT and line.judgement is not None
    ]


def list_stored() -> list[tuple[datetime, str, str, int, int, str]]:
    rows = Decision.objects.order_by("pk")
    return list(rows.values_list("at", "flag_key", "act", "n", "k", "code"))


@pytest.mark.parametrize("mode", ["observe", "investigate", "hold", "roll_back"])
def test_replay__settings_that_were__is_what_was_stored(world: World, rollout: Rollout, mode: str) -> None:
    set_error_rate(world, mode, cool_down_minutes=15)
    shares = [0, 0, 0, *[0.2] * 8, *[0] * 6]

    now = run_minutes(world, rollout, shares)
    answer = ask(rollout, mode=mode, now=now)

    stored = list_stored()
    assert len(stored) >= 1
    assert list_acts(answer.replay.lines) == stored
    assert all(line.is_real and not line.is_assumed for line in answer.replay.lines if line.kind is Kind.ACT)
    suspected = StoredVerdict.objects.filter(lane="error_rate", code="error_rate_suspected").order_by("pk")
    said = [
        (line.at, line.judgement.n, line.judgement.k, line.judgement.data, line.judgement.bound_bp)
        for line in answer.replay.lines
        if line.kind is Kind.SUSPECTED and line.judgement
    ]
    assert said == list(suspected.values_list("at", "n", "k", "data", "bound_bp"))
    assert list(answer.decisions) == list(Decision.objects.order_by("pk"))


def test_replay__held_and_resumed_with_a_cool_down__goes_by_the_record(world: World, rollout: Rollout) -> None:
    set_error_rate(world, Mode.HOLD, cool_down_minutes=5)
    now = run_minutes(world, rollout, [0, *[0.3] * 4])
    resume_rollout(rollout_id=rollout.pk, actor=SCHEDULER, reason=WHY, now=now + timedelta(seconds=10))
    now = run_minutes(world, rollout, [0.3] * 9, start=now)

    answer = ask(rollout, now=now, cool_down=timedelta(minutes=5))

    assert [one[2] for one in list_stored()] == ["held", "cooling", "held"]
    assert list_acts(answer.replay.lines) == list_stored()


def test_replay__elsewhere_as_bad__holds_with_its_own_code(world: World, rollout: Rollout) -> None:
    set_error_rate(world, Mode.ROLL_BACK)

    now = run_minutes(world, rollout, [0, *[0.3] * 4], elsewhere=0.3)

    assert list_acts(ask(rollout, mode="roll_back", now=now).replay.lines) == list_stored()
    assert [one[2] for one in list_stored()] == ["held"]


def test_replay__watched_within_the_minute__fires_at_that_moment(world: World, rollout: Rollout) -> None:
    """The minute in which it was taken back is judged as it was, though the flag was off when it ended."""
    set_error_rate(world, Mode.ROLL_BACK)
    at = LATER + timedelta(seconds=30)
    send(world, flag=world.flags[0], now=at, share=0.9)
    watch_lanes([reload(rollout)], now=at + timedelta(seconds=1))

    answer = ask(rollout, mode="roll_back", now=LATER + timedelta(minutes=5))

    assert list_acts(answer.replay.lines) == list_stored()
    assert list_stored()[0][0] == at + timedelta(seconds=1)


def test_replay__other_limits__fire_earlier_or_later_or_not_at_all(world: World, rollout: Rollout) -> None:
    set_error_rate(world, Mode.OBSERVE, threshold_bp=1_000)
    # One request in twelve fails: 8.3 %.
    now = run_minutes(world, rollout, [0, 0, *[0.09] * 25])

    answer = ask(rollout, limit_bp=300, now=now, compared_bp=(100, 200, 300, 500, 1_000))

    found = [one.firings.get("buttons") for one in answer.others]
    moments = [one.at for one in found if one is not None]
    assert found[-1] is None
    assert moments == sorted(moments)
    assert len(set(moments)) > 1
    assert answer.find_real("buttons") is None
    fired = answer.replay.firings["buttons"]
    assert (fired.act, fired.is_real, fired.is_assumed) == (Act.HELD, False, False)
    assert fired.minutes == (fired.at - (LATER + 2 * A_MINUTE)) // A_MINUTE
    assert list(answer.replay.firings) == ["buttons"]


def test_replay__would_have_taken_it_back__says_nothing_of_the_flag_after(world: World, rollout: Rollout) -> None:
    set_error_rate(world, Mode.OBSERVE)
    now = run_minutes(world, rollout, [0.3] * 8)

    lines = [line for line in ask(rollout, mode="roll_back", now=now).replay.lines if line.flag_key == "buttons"]

    assert (lines[-1].act, lines[-1].is_real, lines[-1].is_assumed) == (Act.ROLLED_BACK, False, False)


def test_replay__would_have_held__goes_on_after_the_cool_down_as_assumed(world: World, rollout: Rollout) -> None:
    set_error_rate(world, Mode.OBSERVE)
    now = run_minutes(world, rollout, [0.3] * 14)

    acts = [line for line in ask(rollout, cool_down=timedelta(minutes=5), now=now).replay.lines if line.act]

    assert [line.is_assumed for line in acts[:2]] == [False, True]
    assert acts[1].at - acts[0].at > timedelta(minutes=5)


def test_replay__really_rolled_back_before_it_would_have_fired__says_that_it_went_off(
    world: World, rollout: Rollout
) -> None:
    set_error_rate(world, Mode.ROLL_BACK, threshold_bp=100)
    now = run_minutes(world, rollout, [0.09] * 8)
    assert [one[2] for one in list_stored()] == ["rolled_back"]

    answer = ask(rollout, mode="roll_back", limit_bp=1_000, now=now)

    assert [line.kind for line in answer.replay.lines if line.flag_key == "buttons"][-1] is Kind.ENDED
    assert answer.replay.firings == {}


def test_replay__a_gap__is_silence_and_no_health(world: World, rollout: Rollout) -> None:
    now = run_minutes(world, rollout, [0, 0, *[None] * 12, 0, 0])

    silences = [line for line in ask(rollout, now=now).replay.lines if line.kind is Kind.SILENT]

    found = [line for line in silences if line.flag_key == "buttons" and line.judgement]
    assert [line.judgement.code for line in found if line.judgement][-1] == "source_silent"
    assert found[-1].until == LATER + 15 * A_MINUTE
    stored = StoredVerdict.objects.filter(lane="error_rate", flag_key="buttons", code="source_silent").get()
    assert found[-1].at == stored.at


def test_replay__late_data__counts_when_it_came(world: World, rollout: Rollout) -> None:
    set_error_rate(world, Mode.OBSERVE)
    now = run_minutes(world, rollout, [0, 0, 0])
    # A till that was cut off hands its minutes over: they tell of an hour in which it was on.
    late = now + timedelta(seconds=15)
    send(world, flag=world.flags[0], now=late, share=0.5, tills=8)
    now = run_minutes(world, rollout, [0, 0], start=now)

    assert list_acts(ask(rollout, mode="observe", now=now).replay.lines) == list_stored()
    assert len(list_stored()) == 1


def test_replay__past_the_retention__says_from_when_on_it_knows(world: World, rollout: Rollout) -> None:
    now = run_minutes(world, rollout, [0.3] * 3)

    answer = ask(rollout, now=now + timedelta(days=50))

    assert answer.replay.forgotten_before is not None
    assert answer.replay.since == answer.replay.forgotten_before
    assert answer.replay.firings == {}
    assert ask(rollout, now=now).replay.forgotten_before is None


def test_replay__bounded__ends_early_and_says_where(world: World, rollout: Rollout) -> None:
    now = run_minutes(world, rollout, [0] * 5)

    answer = ask(rollout, now=now, flag_keys=["buttons"], most_looks=3)

    assert answer.cut_at == answer.replay.until
    assert answer.replay.until < now
    assert answer.replay.looks <= 3


def test_queries__longer_past__one_more_for_a_block_not_for_a_minute(world: World, rollout: Rollout) -> None:
    def count(now: datetime) -> int:
        with CaptureQueriesContext(connection) as queries:
            ask(rollout, now=now, flag_keys=["buttons"], compared_bp=(100, 300))
        return len(queries)

    now = run_minutes(world, rollout, [0] * 3)
    few = count(now)

    assert count(now + timedelta(hours=3)) <= few + 3
    assert few <= 12


def test_past__at_each_moment__is_what_health_was_told_then(world: World) -> None:
    rollout = make_rehearsal(world)
    told = []
    for second in range(0, 5 * DAY, 20):
        play(world, rollout, start=NOW + timedelta(seconds=second), seconds=20, healthy=True)
        at = NOW + timedelta(seconds=second + 20)
        told.append((at, exposures_of(reload(rollout))))

    past = read_past(reload(rollout))

    assert sum(len(exposures) for _at, exposures in told) > 10
    assert [list(past.at(at).exposures) for at, _exposures in told] == [exposures for _at, exposures in told]


@pytest.mark.parametrize(
    "given",
    [
        {"lane": "complaints"},
        {"lane": "alert"},
        {"mode": "off"},
        {"mode": "x"},
        {"scope": "x"},
        {"limit_bp": 99},
        {"limit_bp": 1_001},
        {"cool_down": timedelta(minutes=-1)},
        {"cool_down": timedelta(days=2)},
        {"flag_keys": ["nothing"]},
    ],
)
def test_replay__what_cannot_be__is_refused(rollout: Rollout, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        ask(rollout, now=LATER, **given)
