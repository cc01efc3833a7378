"""The stream of changes (contracts §3): `refetchEvaluation` over Server-Sent Events.

One hub for each process: the keeper's thread wakes it after every change, and it wakes the streams
in the event loop. A stream says where it stands, never what lies between: whoever missed ten
changes fetches once.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from django.conf import settings
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from core import clock
from flags.answers import write_json
from flags.cors import answer_preflight, with_cors
from flags.domain.stream_tokens import StreamKey, compose_stream_token, find_period, read_stream_token
from flags.domain.tokens import TokenIdentity
from flags.lean import RETRY_SECONDS, LeanRefusal, refusal_response
from flags.snapshots import KEEPER, Snapshot
from flags.tokens import USES, find_identity

PATH = "/ofrep/v1/stream"
HEARTBEAT_SECONDS = 15.0
INACTIVITY_SECONDS = 120
#: Of a process's places, what one token may take: all tills hold the same one, and who has a till can read it.
TOKEN_SHARE = 0.9
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class StreamHub:
    """Wakes the streams of this process; used in its event loop only, but for `wake_from_thread`."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.open_streams = 0
        self._by_token: Counter[int] = Counter()

    def open(self) -> None:
        """Begin: remember the loop and hear of every change."""
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        KEEPER.subscribe(self.wake_from_thread)

    def close(self) -> None:
        """End."""
        KEEPER.unsubscribe(self.wake_from_thread)
        self._loop = None

    def has_room(self, token_id: int, *, limit: int) -> bool:
        """Tell whether one more stream of a token may be opened where all may hold `limit` together."""
        return self.open_streams < limit and self._by_token[token_id] < max(1, limit * TOKEN_SHARE)

    @contextmanager
    def hold_place(self, token_id: int) -> Iterator[None]:
        """Count a token's stream as open until the block ends."""
        self.open_streams += 1
        self._by_token[token_id] += 1
        try:
            yield
        finally:
            self.open_streams -= 1
            self._by_token[token_id] -= 1
            if not self._by_token[token_id]:
                del self._by_token[token_id]

    def wake_from_thread(self) -> None:
        """Wake every stream; called by the keeper in whatever thread noticed a change."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def wait(self, *, seconds: float) -> bool:
        """Wait for a change; False where none came in time."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True


HUB = StreamHub()

#: Token's hash → period and `eventStreams` as JSON; forgotten at once where tokens come and go for years.
MOST_WRITTEN = 10_000
_written: dict[str, tuple[int, bytes]] = {}


def get_stream_key() -> StreamKey:
    """Return the secret and period of the addresses."""
    return StreamKey(settings.SECRET_KEY, settings.STREAM_PERIOD_SECONDS)


def get_period(now: datetime) -> int:
    """Return the number of the period in which a moment lies: with the next come new addresses."""
    return find_period(now, period_seconds=settings.STREAM_PERIOD_SECONDS)


def write_event_streams(identity: TokenIdentity, *, period: int) -> bytes:
    """Return `eventStreams` of the bulk answer as JSON: an address relative to the one the client asked.

    Signed once for each token and period, and then remembered: there are no more than there are tokens.
    """
    kept = _written.get(identity.token_hash)
    if kept is None or kept[0] != period:
        if len(_written) >= MOST_WRITTEN:
            _written.clear()
        kept = _written[identity.token_hash] = (period, _write_event_streams(identity, period))
    return kept[1]


def write_stream_token(identity: TokenIdentity, *, period: int) -> str:
    """Return what stands for a token in the address of a stream."""
    return compose_stream_token(
        token_id=identity.token_id, token_hash=identity.token_hash, period=period, key=get_stream_key()
    )


def _write_event_streams(identity: TokenIdentity, period: int) -> bytes:
    stream = {
        "type": "sse",
        "endpoint": {"requestUri": f"{PATH}?t={write_stream_token(identity, period=period)}"},
        "inactivityDelaySec": INACTIVITY_SECONDS,
    }
    return write_json([stream])


Follow = Callable[[Request, TokenIdentity], AsyncIterator[bytes]]


async def answer_stream(request: Request) -> Response:
    """Answer `GET /ofrep/v1/stream`: events until the client leaves or its token is revoked."""
    return open_stream(request, follow=_follow)


def open_stream(request: Request, *, follow: Follow) -> Response:
    """Return a stream of what `follow` yields for the token in the address, as long as there is room for one more."""
    try:
        identity, snapshot = _authorise(request)
        _check_room(identity)
    except LeanRefusal as refusal:
        return with_cors(request, refusal_response(refusal))
    answer = StreamingResponse(follow(request, identity), headers=HEADERS, media_type="text/event-stream")
    return with_cors(request, answer, snapshot)


def _authorise(request: Request) -> tuple[TokenIdentity, Snapshot]:
    portfolio = KEEPER.portfolio
    if portfolio is None:
        again = {"Retry-After": str(RETRY_SECONDS)}
        raise LeanRefusal(503, "GENERAL", "The flags are not loaded yet.", headers=again)

    def find_hash(token_id: int) -> str | None:
        found = portfolio.tokens_by_id.get(token_id)
        return found.token_hash if found else None

    text = request.query_params.get("t", "")
    token_id = read_stream_token(text, find_hash=find_hash, now=clock.now(), key=get_stream_key())
    identity = None if token_id is None else find_identity(token_id)
    if identity is None:
        raise LeanRefusal(401, "UNAUTHORIZED", "Fetch all flags again: their answer has this stream's new address.")
    USES.note(identity.token_id, now=clock.now())
    return identity, portfolio.snapshots[identity.environment_id]


def _check_room(identity: TokenIdentity) -> None:
    if not HUB.has_room(identity.token_id, limit=settings.STREAM_LIMIT):
        busy = {"Retry-After": str(RETRY_SECONDS)}
        raise LeanRefusal(503, "GENERAL", "This process holds as many streams as it may.", headers=busy)


async def _follow(request: Request, identity: TokenIdentity) -> AsyncIterator[bytes]:
    """Yield an event for every state that differs from the one the client knows, comments in between."""
    known = request.headers.get("last-event-id", "")
    with HUB.hold_place(identity.token_id):
        # The first bytes tell a browser that the stream is open.
        yield b": open\n\n"
        while True:
            snapshot = find_snapshot(identity)
            if snapshot is None:
                return
            if snapshot.etag != known:
                known = snapshot.etag
                yield write_event(say_refetch(snapshot), event_id=known)
            elif not await HUB.wait(seconds=HEARTBEAT_SECONDS):
                yield b": alive\n\n"


def find_snapshot(identity: TokenIdentity) -> Snapshot | None:
    """Return what a token's clients are served now, None once it is revoked."""
    portfolio = KEEPER.portfolio
    if portfolio is None or identity.token_id not in portfolio.tokens_by_id:
        return None
    return portfolio.snapshots[identity.environment_id]


def say_refetch(snapshot: Snapshot) -> dict[str, object]:
    """Return what tells a client that flags changed (contracts §3)."""
    return {
        "type": "refetchEvaluation",
        "etag": snapshot.etag,
        "lastModified": int(snapshot.definition.changed_at.timestamp()),
    }


def write_event(data: Mapping[str, object], *, event_id: str) -> bytes:
    """Return an event of a stream."""
    return f"event: message\nid: {event_id}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


LEAN_ROUTES = [
    Route(PATH, answer_stream, methods=["GET"]),
    Route(PATH, answer_preflight, methods=["OPTIONS"]),
]
