"""What was typed outlives a reload and a switch of the language; saved, or signed out of, it is gone."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.visitor import ComplaintPage, Frame

WORDS = "The drawer stays shut, third time today"


def _type_complaint(page: Page) -> ComplaintPage:
    form = ComplaintPage(page)
    page.goto("/complaints/log/")
    form.text.fill(WORDS)
    form.field("severity").select_option("blocking")
    form.field("reporter").fill("till 2")
    return form


def test_draft__reload_and_switch_of_language__keep_what_was_typed(open_as: Open) -> None:
    page = open_as("support").page
    form = _type_complaint(page)

    page.reload()
    expect(form.text).to_have_value(WORDS)
    expect(form.field("severity")).to_have_value("blocking")
    expect(form.field("reporter")).to_have_value("till 2")

    Frame(page).language("fr").click()
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(form.text).to_have_value(WORDS)
    expect(form.field("reporter")).to_have_value("till 2")
    Frame(page).language("en").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_draft__saved__begins_anew(open_as: Open) -> None:
    page = open_as("support").page
    form = _type_complaint(page)
    form.field("site").select_option("Lyon")

    page.keyboard.press("Escape")
    form.text.press("Enter")

    expect(page.locator(".messages")).to_be_visible()
    expect(form.text).to_have_value("")
    page.reload()
    expect(form.text).to_have_value("")


def test_draft__signed_out__is_nobodys(open_as: Open) -> None:
    visitor = open_as("support")
    page = visitor.page
    _type_complaint(page)
    assert page.evaluate("sessionStorage.length") > 0

    Frame(page).person.click()
    Frame(page).sign_out.click()

    expect(page).to_have_url(re.compile(r"/account/login/"))
    assert page.evaluate("sessionStorage.length") == 0


def test_draft__incident__keeps_the_choices_too(open_as: Open) -> None:
    page = open_as("manager").page
    page.goto("/incidents/declare/")
    title = page.locator("main [name=title]")
    title.fill("Tickets come out empty")
    tier = page.locator("main [name=tier][value=important]")
    tier.check()

    Frame(page).language("fr").click()

    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(title).to_have_value("Tickets come out empty")
    expect(tier).to_be_checked()
    Frame(page).language("en").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
