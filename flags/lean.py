"""What the lean routes share: tokens, bounded bodies, JSON answers. None of it enters Django."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from core import clock
from flags.domain.purposes import Purpose
from flags.domain.tokens import TokenIdentity
from flags.snapshots import KEEPER, Snapshot
from flags.tokens import USES, authenticate

#: Seconds after which a client may ask again while the first snapshot is not read yet.
RETRY_SECONDS = 1

_QUICK = msgspec.json.Decoder()


class LeanRefusal(Exception):
    """An answer other than 2xx: status, stable code and words for the developer who reads it."""

    def __init__(self, status: int, code: str, details: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.details = details
        self.headers = dict(headers or {})


def json_response(data: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a compact JSON answer."""
    return Response(
        json.dumps(data, separators=(",", ":"), ensure_ascii=False),
        status_code=status,
        headers=dict(headers or {}),
        media_type="application/json",
    )


def refusal_response(refusal: LeanRefusal, *, key: str | None = None) -> Response:
    """Return a refusal as contracts §3 writes it: `errorCode` and `errorDetails`, with the flag's key if any."""
    body: dict[str, object] = {} if key is None else {"key": key}
    body |= {"errorCode": refusal.code, "errorDetails": refusal.details}
    return json_response(body, status=refusal.status, headers=refusal.headers)


def get_snapshot(identity: TokenIdentity) -> Snapshot:
    """Return the snapshot of a token's environment; refuse 503 where there is none (any more)."""
    portfolio = KEEPER.portfolio
    snapshot = portfolio.snapshots.get(identity.environment_id) if portfolio else None
    if snapshot is None:
        raise LeanRefusal(503, "GENERAL", "The flags are not loaded yet.", headers={"Retry-After": str(RETRY_SECONDS)})
    return snapshot


def read_token(authorization: str, key: str) -> str:
    """Return the token's text from the headers `Authorization: Bearer` or `X-API-Key`, empty where there is none."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer" and (text := value.strip()):
        return text
    return key.strip()


def check_token(request: Request, *, purposes: frozenset[Purpose]) -> TokenIdentity:
    """Return whose request this is; refuse 401 without a valid token, 403 with one for another purpose."""
    headers = request.headers
    raw = read_token(headers.get("authorization", ""), headers.get("x-api-key", ""))
    return admit(raw, purposes=purposes, now=clock.now())


def admit(raw: str, *, purposes: frozenset[Purpose], now: datetime) -> TokenIdentity:
    """Return whose token this is and note its use; refuse 401 what is none, 403 one for another purpose."""
    identity = authenticate(raw) if raw else None
    if identity is None:
        raise _refuse_unknown()
    check_purpose(identity.purpose, purposes=purposes)
    USES.note(identity.token_id, now=now)
    return identity


def check_purpose(purpose: str, *, purposes: frozenset[Purpose]) -> None:
    """Refuse 403 a token that opens something else."""
    if purpose not in purposes:
        wanted = " or ".join(sorted(purposes))
        raise LeanRefusal(403, "FORBIDDEN", f"This is a {purpose} token; this address takes a {wanted} token.")


def _refuse_unknown() -> LeanRefusal:
    if KEEPER.portfolio is None:
        return LeanRefusal(503, "GENERAL", "The flags are not loaded yet.", headers={"Retry-After": str(RETRY_SECONDS)})
    return refuse_unknown()


def refuse_unknown() -> LeanRefusal:
    """Return the answer to a missing, unknown or revoked token."""
    return LeanRefusal(
        401,
        "UNAUTHORIZED",
        "Send a valid token as 'Authorization: Bearer TOKEN' or 'X-API-Key: TOKEN'.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def is_unchanged(request: Request, etag: str) -> bool:
    """Tell whether `If-None-Match` names this ETag, weak or strong: then 304 is the answer."""
    return is_named(etag.encode("latin-1"), request.headers.get("if-none-match", "").encode("latin-1"))


def is_named(etag: bytes, header: bytes) -> bool:
    """Tell whether the text of an `If-None-Match` names this ETag, weak or strong."""
    return header == etag or etag in {part.strip().removeprefix(b"W/") for part in header.split(b",")}


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, *, limit_bytes: int) -> bytes:
    """Return the body, mostly one message; refuse 413 as soon as it is known to be over the limit."""
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > limit_bytes:
        raise _refuse_size(limit_bytes)
    more, body = await _read_piece(receive)
    whole = bytearray(body) if more else body
    while more:
        if len(whole) > limit_bytes:
            raise _refuse_size(limit_bytes)
        more, body = await _read_piece(receive)
        whole += body
    if len(whole) > limit_bytes:
        raise _refuse_size(limit_bytes)
    return bytes(whole)


async def _read_piece(receive: Receive) -> tuple[bool, bytes]:
    """Return whether more is to come, and the next piece of the body."""
    message = await receive()
    if message["type"] != "http.request":
        raise LeanRefusal(400, "PARSE_ERROR", "The body ended early.")
    return message.get("more_body", False), message.get("body", b"")


def _refuse_size(limit_bytes: int) -> LeanRefusal:
    return LeanRefusal(413, "PAYLOAD_TOO_LARGE", f"The body may have at most {limit_bytes} bytes.")


def fault_response() -> Response:
    """Return the answer to a fault of ours: 500 without a word of the inside."""
    return json_response({"errorCode": "GENERAL", "errorDetails": "The portal failed; try again."}, status=500)


def parse_json(body: bytes) -> object:
    """Return the parsed body; refuse 400 PARSE_ERROR what is not JSON (NaN and endless nesting included)."""
    try:
        return _QUICK.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return _parse_odd_json(body)


def _parse_odd_json(body: bytes) -> object:
    """Parse what the quick reader refuses: UTF-16, half a surrogate pair, numbers beyond floats."""
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise LeanRefusal(400, "PARSE_ERROR", "The body is not valid JSON.") from None


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


class _MethodRefusal:
    """Answers 405 with the methods that an address takes."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = ", ".join(sorted(allowed))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = LeanRefusal(
            405, "METHOD_NOT_ALLOWED", f"This address takes {self._allowed}.", headers={"Allow": self._allowed}
        )
        await refusal_response(refusal)(scope, receive, send)


def refuse_other_methods(routes: Sequence[Route]) -> Iterator[Route]:
    """Yield the lean routes, and after them one for each address that answers every other method 405.

    Without it Django, which stands behind, would say that there is no such page.
    """
    allowed: dict[str, set[str]] = {}
    for route in routes:
        allowed.setdefault(route.path, set()).update(route.methods or ())
        yield route
    for path, methods in allowed.items():
        yield Route(path, _MethodRefusal(sorted(methods)))
