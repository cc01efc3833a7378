"""Alive and ready, for load balancers; lean, so that they answer while Django is busy."""

import redis
from anyio import to_thread
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import clock
from flags.lean import json_response
from flags.snapshots import KEEPER
from releaseportal.schedule import BEAT_LIMIT
from rollouts.queries import find_last_scheduler_beat


async def answer_alive(request: Request) -> Response:
    """Answer `/healthz`: this process serves."""
    return json_response({"status": "alive"})


async def answer_ready(request: Request) -> Response:
    """Answer `/readyz`: 200 where every part is there, else 503 naming what is missing."""
    parts = await to_thread.run_sync(check_parts)
    ready = all(parts.values())
    return json_response({"status": "ready" if ready else "not ready", "parts": parts}, status=200 if ready else 503)


def check_parts() -> dict[str, bool]:
    """Return each part and whether it is there: database, broker, snapshot, scheduler."""
    database, scheduler = _check_database()
    return {
        "database": database,
        "broker": _check_broker(),
        "snapshot": KEEPER.is_fresh,
        "scheduler": scheduler,
    }


def _check_database() -> tuple[bool, bool]:
    close_old_connections()
    try:
        beat_at = find_last_scheduler_beat()
    except DatabaseError:
        return False, False
    return True, beat_at is not None and clock.now() - beat_at < BEAT_LIMIT


def _check_broker() -> bool:
    try:
        with redis.Redis.from_url(settings.CELERY_BROKER_URL, socket_connect_timeout=1, socket_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


LEAN_ROUTES = [
    Route("/healthz", answer_alive, methods=["GET"]),
    Route("/readyz", answer_ready, methods=["GET"]),
]
