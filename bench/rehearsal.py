"""One rehearsal of the soak: a rollout goes through every phase, one flag breaks at the tills and is taken back."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event, Thread
from typing import TypeVar

import psycopg
import requests

from releaseportal.demo.catalogue import FLAG_KEYS
from releaseportal.fleet.control import CRITICAL, Fault, write_faults
from releaseportal.fleet.player import play
from tests.scenarios.people import Person
from tests.scenarios.planning import get_rollout, open_environment, plan_rehearsal
from tests.scenarios.stage import Stage

Found = TypeVar("Found")

BAD = FLAG_KEYS[0]
SITES = ("nantes", "brest", "rennes")
PURPOSES = ("server", "client", "telemetry")
PAUSE_SECONDS = 1.0
#: From the last planned moment on, with every hold and restart in between.
PATIENCE_SECONDS = 900.0
#: What a killed part costs whoever asks just then: they ask again.
BROKEN_OFF = (AssertionError, OSError, requests.RequestException, psycopg.OperationalError)


@dataclass(frozen=True)
class State:
    """What must be the same with kills and without. Times and ids are left out."""

    status: str
    steps: Sequence[tuple[str, str, str, str]]
    told: Counter[tuple[str, str, str]]
    flags: Sequence[tuple[str, bool]]
    rules: Counter[tuple[str, str]]
    rollbacks: Sequence[tuple[str, str]]
    incidents: Sequence[tuple[str, Sequence[str]]]


@dataclass
class Rehearsal:
    """A rollout in an environment of its own, with the fleet that plays there."""

    stage: Stage
    env: str
    day_seconds: int
    tokens: dict[str, str]
    manager: Person
    rollout_id: int = 0
    resumed: int = 0

    def run(self) -> None:
        """Play it to its end; raises TimeoutError where it gets stuck."""
        stop = Event()
        fleet = Thread(target=self._play, args=(stop,), daemon=True)
        fleet.start()
        try:
            self.rollout_id = insist(self._plan)
            self._wait(lambda: self._count_done(phase="per_site") >= len(FLAG_KEYS))
            write_faults(self.stage.portal.data_dir, [Fault(BAD, CRITICAL, 2, self.env)])
            self._wait(self._is_bad_off)
            write_faults(self.stage.portal.data_dir, [])
            self._wait(lambda: get_rollout(self.stage, self.rollout_id)["status"] == "completed")
            self._wait(self._are_incidents_told)
        finally:
            stop.set()
            fleet.join()

    def _play(self, stop: Event) -> None:
        tokens = {self.env: self.tokens}
        play(data_dir=self.stage.portal.data_dir, url=self.stage.tell("url"), tokens=tokens, envs=[self.env], stop=stop)

    def _plan(self) -> int:
        """Plan it, unless an attempt that broke off has done so."""
        query = "SELECT r.id, r.status FROM rollouts_rollout r JOIN flags_environment e ON e.id = r.environment_id"
        rows = self.stage.ask(f"{query} WHERE e.key = %s", self.env)
        if not rows:
            plan_rehearsal(self.stage, self.manager, env=self.env, sites=SITES, day_seconds=self.day_seconds)
            return self._plan()
        rollout_id, status = int(rows[0]["id"]), rows[0]["status"]
        if status == "draft":
            path = f"/rollouts/{rollout_id}/"
            self.manager.send(f"{path}schedule/", {"reason": "Soak"}, seen_on=path)
        return rollout_id

    def _wait(self, condition: Callable[[], bool]) -> None:
        """Wait for something, and resume what a guardrail or a gate without data has held meanwhile."""
        limit = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < limit:
            try:
                if condition():
                    return
                self._tend()
            except BROKEN_OFF:
                pass
            time.sleep(PAUSE_SECONDS)
        raise TimeoutError(f"{self.env} is stuck: {insist(lambda: get_rollout(self.stage, self.rollout_id))}")

    def _tend(self) -> None:
        if get_rollout(self.stage, self.rollout_id)["status"] == "held":
            path = f"/rollouts/{self.rollout_id}/"
            self.manager.send(f"{path}resume/", {"reason": "Looked at"}, seen_on=path)
            self.resumed += 1

    def _count_done(self, *, phase: str) -> int:
        return sum(one[0] == phase and one[3] == "done" for one in list_steps(self.stage, self.rollout_id))

    def _is_bad_off(self) -> bool:
        return (BAD, True) in list_flags(self.stage, self.rollout_id)

    def _are_incidents_told(self) -> bool:
        """Tell whether the rollback's incident is open: another task makes it, a moment later."""
        return bool(list_incidents(self.stage, self.rollout_id))


def insist(act: Callable[[], Found], *, seconds: float = 120.0) -> Found:
    """Return what an act returns; again and again where a killed part breaks it off."""
    limit = time.monotonic() + seconds
    while True:
        try:
            return act()
        except BROKEN_OFF:
            if time.monotonic() > limit:
                raise
            time.sleep(PAUSE_SECONDS)


