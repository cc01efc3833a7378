"""`/hooks/…`: lean routes that take alerts of Alertmanager, Grafana and Sentry (contracts §6).

Answered once the alert is stored; who judges it looks by itself. A store that is away and too many
at once are 503: Alertmanager tries again after 5xx and network errors alone.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from anyio import to_thread
from django.db import InterfaceError, OperationalError, close_old_connections
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import clock
from flags.domain.purposes import Purpose
from flags.domain.tokens import TokenIdentity
from flags.domain.values import is_storable
from flags.lean import LeanRefusal, check_token, json_response, parse_json, read_body, refusal_response
from health.alert_transitions import record_alerts, record_sentry_alert
from health.domain.alerts import MAX_ALERTS, MAX_BODY_BYTES, BadAlert, Origin
from health.domain.sentry_alerts import find_signer, is_fresh, read_alert
from health.domain.webhook_alerts import list_alerts, read_alerts
from health.intake import Desk
from health.sentry_queries import open_secrets

PURPOSES = frozenset({Purpose.TELEMETRY})
RETRY_SECONDS = 5
#: Messages worked on at once; beyond, senders are asked to come again.
MOST_AT_ONCE = 16
MAX_REQUEST_ID_CHARACTERS = 100
#: A body that takes longer is not waited for: Sentry's sender is known by the whole of it alone.
DEADLINE_SECONDS = 10.0

DESK = Desk(limit=MOST_AT_ONCE, status=503)

log = logging.getLogger(__name__)


async def take_alertmanager(request: Request) -> Response:
    """Answer Alertmanager's webhook, version 4."""
    return await _take_webhook(request, Origin.ALERTMANAGER)


async def take_grafana(request: Request) -> Response:
    """Answer Grafana's webhook, version 1."""
    return await _take_webhook(request, Origin.GRAFANA)


async def take_sentry(request: Request) -> Response:
    """Answer a webhook of a Sentry integration, known by its signature."""
    headers = dict(request.headers)
    try:
        _check_stamp(headers, now=clock.now())
    except LeanRefusal as refusal:
        return refusal_response(refusal)
    return await _answer(request, lambda body: _store_sentry(headers, body))


async def _take_webhook(request: Request, origin: Origin) -> Response:
    try:
        identity = check_token(request, purposes=PURPOSES)
    except LeanRefusal as refusal:
        return refusal_response(refusal)
    return await _answer(request, lambda body: _store_webhook(identity, origin, body))


async def _answer(request: Request, store: Callable[[bytes], Response]) -> Response:
    """Return what a worker thread makes of the body, which the event loop waits for."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            body = await read_body(dict(request.scope["headers"]), request.receive, limit_bytes=MAX_BODY_BYTES)
        with DESK:
            return await to_thread.run_sync(_run, store, body)
    except TimeoutError:
        refusal = LeanRefusal(408, "TIMEOUT", "The body did not come in time.", headers={"Connection": "close"})
        return refusal_response(refusal)
    except LeanRefusal as refusal:
        return refusal_response(refusal)


def _run(store: Callable[[bytes], Response], body: bytes) -> Response:
    close_old_connections()
    try:
        return store(body)
    except BadAlert as bad:
        raise LeanRefusal(400, bad.code, bad.details) from None
    except (OperationalError, InterfaceError):
        raise LeanRefusal(
            503, "GENERAL", "The database is away; send it again.", headers={"Retry-After": str(RETRY_SECONDS)}
        ) from None
    finally:
        close_old_connections()


def _store_webhook(identity: TokenIdentity, origin: Origin, body: bytes) -> Response:
    now = clock.now()
    parsed: Any = parse_json(body)
    items = list_alerts(parsed, origin=origin)
    if len(items) > MAX_ALERTS:
        raise LeanRefusal(413, "TOO_MANY_ALERTS", f"At most {MAX_ALERTS} alerts at once: set 'max_alerts'.")
    reading = read_alerts(parsed, items, now=now)
    if reading.rejected:
        log.warning("%s: %s of %s alerts refused: %s", origin, len(reading.rejected), len(items), reading.rejected[0])
    if reading.rejected and not reading.accepted:
        raise LeanRefusal(400, str(reading.rejected[0]["errorCode"]), str(reading.rejected[0]["errorDetails"]))
    if reading.accepted:
        record_alerts(
            environment_id=identity.environment_id,
            origin=origin,
            values=reading.accepted,
            left_out=reading.truncated + len(reading.rejected),
            now=now,
        )
    return json_response({"accepted": len(reading.accepted), "rejected": reading.rejected}, status=202)


def _store_sentry(headers: Mapping[str, str], body: bytes) -> Response:
    now = clock.now()
    hook_id, environment_id = _find_hook(headers, body)
    value = read_alert(parse_json(body), resource=headers.get("sentry-hook-resource", ""), now=now)
    is_new = record_sentry_alert(
        hook_id=hook_id,
        environment_id=environment_id,
        value=value,
        body_hash=hashlib.sha256(body).hexdigest(),
        request_id=_read_request_id(headers),
        now=now,
    )
    return json_response({"accepted": int(is_new and value is not None), "duplicates": int(not is_new)}, status=202)


def _check_stamp(headers: Mapping[str, str], *, now: datetime) -> None:
    """Refuse 401, before its body is read, what is not signed at all or was not sent now."""
    if not headers.get("sentry-hook-signature"):
        raise _refuse_unsigned()
    if not is_fresh(headers.get("sentry-hook-timestamp", ""), now=now):
        raise LeanRefusal(401, "STALE_TIMESTAMP", "'Sentry-Hook-Timestamp' is not of the last five minutes.")


def _find_hook(headers: Mapping[str, str], body: bytes) -> tuple[int, int]:
    """Return the integration whose secret signed the body, and its environment; refuse 401 where none did."""
    opened = open_secrets()
    secrets = {pk: secret for pk, (_environment_id, secret) in opened.items()}
    found = find_signer(secrets, body=body, signature=headers.get("sentry-hook-signature", ""))
    if found is None:
        raise _refuse_unsigned()
    return found, opened[found][0]


def _refuse_unsigned() -> LeanRefusal:
    return LeanRefusal(401, "UNAUTHORIZED", "No integration that is connected here has signed this body.")


def _read_request_id(headers: Mapping[str, str]) -> str:
    text = headers.get("request-id", "")
    return text if len(text) <= MAX_REQUEST_ID_CHARACTERS and is_storable(text) else ""


LEAN_ROUTES = [
    Route("/hooks/alertmanager", take_alertmanager, methods=["POST"]),
    Route("/hooks/grafana", take_grafana, methods=["POST"]),
    Route("/hooks/sentry", take_sentry, methods=["POST"]),
]
