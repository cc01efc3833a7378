"""What a query of one's own does to a rollout, by its mode."""

from datetime import datetime, timedelta

import pytest

from core.actors import command
from health.models import Decision, Mode, QueryWatch, StoredVerdict
from health.query_transitions import change_query
from rollouts.domain.lifecycle import Status
from rollouts.lane_guarding import watch_lanes
from rollouts.models import Rollout
from rollouts.queries import judge_rollout, weigh_for_gates
from rollouts.transitions import resume_rollout
from tests.factories.queries import make_query, say
from tests.factories.world import DAY, NOW, WHY, World, make_rehearsal, make_world, play, reload

pytestmark = pytest.mark.django_db

#: The second flag is on for the testers for a minute, the gate after the phase not reached.
LATER = NOW + timedelta(seconds=DAY + 40)


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def rollout(world: World) -> Rollout:
    rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=DAY, healthy=False)
    return reload(rollout)


def _watch(rollout: Rollout, *moments: datetime) -> None:
    for now in moments:
        watch_lanes([reload(rollout)], now=now)


@pytest.mark.parametrize(
    ("mode", "status", "act"),
    [
        (Mode.OBSERVE, Status.RUNNING, "observed"),
        (Mode.INVESTIGATE, Status.RUNNING, "investigate"),
        (Mode.HOLD, Status.HELD, "held"),
        (Mode.ROLL_BACK, Status.HELD, "rolled_back"),
    ],
)
def test_query_of_a_flag__beyond_its_limit__does_what_the_mode_says(
    world: World, rollout: Rollout, mode: str, status: str, act: str
) -> None:
    query = make_query(world.environment, query="q{flag={flag}}", mode=mode, lasting_seconds=15, name="Queue")
    say(query, 11, 12.5, until=LATER, flag_key="buttons")

    _watch(rollout, LATER + timedelta(seconds=1), LATER + timedelta(seconds=4))

    assert reload(rollout).status == status
    decision = Decision.objects.get()
    assert (decision.lane, decision.act, decision.code) == (query.lane, act, "query_limit")
    assert (decision.flag_key, decision.mode, decision.threshold) == ("buttons", mode, "> 10")
    assert (decision.data["query"], decision.data["value"], decision.data["query_limit"]) == ("Queue", 12.5, 10)
    assert list(rollout.rollbacks.values_list("trigger", flat=True)) == (["query"] if act == "rolled_back" else [])


def test_query_without_flag__judges_the_flag_that_went_on_last_alone(world: World, rollout: Rollout) -> None:
    query = make_query(world.environment, mode=Mode.ROLL_BACK, lasting_seconds=15)
    say(query, 11, 11, until=LATER)
    exposed = {one.flag_key for one in judge_rollout(reload(rollout), now=LATER)}

    _watch(rollout, LATER + timedelta(seconds=1))

    newest = rollout.steps.filter(status="done").order_by("-done_at", "-position").first()
    assert newest is not None
    judged = set(StoredVerdict.objects.filter(lane=query.lane).values_list("flag_key", flat=True))
    assert judged == {newest.flag.key} <= exposed
    assert Decision.objects.get().flag_key == newest.flag.key


def test_query__in_scope_rollout__takes_everything_back(world: World, rollout: Rollout) -> None:
    say(make_query(world.environment, mode="roll_back", scope="rollout", lasting_seconds=15), 11, 11, until=LATER)

    _watch(rollout, LATER + timedelta(seconds=1))

    assert rollout.rollbacks.get().scope == "all"


