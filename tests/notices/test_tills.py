"""`/notices/v1/`: what tills are told, the stream that says when, the script, and problems that they report."""

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from core import clock
from core.actors import DEMO
from flags.domain.audience import RuleAudience
from flags.domain.purposes import Purpose
from flags.models import Environment
from flags.snapshots import KEEPER
from flags.stream import HUB
from flags.tokens import USES
from flags.transitions import kill_flag, switch_on
from health.models import Complaint
from notices import current
from notices.keeper import BOARDS
from notices.models import ProblemReport
from notices.transitions import take_notice_away
from tests.asgi import Answer, ask
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_rule, make_site, make_token
from tests.factories.notices import make_notice
from tests.streams import Stream, follow

pytestmark = pytest.mark.django_db(transaction=True)

BY: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": NOW}
ORIGIN = "https://till.example"
SECOND = timedelta(seconds=1)


class Shop:
    def __init__(self) -> None:
        self.environment: Environment = make_environment(allowed_origins=[ORIGIN])
        self.site, self.other = make_site(), make_site()
        _token, self.raw = make_token(self.environment, purpose=Purpose.CLIENT)
        self.refresh()

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.raw}", "origin": ORIGIN}

    def refresh(self) -> None:
        KEEPER.refresh()
        BOARDS.refresh()

    def read(self, query: str = "", *, site: str = "", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        query = f"site={site or self.site.key}&{query}"
        return ask("/notices/v1/current", query=query, headers=self.headers | named)

    def list_told(self, query: str = "", *, site: str = "") -> list[str]:
        return [one["title"] for one in self.read(query, site=site).json()["notices"]]

    def report(self, **given: Any) -> Answer:
        body = {"request_id": "a1b2c3d4e5", "site": self.site.key, "text": "Le prix est faux"} | given
        return ask("/notices/v1/problems", method="POST", headers=self.headers, body=json.dumps(body).encode())


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    # The worker threads' connections end with each request, so that none outlives the test.
    monkeypatch.setitem(settings.DATABASES["default"], "CONN_MAX_AGE", 0)
    monkeypatch.setattr(clock, "now", lambda: NOW + SECOND)
    KEEPER.clear()
    BOARDS.clear()
    yield Shop()
    KEEPER.clear()
    BOARDS.clear()
    current._kept_notes.clear()
    USES.flush()


def test_current__a_notice__is_told_whole_in_the_till_s_language(shop: Shop) -> None:
    notice = make_notice(shop.environment, next_update_at=NOW + timedelta(hours=1))

    told = {language: shop.read(f"language={language}").json()["notices"] for language in ("fr", "en")}

    [french], [english] = told["fr"], told["en"]
    assert (french["title"], english["title"]) == ("Les prix sont faux", "Prices are wrong")
    assert french | {"title": "", "text": ""} == {
        "id": f"notice:{notice.pk}",
        "kind": "announcement",
        "level": "warning",
        "flag": None,
        "title": "",
        "text": "",
        "language": "fr",
        "mark": None,
        "hotline": "01 23 45 67 89",
        "next_update_at": (NOW + timedelta(hours=1)).isoformat(),
        "picture": None,
        "documentation": None,
        "since": NOW.isoformat(),
        "until": None,
    }


def test_current__said_in_the_other_language_alone__is_marked(shop: Shop) -> None:
    make_notice(shop.environment, title_en="", text_en="")

    told = {language: shop.read(f"language={language}").json()["notices"][0] for language in ("fr", "en")}

    assert [told[one]["title"] for one in ("fr", "en")] == ["Les prix sont faux"] * 2
    assert [told[one]["language"] for one in ("fr", "en")] == ["fr", "fr"]
    assert [told[one]["mark"] for one in ("fr", "en")] == [None, "[in French]"]


def test_current__taken_away_or_at_another_site__is_told_no_more(shop: Shop) -> None:
    notice = make_notice(shop.environment, site_ids=[shop.site.pk])
    assert (len(shop.list_told()), shop.list_told(site=shop.other.key)) == (1, [])

    take_notice_away(notice_id=notice.pk, **BY)

    assert shop.list_told() == []


def test_current__of_a_flag__is_for_tills_that_have_it_also_when_it_was_just_killed(shop: Shop) -> None:
    flag = make_flag()
    make_rule(flag, shop.environment, RuleAudience.for_site(shop.site.pk))
    switch_on(flag_id=flag.pk, environment_id=shop.environment.pk, **BY)
    make_notice(shop.environment, flag_ids=[flag.pk])
    shop.refresh()
    assert (len(shop.list_told()), shop.list_told(site=shop.other.key)) == (1, [])

    kill_flag(flag_id=flag.pk, environment_id=shop.environment.pk, **BY)
    shop.refresh()

    assert (len(shop.list_told()), shop.list_told(site=shop.other.key)) == (1, [])


def test_current__unchanged__is_304_and_a_wrong_language_400(shop: Shop) -> None:
    etag = shop.read().headers["etag"]

    assert shop.read(if_none_match=etag).status == 304
    make_notice(shop.environment)
    assert shop.read(if_none_match=etag).status == 200
    assert shop.read("language=de").json()["errorCode"] == "LANGUAGE_UNKNOWN"


def test_current__the_database_away__is_told_what_was_last_known(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    make_notice(shop.environment)
    shop.refresh()

    def fail(**_given: Any) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(current, "load_boards", fail)

    assert shop.list_told() == ["Les prix sont faux"]
    BOARDS.clear()
    assert (shop.read().status, shop.read().headers["retry-after"]) == (503, "5")


def _follow_while(shop: Shop, *acts: Any, events: int) -> Stream:
    """Open the stream, do one thing after the other, each once its event is there; return what came."""
    address = shop.read().json()["stream"]

    def do(act: Any) -> None:
        act()
        shop.refresh()
        connection.close()

    async def play() -> Stream:
        async with follow(address) as stream:
            BOARDS.subscribe(HUB.wake_from_thread)
            await stream.wait_for_events(2)
            for place, act in enumerate(acts):
                await asyncio.to_thread(do, act)
                await stream.wait_for_events(3 + place)
            return stream

    found = asyncio.run(play())
    assert len(found.events) == events
    return found


def test_stream__a_notice_shown_and_taken_away__says_so_each_time(shop: Shop) -> None:
    made: list[Any] = []

    stream = _follow_while(
        shop,
        lambda: made.append(make_notice(shop.environment)),
        lambda: take_notice_away(notice_id=made[0].pk, **BY),
        events=4,
    )

    kinds = [one["type"] for one in stream.payloads]
    assert kinds == ["refetchEvaluation", "refetchNotices", "refetchNotices", "refetchNotices"]
    # Nothing stands again: the same as in the beginning.
    assert stream.payloads[1]["etag"] == stream.payloads[3]["etag"] != stream.payloads[2]["etag"]


def test_stream__of_a_site__says_nothing_of_another_s_and_flags_as_well(shop: Shop) -> None:
    flag = make_flag()
    shop.refresh()

    def elsewhere() -> None:
        make_notice(shop.environment, site_ids=[shop.other.pk])
        switch_on(flag_id=flag.pk, environment_id=shop.environment.pk, **BY)

    stream = _follow_while(shop, elsewhere, events=3)

    assert stream.payloads[2]["type"] == "refetchEvaluation"


def test_stream__come_back_with_what_was_known__says_nothing_twice(shop: Shop) -> None:
    address = shop.read().json()["stream"]

    async def play() -> tuple[Stream, Stream]:
        async with follow(address) as first:
            await first.wait_for_events(2)
        async with follow(address, headers={"last-event-id": first.events[-1]["id"]}) as second:
            await asyncio.sleep(0.2)
        return first, second

    first, second = asyncio.run(play())

    assert (len(first.events), second.status, second.events) == (2, 200, [])


def test_stream__scheduled_for_now__says_so_by_the_clock(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    make_notice(shop.environment, starts_at=NOW + 2 * SECOND)
    shop.refresh()
    address = shop.read().json()["stream"]
    began = time.monotonic()
    monkeypatch.setattr(clock, "now", lambda: NOW + SECOND + timedelta(seconds=time.monotonic() - began))

    async def play() -> Stream:
        async with follow(address) as stream:
            await stream.wait_for_events(3)
            return stream

    assert asyncio.run(play()).payloads[2]["type"] == "refetchNotices"


def test_stream__beyond_the_room__is_503(shop: Shop) -> None:
    path, _, query = shop.read().json()["stream"].partition("?")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "STREAM_LIMIT", 0)
        assert ask(path, query=query).status == 503
    assert ask(path, query="t=1.2.3").status == 401


def test_script__asked_by_any_page__is_small_kept_and_the_same_again() -> None:
    answer = ask("/notices/v1/releaseportal.js", headers={"origin": "https://anybody.example"})

    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "*")
    assert len(answer.body) < 10_000
    assert answer.headers["cache-control"].startswith("public, max-age=")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert ask("/notices/v1/releaseportal.js", headers={"if-none-match": answer.headers["etag"]}).status == 304


def test_script__as_it_is_sent__runs_nothing_from_text() -> None:
    code = ask("/notices/v1/releaseportal.js").body.decode()

    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "Function(", "document.write", ".style"):
        assert word not in code


