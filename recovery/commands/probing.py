"""Asks an application over HTTP how it is."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from socket import SHUT_RDWR, socket
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
    """Return what an address answers, all of it in so many seconds; nothing is followed, and no fault is raised."""
    asked = _Asked(url, seconds)
    begun = time.monotonic()
    # In a thread of its own: a name that nobody resolves, or an answer that drips, has no limit of its own.
    thread = threading.Thread(target=asked.run, daemon=True)
    thread.start()
    thread.join(seconds)
    if asked.answer is not None:
        return asked.answer
    asked.hang_up()
    return Answer(0, f"no whole answer within {seconds:g} seconds", time.monotonic() - begun)


class _Asked:
    """One question, which its asker may hang up on."""

    def __init__(self, url: str, seconds: float) -> None:
        self.answer: Answer | None = None
        parts = urlsplit(url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(str(parts.hostname), parts.port, timeout=seconds)
        self._target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        self._socket: socket | None = None

    def run(self) -> None:
        begun = time.monotonic()
        try:
            self._connection.connect()
            # The connection forgets it once the answer is read to its end.
            self._socket = self._connection.sock
            self._connection.request("GET", self._target, headers={"Accept": "*/*"})
            response = self._connection.getresponse()
            body = response.read(BODY_BYTES).decode(errors="replace")
            self.answer = Answer(response.status, body, time.monotonic() - begun)
        except (OSError, HTTPException) as fault:
            self.answer = Answer(0, str(fault), time.monotonic() - begun)
        finally:
            self._connection.close()

    def hang_up(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(SHUT_RDWR)


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
    while (left := limit - time.monotonic()) > 0:
        answer = ask(url, seconds=min(ASK_SECONDS, left))
        well = well + 1 if answer.is_ok else 0
        told = f"{answer.status or 'no answer'} {' '.join(answer.body.split())[:200]}"
        if told != last:
            say(f"{url}: {told}\n")
            last = told
        if well >= times:
            return answer
        time.sleep(PAUSE_SECONDS)
    return None
