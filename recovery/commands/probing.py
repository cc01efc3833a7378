"""Asks an application over HTTP how it is."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

ASK_SECONDS = 5.0
BODY_BYTES = 2_000
PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Answer:
    """`status`: 0 where nobody answered; `body`: its beginning."""

    status: int
    body: str
    seconds: float

    @property
    def is_ok(self) -> bool:
        return 200 <= self.status < 300


def ask(url: str, *, seconds: float = ASK_SECONDS) -> Answer:
    """Return what an address answers; nothing is followed elsewhere, and no fault is raised."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    begun = time.monotonic()
    connection = kind(str(parts.hostname), parts.port, timeout=seconds)
    try:
        target = parts.path or "/"
        connection.request("GET", f"{target}?{parts.query}" if parts.query else target, headers={"Accept": "*/*"})
        response = connection.getresponse()
        body = response.read(BODY_BYTES).decode(errors="replace")
        return Answer(response.status, body, time.monotonic() - begun)
    except (OSError, HTTPException) as fault:
        return Answer(0, str(fault), time.monotonic() - begun)
    finally:
        connection.close()


@dataclass(frozen=True)
class Speed:
    """Of so many answers in a row, each one well: milliseconds."""

    median_ms: float
    p95_ms: float


def measure(url: str, *, times: int) -> Speed | None:
    """Return how fast an address answers, asked so often one after the other; None where one answer was not well."""
    taken: list[float] = []
    for _ in range(times):
        answer = ask(url)
        if not answer.is_ok:
            return None
        taken.append(answer.seconds * 1_000)
    taken.sort()
    return Speed(round(taken[len(taken) // 2], 1), round(taken[min(int(len(taken) * 0.95), len(taken) - 1)], 1))


def watch(url: str, *, times: int, seconds: float, say: Callable[[str], None]) -> Answer | None:
    """Return the last answer once an application was well so many times in a row; None where it was not in time."""
    limit = time.monotonic() + seconds
    well = 0
    last = ""
    while time.monotonic() < limit:
        answer = ask(url)
        well = well + 1 if answer.is_ok else 0
        told = f"{answer.status or 'no answer'} {' '.join(answer.body.split())[:200]}"
        if told != last:
            say(f"{url}: {told}\n")
            last = told
        if well >= times:
            return answer
        time.sleep(PAUSE_SECONDS)
    return None