def prepare(stage: Stage, *, env: str, day_seconds: int) -> Rehearsal:
    """Open the environment; nothing is killed yet."""
    tokens = dict(zip(PURPOSES, open_environment(stage, env, *PURPOSES), strict=True))
    return Rehearsal(stage, env, day_seconds, tokens, stage.sign_in("manager"))


def read_state(stage: Stage, rollout_id: int) -> State:
    """Return how a rehearsal ended.

    How far the bad flag came before it was taken back is a matter of seconds: its own steps count
    as one kind, and `check_bad_flag` looks at them.
    """
    [rollout] = stage.ask(
        "SELECT r.status, r.environment_id, e.key AS env FROM rollouts_rollout r"
        " JOIN flags_environment e ON e.id = r.environment_id WHERE r.id = %s",
        rollout_id,
    )
    told = stage.ask(
        "SELECT data->>'flag' AS flag, data->>'phase' AS phase, data->>'audience' AS whom FROM rollouts_rolloutevent"
        " WHERE rollout_id = %s AND kind = 'step_done' AND data->>'flag' <> %s",
        rollout_id,
        BAD,
    )
    rules = stage.ask(
        "SELECT f.key, r.phase FROM flags_rule r JOIN flags_flagstate s ON s.id = r.state_id"
        " JOIN flags_flag f ON f.id = s.flag_id WHERE s.environment_id = %s AND f.key <> %s",
        rollout["environment_id"],
        BAD,
    )
    rollbacks = stage.ask(
        "SELECT f.key, b.trigger FROM rollouts_rollback b JOIN rollouts_rollbackflag l ON l.rollback_id = b.id"
        " JOIN flags_flag f ON f.id = l.flag_id WHERE b.rollout_id = %s ORDER BY f.key",
        rollout_id,
    )
    return State(
        status=rollout["status"],
        steps=[step for step in list_steps(stage, rollout_id) if step[1] != BAD],
        # The pilots' segment is named after the environment, which is each rehearsal's own.
        told=Counter((row["flag"], row["phase"], row["whom"].replace(rollout["env"], "…")) for row in told),
        flags=list_flags(stage, rollout_id),
        rules=Counter((row["key"], row["phase"]) for row in rules),
        rollbacks=[(row["key"], row["trigger"]) for row in rollbacks],
        incidents=list_incidents(stage, rollout_id),
    )


def check_bad_flag(stage: Stage, rollout_id: int) -> list[str]:
    """Return what is wrong with the flag that was taken back: a step after it, or one done twice."""
    late = stage.ask(
        "SELECT s.position FROM rollouts_step s JOIN flags_flag f ON f.id = s.flag_id"
        " JOIN rollouts_rollback b ON b.rollout_id = s.rollout_id"
        " WHERE s.rollout_id = %s AND f.key = %s AND (s.status = 'planned' OR s.done_at > b.contained_at)",
        rollout_id,
        BAD,
    )
    done = [step for step in list_steps(stage, rollout_id) if step[1] == BAD and step[3] == "done"]
    [told] = stage.ask(
        "SELECT count(*) AS n FROM rollouts_rolloutevent"
        " WHERE rollout_id = %s AND kind = 'step_done' AND data->>'flag' = %s",
        rollout_id,
        BAD,
    )
    faults = [f"{BAD}: step {row['position']} after its rollback" for row in late]
    return faults + ([f"{BAD}: {len(done)} steps, told {told['n']} times"] if told["n"] != len(done) else [])


def list_steps(stage: Stage, rollout_id: int) -> list[tuple[str, str, str, str]]:
    """Return phase, flag, site and status of each step in the plan's order."""
    rows = stage.ask(
        "SELECT p.kind, f.key AS flag, coalesce(t.key, '') AS site, s.status FROM rollouts_step s"
        " JOIN rollouts_phase p ON p.id = s.phase_id JOIN flags_flag f ON f.id = s.flag_id"
        " LEFT JOIN flags_site t ON t.id = s.site_id WHERE s.rollout_id = %s ORDER BY s.position",
        rollout_id,
    )
    return [(row["kind"], row["flag"], row["site"], row["status"]) for row in rows]


def list_flags(stage: Stage, rollout_id: int) -> list[tuple[str, bool]]:
    """Return each flag of the environment and whether it is killed there."""
    rows = stage.ask(
        "SELECT f.key, s.killed_at IS NOT NULL AS killed FROM flags_flagstate s JOIN flags_flag f ON f.id = s.flag_id"
        " JOIN rollouts_rollout r ON r.environment_id = s.environment_id WHERE r.id = %s ORDER BY f.key",
        rollout_id,
    )
    return [(row["key"], row["killed"]) for row in rows]


def list_incidents(stage: Stage, rollout_id: int) -> list[tuple[str, Sequence[str]]]:
    """Return tier and flags of the rollout's incidents."""
    rows = stage.ask(
        "SELECT tier, flag_keys FROM incidents_incident WHERE rollout_id = %s ORDER BY opened_at", rollout_id
    )
    return [(row["tier"], tuple(row["flag_keys"])) for row in rows]
