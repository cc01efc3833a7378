"""The example till in a real browser: its features follow the flags, and it sells without a portal."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from releaseportal.addresses import BASE_DIR
from tests.browser.visitor import Visitor
from tests.clients.flag_desk import ENV, serve_to_everyone, switch
from tests.clients.packages import install_packages
from tests.machineroom.portal import find_free_port
from tests.scenarios.stage import Stage

TILL = BASE_DIR / "examples" / "till"
FLAG = "price_buttons_v1_3"
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def address(stage: Stage) -> Iterator[str]:
    """The till's own server beside the portal, its origin allowed on the environment's page."""
    install_packages(TILL)
    serve_to_everyone(stage, FLAG)
    port = find_free_port()
    origin = f"http://127.0.0.1:{port}"
    with stage.sign_in("admin") as admin:
        values = {
            "name": "Dev",
            "position": "1",
            "required_approvals": "0",
            "allowed_origins": origin,
            "reason": "A till page",
        }
        admin.send(f"/environments/{ENV}/", values)
    command = [sys.executable, "serve.py", "--data-dir", str(stage.portal.data_dir), "--port", str(port)]
    with subprocess.Popen(command, cwd=TILL, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        assert origin in server.stdout.readline()
        yield origin
        server.terminate()


@contextmanager
def _open(chromium: Browser, address: str, *, width: int = 1280, dark: bool = False) -> Iterator[Visitor]:
    """Open the till in the tests' environment; what its page complains about fails the test."""
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    # The choice that a person makes at the page's head and that it remembers.
    context.add_init_script(f"localStorage.setItem('till:choice', JSON.stringify({{environment: '{ENV}'}}))")
    visitor = Visitor(context)
    visitor.page.goto(address)
    yield visitor
    context.close()
    assert visitor.complaints == []


def _sell(page: Page) -> None:
    page.locator("[name=price]").fill("2,50")
    page.get_by_role("button", name="Ajouter").click()
    expect(page.locator("#total")).to_have_text(re.compile(r"2,50"))
    page.locator("#validate").click()
    expect(page.locator("#said")).to_contain_text("Vente validée")


@contextmanager
def _web_gone(stage: Stage) -> Iterator[None]:
    """Kill the web process; its supervisor, halted meanwhile, starts it again afterwards."""
    stage.portal.process.send_signal(signal.SIGSTOP)
    try:
        os.kill(stage.tell("pids", "web"), signal.SIGKILL)
        yield
    finally:
        stage.portal.process.send_signal(signal.SIGCONT)
    stage.wait(stage.is_ready)


def test_feature__flag_on_then_killed__appears_and_vanishes(chromium: Browser, stage: Stage, address: str) -> None:
    switch(stage, FLAG, to="off")
    with _open(chromium, address) as till:
        prices = till.page.locator("#prices")
        expect(prices).to_be_hidden(timeout=PATIENCE_MS)
        expect(till.page.locator("#line")).to_have_attribute("data-state", "polling", timeout=PATIENCE_MS)
        switch(stage, FLAG, to="on")
        expect(prices).to_be_visible(timeout=PATIENCE_MS)
        switch(stage, FLAG, to="off")
        expect(prices).to_be_hidden(timeout=PATIENCE_MS)
        _sell(till.page)


def test_reload__web_process_gone__keeps_the_values_and_sells(chromium: Browser, stage: Stage, address: str) -> None:
    switch(stage, FLAG, to="on")
    with _open(chromium, address) as till:
        prices = till.page.locator("#prices")
        expect(prices).to_be_visible(timeout=PATIENCE_MS)

        with _web_gone(stage):
            till.page.reload()
            expect(prices).to_be_visible(timeout=PATIENCE_MS)
            line = till.page.locator("#line")
            expect(line).to_have_attribute("data-state", "stale", timeout=PATIENCE_MS)
            _sell(till.page)
        # Nothing has changed meanwhile: neither a 304 nor a silent stream may leave it saying that the portal is away.
        expect(line).to_have_attribute("data-state", "polling", timeout=PATIENCE_MS)
        expect(prices).to_be_visible()


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False), (390, True)])
def test_page__sound(chromium: Browser, stage: Stage, address: str, width: int, dark: bool) -> None:
    switch(stage, FLAG, to="on")
    with _open(chromium, address, width=width, dark=dark) as till:
        expect(till.page.locator("#prices")).to_be_visible(timeout=PATIENCE_MS)
        assert Axe().run(till.page).response["violations"] == []
        assert till.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
