"""`POST /v1/metrics`: what an unmodified OpenTelemetry SDK or Collector reports (OTLP/HTTP), a lean route."""

import zlib
from threading import BoundedSemaphore

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import clock
from flags.domain.tokens import TokenIdentity
from flags.lean import LeanRefusal, check_token, get_snapshot, read_body
from health import intake
from health.domain.samples import MAX_BODY_BYTES
from health.otlp_bounds import TooLarge
from health.otlp_messages import (
    JSON,
    PROTOBUF,
    Batch,
    Known,
    Malformed,
    parse_request,
    read_points,
    write_answer,
    write_status,
)
from health.otlp_transitions import take_points

#: A gzipped body may be so large once it is unpacked: some ten thousand data points.
MAX_INFLATED_BYTES = 4 * 1_048_576
#: zlib finds out by itself whether it reads gzip or deflate.
EITHER_HEADER = zlib.MAX_WBITS | 32
#: Of `google.rpc.Code`, by the status of the answer.
RPC_CODES = {400: 3, 401: 16, 403: 7, 413: 8, 415: 3, 429: 8, 503: 14}
UNKNOWN_RPC_CODE = 2
#: Bodies that are unpacked and read at once, the others wait: the largest takes 250 MB before it is refused.
READING = BoundedSemaphore(4)


async def take_metrics(request: Request) -> Response:
    """Answer 200 with what was refused, in the encoding of the request; a refusal as a Status, in it as well."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        identity = check_token(request, purposes=intake.PURPOSES)
        _check_type(content_type)
        body = await read_body(dict(request.scope["headers"]), request.receive, limit_bytes=MAX_BODY_BYTES)
        encoding = request.headers.get("content-encoding", "").strip().lower()
        with intake.DESK:
            answer = await to_thread.run_sync(_take, identity, body, encoding, content_type)
    except LeanRefusal as refusal:
        return _refuse(refusal, content_type=content_type if content_type == JSON else PROTOBUF)
    return Response(answer, media_type=content_type)


def _check_type(content_type: str) -> None:
    if content_type not in (PROTOBUF, JSON):
        raise LeanRefusal(415, "UNSUPPORTED_MEDIA_TYPE", f"Send {PROTOBUF} or {JSON}.")


def _refuse(refusal: LeanRefusal, *, content_type: str) -> Response:
    code = RPC_CODES.get(refusal.status, UNKNOWN_RPC_CODE)
    body = write_status(code, f"{refusal.code}: {refusal.details}", content_type=content_type)
    return Response(body, status_code=refusal.status, headers=refusal.headers, media_type=content_type)


def _take(identity: TokenIdentity, body: bytes, encoding: str, content_type: str) -> bytes:
    with READING:
        batch = _read(identity, inflate(body, encoding=encoding), content_type)
    with intake.outage_answered():
        take_points(batch, token_id=identity.token_id, environment_id=identity.environment_id, now=clock.now())
    return write_answer(batch, content_type=content_type)


def _read(identity: TokenIdentity, body: bytes, content_type: str) -> Batch:
    definition = get_snapshot(identity).definition
    known = Known(definition.site_keys, definition.flags.keys())
    try:
        request = parse_request(body, content_type=content_type)
    except TooLarge as fault:
        raise LeanRefusal(413, "TOO_MANY_SAMPLES", str(fault)) from None
    except Malformed as fault:
        raise LeanRefusal(400, "PARSE_ERROR", str(fault)) from None
    return read_points(request, source=f"otlp:{identity.token_id}", known=known)


def inflate(body: bytes, *, encoding: str) -> bytes:
    """Return the body unpacked; refuse what is none, and stop at the limit whatever it would become."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise LeanRefusal(415, "UNSUPPORTED_MEDIA_TYPE", "Send the body plain, or packed with gzip or deflate.")
    unpacker = zlib.decompressobj(EITHER_HEADER)
    try:
        whole = unpacker.decompress(body, MAX_INFLATED_BYTES + 1)
    except zlib.error:
        raise LeanRefusal(400, "PARSE_ERROR", f"The body is not {encoding}.") from None
    if len(whole) > MAX_INFLATED_BYTES:
        raise LeanRefusal(413, "PAYLOAD_TOO_LARGE", f"The body may have at most {MAX_INFLATED_BYTES} bytes unpacked.")
    if not unpacker.eof:
        raise LeanRefusal(400, "PARSE_ERROR", "The body ended early.")
    return whole


PATH = "/v1/metrics"
LEAN_ROUTES = [Route(PATH, take_metrics, methods=["POST"])]
