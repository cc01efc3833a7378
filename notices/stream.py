"""`GET /notices/v1/stream`: one stream for a till's page that says when its flags and when its notices changed.

It takes its place beside the flags' own streams (`flags.stream.HUB`), and says as they do where things stand, never
what lies between. A notice that begins or ends by the clock is told of as well.
"""

from collections.abc import AsyncIterator
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import clock
from flags.cors import make_preflight
from flags.domain.tokens import TokenIdentity
from flags.stream import HEARTBEAT_SECONDS, HUB, find_snapshot, open_stream, say_refetch, write_event
from notices.domain.board import compose_mark, find_next_change, list_shown
from notices.keeper import BOARDS, Board

PATH = "/notices/v1/stream"
MOST_SITE_CHARACTERS = 100
BETWEEN = "~"
#: A boundary is passed for sure when a wait for it ends.
MARGIN_SECONDS = 0.05


async def answer_stream(request: Request) -> Response:
    """Answer the stream: events until the client leaves or its token is revoked."""
    return open_stream(request, follow=_follow)


async def _follow(request: Request, identity: TokenIdentity) -> AsyncIterator[bytes]:
    """Yield an event for flags and for notices whenever they differ from what the client knows."""
    site = request.query_params.get("site", "")[:MOST_SITE_CHARACTERS]
    known_flags, _between, known_mark = request.headers.get("last-event-id", "").partition(BETWEEN)
    with HUB.hold_place(identity.token_id):
        yield b": open\n\n"
        while True:
            snapshot, now = find_snapshot(identity), clock.now()
            if snapshot is None:
                return
            board = BOARDS.find_board(identity.environment_id)
            # Until the database has spoken nobody knows, and what the client shows may stay.
            mark = known_mark if board is None else compose_mark(list_shown(board, site_key=site, now=now))
            if snapshot.etag != known_flags:
                known_flags = snapshot.etag
                yield write_event(say_refetch(snapshot), event_id=f"{known_flags}{BETWEEN}{known_mark}")
            elif mark != known_mark:
                known_mark = mark
                told = {"type": "refetchNotices", "etag": mark}
                yield write_event(told, event_id=f"{known_flags}{BETWEEN}{mark}")
            elif not await HUB.wait(seconds=_find_wait(board, now=now)):
                yield b": alive\n\n"


def _find_wait(board: Board | None, *, now: datetime) -> float:
    """Return for how many seconds nothing changes by itself, at most until the next sign of life."""
    change = find_next_change(board or (), now=now)
    if change is None:
        return HEARTBEAT_SECONDS
    return min(HEARTBEAT_SECONDS, (change - now).total_seconds() + MARGIN_SECONDS)


LEAN_ROUTES = [
    Route(PATH, answer_stream, methods=["GET"]),
    Route(PATH, make_preflight("GET"), methods=["OPTIONS"]),
]
