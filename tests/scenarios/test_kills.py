"""kill -9 of the worker in the middle of a step, of beat and of the broker: nothing is lost, nothing is done twice."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager

from tests.scenarios.planning import get_rollout, list_steps, open_environment, plan_rehearsal
from tests.scenarios.stage import Stage

DAY_SECONDS = 20
INTERNAL_STEPS = 8


def test_worker__killed_in_the_middle_of_a_step__does_it_once_after_its_restart(stage: Stage) -> None:
    rollout_id = _rehearse(stage, env="worker-killed")
    with _step_in_its_middle(stage, rollout_id) as (step, sessions):
        killed = stage.tell("pids", "worker")
        os.kill(killed, signal.SIGKILL)
        # PostgreSQL notices, and with that session everything half done is gone.
        stage.wait(lambda: not sessions & _waiters(stage))
        assert step["id"] in _ids(stage, rollout_id, status="planned")
        assert _events(stage, rollout_id, flag=step["flag"]) == 0

    stage.wait(lambda: len(_ids(stage, rollout_id, status="done")) == INTERNAL_STEPS)

    assert stage.tell("pids", "worker") != killed
    _has_done_each_step_once(stage, rollout_id)


def test_beat_and_broker__killed__come_back_and_the_plan_goes_on(stage: Stage) -> None:
    rollout_id = _rehearse(stage, env="broker-killed")
    stage.wait(lambda: _ids(stage, rollout_id, status="done"))
    beat, broker = stage.tell("pids", "beat"), stage.tell("servers", "valkey")

    os.kill(beat, signal.SIGKILL)
    os.kill(broker, signal.SIGKILL)

    stage.wait(lambda: len(_ids(stage, rollout_id, status="done")) == INTERNAL_STEPS)
    assert stage.tell("pids", "beat") != beat
    assert stage.tell("servers", "valkey") != broker
    _has_done_each_step_once(stage, rollout_id)


def _rehearse(stage: Stage, *, env: str) -> int:
    open_environment(stage, env)
    with stage.sign_in("manager") as manager:
        return plan_rehearsal(stage, manager, env=env, sites=["lyon"], day_seconds=DAY_SECONDS)


@contextmanager
def _step_in_its_middle(stage: Stage, rollout_id: int) -> Iterator[tuple[dict[str, object], set[int]]]:
    """Keep the second step's flag locked until the worker waits for it, within the step's transaction.

    Gives the step and the sessions that wait.
    """
    step = list_steps(stage, rollout_id, status="planned")[1]
    with closing(stage.connect()) as holder:
        holder.execute(
            "SELECT 1 FROM flags_flagstate s JOIN rollouts_rollout r ON r.environment_id = s.environment_id"
            " WHERE s.flag_id = %s AND r.id = %s FOR UPDATE OF s",
            [step["flag_id"], rollout_id],
        )
        stage.wait(lambda: _waiters(stage))
        yield step, _waiters(stage)
        holder.rollback()


def _waiters(stage: Stage) -> set[int]:
    """Return the portal's sessions that wait for somebody's lock."""
    rows = stage.ask("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    return {row["pid"] for row in rows}


def _ids(stage: Stage, rollout_id: int, *, status: str) -> list[int]:
    return [step["id"] for step in list_steps(stage, rollout_id, status=status) if step["phase"] == "internal"]


def _events(stage: Stage, rollout_id: int, *, flag: object) -> int:
    [row] = stage.ask(
        "SELECT count(*) AS n FROM rollouts_rolloutevent"
        " WHERE rollout_id = %s AND kind = 'step_done' AND data->>'flag' = %s",
        rollout_id,
        flag,
    )
    return int(row["n"])


def _has_done_each_step_once(stage: Stage, rollout_id: int) -> None:
    assert get_rollout(stage, rollout_id)["status"] == "running"
    steps = [step for step in list_steps(stage, rollout_id, status="done") if step["phase"] == "internal"]
    moments = [step["done_at"] for step in steps]
    assert moments == sorted(moments)
    for step in steps:
        assert step["done_at"] >= step["due_at"]
        assert _events(stage, rollout_id, flag=step["flag"]) == 1
        [row] = stage.ask(
            "SELECT count(*) AS n FROM flags_historicalrule r JOIN flags_flagstate s ON s.id = r.state_id"
            " JOIN rollouts_rollout o ON o.environment_id = s.environment_id"
            " WHERE o.id = %s AND s.flag_id = %s AND r.history_type = '+'",
            rollout_id,
            step["flag_id"],
        )
        assert row["n"] == 1
