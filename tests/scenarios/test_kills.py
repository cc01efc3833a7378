"""kill -9 of every part in the middle of steps and of rollbacks: nothing is lost, done twice or left unseen."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

import psutil
import psycopg
import pytest
import requests

from releaseportal.addresses import BASE_DIR
from releaseportal.demo.catalogue import FLAG_KEYS, TEST_BENCHES, list_testers
from tests.clients.packages import install_packages
from tests.scenarios.listener import Listener
from tests.scenarios.observer import Observer
from tests.scenarios.outage import PARTS, part_gone
from tests.scenarios.people import Person
from tests.scenarios.planning import get_rollout, list_steps, open_environment, plan_rehearsal
from tests.scenarios.stage import PATIENCE_SECONDS, Stage

pytestmark = pytest.mark.proof

ENV = "besieged"
SITE = "lyon"
DAY_SECONDS = 20
INTERNAL_STEPS = len(FLAG_KEYS)
#: Rounds of all questions that a polling client asks while a part is away.
ROUNDS = 3
#: Taken back by a guardrail while a part is killed, and by a person at the same time.
AUTOMATIC = dict(zip(PARTS, FLAG_KEYS, strict=False))
BY_HAND = dict(zip(("worker", "web", "postgres"), FLAG_KEYS[len(PARTS) :], strict=True))

Tokens = Mapping[str, str]


@pytest.fixture
def tokens(stage: Stage) -> Tokens:
    purposes = ("server", "client", "telemetry")
    return dict(zip(purposes, open_environment(stage, ENV, *purposes), strict=True))


@pytest.fixture
def polling(stage: Stage, tokens: Tokens) -> Iterator[Observer]:
    who = list_testers()[0]
    with Observer(url=stage.tell("url"), token=tokens["server"], who=who, site=SITE, keys=FLAG_KEYS) as one:
        yield one


@pytest.fixture
def streaming(stage: Stage, tokens: Tokens) -> Iterator[Listener]:
    packages = install_packages(BASE_DIR / "tests" / "clients")
    url, who = stage.tell("url"), list_testers()[0]
    with Listener(packages, url=url, token=tokens["client"], who=who, site=SITE, keys=FLAG_KEYS) as one:
        yield one


def test_every_part__killed_amid_steps_and_rollbacks__loses_doubles_and_hides_nothing(
    stage: Stage, tokens: Tokens, polling: Observer, streaming: Listener
) -> None:
    stage.wait(lambda: streaming.said and polling.sweeps)
    with stage.sign_in("manager") as manager:
        rollout_id = plan_rehearsal(stage, manager, env=ENV, sites=[SITE], day_seconds=DAY_SECONDS)

        _kills_amid_steps(stage, polling, rollout_id)
        assert get_rollout(stage, rollout_id)["status"] in {"running", "held"}
        _has_done_each_step_once(stage, rollout_id)
        stage.wait(lambda: polling.list_on() == streaming.list_on() == list(FLAG_KEYS))

        for part in PARTS:
            _kills_amid_rollbacks(stage, polling, manager, rollout_id, part=part, telemetry=tokens["telemetry"])
    assert get_rollout(stage, rollout_id)["status"] == "rolled_back"
    _has_taken_each_flag_back_once(stage, rollout_id)
    stage.wait(lambda: polling.list_on() == [])
    stage.wait(lambda: sorted(streaming.list_disabled()) == sorted(FLAG_KEYS))
    done = stage.manage("verify_history")
    assert done.returncode == 0, done.stderr


def _kills_amid_steps(stage: Stage, polling: Observer, rollout_id: int) -> None:
    """Kill each part while the worker is within a step's transaction, which waits for the flag's row."""
    steps = _list_internal(stage, rollout_id, status="planned")[1 : 1 + len(PARTS)]
    with ExitStack() as stack:
        holders = [stack.enter_context(_flag_locked(stage, rollout_id, flags=[step["flag_id"]])) for step in steps]
        for part, step, holder in zip(PARTS, steps, holders, strict=True):
            stage.wait(lambda: _waiters(stage, part="worker"))
            sessions = _waiters(stage, part="worker")
            with _outage(stage, polling, part=part):
                if part == "worker":
                    # PostgreSQL notices, and with that session everything half done is gone.
                    stage.wait(partial(_are_gone, stage, sessions))
                if part != "postgres":
                    assert step["id"] in _ids(stage, rollout_id, status="planned")
                    assert _events(stage, rollout_id, flag=step["flag"]) == 0
            _let_go(holder)
            stage.wait(partial(_is_done, stage, rollout_id, step["id"]))
    stage.wait(lambda: len(_ids(stage, rollout_id, status="done")) == INTERNAL_STEPS)


def _kills_amid_rollbacks(
    stage: Stage, polling: Observer, manager: Person, rollout_id: int, *, part: str, telemetry: str
) -> None:
    """Kill a part while a guardrail's rollback is in its transaction, and a person's waits behind it."""
    automatic, by_hand = AUTOMATIC[part], BY_HAND.get(part)
    wanted = [automatic, *([by_hand] if by_hand else [])]
    with _flag_locked(stage, rollout_id, flags=_flag_ids(stage, [automatic])) as holder:
        _break(stage, automatic, telemetry=telemetry)
        stage.wait(lambda: _waiters(stage, part="worker"))
        person = threading.Thread(target=_insist, args=(stage, manager, rollout_id, by_hand)) if by_hand else None
        if person:
            person.start()
            stage.wait(lambda: _waiters(stage, part="web"))
        with _outage(stage, polling, part=part):
            if part != "postgres":
                assert not _list_killed(stage, rollout_id, wanted)
        _let_go(holder)
        if person:
            person.join(PATIENCE_SECONDS)
            assert not person.is_alive()
    stage.wait(lambda: _list_killed(stage, rollout_id, wanted) == sorted(wanted))


@contextmanager
def _outage(stage: Stage, polling: Observer, *, part: str) -> Iterator[None]:
    """Kill a part; a polling client is answered throughout, unless it is the web process that is gone."""
    assert polling.faults == []
    with part_gone(stage, part):
        yield
        if part != "web":
            before = polling.sweeps
            stage.wait(lambda: polling.sweeps > before + ROUNDS)
    if part == "web":
        before = polling.sweeps
        stage.wait(lambda: polling.sweeps > before + ROUNDS)
        polling.faults.clear()
    assert polling.faults == []


@contextmanager
def _flag_locked(stage: Stage, rollout_id: int, *, flags: Sequence[object]) -> "Iterator[psycopg.Connection[Any]]":
    """Keep the flags' states locked: whoever changes one waits within its transaction."""
    with closing(stage.connect()) as holder:
        holder.execute(
            "SELECT 1 FROM flags_flagstate s JOIN rollouts_rollout r ON r.environment_id = s.environment_id"
            " WHERE s.flag_id = ANY(%s) AND r.id = %s FOR UPDATE OF s",
            [[*flags], rollout_id],
        )
        yield holder


