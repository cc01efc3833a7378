"""`POST /telemetry/v1/samples`: a lean route in front of the ORM, which it enters in a thread."""

from collections.abc import Iterator
from contextlib import contextmanager

from anyio import to_thread
from django.db import InterfaceError, OperationalError, close_old_connections
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import clock
from flags.domain.purposes import Purpose
from flags.domain.tokens import TokenIdentity
from flags.lean import LeanRefusal, check_token, get_snapshot, json_response, parse_json, read_body, refusal_response
from health.domain.samples import MAX_BODY_BYTES, MAX_SAMPLES, read_samples
from health.sample_transitions import record_samples

PURPOSES = frozenset({Purpose.TELEMETRY})
RETRY_SECONDS = 5
OVERLOAD_RETRY_SECONDS = 1
#: Bodies worked on at once (a slow sender takes no place); beyond, clients are asked to wait.
#: They may repeat for ever, so nothing is lost.
MOST_AT_ONCE = 32


class Desk:
    """Counts the requests under way. One event loop serves a process, so a plain number will do."""

    def __init__(self, *, limit: int, status: int = 429) -> None:
        self.limit = limit
        self.status = status
        self.busy = 0

    def __enter__(self) -> None:
        if self.busy >= self.limit:
            raise LeanRefusal(
                self.status,
                "GENERAL",
                "Too many at once; try again.",
                headers={"Retry-After": str(OVERLOAD_RETRY_SECONDS)},
            )
        self.busy += 1

    def __exit__(self, *_: object) -> None:
        self.busy -= 1


DESK = Desk(limit=MOST_AT_ONCE)


async def take_samples(request: Request) -> Response:
    """Answer 202 with what was accepted, repeated and rejected."""
    try:
        identity = check_token(request, purposes=PURPOSES)
        body = await read_body(dict(request.scope["headers"]), request.receive, limit_bytes=MAX_BODY_BYTES)
        with DESK:
            items = _read_items(parse_json(body))
            return await to_thread.run_sync(_store, identity, items)
    except LeanRefusal as refusal:
        return refusal_response(refusal)


def _read_items(parsed: object) -> list[object]:
    items = parsed.get("samples") if isinstance(parsed, dict) else None
    if not isinstance(items, list):
        raise LeanRefusal(400, "PARSE_ERROR", "The body is an object with a list of 'samples'.")
    if len(items) > MAX_SAMPLES:
        raise LeanRefusal(413, "TOO_MANY_SAMPLES", f"At most {MAX_SAMPLES} samples at once.")
    return items


def _store(identity: TokenIdentity, items: list[object]) -> Response:
    now = clock.now()
    definition = get_snapshot(identity).definition
    reading = read_samples(items, site_keys=definition.site_keys, flag_keys=definition.flags.keys(), now=now)
    with outage_answered():
        stored = record_samples(
            source=f"token:{identity.token_id}",
            environment_id=identity.environment_id,
            values=reading.accepted,
            now=now,
        )
    duplicates = len(reading.accepted) - stored
    return json_response({"accepted": stored, "duplicates": duplicates, "rejected": reading.rejected}, status=202)


@contextmanager
def outage_answered() -> Iterator[None]:
    """Answer 503 where the database is away: a thread's connections end with its work."""
    close_old_connections()
    try:
        yield
    except (OperationalError, InterfaceError):
        raise LeanRefusal(
            503,
            "GENERAL",
            "The database is away; send the same samples again.",
            headers={"Retry-After": str(RETRY_SECONDS)},
        ) from None
    finally:
        close_old_connections()


PATH = "/telemetry/v1/samples"
LEAN_ROUTES = [Route(PATH, take_samples, methods=["POST"])]
