"""One portal in processes and one Chromium for all browser tests; a page of its own for each."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from releaseportal.embedded.postgres import remove_cluster
from tests.browser.visitor import PATIENCE_MS, Visitor
from tests.machineroom.portal import Portal

HERE = Path(__file__).parent
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Open = Callable[..., Visitor]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring the browser's tests to the end of the whole run.

    Playwright keeps an event loop alive in this thread until the session is over, and beside one
    Django refuses its database to every other test.
    """
    items.sort(key=lambda item: item.path.is_relative_to(HERE))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("no Chromium here: apt-get install -y chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def portal(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """The whole stack with the demo; the tills are quiet, so nothing moves but what a test moves."""
    data_dir = tmp_path_factory.mktemp("browser") / "data"
    running = Portal(data_dir, DEMO="1", FLEET="0")
    try:
        yield running.wait_until_ready()
    finally:
        running.stop()
        remove_cluster(data_dir)
        shutil.rmtree(data_dir, ignore_errors=True)


@pytest.fixture
def open_as(chromium: Browser, portal: Portal) -> Iterator[Open]:
    """Opens a browser session, signed in as one of the demo's people unless `name` is empty.

    At the end, whatever the pages complained about (script errors, refused styles) fails the test.
    """
    visitors: list[Visitor] = []

    def open_one(name: str = "", *, width: int = 1280, language: str = "en", dark: bool = False) -> Visitor:
        context = chromium.new_context(
            base_url=portal.read()["url"],
            viewport={"width": width, "height": 800},
            locale=language,
            color_scheme="dark" if dark else "light",
        )
        context.set_default_timeout(PATIENCE_MS)
        visitor = Visitor(context)
        visitors.append(visitor)
        if name:
            account = portal.read()["demo"]["users"][name]
            visitor.sign_in(account["username"], account["password"])
            expect(visitor.page).to_have_url(re.compile(r"/$"))
            visitor.page.wait_for_load_state()
        return visitor

    yield open_one
    complaints = [words for visitor in visitors for words in visitor.complaints]
    for visitor in visitors:
        visitor.context.close()
    assert complaints == []
