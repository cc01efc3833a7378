"""kill -9 of web, worker and PostgreSQL while tills send samples: what was accepted is stored and summed, once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
import requests

from tests.scenarios.outage import part_gone
from tests.scenarios.planning import open_environment
from tests.scenarios.stage import Stage

pytestmark = pytest.mark.proof

ENV = "sampled"
SITE = "lyon"
BODY = 20
REQUESTS = 10


class Till:
    """Sends bodies one after the other, each until it is accepted, as the contract lets it."""

    def __init__(self, stage: Stage, token: str) -> None:
        self.url = f"{stage.tell('url')}/telemetry/v1/samples"
        self.headers = {"Authorization": f"Bearer {token}"}
        self.accepted: list[dict[str, Any]] = []
        self.stop = threading.Event()

    def play(self) -> None:
        for number in count():
            if self.stop.is_set():
                return
            self.send(make_body(number))

    def send(self, body: dict[str, Any]) -> None:
        while True:
            try:
                answer = requests.post(self.url, json=body, headers=self.headers, timeout=10)
            except requests.RequestException:
                continue
            if answer.status_code == 202:
                told = answer.json()
                assert (told["accepted"] + told["duplicates"], told["rejected"]) == (BODY, [])
                self.accepted.append(body)
                return


def make_body(number: int) -> dict[str, Any]:
    start = (datetime.now(UTC) - timedelta(seconds=10)).isoformat()
    return {
        "samples": [
            {
                "id": f"{number}-{place}",
                "site": SITE,
                "till": f"till-{place}",
                "start": start,
                "seconds": 5,
                "requests": REQUESTS,
                "errors": 0,
                "latency_ms": {"bounds": [100, 200], "counts": [5, 4, 1]},
            }
            for place in range(BODY)
        ]
    }


@contextmanager
def playing(till: Till) -> Iterator[None]:
    thread = threading.Thread(target=till.play)
    thread.start()
    try:
        yield
    finally:
        till.stop.set()
        thread.join()


def test_samples__parts_killed_while_they_are_sent__are_all_kept_and_summed_once(stage: Stage) -> None:
    [token] = open_environment(stage, ENV, "telemetry")
    till = Till(stage, token)
    with playing(till):
        for part in ("web", "worker", "postgres", "web"):
            before = len(till.accepted)
            stage.wait(lambda before=before: len(till.accepted) > before + 5)  # type: ignore[misc]  # bound at once
            with part_gone(stage, part):
                pass
        last = len(till.accepted)
        stage.wait(lambda: len(till.accepted) > last + 5)
    for body in till.accepted[:3]:
        till.send(body)

    wanted = (len(till.accepted) - 3) * BODY
    ids = stage.ask(
        "SELECT count(*), count(DISTINCT client_id) AS different FROM health_sample s"
        " JOIN flags_environment e ON e.id = s.environment_id WHERE e.key = %s",
        ENV,
    )
    assert ids == [{"count": wanted, "different": wanted}]
    for table in ("tillminute", "siteminute", "latencyminute", "latencyhour"):
        stage.wait(lambda table=table: _sum(stage, table) == wanted * REQUESTS)  # type: ignore[misc]  # bound at once


def _sum(stage: Stage, table: str) -> int:
    [row] = stage.ask(
        f"SELECT coalesce(sum(requests), 0) AS n FROM health_{table} s"
        " JOIN flags_environment e ON e.id = s.environment_id WHERE e.key = %s",
        ENV,
    )
    return int(row["n"])
