"""Asks the real ASGI application in this process, without a socket and without another client library."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import anyio

from releaseportal.asgi import application


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the parsed body."""
        return json.loads(self.body)


def ask(
    path: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | Iterable[bytes] = b"",
    query: str = "",
    root: str = "",
) -> Answer:
    """Return the application's answer; a body in parts goes without a Content-Length."""
    return anyio.run(_ask, _Asked(path, method, dict(headers or {}), query, root), body)


@dataclass(frozen=True)
class _Asked:
    path: str
    method: str
    headers: dict[str, str]
    query: str
    root: str


async def _ask(asked: _Asked, body: bytes | Iterable[bytes]) -> Answer:
    headers = asked.headers
    parts = [body] if isinstance(body, bytes) else body
    if isinstance(body, bytes):
        headers = {"content-length": str(len(body))} | headers
    messages = iter([*({"type": "http.request", "body": part, "more_body": True} for part in parts), _LAST])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": asked.method,
        "scheme": "http",
        "path": asked.path,
        "raw_path": asked.path.encode(),
        "query_string": asked.query.encode(),
        "root_path": asked.root,
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }
    await application(scope, receive, send)
    start = sent[0]
    return Answer(
        status=start["status"],
        headers={name.decode().lower(): value.decode() for name, value in start["headers"]},
        body=b"".join(message.get("body", b"") for message in sent[1:]),
    )


_LAST = {"type": "http.request", "body": b"", "more_body": False}
