"""The composer on a phone and a desk, in both languages: previews follow the typing, and it goes out."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.barriers import list_barriers
from tests.browser.conftest import Open


def _is_sound(page: Page) -> bool:
    fits: bool = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return fits and list_barriers(page) == []


@pytest.mark.parametrize(("language", "width", "dark"), [("en", 390, False), ("fr", 1280, True)])
def test_compose__phone_and_desk__shows_what_is_read_while_it_is_typed_and_sends_it(
    open_as: Open, language: str, width: int, dark: bool
) -> None:
    page = open_as("manager", width=width, language=language, dark=dark).page
    page.goto("/announcements/new/")
    page.locator("[name=kind]").select_option("maintenance_ended")
    page.locator("button[value=fill]").click()
    expect(page.locator("[name=title_fr]")).to_have_value("La maintenance est terminée")

    page.locator("[name=title_fr]").fill(f"Bonjour à tous ({language})")
    expect(page.locator("#previews .as-mail[lang=fr]")).to_contain_text(f"Bonjour à tous ({language})")
    page.locator("[name=body_en]").fill("Call {hot_line}.")
    expect(page.locator("#previews .banner")).to_contain_text("{hot_line}")
    page.locator("[name=body_en]").fill("You can sell again.")
    expect(page.locator("#previews .as-mail[lang=en]")).to_contain_text("You can sell again.")
    assert _is_sound(page)

    page.reload()
    expect(page.locator("[name=body_en]")).to_have_value("You can sell again.")
    page.locator("button.primary[value=confirm]").click()
    page.wait_for_url(re.compile(r"/announcements/\d+/confirm/$"))
    assert _is_sound(page)
    page.locator("[name=reason]").fill("Everything works")
    page.locator("main form button.primary").click()

    page.wait_for_url(re.compile(r"/announcements/\d+/$"))
    expect(page.locator(".runs .pill.ok")).to_have_count(1)
    assert _is_sound(page)


def test_compose__refused_on_a_phone__begins_at_the_field_that_is_wrong(open_as: Open) -> None:
    page = open_as("manager", width=390, language="fr").page
    page.goto("/announcements/new/?kind=free")
    page.locator("[name=body_en]").fill("Call {hot_line}.")

    page.locator("form.announce button[value=save]:not(.sr-only)").click()

    field = page.locator("[name=body_en]")
    expect(field).to_be_focused()
    expect(field).to_be_in_viewport()
    expect(page.locator(".field:has([name=body_en]) .errorlist")).to_contain_text("{hot_line}")
    expect(page.locator("#named")).to_have_attribute("open", "")
    assert _is_sound(page)


def test_edit__two_people_at_once__the_second_reads_the_firsts_words_and_keeps_their_own(open_as: Open) -> None:
    first, second = open_as("manager").page, open_as("support", width=390).page
    first.goto("/announcements/new/?kind=free")
    first.locator("[name=title_en]").fill("Written by two")
    first.locator("form.announce button[value=save]:not(.sr-only)").click()
    first.wait_for_url(re.compile(r"/announcements/\d+/$"))
    path = first.url + "edit/"
    second.goto(path)
    first.goto(path)
    first.locator("[name=body_en]").fill("What the first one wrote")
    first.locator("form.announce button[value=save]:not(.sr-only)").click()
    first.wait_for_url(re.compile(r"/announcements/\d+/$"))

    second.locator("[name=body_en]").fill("What the second one wrote")
    second.locator("form.announce button[value=save]:not(.sr-only)").click()

    expect(second.get_by_role("alert")).to_contain_text("What the first one wrote")
    expect(second.locator("[name=body_en]")).to_have_value("What the second one wrote")
    assert _is_sound(second)
