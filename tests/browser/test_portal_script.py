"""`releaseportal.js` in a real browser, in a page that allows nothing inline: what it shows, and what it never does."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.barriers import list_barriers
from tests.browser.conftest import Open
from tests.browser.shop import hang, open_shop
from tests.browser.visitor import Frame, Visitor
from tests.clients.flag_desk import ENV, switch
from tests.scenarios.stage import Stage

#: The machine does other things as well; alone it takes a second.
SHOWN_WITHIN_SECONDS = 10.0
FLAG = "price_buttons_v1_3"
HOSTILE = "<img src=x onerror=\"document.title='acted'\"><script>document.title='acted'</script>"


@pytest.fixture(scope="module")
def shop(stage: Stage) -> Iterator[str]:
    """The page's origin, allowed in the tests' environment."""
    script = requests.get(f"{stage.tell('url')}/notices/v1/releaseportal.js", timeout=30).content
    with open_shop(script) as origin:
        with stage.sign_in("admin") as admin:
            values = {"name": "Dev", "position": "1", "required_approvals": "0", "allowed_origins": origin}
            admin.send(f"/environments/{ENV}/", values | {"reason": "A till page"})
        # What answers tills hears of the change a moment later; a page that asks before asks again after a minute.
        stage.wait(lambda: _ask(stage, origin=origin).headers.get("Access-Control-Allow-Origin"))
        yield origin


@pytest.fixture(autouse=True)
def _quiet_tills(stage: Stage) -> Iterator[None]:
    """Begin with tills that show nothing written, and leave them so: of two notices they show one at a time."""
    _take_all_away(stage)
    yield
    _take_all_away(stage)


def _take_all_away(stage: Stage) -> None:
    token = stage.tell("demo", "tokens", ENV, "manage")
    program: dict[str, Any] = {"headers": {"Authorization": f"Bearer {token}"}, "timeout": 30}
    api = f"{stage.tell('url')}/api/v1/notices"
    for one in requests.get(api, params={"stands": "true"}, **program).json()["items"]:
        requests.post(f"{api}/{one['id']}/take-away", json={"reason": "Over"}, **program)
    # What answers tills holds the notices in memory, and hears of the change a moment later.
    stage.wait(lambda: not _list_shown(stage))


def _list_shown(stage: Stage) -> list[Any]:
    return [one for one in _ask(stage).json()["notices"] if one["kind"] != "new_feature"]


def _ask(stage: Stage, **headers: str) -> requests.Response:
    """Ask for a till's notices as its page does."""
    token = stage.tell("demo", "tokens", ENV, "client")
    return requests.get(
        f"{stage.tell('url')}/notices/v1/current",
        params={"site": "lyon"},
        headers={"Authorization": f"Bearer {token}", **headers},
        timeout=30,
    )


def _address(stage: Stage, shop: str, *, portal: str = "", own_script: bool = False, language: str = "fr") -> str:
    portal = portal or stage.tell("url")
    given = {
        "script": "/releaseportal.js" if own_script else f"{portal}/notices/v1/releaseportal.js",
        "portal": portal,
        "site": "lyon",
        "token": stage.tell("demo", "tokens", ENV, "client"),
        "language": language,
    }
    return f"{shop}/?{urlencode(given)}"


@contextmanager
def _open(chromium: Browser, address: str, *, width: int = 1280) -> Iterator[Visitor]:
    context = chromium.new_context(viewport={"width": width, "height": 900})
    visitor = Visitor(context)
    visitor.page.goto(address)
    yield visitor
    context.close()
    # A refused style or script would have been complained of.
    assert [one for one in visitor.complaints if "Failed to load" not in one and "ERR_" not in one] == []


