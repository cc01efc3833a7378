"""`python -m bench soak`: rehearsals with a fleet and listening clients while parts of the portal are killed.

The first rehearsal is left in peace and says how one ends. Then, for so many minutes, worker, beat,
Valkey, PostgreSQL and web are killed with SIGKILL at random moments while the same is rehearsed
again. Every rehearsal must end as the first one did, every client must know it, the history must
hold; from the second on the web process is spared, so that its memory can be watched and every
question of a polling client must be answered. Exit 1 where anything differs.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path

from bench.rehearsal import BAD, SITES, Rehearsal, State, check_bad_flag, insist, prepare, read_state
from bench.siege import MemoryWatch, Siege
from releaseportal.addresses import BASE_DIR
from releaseportal.demo.catalogue import FLAG_KEYS, list_tills
from tests.clients.packages import install_packages
from tests.scenarios.listener import Listener
from tests.scenarios.observer import Observer
from tests.scenarios.outage import PARTS
from tests.scenarios.stage import Stage, raise_curtain

MOST_WAIT_SECONDS = 120.0


@dataclass
class Ended:
    """What came of one rehearsal."""

    state: State
    faults: list[str]
    line: str


@dataclass(frozen=True)
class Wish:
    """What the command line asks for."""

    minutes: float
    day_seconds: int
    streams: int
    seed: int
    every: tuple[float, float]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the soak and end with 1 where it found anything."""
    wish = _read(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="portal-soak-") as folder,
        raise_curtain(Path(folder, "data")) as stage,
    ):
        faults = _soak(stage, wish)
    print("\n".join(faults) if faults else "Every rehearsal ended as the one without kills; every client knows it.")
    raise SystemExit(bool(faults))


def _read(arguments: Sequence[str] | None) -> Wish:
    parser = argparse.ArgumentParser(prog="python -m bench soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long parts are killed")
    parser.add_argument("--day-seconds", type=int, default=15, help="a rehearsed day")
    parser.add_argument("--streams", type=int, default=4, help="web clients that listen to the stream")
    parser.add_argument("--seed", type=int, default=1, help="of the moments and parts of the kills")
    parser.add_argument("--every", type=float, nargs=2, default=(4.0, 12.0), metavar="S", help="seconds between kills")
    given = parser.parse_args(arguments)
    return Wish(given.minutes, given.day_seconds, given.streams, given.seed, tuple(given.every))


def _soak(stage: Stage, wish: Wish) -> list[str]:
    dice = random.Random(wish.seed)
    peaceful = _rehearse(stage, wish, dice, number=0, parts=())
    print(peaceful.line, flush=True)
    faults = [*peaceful.faults, *_find_wrong_end(peaceful.state)]
    began, number = time.monotonic(), 0
    with ExitStack() as stack:
        while number < 2 or time.monotonic() - began < wish.minutes * 60:
            number += 1
            parts = [part for part in PARTS if part != "web" or number == 1]
            if number == 2:
                memory = stack.enter_context(MemoryWatch(stage))
            ended = _rehearse(stage, wish, dice, number=number, parts=parts)
            print(ended.line, flush=True)
            faults += ended.faults + _compare(peaceful.state, ended.state, number=number)
    life = memory.find_longest()
    print(life)
    done = stage.manage("verify_history")
    faults += [] if life.is_flat() else [f"The memory of a web process grows: {life}"]
    return faults + ([done.stderr] if done.returncode else [])


def _rehearse(stage: Stage, wish: Wish, dice: random.Random, *, number: int, parts: Sequence[str]) -> Ended:
    """Play one rehearsal under kills of these parts; return how it ended."""
    rehearsal = prepare(stage, env=f"soak-{number}", day_seconds=wish.day_seconds)
    began = time.monotonic()
    with ExitStack() as stack:
        polling = stack.enter_context(_make_observer(stage, rehearsal))
        streaming = [stack.enter_context(one) for one in _make_listeners(stage, rehearsal, count=wish.streams)]
        siege = Siege(stage, parts=parts, dice=dice, every=wish.every)
        if parts:
            with siege:
                rehearsal.run()
        else:
            rehearsal.run()
        stage.wait(stage.is_ready)
        faults = _find_unaware(stage, polling, streaming)
        missed = len(polling.faults)
    if "web" not in parts:
        faults += [f"soak-{number}: unanswered: {fault}" for fault in polling.faults[:3]]
    faults += insist(lambda: check_bad_flag(stage, rehearsal.rollout_id))
    state = insist(lambda: read_state(stage, rehearsal.rollout_id))
    killed = ", ".join(f"{part} {count}" for part, count in sorted(siege.killed.items())) or "none"
    line = f"soak-{number}: {time.monotonic() - began:.0f} s, {state.status}, kills: {killed}; resumed by a person "
    line += f"{rehearsal.resumed} times; polling client: {polling.sweeps} rounds, {missed} questions unanswered"
    return Ended(state, faults, line)


def _make_observer(stage: Stage, rehearsal: Rehearsal) -> Observer:
    who = next(till.people[0] for till in list_tills() if till.site_key == SITES[0])
    return Observer(url=stage.tell("url"), token=rehearsal.tokens["server"], who=who, site=SITES[0], keys=FLAG_KEYS)


def _make_listeners(stage: Stage, rehearsal: Rehearsal, *, count: int) -> list[Listener]:
    packages = install_packages(BASE_DIR / "tests" / "clients")
    tills = list_tills()[:count]
    url, token = stage.tell("url"), rehearsal.tokens["client"]
    return [
        Listener(packages, url=url, token=token, who=till.people[0], site=till.site_key, keys=FLAG_KEYS)
        for till in tills
    ]


def _find_unaware(stage: Stage, polling: Observer, streaming: Sequence[Listener]) -> list[str]:
    """Return the clients that do not know the end after a while: all flags on but the bad one."""
    wanted = [key for key in FLAG_KEYS if key != BAD]
    limit = time.monotonic() + MOST_WAIT_SECONDS
    clients: list[Observer | Listener] = [polling, *streaming]
    while time.monotonic() < limit and any(client.list_on() != wanted for client in clients):
        time.sleep(0.2)
    return [f"{client.name} knows {client.list_on()}" for client in clients if client.list_on() != wanted]


def _find_wrong_end(state: State) -> list[str]:
    """Return what is wrong with the rehearsal that all others are compared with."""
    right = state.status == "completed" and state.rollbacks == [(BAD, "critical_errors")] and len(state.incidents) == 1
    once = all(count == 1 for count in state.told.values()) and all(step[3] == "done" for step in state.steps)
    return [] if right and once else [f"The rehearsal without kills ended wrong: {state}"]


def _compare(wanted: State, found: State, *, number: int) -> list[str]:
    return [
        f"soak-{number}: {field.name} differs: {getattr(found, field.name)} instead of {getattr(wanted, field.name)}"
        for field in fields(State)
        if getattr(found, field.name) != getattr(wanted, field.name)
    ]


if __name__ == "__main__":
    main()
