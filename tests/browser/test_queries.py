"""A manager makes a guardrail of a query in a browser; its pages are sound in both languages, widths and lights."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.test_every_page import list_faults


def _add_source(page: Page, name: str) -> None:
    page.goto("/health/sources/new/")
    page.locator("[name=name]").fill(name)
    page.locator("[name=url]").fill("http://127.0.0.1:9")
    page.locator("[name=reason]").fill("We watch by it")
    page.locator("form.card button[type=submit]").click()
    expect(page.locator("h1")).to_contain_text(name)


@pytest.mark.parametrize(
    ("language", "dark", "width", "word"),
    [("en", False, 1280, "Its address leads where"), ("fr", True, 390, "Son adresse mène")],
)
def test_query__added_and_tried__says_what_is_wrong(
    open_as: Open, language: str, dark: bool, width: int, word: str
) -> None:
    page = open_as("manager", width=width, language=language, dark=dark).page
    _add_source(page, f"Queues {language}")
    page.goto("/health/guardrails/queries/new/")
    faults = list_faults(page, 200)
    page.locator("[name=name]").fill(f"Queue {language}")
    page.locator("[name=source_id]").select_option(label=f"Queues {language}")
    page.locator("[name=query]").fill('sum(queue_length{flag="{flag}", a_long_label="so that the line is long"})')
    page.locator("[name=limit]").fill("12.5")
    page.locator("[name=reason]").fill("Queues are what shops feel")

    page.locator("form.card button[type=submit]").click()
    page.locator("form[action$='/try/'] button").click()

    expect(page.locator("#trial")).to_contain_text(word)
    faults += list_faults(page, 200)
    page.goto("/health/guardrails/")
    expect(page.get_by_role("link", name=f"Queue {language}")).to_be_visible()
    assert faults + list_faults(page, 200) == []
