"""The war room on a phone: with the keyboard alone, and it grows while two people look at it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.barriers import list_barriers
from tests.browser.conftest import Open


def _declare(page: Page, title: str) -> str:
    page.goto("/incidents/declare/")
    page.locator("[name=title]").fill(title)
    page.locator("[name=tier][value=critical]").check()
    page.locator("main form.declare summary").click()
    page.locator("[name=sites]").first.check()
    page.locator("[name=reason]").fill("Three calls")
    page.locator("main button.danger").click()
    page.wait_for_url(re.compile(r"/incidents/\d+/$"))
    return page.url


def _is_sound(page: Page) -> bool:
    fits: bool = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return fits and list_barriers(page) == []


@pytest.mark.parametrize("language", ["en", "fr"])
def test_war_room__phone_and_keyboard__leads_from_command_to_the_word(open_as: Open, language: str) -> None:
    manager = open_as("manager", width=390, language=language)
    page = manager.page
    address = _declare(page, f"Till prints nothing ({language})")

    page.keyboard.press("t")
    expect(page.locator("details.first input[name=reason]")).to_be_focused()
    page.keyboard.type("mine")
    page.keyboard.press("Enter")
    expect(page.locator(".messages")).to_be_visible()

    page.keyboard.press("w")
    manager.type_into(page.locator("[name=text_fr]"), "La caisse est fermée")
    manager.type_into(page.locator("[name=text_en]"), "The till is closed")
    manager.press(page.locator("main form button.primary"))
    expect(page).to_have_url(address)
    expect(page.locator(".word [lang=fr]")).to_have_text("La caisse est fermée")

    page.keyboard.press("k")
    manager.type_into(page.locator("[name=text]"), "One till in **Lyon**")
    manager.press(page.locator("main form button.primary"))
    expect(page.locator(".known strong")).to_have_text("Lyon")
    expect(page.get_by_role("timer").first).to_be_visible()
    assert _is_sound(page)


def test_timeline__somebody_writes__grows_elsewhere_and_moves_nothing_that_is_read(open_as: Open) -> None:
    writer, reader = open_as("manager").page, open_as("support", width=390).page
    address = _declare(writer, "Till prints nothing, seen by two")
    for number in range(6):
        writer.goto(address)
        writer.keyboard.press("n")
        writer.keyboard.type(f"note number {number}")
        writer.locator("form[enctype] button[type=submit]").click()
        expect(writer.locator("#entries")).to_contain_text(f"note number {number}")

    reader.goto(address)
    line = reader.locator("#entries > li", has_text="note number 1")
    line.scroll_into_view_if_needed()
    line.hover()
    writer.keyboard.press("n")
    writer.keyboard.type("the newest of all")
    writer.locator("form[enctype] button[type=submit]").click()

    before = line.bounding_box()
    expect(reader.locator("#entries")).to_contain_text("the newest of all")
    after = line.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) < 2
    moments = reader.locator("#entries > li").evaluate_all("lines => lines.map(one => Date.parse(one.dataset.at))")
    assert moments == sorted(moments, reverse=True)


def test_war_room__connection_lost__says_so_and_goes_on(open_as: Open) -> None:
    visitor = open_as("manager", width=390)
    page = visitor.page
    _declare(page, "Till prints nothing, offline")

    visitor.context.set_offline(True)
    expect(page.locator("#lost")).to_be_visible()
    visitor.context.set_offline(False)

    expect(page.locator("#lost")).to_be_hidden()
    # The library says on the console, too, that it could not ask.
    assert all(": htmx:" in words for words in visitor.complaints)
    visitor.complaints.clear()