def _let_go(holder: "psycopg.Connection[Any]") -> None:
    """End the lock; a killed PostgreSQL has ended it already."""
    try:
        holder.rollback()
    except psycopg.OperationalError:
        holder.close()


def _waiters(stage: Stage, *, part: str) -> set[int]:
    """Return the database sessions of a part that wait for somebody's lock."""
    rows = stage.ask(
        "SELECT pid, client_port FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    process = psutil.Process(stage.tell(*PARTS[part]))
    ports = {one.laddr.port for one in process.net_connections()}
    return {row["pid"] for row in rows if row["client_port"] in ports}


def _are_gone(stage: Stage, sessions: set[int]) -> bool:
    """Tell whether PostgreSQL has ended all of these sessions."""
    return not stage.ask("SELECT 1 FROM pg_stat_activity WHERE pid = ANY(%s)", [*sessions])


def _break(stage: Stage, flag: str, *, telemetry: str) -> None:
    """Report critical errors of a flag at two tills."""
    samples: list[dict[str, str | int]] = [
        {
            "id": str(uuid4()),
            "site": SITE,
            "till": till,
            "flag": flag,
            "start": datetime.now(UTC).isoformat(),
            "seconds": 1,
            "requests": 10,
            "errors": 3,
            "critical_errors": 3,
        }
        for till in TEST_BENCHES
    ]
    answer = requests.post(
        f"{stage.tell('url')}/telemetry/v1/samples",
        data=json.dumps({"samples": samples}),
        headers={"Authorization": f"Bearer {telemetry}"},
        timeout=30,
    )
    assert (answer.status_code, answer.json()["accepted"]) == (202, len(samples))


def _insist(stage: Stage, manager: Person, rollout_id: int, flag: str) -> None:
    """Take a flag back on its page, again where the portal broke off, as a person does."""
    path = f"/rollouts/{rollout_id}/roll-back/"
    [flag_id] = _flag_ids(stage, [flag])
    while True:
        try:
            if not _list_killed(stage, rollout_id, [flag]):
                manager.send(path, {"what": str(flag_id), "reason": "Queue at the till"})
        except (AssertionError, requests.RequestException, psycopg.OperationalError):
            threading.Event().wait(0.5)
        else:
            return


def _list_internal(stage: Stage, rollout_id: int, *, status: str) -> list[dict[str, Any]]:
    return [step for step in list_steps(stage, rollout_id, status=status) if step["phase"] == "internal"]


def _ids(stage: Stage, rollout_id: int, *, status: str) -> list[object]:
    return [step["id"] for step in _list_internal(stage, rollout_id, status=status)]


def _is_done(stage: Stage, rollout_id: int, step_id: object) -> bool:
    return step_id in _ids(stage, rollout_id, status="done")


def _flag_ids(stage: Stage, keys: Sequence[str]) -> list[int]:
    return [row["id"] for row in stage.ask("SELECT id FROM flags_flag WHERE key = ANY(%s)", [*keys])]


def _list_killed(stage: Stage, rollout_id: int, keys: Sequence[str]) -> list[str]:
    rows = stage.ask(
        "SELECT f.key FROM flags_flagstate s JOIN flags_flag f ON f.id = s.flag_id"
        " JOIN rollouts_rollout r ON r.environment_id = s.environment_id"
        " WHERE r.id = %s AND s.killed_at IS NOT NULL AND f.key = ANY(%s)",
        rollout_id,
        [*keys],
    )
    return sorted(row["key"] for row in rows)


def _events(stage: Stage, rollout_id: int, *, flag: object) -> int:
    """Return how many of the rollout's events say that the internal step of a flag was done."""
    [row] = stage.ask(
        "SELECT count(*) AS n FROM rollouts_rolloutevent"
        " WHERE rollout_id = %s AND kind = 'step_done' AND data->>'phase' = 'internal' AND data->>'flag' = %s",
        rollout_id,
        flag,
    )
    return int(row["n"])


def _has_done_each_step_once(stage: Stage, rollout_id: int) -> None:
    steps = _list_internal(stage, rollout_id, status="done")
    assert [step["flag"] for step in steps] == list(FLAG_KEYS)
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


def _has_taken_each_flag_back_once(stage: Stage, rollout_id: int) -> None:
    rows = stage.ask(
        "SELECT f.key, b.trigger FROM rollouts_rollback b JOIN rollouts_rollbackflag l ON l.rollback_id = b.id"
        " JOIN flags_flag f ON f.id = l.flag_id WHERE b.rollout_id = %s",
        rollout_id,
    )
    wanted = [(flag, "critical_errors") for flag in AUTOMATIC.values()]
    wanted += [(flag, "manual") for flag in BY_HAND.values()]
    assert sorted((row["key"], row["trigger"]) for row in rows) == sorted(wanted)
    [told] = stage.ask(
        "SELECT count(*) AS n FROM rollouts_rolloutevent WHERE rollout_id = %s"
        " AND kind IN ('flag_rolled_back', 'rolled_back')",
        rollout_id,
    )
    assert told["n"] == len(wanted)
    kills = stage.ask(
        "SELECT s.flag_id, count(*) AS n FROM flags_historicalflagstate s JOIN rollouts_rollout r"
        " ON r.environment_id = s.environment_id WHERE r.id = %s AND s.killed_at IS NOT NULL GROUP BY s.flag_id",
        rollout_id,
    )
    assert [row["n"] for row in kills] == [1] * len(FLAG_KEYS)
