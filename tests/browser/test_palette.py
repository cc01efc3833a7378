"""The search as a palette, by keyboard alone; and as a page where no script runs."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.barriers import list_barriers
from tests.browser.conftest import Open
from tests.browser.visitor import Palette
from tests.machineroom.portal import Portal


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_palette__keyboard_alone__finds_and_opens(open_as: Open, width: int, dark: bool) -> None:
    page = open_as("manager", width=width, dark=dark).page
    palette = Palette(page)
    page.goto("/incidents/")

    page.keyboard.press("Control+k")
    expect(palette.box).to_be_focused()
    # Before anything is typed it says what there is to do; nothing is chosen, so Enter opens nothing by surprise.
    expect(palette.option("Plan a rollout")).to_be_visible()
    expect(palette.chosen).to_have_count(0)
    page.keyboard.type("keyboard")
    expect(palette.chosen).to_contain_text("keyboard_shortcuts_v1_3")
    expect(palette.box).to_have_attribute("aria-expanded", "true")
    expect(palette.said).to_have_text(re.compile(r"^\d+ results?$"))
    first = palette.chosen.get_attribute("id")
    expect(palette.box).to_have_attribute("aria-activedescendant", first or "")
    assert list_barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"/flags/keyboard_shortcuts_v1_3/$"))


def test_palette__arrows__go_round_and_escape_gives_the_focus_back(open_as: Open) -> None:
    page = open_as("support").page
    palette = Palette(page)
    page.goto("/flags/")
    opener = page.get_by_role("banner").get_by_role("link", name="Search")
    opener.focus()

    page.keyboard.press("Enter")
    expect(palette.options.first).to_be_visible()
    count = palette.options.count()
    page.keyboard.press("ArrowUp")
    expect(palette.options.nth(count - 1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(palette.options.first).to_have_attribute("aria-selected", "true")
    expect(palette.chosen).to_have_count(1)
    for _press in range(12):
        page.keyboard.press("Tab")
        # The browser's own bar is the only other place that a modal dialog leaves the focus to.
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('#palette')")
    page.keyboard.press("Escape")

    expect(palette.dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_palette__nothing_fits__says_so_and_the_way_out(open_as: Open) -> None:
    page = open_as("auditor", language="fr").page
    palette = Palette(page)

    page.keyboard.press("Control+k")
    page.keyboard.type("zzzz%")

    expect(palette.dialog).to_contain_text("zzzz%")
    expect(palette.options).to_have_count(0)
    expect(palette.box).to_have_attribute("aria-expanded", "false")
    assert list_barriers(page) == []


def test_search__without_javascript__is_a_page(open_as: Open, chromium: Browser, portal: Portal) -> None:
    context = chromium.new_context(
        base_url=portal.read()["url"],
        java_script_enabled=False,
        storage_state=open_as("support").context.storage_state(),
    )
    page = context.new_page()
    page.goto("/")

    page.get_by_role("banner").get_by_role("link", name="Search").click()
    page.get_by_role("main").get_by_role("searchbox").fill("lyon")
    page.keyboard.press("Enter")

    expect(page.get_by_role("main").get_by_role("link", name="Lyon", exact=True)).to_have_attribute(
        "href", "/sites/lyon/"
    )
    context.close()
