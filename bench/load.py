"""A load client in a process of its own: keep-alive connections, each asking again as soon as it is answered.

Reads one JSON object from standard input (see `Load`) and writes the seconds taken. What a client
costs is nobody's concern: the bench reads the server's CPU time, not this one's.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import cycle
from typing import Any

import uvloop

from releaseportal.addresses import BASE_DIR

PATIENCE_SECONDS = 300.0
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length: "


@dataclass(frozen=True)
class Load:
    """Whole HTTP/1.1 requests as text, asked for in turn, `count` times in all; each must be answered `status`."""

    port: int
    requests: Sequence[str]
    count: int
    connections: int
    status: int

    def apply(self) -> float:
        """Run this load in a process of its own; return its seconds."""
        done = subprocess.run(
            [sys.executable, "-m", "bench.load"],
            cwd=BASE_DIR,
            input=json.dumps(asdict(self)),
            stdout=subprocess.PIPE,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit("the load client gave up: see above")
        return float(json.loads(done.stdout)["seconds"])


def write_request(method: str, path: str, *, headers: Mapping[str, str], body: str = "") -> str:
    """Return a whole request as text."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body.encode())}")
    return "\r\n".join([*lines, "", body])


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], *, status: bytes, done: "asyncio.Future[None]") -> None:
        self._requests = requests
        self._wanted = b"HTTP/1.1 " + status
        self._done = done
        self._found = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._found = self._found + data if self._found else data
        head = self._found.find(_END_OF_HEAD)
        if head < 0 or len(self._found) < head + 4 + self._find_length(head):
            return
        if not self._found.startswith(self._wanted):
            self._end(RuntimeError(f"answered {self._found[:300]!r}"))
            return
        self._found = b""
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(RuntimeError("the server closed the connection"))

    def _find_length(self, head: int) -> int:
        at = self._found.find(_LENGTH, 0, head)
        if at < 0:
            return 0
        begin = at + len(_LENGTH)
        return int(self._found[begin : self._found.find(b"\r", begin)])

    def _ask(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._end(None)
        else:
            self._transport.write(request)

    def _end(self, fault: Exception | None) -> None:
        if self._done.done():
            return
        if fault is None:
            self._done.set_result(None)
        else:
            self._done.set_exception(fault)
        self._transport.close()


def _take(requests: Sequence[str], count: int) -> Iterator[bytes]:
    written = cycle([one.encode() for one in requests])
    for _ in range(count):
        yield next(written)


async def _run(load: Load) -> float:
    loop = asyncio.get_running_loop()
    requests = _take(load.requests, load.count)
    ends = [loop.create_future() for _ in range(load.connections)]
    began = time.perf_counter()
    for end in ends:
        connect = partial(_Connection, requests, status=str(load.status).encode(), done=end)
        await loop.create_connection(connect, "127.0.0.1", load.port)
    await asyncio.gather(*ends)
    return time.perf_counter() - began


def main() -> None:
    load = Load(**json.loads(sys.stdin.read()))
    print(json.dumps({"seconds": uvloop.run(_run(load))}))


if __name__ == "__main__":
    main()
