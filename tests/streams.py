"""Follows a stream of the real ASGI application in this process, as a client without a socket would."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from flags.stream import HUB
from releaseportal.asgi import application

PATIENCE_SECONDS = 30.0


@dataclass
class Stream:
    """What the application sent so far; `text` grows."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""
    is_over: bool = False
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        else:
            self.text += message.get("body", b"").decode()
            self.is_over = not message.get("more_body", False)
        self.arrived.set()

    @property
    def events(self) -> list[dict[str, str]]:
        """Every whole event so far, its fields by name; comments left out."""
        whole = self.text.split("\n\n")[:-1]
        fields = [dict(line.split(": ", 1) for line in part.split("\n")) for part in whole if not part.startswith(":")]
        return [one for one in fields if one]

    @property
    def payloads(self) -> list[Any]:
        return [json.loads(event["data"]) for event in self.events]

    async def wait_for_events(self, count: int) -> list[dict[str, str]]:
        """Wait until so many events came, or the stream ended."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.events) < count and not self.is_over:
                self.arrived.clear()
                await self.arrived.wait()
        return self.events

    async def wait_until_over(self) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self.is_over:
                self.arrived.clear()
                await self.arrived.wait()


@asynccontextmanager
async def follow(uri: str, *, headers: Mapping[str, str] | None = None) -> AsyncIterator[Stream]:
    """Open a stream at a path with its query; leaving closes it as a client that goes away does."""
    path, _, query = uri.partition("?")
    stream, gone = Stream(), asyncio.Event()
    first = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Any:
        message = next(first, None)
        if message is None:
            await gone.wait()
            return {"type": "http.disconnect"}
        return message

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }
    HUB.open()
    running = asyncio.create_task(application(scope, receive, stream.send))
    try:
        yield stream
    finally:
        gone.set()
        await asyncio.wait_for(running, PATIENCE_SECONDS)
        HUB.close()
