"""The ASGI application: the lean routes first, Django behind them."""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from typing import Any, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releaseportal.settings")

from a2wsgi import WSGIMiddleware
from anyio import to_thread
from django.core.wsgi import get_wsgi_application
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import ASGIApp

django_application = get_wsgi_application()  # before any import that needs the apps

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections

from core.errors import InvalidInput
from core.labels import say_refusal
from flags.api import LEAN_ROUTES as API_ROUTES
from flags.contacts import CONTACTS
from flags.flagd import LEAN_ROUTES as FLAGD_ROUTES
from flags.lean import fault_response, refuse_other_methods
from flags.ofrep import LEAN_ROUTES as OFREP_ROUTES
from flags.ofrep import EvaluationsFirst
from flags.overrides import check_variables
from flags.snapshot_file import SnapshotFile
from flags.snapshots import KEEPER
from flags.stream import HUB
from flags.stream import LEAN_ROUTES as STREAM_ROUTES
from flags.tokens import USES
from health.hooks import LEAN_ROUTES as HOOK_ROUTES
from health.intake import LEAN_ROUTES as TELEMETRY_ROUTES
from health.otlp import LEAN_ROUTES as OTLP_ROUTES
from notices.keeper import BOARDS
from notices.lean import LEAN_ROUTES as NOTICE_ROUTES
from releaseportal.bodies import WholeBodies
from releaseportal.probes import LEAN_ROUTES as PROBE_ROUTES
from statuspage.keeper import PAGE
from statuspage.lean import StatusFirst
from statuspage.page_file import PageFile

log = logging.getLogger(__name__)


def _refuse_unclear_variables() -> None:
    """End with one line where a FLAG__ variable is unclear; without a database nothing can be told."""
    with contextlib.suppress(DatabaseError, InterfaceError):
        try:
            check_variables()
        except InvalidInput as refusal:
            raise SystemExit(say_refusal(refusal)) from None


_refuse_unclear_variables()

FLUSH_SECONDS = 1.0
DJANGO_THREADS = 8


def _flush() -> None:
    close_old_connections()
    try:
        CONTACTS.flush()
        USES.flush()
    except (DatabaseError, InterfaceError) as error:
        log.warning("uses of tokens and contacts of tills not written: %s", error)


async def _keep_flushing() -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        await to_thread.run_sync(_flush)


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    HUB.open()
    KEEPER.start(SnapshotFile(settings.DATA_DIR / "snapshots"))
    PAGE.start(PageFile(settings.DATA_DIR / "statuspage"))
    BOARDS.start(HUB.wake_from_thread)
    flushing = asyncio.create_task(_keep_flushing())
    try:
        yield
    finally:
        flushing.cancel()
        await to_thread.run_sync(_flush)
        await to_thread.run_sync(BOARDS.stop)
        await to_thread.run_sync(KEEPER.stop)
        await to_thread.run_sync(PAGE.stop)
        HUB.close()


async def _answer_fault(request: Request, error: Exception) -> Response:
    """A fault of ours: 500 without a word of the inside; the log has it all."""
    log.error("fault at %s", request.url.path, exc_info=error)
    return fault_response()


_django = cast("ASGIApp", WSGIMiddleware(cast("Any", django_application), workers=DJANGO_THREADS))

_routed = Starlette(
    routes=[
        *refuse_other_methods(
            [
                *OFREP_ROUTES,
                *STREAM_ROUTES,
                *FLAGD_ROUTES,
                *API_ROUTES,
                *TELEMETRY_ROUTES,
                *HOOK_ROUTES,
                *OTLP_ROUTES,
                *NOTICE_ROUTES,
                *PROBE_ROUTES,
            ]
        ),
        Mount("/", app=WholeBodies(_django)),
    ],
    lifespan=_lifespan,
    exception_handlers={500: _answer_fault},
)

application = EvaluationsFirst(StatusFirst(_routed))
