"""The pages of alerts with alerts on them, on a phone and on a desk; Sentry is connected in the page."""

from datetime import timedelta
from typing import Any

import pytest
import requests
from playwright.sync_api import expect

from core import clock
from tests.browser.conftest import Open
from tests.browser.test_every_page import list_faults
from tests.browser.visitor import Frame
from tests.factories.alerts import alert_item, alertmanager_body
from tests.scenarios.stage import Stage

#: Where no rollout runs: what fires here is nobody's evidence.
ENVIRONMENT = "dev"
SECRET = "a1b2" * 16


def _send(stage: Stage, *items: dict[str, Any], **more: Any) -> None:
    token = stage.tell("demo", "tokens", ENVIRONMENT, "telemetry")
    answer = requests.post(
        f"{stage.tell('url')}/hooks/alertmanager",
        json=alertmanager_body(*items, **more),
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize(
    ("language", "dark", "width"), [("en", False, 1280), ("fr", True, 390), ("en", True, 390), ("fr", False, 1280)]
)
def test_pages__full_of_alerts__are_sound(open_as: Open, stage: Stage, language: str, dark: bool, width: int) -> None:
    began = clock.now() - timedelta(minutes=5)
    flag = stage.tell("demo", "rollout", "flag")
    about = {"flag": flag, "site": "lyon", "release": "1.3"}
    _send(stage, alert_item(started_at=began, labels={"alertname": "Watchdog"}), truncatedAlerts=3)
    _send(
        stage,
        alert_item(started_at=began, labels=about),
        alert_item(started_at=began, labels={"alertname": "x" * 190, "flag": "y" * 200, "severity": "warning"}),
        alert_item(started_at=began, ended_at=clock.now(), annotations={"summary": "z" * 900}),
    )
    visitor = open_as("manager", width=width, language=language, dark=dark)
    page = visitor.page
    page.goto("/health/alerts/")
    Frame(page).environment(ENVIRONMENT).click()
    faults = []

    for path in ("/health/alerts/", "/health/alerts/connect/"):
        answer = page.goto(path)
        # Filters stand open at a desk, without a line to press.
        for opened in page.locator("main details:has(> summary:visible)").all():
            opened.locator("summary").click()
        faults += list_faults(page, answer.status if answer else 0)

    assert faults == []


def test_sentry__connected_in_the_page__is_masked_and_can_be_switched_off(open_as: Open) -> None:
    page = open_as("manager", width=390).page
    page.goto("/health/alerts/connect/")
    Frame(page).environment(ENVIRONMENT).click()
    form = page.locator("form.narrow")

    form.locator("[name=name]").fill("Shop")
    form.locator("[name=secret]").fill(SECRET)
    form.locator("[name=reason]").fill("Errors count, too")
    form.locator("button.primary").click()

    hook = page.locator(".hooks li", has_text="Shop").first
    expect(hook).to_contain_text(f"••••{SECRET[-4:]}")
    assert SECRET not in page.content()
    hook.locator("summary", has_text="Switch off").click()
    hook.locator("form:visible [name=reason]").fill("Sentry goes")
    hook.locator("form:visible button").click()
    expect(hook).to_contain_text("off")
    expect(hook.locator("summary")).to_have_count(0)
