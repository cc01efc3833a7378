"""OFREP 0.3.0: single and bulk evaluation (contracts §3).

The hottest addresses: plain ASGI, without a router or an object for each request and answer.
"""

import logging
from collections.abc import Mapping

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from core import clock
from flags.answers import Asked, Poll, compose_etag, write_failure
from flags.contacts import CONTACTS
from flags.cors import allow_origin, answer_preflight, with_cors
from flags.domain.evaluation import TargetingKeyMissing
from flags.domain.purposes import Purpose
from flags.freshness import catch_up
from flags.lean import (
    LeanRefusal,
    admit,
    fault_response,
    get_snapshot,
    is_named,
    parse_json,
    read_body,
    read_token,
    refusal_response,
)
from flags.snapshots import Snapshot
from flags.stream import get_period, write_event_streams

log = logging.getLogger(__name__)

BODY_LIMIT_BYTES = 65_536
PURPOSES = frozenset({Purpose.SERVER, Purpose.CLIENT})
ALL_PATH = "/ofrep/v1/evaluate/flags"
ONE_PATH = f"{ALL_PATH}/"

#: Header names in lower case, as ASGI gives them; of a repeated one the last.
Headers = Mapping[bytes, bytes]
_JSON = (b"content-type", b"application/json")


class EvaluationsFirst:
    """Answers evaluations itself and hands everything else on: routing costs more than they do."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            path = scope["path"]
            if path.startswith(ONE_PATH):
                await _answer(scope, receive, send, key=path[len(ONE_PATH) :])
                return
            if path == ALL_PATH:
                await _answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


class _Routed:
    """The same behind a router: where the portal lies below a path of its own."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _answer(scope, receive, send, key=scope["path_params"].get("key"))


async def _answer(scope: Scope, receive: Receive, send: Send, *, key: str | None = None) -> None:
    """Answer for one flag, without a key for all."""
    try:
        if key is None:
            await _evaluate_all(scope, receive, send)
        else:
            await _evaluate_one(scope, receive, send, key=key)
    except LeanRefusal as refusal:
        request = Request(scope)
        await with_cors(request, refusal_response(refusal, key=key))(scope, receive, send)
    except Exception:
        log.exception("fault at %s", scope["path"])
        await fault_response()(scope, receive, send)


async def _evaluate_one(scope: Scope, receive: Receive, send: Send, *, key: str) -> None:
    headers: Headers = dict(scope["headers"])
    now = clock.now()
    identity = admit(_find_token(headers), purposes=PURPOSES, now=now)
    snapshot = get_snapshot(identity)
    evaluate = snapshot.answers.find(key)
    if evaluate is None:
        raise LeanRefusal(404, "FLAG_NOT_FOUND", f"There is no flag '{key}' in {snapshot.definition.key}.")
    context = _read_context(await read_body(headers, receive, limit_bytes=BODY_LIMIT_BYTES))
    CONTACTS.note(snapshot.definition, context, now=now)
    try:
        status, body = 200, evaluate(context)
    except TargetingKeyMissing as missing:
        status, body = 400, write_failure(missing)
    await _send(send, status, [_JSON, *_cors(headers, snapshot)], body)


async def _evaluate_all(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with every flag; the ETag is of the whole answer, whether or not it is written again."""
    headers: Headers = dict(scope["headers"])
    now = clock.now()
    identity = admit(_find_token(headers), purposes=PURPOSES, now=now)
    snapshot = get_snapshot(identity)
    if scope["query_string"]:
        snapshot = await catch_up(Request(scope), snapshot)
    asked = Asked(
        identity.token_id,
        get_period(now),
        await read_body(headers, receive, limit_bytes=BODY_LIMIT_BYTES),
    )
    known = headers.get(b"if-none-match", b"")
    poll = snapshot.answers.recall(asked) if known else None
    body = b""
    if poll is None or not is_named(poll.etag, known):
        context = _read_context(asked.body)
        body = snapshot.answers.write_all(context, streams=write_event_streams(identity, period=asked.period))
        poll = Poll(compose_etag(body), {"till": context.get("till")})
        snapshot.answers.remember(asked, poll)
    CONTACTS.note(snapshot.definition, poll.who, now=now)
    shared = [(b"etag", poll.etag), *_cors(headers, snapshot)]
    if is_named(poll.etag, known):
        await send({"type": "http.response.start", "status": 304, "headers": shared})
        await send({"type": "http.response.body", "body": b""})
        return
    await _send(send, 200, [*shared, _JSON], body)


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _find_token(headers: Headers) -> str:
    authorization, key = headers.get(b"authorization", b""), headers.get(b"x-api-key", b"")
    return read_token(authorization.decode("latin-1"), key.decode("latin-1"))


def _cors(headers: Headers, snapshot: Snapshot) -> list[tuple[bytes, bytes]]:
    origin = headers.get(b"origin")
    if origin is None:
        return []
    allowed = allow_origin(origin.decode("latin-1"), snapshot)
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in allowed.items()]


def _read_context(body: bytes) -> Mapping[str, object]:
    """Return the evaluation context; an empty body or `{}` is the empty context."""
    if not body.strip():
        return {}
    parsed = parse_json(body)
    if not isinstance(parsed, dict):
        raise LeanRefusal(400, "PARSE_ERROR", "The body is an object with a 'context'.")
    context = parsed.get("context", {})
    if not isinstance(context, dict):
        raise LeanRefusal(400, "INVALID_CONTEXT", "'context' is an object.")
    key = context.get("targetingKey")
    if key is not None and not isinstance(key, str):
        raise LeanRefusal(400, "INVALID_CONTEXT", "'targetingKey' is a string.")
    return context


LEAN_ROUTES = [
    Route(ALL_PATH, _Routed(), methods=["POST"]),
    Route(ALL_PATH, answer_preflight, methods=["OPTIONS"]),
    Route(f"{ONE_PATH}{{key:path}}", _Routed(), methods=["POST"]),
    Route(f"{ONE_PATH}{{key:path}}", answer_preflight, methods=["OPTIONS"]),
]