def test_query__after_a_hold__cools_down_and_what_was_before_the_resume_does_not_count(
    world: World, rollout: Rollout
) -> None:
    query = make_query(world.environment, lasting_seconds=15, cool_down_minutes=10)
    say(query, 11, 11, until=LATER)
    _watch(rollout, LATER + timedelta(seconds=1))
    assert reload(rollout).status == Status.HELD
    resumed_at = LATER + timedelta(seconds=5)
    resume_rollout(rollout_id=rollout.pk, actor=command("ops"), reason=WHY, now=resumed_at)

    _watch(rollout, resumed_at + timedelta(seconds=1))
    assert [one.act for one in Decision.objects.all()] == ["held"]
    say(query, 11, 11, until=resumed_at + timedelta(seconds=20))
    _watch(rollout, resumed_at + timedelta(seconds=21))

    assert [one.act for one in Decision.objects.all()] == ["cooling", "held"]
    assert reload(rollout).status == Status.RUNNING


def test_two_queries__one_observed_and_one_that_holds__hide_nothing_of_each_other(
    world: World, rollout: Rollout
) -> None:
    observed = make_query(world.environment, mode=Mode.OBSERVE, lasting_seconds=15)
    holding = make_query(world.environment, mode=Mode.HOLD, lasting_seconds=15)
    for query in (observed, holding):
        say(query, 11, 11, until=LATER)

    _watch(rollout, LATER + timedelta(seconds=1), LATER + timedelta(seconds=4))

    assert {(one.lane, one.act) for one in Decision.objects.all()} == {
        (observed.lane, "observed"),
        (holding.lane, "held"),
    }
    assert set(StoredVerdict.objects.values_list("lane", flat=True)) >= {observed.lane, holding.lane}


@pytest.mark.parametrize("said", [(), ("timed_out",), (11, 11, "unreachable"), (1, 1, "no_data")])
def test_query_without_value__guards_a_gate_where_it_holds_and_acts_on_nothing(
    world: World, rollout: Rollout, said: tuple[float | str, ...]
) -> None:
    query = make_query(world.environment, mode=Mode.ROLL_BACK, lasting_seconds=15)
    say(query, *said, until=LATER)
    now = LATER + timedelta(seconds=1)

    _watch(rollout, now)

    assert reload(rollout).status == Status.RUNNING
    assert not Decision.objects.exists()
    assert _weigh(rollout, now=now) == {"inconclusive"}
    later = now + timedelta(seconds=20)
    say(query, 1, 1, until=later)
    assert ("pass" in _weigh(rollout, now=later)) is ("unreachable" not in said)


def test_query__observed__guards_no_gate(world: World, rollout: Rollout) -> None:
    make_query(world.environment, mode=Mode.OBSERVE)

    assert _weigh(rollout, now=LATER) == set()


def _weigh(rollout: Rollout, *, now: datetime) -> set[str]:
    judgements = [one for one in judge_rollout(reload(rollout), now=now) if one.lane.startswith("query:")]
    assert judgements
    return {verdict for _key, verdict in weigh_for_gates(reload(rollout), judgements, now=now)}


def test_watch__has_queries_asked_while_somebody_sees_a_flag(world: World, rollout: Rollout) -> None:
    per_flag = make_query(world.environment, query="q{flag={flag}}")
    whole = make_query(world.environment)
    off = [make_query(world.environment, mode=Mode.OFF), make_query(world.environment, is_active=False)]

    _watch(rollout, LATER)

    flags = set(QueryWatch.objects.filter(guardrail=per_flag).values_list("flag_key", flat=True))
    assert flags == {one.flag_key for one in judge_rollout(reload(rollout), now=LATER)}
    assert QueryWatch.objects.get(guardrail=whole).flag_key == ""
    assert not QueryWatch.objects.filter(guardrail__in=off).exists()


def test_watch__of_another_query_by_then__begins_anew(world: World, rollout: Rollout) -> None:
    query = make_query(world.environment, lasting_seconds=15)
    say(query, 11, 11, until=LATER)
    values = {"query": "sum(other)"}
    change_query(guardrail_id=query.pk, values=values, actor=command("ops"), reason=WHY, now=LATER)

    _watch(rollout, LATER + timedelta(seconds=1))

    assert reload(rollout).status == Status.RUNNING
    assert StoredVerdict.objects.get(lane=query.lane).code == "query_no_reading"
