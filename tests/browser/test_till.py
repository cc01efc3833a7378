"""The example till in a real browser: its features follow the flags, and it sells without a portal."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from releaseportal.addresses import BASE_DIR
from tests.browser.barriers import list_barriers
from tests.browser.visitor import Visitor
from tests.clients.flag_desk import ENV, serve_to_everyone, switch
from tests.clients.packages import install_packages
from tests.machineroom.portal import find_free_port
from tests.scenarios.stage import Stage

TILL = BASE_DIR / "examples" / "till"
FLAG = "price_buttons_v1_3"
PATIENCE_MS = 30_000
NOTE = "Pesez l’article avant de choisir sa catégorie."
NEW_FLAG = f"""
kind: flag
schema: 1
key: weigh_first_v1_4
name: Peser avant de choisir
value_type: boolean
variants: {{'off': false, 'on': true}}
default_variant: 'off'
off_variant: 'off'
criticality: minor
cashier_note_fr: {NOTE}
documentation_url: https://docs.example/peser
"""
ONE_SITE = """
kind: plan-template
schema: 1
key: one-site
name: Un site
phases:
  - {kind: per_site, days: 1, advance: together, gates: []}
"""


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
        assert list_barriers(till.page) == []
        assert till.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def _bring(stage: Stage, folder: Path, *, site: str) -> None:
    """Let a rollout bring a new flag to one site at once, and nothing else."""
    told = {"flag": NEW_FLAG, "template": ONE_SITE}
    for command, text in told.items():
        file = folder / f"{command}.yaml"
        file.write_text(text)
        done = stage.manage(command, "import", str(file), "--reason", "Tried out")
        assert done.returncode == 0, done.stderr
    token = stage.tell("demo", "tokens", ENV, "manage")
    release = {"version": "1.4.0", "flags": ["weigh_first_v1_4"], "reason": "Tried out"}
    headers = {"Authorization": f"Bearer {token}"}
    made = requests.post(f"{stage.tell('url')}/api/v1/releases", json=release, headers=headers, timeout=30)
    assert made.ok, made.text
    plan = ("--env", ENV, "--release", "1.4.0", "--site", site, "--day-seconds", "60", "--template", "one-site")
    planned = stage.manage("rollout", "plan", *plan, "--reason", "Tried out")
    assert planned.returncode == 0, planned.stderr
    [row] = stage.ask("SELECT max(id) AS id FROM rollouts_rollout")
    scheduled = stage.manage("rollout", "schedule", str(row["id"]), "--reason", "Tried out")
    assert scheduled.returncode == 0, scheduled.stderr


def test_notice__on_the_sites_day__is_shown_until_it_is_read(
    chromium: Browser, stage: Stage, address: str, tmp_path: Path
) -> None:
    with _open(chromium, address) as till:
        site = till.page.evaluate("fetch('/config.json').then((one) => one.json()).then((one) => one.cashiers[0].site)")
        _bring(stage, tmp_path, site=site)
        notice = till.page.locator("#notices article")
        till.page.reload()
        expect(notice).to_contain_text(NOTE, timeout=3 * PATIENCE_MS)
        expect(notice).to_contain_text("Nouveau : Peser avant de choisir")
        assert list_barriers(till.page) == []
        for width in (1280, 390):
            till.page.set_viewport_size({"width": width, "height": 900})
            assert till.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        till.page.get_by_role("button", name="Compris").click()
        expect(notice).to_have_count(0)
        till.page.reload()
        expect(till.page.locator("#line")).to_have_attribute("data-state", "polling", timeout=PATIENCE_MS)
        till.page.wait_for_load_state("networkidle")
        expect(notice).to_have_count(0)
        _sell(till.page)


def test_problem__reported_at_the_till__is_a_complaint_with_its_flags(
    chromium: Browser, stage: Stage, address: str
) -> None:
    words = "Le bouton de prix ne répond pas"
    switch(stage, FLAG, to="on")
    with _open(chromium, address) as till:
        expect(till.page.locator("#prices")).to_be_visible(timeout=PATIENCE_MS)
        till.page.get_by_role("button", name="Signaler un problème").click()
        till.page.locator("dialog textarea").fill(words)
        till.page.get_by_role("button", name="Envoyer").click()
        expect(till.page.locator("dialog [role=status]")).to_contain_text("Merci", timeout=PATIENCE_MS)
        till.page.get_by_role("button", name="Fermer").click()
        _sell(till.page)
    [row] = stage.ask(
        "SELECT r.flags, r.targeting_key <> '' AS is_named FROM notices_problemreport r"
        " JOIN health_complainttext t ON t.complaint_id = r.complaint_id WHERE t.text = %s",
        words,
    )
    assert row["is_named"]
    assert {"flag": FLAG, "variant": "on", "till": "on"} in row["flags"]