def _tell(stage: Stage, **words: str) -> int:
    token = stage.tell("demo", "tokens", ENV, "manage")
    wish = {"level": "warning", "title_fr": "Les prix sont faux", "text_fr": "Vérifiez chaque prix."} | words
    answer = requests.post(
        f"{stage.tell('url')}/api/v1/notices",
        json=wish | {"reason": "Tried out"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def _notice(page: Page, words: str = "Les prix sont faux") -> Locator:
    """Return the card that says this; another may stand in its turn, of a flag that is new in the till."""
    return page.get_by_role("status").locator("article").filter(has_text=words)


def _sell(page: Page) -> None:
    before = int(page.locator("#sold").inner_text())
    page.locator("#sell").click(timeout=2_000)
    expect(page.locator("#sold")).to_have_text(str(before + 1), timeout=2_000)


def _wait_until_heard(page: Page) -> None:
    """Wait until the stream is open: its first events tell of the flags."""
    expect(page.locator("#flags")).not_to_have_text("0")


def test_notice__written_in_the_ui__is_in_the_till_within_seconds_and_gone_when_taken_away(
    chromium: Browser, stage: Stage, shop: str, open_as: Open
) -> None:
    support = open_as("support")
    page = support.page
    page.goto("/notices/")
    Frame(page).environment(ENV).click()
    page.goto("/notices/new/")
    with _open(chromium, _address(stage, shop)) as till:
        _wait_until_heard(till.page)
        till.page.locator("#price").focus()
        page.locator("[name=title_fr]").fill("Les prix sont faux")
        page.locator("[name=text_fr]").fill("Vérifiez chaque prix.")
        page.locator("[name=hotline]").fill("01 23 45 67 89")
        expect(page.locator("#preview article")).to_contain_text("Les prix sont faux")
        page.locator("[name=reason]").fill("Wrong since six")
        page.locator("button[value=save]").click()
        expect(page.locator(".messages")).to_be_visible()
        began = time.monotonic()
        notice = _notice(till.page)
        expect(notice).to_contain_text("Vérifiez chaque prix.")

        assert time.monotonic() - began < SHOWN_WITHIN_SECONDS
        assert till.page.evaluate("document.activeElement.id") == "price"
        assert notice.locator("a").get_attribute("href") == "tel:0123456789"
        assert list_barriers(till.page) == []
        _sell(till.page)
        page.locator("#take-away summary").click()
        page.locator("#take-away [name=reason]").fill("Right again")
        page.locator("#take-away button").click()
        expect(notice).to_have_count(0)


def test_notice__put_away__stays_away_and_an_urgent_one_cannot_be(chromium: Browser, stage: Stage, shop: str) -> None:
    _tell(stage)
    _tell(stage, level="urgent", title_fr="Arrêtez la vente", text_fr="Appelez le support.")
    for width in (1280, 390):
        with _open(chromium, _address(stage, shop), width=width) as till:
            page = till.page
            urgent = page.get_by_role("alert").locator("article")
            expect(urgent).to_contain_text("Arrêtez la vente")
            assert urgent.locator("button").count() == 0
            page.get_by_role("button", name="Compris : Les prix sont faux").click()
            expect(_notice(page)).to_have_count(0)
            page.reload()
            expect(urgent).to_be_visible()
            expect(_notice(page)).to_have_count(0)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_notice__without_network__stays_also_after_the_page_opens_anew(
    chromium: Browser, stage: Stage, shop: str
) -> None:
    _tell(stage)
    with _open(chromium, _address(stage, shop, own_script=True)) as till:
        notice = _notice(till.page)
        expect(notice).to_contain_text("Les prix sont faux")

        till.context.route(f"{stage.tell('url')}/**", lambda route: route.abort())
        till.page.reload()

        expect(notice).to_contain_text("Les prix sont faux")
        _sell(till.page)


def test_notice__hostile_words__are_words(chromium: Browser, stage: Stage, shop: str) -> None:
    _tell(stage, title_fr=HOSTILE, text_fr=HOSTILE)
    with _open(chromium, _address(stage, shop)) as till:
        notice = _notice(till.page, HOSTILE)
        expect(notice.locator("p").first).to_have_text(HOSTILE)
        assert notice.locator("img, script").count() == 0
        assert till.page.title() == "Caisse"


def test_notice__a_till_in_english__is_told_in_english(chromium: Browser, stage: Stage, shop: str) -> None:
    _tell(stage, title_en="Prices are wrong", text_en="Check each price.")
    with _open(chromium, _address(stage, shop, language="en")) as till:
        expect(_notice(till.page, "Prices are wrong")).to_be_visible()
        expect(till.page.get_by_role("button", name="Report a problem")).to_be_visible()


def test_notice__in_the_other_language_alone__says_so_to_the_cashier(
    chromium: Browser, stage: Stage, shop: str
) -> None:
    _tell(stage)
    with _open(chromium, _address(stage, shop, language="en")) as till:
        notice = _notice(till.page)
        expect(notice.locator("small[lang=en]")).to_have_text("[in French]")
        expect(notice).to_have_attribute("lang", "fr")


def test_flags__changed__are_told_to_the_page(chromium: Browser, stage: Stage, shop: str) -> None:
    with _open(chromium, _address(stage, shop)) as till:
        _wait_until_heard(till.page)
        before = till.page.locator("#flags").inner_text()

        switch(stage, FLAG, to="off")

        expect(till.page.locator("#flags")).not_to_have_text(before)


def test_sale__the_portal_hangs__is_never_blocked(chromium: Browser, stage: Stage, shop: str) -> None:
    with hang() as portal, _open(chromium, _address(stage, shop, portal=portal, own_script=True)) as till:
        page = till.page
        for _sale in range(10):
            _sell(page)
        page.get_by_role("button", name="Signaler un problème").click()
        page.locator("dialog textarea").fill("Rien ne va")
        page.get_by_role("button", name="Envoyer").click()
        expect(page.locator("dialog [role=status]")).to_contain_text("gardé ici")
        page.get_by_role("button", name="Fermer").click()
        _sell(page)


def test_sale__the_script_itself_never_comes__is_never_blocked(chromium: Browser, stage: Stage, shop: str) -> None:
    with hang() as portal:
        context = chromium.new_context()
        page = context.new_page()
        page.goto(_address(stage, shop, portal=portal), wait_until="commit")
        _sell(page)
        context.close()


def test_problem__without_network__waits_and_goes_by_itself_once(chromium: Browser, stage: Stage, shop: str) -> None:
    words = "Le tiroir ne s’ouvre plus"
    with _open(chromium, _address(stage, shop, own_script=True)) as till:
        page, portal = till.page, f"{stage.tell('url')}/**"
        _wait_until_heard(page)
        till.context.route(portal, lambda route: route.abort())
        page.get_by_role("button", name="Signaler un problème").click()
        page.locator("dialog textarea").press_sequentially(words)
        assert page.evaluate("document.body.dataset.keys") is None
        page.locator("dialog [type=checkbox]").check()
        page.get_by_role("button", name="Envoyer").click()
        expect(page.locator("dialog [role=status]")).to_contain_text("gardé ici")

        till.context.unroute(portal)
        page.reload()

        def find() -> list[dict[str, object]]:
            return stage.ask(
                "SELECT c.severity, r.till, r.origin FROM health_complaint c JOIN health_complainttext t"
                " ON t.complaint_id = c.id JOIN notices_problemreport r ON r.complaint_id = c.id WHERE t.text = %s",
                words,
            )

        stage.wait(find)
        assert find() == [{"severity": "blocking", "till": "till-3", "origin": "till"}]
        stage.wait(lambda: page.evaluate("localStorage['releaseportal:outbox']") == "[]")


def test_problem__too_often__says_when_and_the_words_stay(chromium: Browser, stage: Stage, shop: str) -> None:
    with _open(chromium, _address(stage, shop, own_script=True)) as till:
        page = till.page
        till.context.route(
            "**/notices/v1/problems",
            lambda route: route.fulfill(
                status=429,
                json={"errorCode": "TOO_OFTEN"},
                headers={
                    "Retry-After": "42",
                    "Access-Control-Allow-Origin": shop,
                    "Access-Control-Allow-Headers": "authorization",
                    "Access-Control-Expose-Headers": "Retry-After",
                },
            ),
        )
        page.get_by_role("button", name="Signaler un problème").click()
        page.locator("dialog textarea").fill("Encore moi")
        page.get_by_role("button", name="Envoyer").click()
        expect(page.locator("dialog [role=status]")).to_contain_text("42")
        expect(page.locator("dialog textarea")).to_have_value("Encore moi")
        page.get_by_role("button", name="Fermer").click()
        page.reload()
        page.get_by_role("button", name="Signaler un problème").click()
        expect(page.locator("dialog textarea")).to_have_value("Encore moi")
        assert list_barriers(page) == []
