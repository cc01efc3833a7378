"""The stream of changes (contracts §3) on the real ASGI application."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.db import connection

from core import clock
from core.actors import DEMO
from flags.domain.purposes import Purpose
from flags.domain.stream_tokens import read_stream_token
from flags.models import ApiToken, Environment, Flag
from flags.snapshots import KEEPER
from flags.stream import HUB, get_stream_key
from flags.transitions import kill_flag, revoke_token, switch_on
from tests.asgi import ask
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_token
from tests.streams import Stream, follow

pytestmark = pytest.mark.django_db(transaction=True)

BY: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": NOW}
ALL = "/ofrep/v1/evaluate/flags"
ORIGIN = "https://till.example"


class Shop:
    def __init__(self) -> None:
        self.environment: Environment = make_environment(allowed_origins=[ORIGIN])
        self.flag: Flag = make_flag()
        token, self.raw = make_token(self.environment, purpose=Purpose.CLIENT)
        self.token: ApiToken = token
        KEEPER.refresh()

    def find_address(self) -> str:
        answer = ask(ALL, method="POST", headers={"authorization": f"Bearer {self.raw}"}, body=b"{}")
        [stream] = answer.json()["eventStreams"]
        assert stream["type"] == "sse"
        return str(stream["endpoint"]["requestUri"])

    @property
    def etag(self) -> str:
        assert KEEPER.portfolio is not None
        return KEEPER.portfolio.snapshots[self.environment.pk].etag

    async def switch(self) -> None:
        await asyncio.to_thread(self._write, switch_on)

    async def kill(self) -> None:
        await asyncio.to_thread(self._write, kill_flag)

    async def revoke(self) -> None:
        def write() -> None:
            revoke_token(token_id=self.token.pk, **BY)
            _refresh()

        await asyncio.to_thread(write)

    def _write(self, transition: Any) -> None:
        transition(flag_id=self.flag.pk, environment_id=self.environment.pk, **BY)
        _refresh()


def _refresh() -> None:
    KEEPER.refresh()
    connection.close()


@pytest.fixture
def shop() -> Iterator[Shop]:
    KEEPER.clear()
    yield Shop()
    KEEPER.clear()


def test_stream__opened_anew__says_at_once_where_it_stands(shop: Shop) -> None:
    address = shop.find_address()

    async def play() -> Stream:
        async with follow(address) as stream:
            await stream.wait_for_events(1)
            return stream

    stream = asyncio.run(play())

    assert stream.status == 200
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert (stream.headers["cache-control"], stream.headers["x-accel-buffering"]) == ("no-store", "no")
    assert stream.events[0]["event"] == "message"
    assert stream.events[0]["id"] == shop.etag
    [payload] = stream.payloads
    assert payload == {"type": "refetchEvaluation", "etag": shop.etag, "lastModified": payload["lastModified"]}
    assert abs(payload["lastModified"] - clock.now().timestamp()) < 300


def test_stream__a_change__is_told_once(shop: Shop) -> None:
    address = shop.find_address()

    async def play() -> Stream:
        async with follow(address) as stream:
            await stream.wait_for_events(1)
            await shop.switch()
            await stream.wait_for_events(2)
            await shop.kill()
            await stream.wait_for_events(3)
            return stream

    stream = asyncio.run(play())

    ids = [event["id"] for event in stream.events]
    assert len(ids) == len(set(ids)) == 3
    assert ids[-1] == shop.etag


def test_stream__a_change_elsewhere__is_not_told(shop: Shop) -> None:
    address = shop.find_address()
    other = Shop()

    async def play() -> Stream:
        async with follow(address) as stream:
            await stream.wait_for_events(1)
            await other.switch()
            await shop.kill()
            await stream.wait_for_events(2)
            return stream

    # The new flag of the other shop exists in both environments; switching it on elsewhere changes only there.
    stream = asyncio.run(play())
    assert len(stream.events) == 2


@pytest.mark.parametrize("known", ["now", "before"])
def test_stream__comes_back__hears_only_what_it_missed(shop: Shop, known: str) -> None:
    address, before = shop.find_address(), shop.etag
    switch_on(flag_id=shop.flag.pk, environment_id=shop.environment.pk, **BY)
    KEEPER.refresh()
    last = shop.etag if known == "now" else before

    async def play() -> list[dict[str, str]]:
        async with follow(address, headers={"Last-Event-ID": last}) as stream:
            await shop.kill()
            return await stream.wait_for_events(1)

    events = asyncio.run(play())
    assert [event["id"] for event in events][-1] in {shop.etag, events[0]["id"]}
    assert before not in [event["id"] for event in events]
    assert last not in [event["id"] for event in events]


def test_stream__nothing_happens__sends_a_comment(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flags.stream.HEARTBEAT_SECONDS", 0.01)
    address = shop.find_address()

    async def play() -> str:
        async with follow(address) as stream, asyncio.timeout(30):
            while ": alive" not in stream.text:
                stream.arrived.clear()
                await stream.arrived.wait()
            return stream.text

    assert len(asyncio.run(play()).split("event: message")) == 2


def test_stream__its_token_revoked__ends(shop: Shop) -> None:
    address = shop.find_address()

    async def play() -> bool:
        async with follow(address) as stream:
            await stream.wait_for_events(1)
            await shop.revoke()
            await stream.wait_until_over()
            return stream.is_over

    assert asyncio.run(play())
    assert ask_stream(address).status == 401


def test_stream__client_gone__is_counted_no_more(shop: Shop) -> None:
    address = shop.find_address()

    async def play() -> int:
        async with follow(address) as stream:
            await stream.wait_for_events(1)
            return HUB.open_streams

    assert asyncio.run(play()) == 1
    assert HUB.open_streams == 0


def ask_stream(uri: str, **headers: str) -> Any:
    path, _, query = uri.partition("?")
    return ask(path, headers=headers, query=query)


@pytest.mark.parametrize(
    "query", ["", "t=", "t=1.2", "t=1.2.x", "t=a.b.c", "t=99999999.1.aa", "t=" + "9" * 40 + ".1.aa", "t=%00", "t=é.1.2"]
)
def test_stream__a_wrong_address__is_401_and_says_the_way_out(shop: Shop, query: str) -> None:
    answer = ask_stream(f"/ofrep/v1/stream?{query}")

    assert answer.status == 401
    assert answer.json()["errorCode"] == "UNAUTHORIZED"
    assert "Fetch all flags again" in answer.json()["errorDetails"]


def test_stream__a_bearer_token_in_place_of_the_address__is_refused(shop: Shop) -> None:
    assert ask_stream(f"/ofrep/v1/stream?t={shop.raw}", authorization=f"Bearer {shop.raw}").status == 401


def test_stream__more_than_it_may_hold__is_503(shop: Shop, settings: LazySettings) -> None:
    address = shop.find_address()
    settings.STREAM_LIMIT = 0

    answer = ask_stream(address)
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


def test_stream__one_token_at_nine_tenths_of_the_places__leaves_room_for_another(
    shop: Shop, settings: LazySettings
) -> None:
    settings.STREAM_LIMIT = 10
    _other, raw = make_token(shop.environment, purpose=Purpose.CLIENT)
    KEEPER.refresh()
    mine = shop.find_address()
    shop.raw = raw
    theirs = shop.find_address()

    async def open_nine() -> tuple[int, int]:
        async with AsyncExitStack() as stack:
            nine = [await stack.enter_async_context(follow(mine)) for _ in range(9)]
            for stream in nine:
                await stream.wait_for_events(1)
            tenth = await stack.enter_async_context(follow(mine))
            await tenth.wait_until_over()
            another = await stack.enter_async_context(follow(theirs))
            await another.wait_for_events(1)
            return tenth.status, another.status

    assert asyncio.run(open_nine()) == (503, 200)
    assert HUB.open_streams == 0


def test_address__within_a_period__stays_and_with_the_next_a_new_answer_brings_it(shop: Shop) -> None:
    morning = NOW.replace(hour=6, minute=0)
    with time_machine.travel(morning, tick=False):
        first, etag = shop.find_address(), _ask_all(shop).headers["etag"]
    with time_machine.travel(morning + timedelta(hours=3), tick=False):
        assert shop.find_address() == first
        assert _ask_all(shop, if_none_match=etag).status == 304
    with time_machine.travel(morning + timedelta(days=1), tick=False):
        answer = _ask_all(shop, if_none_match=etag)
        assert answer.status == 200
        assert shop.find_address() != first
        # The one before is still good, the one before that is not.
        assert _is_good(first)
    with time_machine.travel(morning + timedelta(days=2), tick=False):
        assert not _is_good(first)


def _is_good(address: str) -> bool:
    assert KEEPER.portfolio is not None
    tokens = KEEPER.portfolio.tokens_by_id
    found = read_stream_token(
        address.partition("t=")[2],
        find_hash=lambda pk: tokens[pk].token_hash if pk in tokens else None,
        now=clock.now(),
        key=get_stream_key(),
    )
    return found is not None


def _ask_all(shop: Shop, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ask(ALL, method="POST", headers={"authorization": f"Bearer {shop.raw}"} | named, body=b"{}")


def test_stream__a_page_of_an_allowed_origin__may_listen(shop: Shop) -> None:
    address = shop.find_address()

    async def play() -> Stream:
        async with follow(address, headers={"Origin": ORIGIN}) as stream:
            await stream.wait_for_events(1)
            return stream

    assert asyncio.run(play()).headers["access-control-allow-origin"] == ORIGIN
