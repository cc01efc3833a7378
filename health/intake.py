"""`POST /telemetry/v1/samples`: a lean route in front of the ORM, which it enters in a thread."""

from anyio import to_thread
from django.db import DatabaseError, close_old_connections
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import clock
from flags.domain.purposes import Purpose
from flags.lean import LeanRefusal, check_token, json_response, parse_json, read_body, refusal_response
from flags.snapshots import KEEPER
from health.domain.samples import MAX_BODY_BYTES, MAX_SAMPLES, read_samples
from health.transitions import record_samples

PURPOSES = frozenset({Purpose.TELEMETRY})
RETRY_SECONDS = 5


async def take_samples(request: Request) -> Response:
    """Answer 202 with what was accepted, repeated and rejected."""
    try:
        identity = check_token(request, purposes=PURPOSES)
        items = _read_items(parse_json(await read_body(request, limit_bytes=MAX_BODY_BYTES)))
        return await to_thread.run_sync(_store, identity.token_id, identity.environment_id, items)
    except LeanRefusal as refusal:
        return refusal_response(refusal)


def _read_items(parsed: object) -> list[object]:
    items = parsed.get("samples") if isinstance(parsed, dict) else None
    if not isinstance(items, list):
        raise LeanRefusal(400, "PARSE_ERROR", "The body is an object with a list of 'samples'.")
    if len(items) > MAX_SAMPLES:
        raise LeanRefusal(413, "TOO_MANY_SAMPLES", f"At most {MAX_SAMPLES} samples at once.")
    return items


def _store(token_id: int, environment_id: int, items: list[object]) -> Response:
    now = clock.now()
    portfolio = KEEPER.portfolio
    assert portfolio is not None  # check_token refuses before the first snapshot
    definition = portfolio.snapshots[environment_id].definition
    reading = read_samples(items, site_keys=definition.site_keys, flag_keys=definition.flags.keys(), now=now)
    close_old_connections()
    try:
        stored = record_samples(
            token_id=token_id, environment_id=environment_id, values=reading.accepted, now=now
        )
    except DatabaseError:
        raise LeanRefusal(
            503, "GENERAL", "The database is away; send the same samples again.", headers={"Retry-After": str(RETRY_SECONDS)}
        ) from None
    duplicates = len(reading.accepted) - stored
    return json_response({"accepted": stored, "duplicates": duplicates, "rejected": reading.rejected}, status=202)


LEAN_ROUTES = [Route("/telemetry/v1/samples", take_samples, methods=["POST"])]
