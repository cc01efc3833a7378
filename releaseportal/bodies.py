"""Reads a request's body before a thread is given to it: a slow or endless sender costs no worker.

Django reads bodies in its few threads, and each would wait as long as the sender likes. Here the
event loop waits, at most for a moment and for so many bytes; Django gets the body whole.
"""

import asyncio
from collections.abc import MutableMapping
from email.message import Message as Headers
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flags.lean import LeanRefusal, refusal_response

#: The largest form is far below.
LIMIT_BYTES = 2_097_152
DEADLINE_SECONDS = 10.0
#: Where a form sends a picture with it, from a telephone as well.
PICTURE_ENDING = "/picture/"
PICTURE_LIMIT_BYTES = 9 * 1024 * 1024
PICTURE_DEADLINE_SECONDS = 60.0
BODY_HEADERS = frozenset({b"content-length", b"transfer-encoding"})
UTF_8 = frozenset({"utf-8", "utf8"})


class WholeBodies:
    """Hands the application behind it whole bodies; refuses 413 a larger, 408 a slower one."""

    def __init__(self, app: ASGIApp, *, limit_bytes: int = LIMIT_BYTES, seconds: float = DEADLINE_SECONDS) -> None:
        self._app = app
        self._limit_bytes = limit_bytes
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            _check_charset(scope)
            limit_bytes, seconds = self._find_bounds(scope["path"])
            async with asyncio.timeout(seconds):
                body = await _read(receive, limit_bytes=limit_bytes)
        except TimeoutError:
            refusal = LeanRefusal(408, "TIMEOUT", "The body did not come in time.", headers={"Connection": "close"})
            await refusal_response(refusal)(scope, receive, send)
        except LeanRefusal as refusal:
            await refusal_response(refusal)(scope, receive, send)
        else:
            if body is not None:
                await self._app(_with_length(scope, body), _replay(body, receive), send)

    def _find_bounds(self, path: str) -> tuple[int, float]:
        """Return how many bytes may come within how many seconds."""
        if path.endswith(PICTURE_ENDING):
            return PICTURE_LIMIT_BYTES, PICTURE_DEADLINE_SECONDS
        return self._limit_bytes, self._seconds


async def _read(receive: Receive, *, limit_bytes: int) -> bytes | None:
    """Return the whole body, None where the sender left."""
    body = bytearray()
    while True:
        message: MutableMapping[str, Any] = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > limit_bytes:
            words = f"The body may have at most {limit_bytes} bytes."
            raise LeanRefusal(413, "PAYLOAD_TOO_LARGE", words, headers={"Connection": "close"})
        if not message.get("more_body", False):
            return bytes(body)


def _with_length(scope: Scope, body: bytes) -> Scope:
    """Return the scope with the body's length, which Django reads no further than: a body in parts brings none."""
    others = [(name, value) for name, value in scope["headers"] if name not in BODY_HEADERS]
    length = [(b"content-length", str(len(body)).encode())] if body else []
    return {**scope, "headers": [*others, *length]}


def _check_charset(scope: Scope) -> None:
    """Refuse another charset than UTF-8: Django decodes by whatever codec a request names, before any page runs."""
    found = Request(scope).headers.get("content-type", "")
    message = Headers()
    message["content-type"] = found
    charset = message.get_param("charset", "utf-8")
    if not isinstance(charset, str) or charset.lower().replace("_", "-") not in UTF_8:
        raise LeanRefusal(400, "CHARSET_UNKNOWN", "Send UTF-8, or name no charset.")


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a channel that gives the body in one message, then what really comes."""
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive_again() -> Message:
        return next(messages, None) or await receive()

    return receive_again
