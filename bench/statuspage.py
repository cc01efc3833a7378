"""The public page from memory: requests a second of bodies and of 304s, while the portal's tills play.

Nothing of it asks the database, so what it costs is what the server costs. The promise is 2,000 requests a second on
two cores: the web process may take one of them, and leaves the other to the portal's other processes and to the client.
So the bound is its CPU time for 10,000 requests; the rate is what this machine gave beside whatever else it did.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import requests

from bench.load import Load, write_request
from bench.server import Server

LEAST_RATE = 2_000
MOST_CPU_SECONDS = 10_000 / LEAST_RATE
CONNECTIONS = 32
PATHS = {"page": "/status/", "summary.json": "/status/api/v2/summary.json", "feed.atom": "/status/feed.atom"}
HEADERS = {"Accept-Encoding": "gzip", "Accept-Language": "fr"}
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Rate:
    """Requests of one kind a second, and the CPU seconds that the server took for 10,000 of them."""

    name: str
    per_second: float
    cpu_per_ten_thousand: float
    body_bytes: int

    @property
    def is_within(self) -> bool:
        return self.cpu_per_ten_thousand <= MOST_CPU_SECONDS

    def __str__(self) -> str:
        line = (
            f"{self.name:<24} {self.per_second:8.0f} requests/s {self.cpu_per_ten_thousand:6.2f} CPU s/10,000"
            f" {self.body_bytes:8d} bytes"
        )
        return f"{line}{'' if self.is_within else f'  OVER {MOST_CPU_SECONDS:.1f}'}"


def measure(server: Server, *, requests_each: int, rounds: int) -> Iterator[Rate]:
    """Yield the rates of bodies and of 304s; of each the best of the rounds, since what else runs can only take."""
    for name, path in PATHS.items():
        answer = requests.get(server.url + path, headers=HEADERS, timeout=PATIENCE_SECONDS)
        if answer.status_code != 200:
            raise SystemExit(f"{path} was answered {answer.status_code}")
        size, etag = int(answer.headers["Content-Length"]), answer.headers["ETag"]
        for kind, status, headers, length in (
            ("body", 200, HEADERS, size),
            ("304", 304, HEADERS | {"If-None-Match": etag}, 0),
        ):
            asked = [write_request("GET", path, headers=headers)]
            measured = [_play(server, asked, requests_each, status) for _ in range(rounds)]
            rate, cpu = max(one[0] for one in measured), min(one[1] for one in measured)
            yield Rate(f"{name}, {kind}", rate, cpu, length)


def _play(server: Server, asked: list[str], count: int, status: int) -> tuple[float, float]:
    before = server.cpu_seconds()
    seconds = Load(server.port, asked, count, CONNECTIONS, status).apply()
    return count / seconds, (server.cpu_seconds() - before) * 10_000 / count
