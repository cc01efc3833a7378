"""A manager connects a monitoring system in a browser; its pages are sound in both languages, widths and lights."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.test_every_page import list_faults


@pytest.mark.parametrize(
    ("language", "dark", "width", "word"),
    [("en", False, 1280, "Its address leads where"), ("fr", True, 390, "Son adresse mène")],
)
def test_source__added_and_tried__says_what_is_wrong(
    open_as: Open, language: str, dark: bool, width: int, word: str
) -> None:
    page = open_as("manager", width=width, language=language, dark=dark).page
    page.goto("/health/sources/new/")
    faults = list_faults(page, 200)
    page.locator("[name=name]").fill(f"Prometheus {language}")
    page.locator("[name=url]").fill("http://127.0.0.1:9")
    page.locator("[name=reason]").fill("We watch by it")

    page.locator("form.card button[type=submit]").click()
    page.locator("form[action$='/try/'] button").click()

    expect(page.locator("#trial")).to_contain_text(word)
    faults += list_faults(page, 200)
    page.goto("/health/sources/")
    expect(page.get_by_role("link", name=f"Prometheus {language}")).to_be_visible()
    assert faults + list_faults(page, 200) == []