def test_problem__reported__is_a_complaint_with_the_flags_in_force(shop: Shop) -> None:
    on, off = make_flag(), make_flag()
    switch_on(flag_id=on.pk, environment_id=shop.environment.pk, **BY)
    make_rule(on, shop.environment, RuleAudience.everyone())
    shop.refresh()

    answer = shop.report(till="till-3", targetingKey="cashier-1", flags={on.key: "on", off.key: "on"})

    complaint = Complaint.objects.select_related("words").get()
    assert (answer.status, answer.json()) == (201, {"number": complaint.pk})
    assert (complaint.words.text, complaint.words.reporter) == ("Le prix est faux", "cashier-1")
    report = ProblemReport.objects.get()
    assert (report.origin, report.till) == ("till", "till-3")
    assert report.flags == [
        {"flag": on.key, "variant": "on", "till": "on"},
        {"flag": off.key, "variant": "off", "till": "on"},
    ]


def test_problem__sent_again__is_logged_once(shop: Shop) -> None:
    first, again = shop.report(), shop.report()

    assert (first.status, again.status) == (201, 200)
    assert first.json() == again.json()
    assert Complaint.objects.count() == 1


def test_problem__too_often__is_429_for_this_site_alone_and_changes_nothing(shop: Shop) -> None:
    answers = [shop.report(request_id=f"request-{number}") for number in range(7)]

    assert [one.status for one in answers] == [201] * 6 + [429]
    assert 1 <= int(answers[6].headers["retry-after"]) <= 60
    assert answers[6].headers["access-control-expose-headers"] == "ETag, Retry-After"
    assert Complaint.objects.count() == 6
    # What was logged already is answered all the same.
    assert shop.report(request_id="request-0").status == 200
    assert shop.report(request_id="request-8", site=shop.other.key).status == 201


@pytest.mark.parametrize(
    ("change", "status"),
    [({"site": "nowhere"}, 404), ({"text": ""}, 400), ({"severity": "dire"}, 400), ({"flag": "none"}, 400)],
)
def test_problem__wrong__is_refused(shop: Shop, change: dict[str, str], status: int) -> None:
    assert shop.report(**change).status == status
    assert not Complaint.objects.exists()


def test_problem__of_another_purpose_or_nobody__is_refused(shop: Shop) -> None:
    _token, raw = make_token(shop.environment, purpose=Purpose.TELEMETRY)
    shop.refresh()

    statuses = [
        ask("/notices/v1/problems", method="POST", headers=headers, body=b"{}").status
        for headers in ({"authorization": f"Bearer {raw}"}, {})
    ]

    assert statuses == [403, 401]
