"""A complaint with the keyboard alone, and one that somebody said already; at a desk and on a phone."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.barriers import list_barriers
from tests.browser.conftest import Open
from tests.browser.visitor import ComplaintPage, Visitor
from tests.machineroom.portal import Portal


def _log_first(visitor: Visitor, words: str, *, site: str = "Lyon") -> ComplaintPage:
    """Log one complaint, so that the site is remembered."""
    page, form = visitor.page, ComplaintPage(visitor.page)
    page.goto("/complaints/log/")
    visitor.choose(form.field("site"), site)
    visitor.type_into(form.text, words)
    page.keyboard.press("Enter")
    expect(page.locator(".messages")).to_contain_text(site)
    return form


def _remember_lyon(visitor: Visitor) -> ComplaintPage:
    """Open the form, once the site of this person's last complaint is Lyon: ten a day would hold the demo's rollout."""
    form = ComplaintPage(visitor.page)
    visitor.page.goto("/complaints/log/")
    if form.field("site").locator("option:checked").inner_text() != "Lyon":
        return _log_first(visitor, "The receipt is cut off")
    return form


@pytest.mark.parametrize("width", [1280, 390])
def test_log__keyboard_alone__takes_two_keys_beside_the_words(open_as: Open, width: int) -> None:
    """At two hundred letters a minute, thirty letters and two keys are ten of the twenty seconds that were promised."""
    support = open_as("support", width=width)
    page = support.page
    form = _remember_lyon(support)
    page.goto("/flags/")
    words = f"Price button dead at till {width}"

    page.keyboard.press("c")
    expect(form.text).to_be_focused()
    page.keyboard.type(words)
    page.keyboard.press("Enter")
    expect(page.locator(".messages")).to_contain_text("Lyon")

    # The next one can be typed at once.
    expect(form.text).to_be_focused()
    expect(form.text).to_have_value("")
    assert list_barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_log__said_already__is_linked_with_a_tab_and_enter(open_as: Open) -> None:
    support = open_as("support")
    page = support.page
    form = _log_first(support, "Voucher scanner beeps without pause")
    before = form.meter.get_attribute("value")

    page.keyboard.press("c")
    page.keyboard.type("The voucher scanner beeps again")
    same = page.locator("#similar").get_by_role("button").first
    expect(same).to_be_visible()
    page.keyboard.press("Tab")
    expect(same).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator(".messages")).to_be_visible()
    expect(form.meter).to_have_attribute("value", before or "")
    page.goto("/complaints/?status=duplicate")
    expect(page.get_by_role("main")).to_contain_text("The voucher scanner beeps again")


def test_log__another_site__has_other_suspects_and_what_was_typed_stays(open_as: Open) -> None:
    support = open_as("support")
    page = support.page
    form = _remember_lyon(support)
    form.text.fill("Half a sentence")
    expect(page.locator("#suspects optgroup").first).to_have_attribute("label", "Changed here lately")
    page.evaluate("document.getElementById('suspects').dataset.old = '1'")

    form.field("site").select_option("Nantes")

    expect(page.locator("#suspects[data-old]")).to_have_count(0)
    expect(page.locator("#suspects select")).to_be_visible()
    expect(form.text).to_have_value("Half a sentence")


def test_log__without_javascript__a_button_asks_for_the_suspects(
    open_as: Open, chromium: Browser, portal: Portal
) -> None:
    context = chromium.new_context(
        base_url=portal.read()["url"],
        java_script_enabled=False,
        storage_state=open_as("support").context.storage_state(),
    )
    page = context.new_page()
    form = ComplaintPage(page)
    page.goto("/complaints/log/")
    form.text.fill("Half a sentence")
    form.field("site").select_option("Nantes")

    page.get_by_role("button", name="Show what changed there lately").click()

    expect(page).to_have_url(re.compile(r"/complaints/log/$"))
    expect(form.text).to_have_value("Half a sentence")
    expect(form.field("site").locator("option:checked")).to_have_text("Nantes")
    context.close()
