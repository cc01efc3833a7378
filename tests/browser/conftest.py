"""One Chromium for all browser tests, on the shared portal; a page of its own for each."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.visitor import PATIENCE_MS, Visitor
from tests.machineroom.portal import Portal
from tests.scenarios.stage import Stage

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


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("no Chromium here: apt-get install -y chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def portal(stage: Stage) -> Portal:
    """The shared portal's processes."""
    return stage.portal


@pytest.fixture
def open_as(chromium: Browser, stage: Stage) -> Iterator[Open]:
    """Opens a browser session, signed in as one of the demo's people unless `name` is empty.

    At the end, whatever the pages complained about (script errors, refused styles) fails the test.
    """
    visitors: list[Visitor] = []

    def open_one(name: str = "", *, width: int = 1280, language: str = "en", dark: bool = False) -> Visitor:
        context = chromium.new_context(
            base_url=stage.tell("url"),
            viewport={"width": width, "height": 800},
            locale=language,
            color_scheme="dark" if dark else "light",
        )
        context.set_default_timeout(PATIENCE_MS)
        visitor = Visitor(context)
        visitors.append(visitor)
        if name:
            account = stage.tell("demo", "users", name)
            visitor.come_in(account["username"], account["password"])
        return visitor

    yield open_one
    complaints = [words for visitor in visitors for words in visitor.complaints]
    for visitor in visitors:
        visitor.context.close()
    assert complaints == []
