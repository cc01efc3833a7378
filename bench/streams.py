"""Many clients of the stream in one thread: each notes when it last heard of a change."""

import asyncio
import json
import threading
import time
from collections.abc import Sequence
from typing import Self
from urllib.parse import urljoin, urlsplit

from bench.caller import EVERY_FLAG, Caller

OPEN_SECONDS = 60.0
#: One server takes so many connections at once; the next wait until these are open.
AT_ONCE = 50


class Streams(threading.Thread):
    """Clients that keep one stream each open until the block ends.

    They say that they heard; asking again for the flags is their caller's part.
    """

    def __init__(self, url: str, *, token: str, count: int) -> None:
        super().__init__(name="streams", daemon=True)
        self.heard = [0.0] * count
        #: Set whenever the first stream hears; who reads it clears it.
        self.first_heard = threading.Event()
        self._address = urlsplit(_find_stream(url, token=token))
        self._opened = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._done = asyncio.Event()
        self._fault: BaseException | None = None

    def __enter__(self) -> Self:
        self.start()
        if not self._opened.wait(OPEN_SECONDS):
            raise SystemExit(f"{len(self.heard)} streams were not open after {OPEN_SECONDS:.0f} s: {self._fault}")
        return self

    def __exit__(self, *exception: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self.join()

    def wait_until_heard(self, *, since: float, seconds: float) -> Sequence[float]:
        """Return when each stream heard last, on `perf_counter`, once all have since a moment."""
        limit = time.perf_counter() + seconds
        while min(self.heard) < since:
            if time.perf_counter() > limit or self._fault is not None:
                deaf = sum(at < since for at in self.heard)
                raise SystemExit(f"{deaf} of {len(self.heard)} streams heard nothing of a change: {self._fault}")
            time.sleep(0.001)
        return list(self.heard)

    def run(self) -> None:
        try:
            self._loop.run_until_complete(self._listen_all())
        finally:
            self._loop.close()

    async def _listen_all(self) -> None:
        opening = asyncio.Semaphore(AT_ONCE)
        listening = [asyncio.create_task(self._listen(number, opening)) for number in range(len(self.heard))]
        waiting = asyncio.create_task(self._done.wait())
        await asyncio.wait([waiting, *listening], return_when=asyncio.FIRST_COMPLETED)
        for task in listening:
            if task.done() and not task.cancelled():
                self._fault = task.exception() or ConnectionError("the portal ended a stream")
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)

    async def _listen(self, number: int, opening: asyncio.Semaphore) -> None:
        writer = None
        try:
            async with opening:
                reader, writer = await asyncio.open_connection(self._address.hostname, self._address.port)
                target = f"{self._address.path}?{self._address.query}"
                writer.write(f"GET {target} HTTP/1.1\r\nHost: {self._address.netloc}\r\n\r\n".encode())
                await self._hear(reader, number)
            if min(self.heard) > 0:
                self._opened.set()
            while True:
                await self._hear(reader, number)
        finally:
            if writer is not None:
                writer.close()

    async def _hear(self, reader: asyncio.StreamReader, number: int) -> None:
        """Wait for the next event; the first one comes at once, with the revision of now."""
        while line := await reader.readline():
            if line.startswith(b"data:") and b"refetchEvaluation" in line:
                self.heard[number] = time.perf_counter()
                if number == 0:
                    self.first_heard.set()
                return
        raise ConnectionError("the portal ended a stream")


def _find_stream(url: str, *, token: str) -> str:
    """Return the address of the stream as the portal tells it to a client that asks for its flags."""
    _status, content, _etag = Caller(url, token).call("POST", EVERY_FLAG, {"context": {"targetingKey": "bench"}})
    [stream] = json.loads(content)["eventStreams"]
    return urljoin(url, str(stream["endpoint"]["requestUri"]))
