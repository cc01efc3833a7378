"""`live`: from a person's click on "roll back", and from critical errors, to the clients of the stream.

Every run takes one flag back in a rehearsal where it is on. With one stream and with many, it is
measured until the last stream has heard, and until one of them has asked again and read the flag as
off. The portal is a whole one with worker and beat; the click is the POST of the page's own form.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from bench.caller import EVERY_FLAG, Caller
from bench.containment import CONTEXT, break_flag
from bench.figures import Figures
from bench.streams import Streams
from releaseportal.demo.catalogue import FLAG_KEYS
from tests.scenarios.planning import get_rollout, list_steps, open_environment, plan_rehearsal
from tests.scenarios.stage import Stage

STREAMS = (1, 500)
#: Each rehearsal holds the demo's eight flags, and so gives eight runs.
REHEARSALS = 3
DAY_SECONDS = 5
PATIENCE_SECONDS = 60.0
#: Seconds within which the last stream's client must know, at the 99th percentile.
CLICK_BOUND = 1.0
ERRORS_BOUND = 5.0

#: Starts taking a flag back; returns the moment that counts as its beginning, on `perf_counter`.
TakeBack = Callable[[str], float]


def measure(stage: Stage, *, streams: int) -> Iterator[tuple[Figures, float]]:
    """Yield what was measured with so many streams, each with the bound of its p99."""
    heard: dict[str, list[float]] = {"click": [], "errors": []}
    off: dict[str, list[float]] = {"click": [], "errors": []}
    for number in range(REHEARSALS):
        for kind, make in (("click", _make_click), ("errors", _make_errors)):
            env = f"live-{streams}-{kind}-{number}"
            client, telemetry = open_environment(stage, env, "client", "telemetry")
            rollout_id = _put_flags_on(stage, env)
            take_back = make(stage, rollout_id, telemetry)
            with Streams(stage.tell("url"), token=client, count=streams) as listening:
                for flag in FLAG_KEYS:
                    one_heard, one_off = _measure_one(stage, flag, client, listening, take_back)
                    heard[kind].append(one_heard)
                    off[kind].append(one_off)
    for kind, words, bound in (("click", "click", CLICK_BOUND), ("errors", "critical errors", ERRORS_BOUND)):
        whom = f"{streams} stream{'s' if streams > 1 else ''}"
        yield Figures(f"{words} → {whom}: the last one heard", heard[kind]), bound
        yield Figures(f"{words} → {whom}: a client reads it off", off[kind]), bound


def _put_flags_on(stage: Stage, env: str) -> int:
    """Rehearse until every flag is on for the testers; return the rollout."""
    with stage.sign_in("manager") as manager:
        rollout_id = plan_rehearsal(stage, manager, env=env, sites=("lyon",), day_seconds=DAY_SECONDS)
    # Nobody reports from there, so that the gate of the first phase holds: nothing else moves meanwhile.
    stage.wait(lambda: get_rollout(stage, rollout_id)["held_code"] == "gate")
    return rollout_id


def _make_click(stage: Stage, rollout_id: int, _telemetry: str) -> TakeBack:
    path = f"/rollouts/{rollout_id}/roll-back/"
    ids = {step["flag"]: str(step["flag_id"]) for step in list_steps(stage, rollout_id, status="done")}
    manager = stage.sign_in("manager")

    def take_back(flag: str) -> float:
        press = manager.fill_in(path, {"what": ids[flag], "reason": "Bench"})
        began = time.perf_counter()
        press()
        return began

    return take_back


def _make_errors(stage: Stage, _rollout_id: int, telemetry: str) -> TakeBack:
    return partial(break_flag, Caller(stage.tell("url"), telemetry))


def _measure_one(stage: Stage, flag: str, token: str, listening: Streams, take_back: TakeBack) -> tuple[float, float]:
    """Take one flag back; return the seconds until the last stream heard and until a client read it off."""
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(_read_until_off, Caller(stage.tell("url"), token), flag, listening)
        began = take_back(flag)
        last = max(listening.wait_until_heard(since=began, seconds=PATIENCE_SECONDS))
        return last - began, reading.result() - began


def _read_until_off(client: Caller, flag: str, listening: Streams) -> float:
    """Ask again whenever the first stream hears, as a client of the standard does; return when the flag is off."""
    limit = time.perf_counter() + PATIENCE_SECONDS
    while listening.first_heard.wait(limit - time.perf_counter()):
        listening.first_heard.clear()
        _status, content, _etag = client.call("POST", f"{EVERY_FLAG}/{flag}", CONTEXT)
        if json.loads(content).get("reason") == "DISABLED":
            return time.perf_counter()
    raise SystemExit(f"{flag} was still on after {PATIENCE_SECONDS:.0f} s")
