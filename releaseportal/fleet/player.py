"""Plays the fleet: every till reads its flags over OFREP and posts what it saw."""

import logging
import random
import signal
import threading
import time
import uuid
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import requests
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import OpenFeatureError

from releaseportal.demo.catalogue import FLAG_KEYS, RELEASE_VERSION, DemoTill
from releaseportal.fleet.control import ALL, CRITICAL, ERROR_RATE, LATENCY, Fault, read_faults
from releaseportal.fleet.tills import list_players

log = logging.getLogger(__name__)

READ_SECONDS = 2.0
READS_PER_POST = 2
TIMEOUT_SECONDS = 3.0
REQUESTS_PER_SAMPLE = (8, 16)
USUAL_MS = 120.0
LATENCY_BOUNDS = (50, 100, 200, 400, 800, 1_600)
#: What a till keeps while the portal is away; the oldest go first.
MOST_KEPT = 100
STOP_SECONDS = 5.0


@dataclass
class Board:
    """The faults in force, read by every till and renewed each second."""

    faults: Sequence[Fault] = ()

    def on(self, env: str) -> list[Fault]:
        return [fault for fault in self.faults if fault.env in {env, ALL}]


def make_samples(
    till: DemoTill,
    *,
    flags_on: Sequence[str],
    faults: Sequence[Fault],
    start: datetime,
    seconds: int,
    dice: random.Random,
) -> list[dict[str, Any]]:
    """Return what a till reports: one sample for each flag that is on, and all its requests once."""
    count = dice.randint(*REQUESTS_PER_SAMPLE)
    shown = [fault for fault in faults if fault.flag in flags_on]
    samples = [
        _sample(
            till, key=key, faults=[one for one in shown if one.flag == key], count=count, start=start, seconds=seconds
        )
        for key in flags_on
    ]
    return [*samples, _sample(till, key=None, faults=shown, count=count, start=start, seconds=seconds)]


def _sample(
    till: DemoTill, *, key: str | None, faults: Sequence[Fault], count: int, start: datetime, seconds: int
) -> dict[str, Any]:
    critical = int(max((fault.value for fault in faults if fault.kind == CRITICAL), default=0))
    rate = max((fault.value for fault in faults if fault.kind == ERROR_RATE), default=0.0)
    slower = max((fault.value for fault in faults if fault.kind == LATENCY), default=1.0)
    requests_made = max(count, critical)
    counts = [0] * (len(LATENCY_BOUNDS) + 1)
    counts[sum(bound < USUAL_MS * slower for bound in LATENCY_BOUNDS)] = requests_made
    return {
        "id": str(uuid.uuid4()),
        "site": till.site_key,
        "till": till.key,
        "flag": key,
        "release": RELEASE_VERSION,
        "start": start.isoformat(),
        "seconds": seconds,
        "requests": requests_made,
        "errors": max(critical, round(requests_made * rate)),
        "critical_errors": critical,
        "latency_ms": {"bounds": list(LATENCY_BOUNDS), "counts": counts},
    }


@dataclass
class Player:
    """One till in one environment; its thread uses nothing of the others."""

    till: DemoTill
    env: str
    url: str
    tokens: Mapping[str, str]
    board: Board
    stop: threading.Event
    dice: random.Random = field(default_factory=random.Random)
    flags_on: dict[str, bool] = field(default_factory=dict)
    waiting: deque[list[dict[str, Any]]] = field(default_factory=lambda: deque(maxlen=MOST_KEPT))

    def run(self) -> None:
        """Read and post until told to stop."""
        provider = OFREPProvider(
            self.url,
            headers_factory=lambda: {"Authorization": f"Bearer {self.tokens['server']}"},
            timeout=TIMEOUT_SECONDS,
        )
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {self.tokens['telemetry']}"
        # Not all at the same moment.
        self.stop.wait(self.dice.uniform(0, READ_SECONDS * READS_PER_POST))
        turn, since = 0, datetime.now(UTC)
        while not self.stop.is_set():
            began = time.monotonic()
            self._read(provider, who=self.till.people[turn % len(self.till.people)])
            turn += 1
            if turn % READS_PER_POST == 0:
                self._note(since)
                since = datetime.now(UTC)
                self._post(session)
            self.stop.wait(max(0.1, READ_SECONDS - (time.monotonic() - began)))

    def _read(self, provider: OFREPProvider, *, who: str) -> None:
        context = EvaluationContext(targeting_key=who, attributes={"site": self.till.site_key, "till": self.till.key})
        for key in FLAG_KEYS:
            if self.stop.is_set():
                return
            try:
                self.flags_on[key] = bool(provider.resolve_boolean_details(key, False, context).value)
            except (OpenFeatureError, requests.RequestException) as fault:
                # A till keeps what it knew; the rest of this turn would fail alike.
                log.debug("%s %s: %s", self.env, self.till.key, fault)
                return

    def _note(self, since: datetime) -> None:
        seconds = min(max(round((datetime.now(UTC) - since).total_seconds()), 1), 300)
        flags_on = [key for key in FLAG_KEYS if self.flags_on.get(key)]
        self.waiting.append(
            make_samples(
                self.till,
                flags_on=flags_on,
                faults=self.board.on(self.env),
                start=since,
                seconds=seconds,
                dice=self.dice,
            )
        )

    def _post(self, session: requests.Session) -> None:
        """Post what waits, oldest first; what could not be delivered keeps its ids and is sent again."""
        while self.waiting and not self.stop.is_set():
            try:
                answer = session.post(
                    f"{self.url}/telemetry/v1/samples", json={"samples": self.waiting[0]}, timeout=TIMEOUT_SECONDS
                )
            except requests.RequestException as fault:
                log.debug("%s %s: %s", self.env, self.till.key, fault)
                return
            if answer.status_code == requests.codes.too_many_requests or answer.status_code >= 500:
                return
            if not answer.ok:
                log.warning("%s %s: samples refused with %s", self.env, self.till.key, answer.status_code)
            self.waiting.popleft()


def play(
    *,
    data_dir: Path,
    url: str,
    tokens: Mapping[str, Mapping[str, str]],
    envs: Collection[str],
    stop: threading.Event,
) -> None:
    """Play every till in each of the environments until told to stop."""
    board = Board(read_faults(data_dir))
    players = [
        Player(till, env, url.rstrip("/"), tokens[env], board, stop)
        for env in envs
        if env in tokens
        for till in list_players()
    ]
    threads = [threading.Thread(target=player.run, daemon=True) for player in players]
    for thread in threads:
        thread.start()
    while not stop.wait(1.0):
        board.faults = read_faults(data_dir)
    limit = time.monotonic() + STOP_SECONDS
    for thread in threads:
        thread.join(max(limit - time.monotonic(), 0.0))


def stop_on_signals(stop: threading.Event) -> None:
    """Let SIGTERM and Ctrl-C end the play."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
