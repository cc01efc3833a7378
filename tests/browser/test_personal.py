"""Personal settings with a thumb: large enough, nothing beside the window, kept."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.test_phone import LEAST_PX, SMALL


def test_settings__on_a_phone__are_chosen_and_kept(open_as: Open) -> None:
    page = open_as("support", width=390, language="en").page
    page.goto("/")
    page.locator("details.menu > summary").click()
    page.get_by_role("link", name="Notifications").click()
    expect(page).to_have_url(re.compile("/account/notifications/$"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    labels = page.locator(".personal .choices label")
    assert all((box := one.bounding_box()) is not None and box["height"] >= 44 for one in labels.all())

    # The account may read another language than this browser asks for.
    page.locator("main [name=language]").select_option("en")
    page.get_by_label("Hour").select_option("06:00")
    page.get_by_label("Sunday").check()
    page.get_by_label("Progress").select_option("in the digest")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("status").filter(has_text="Your settings are kept.")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Hour")).to_have_value("6")
    expect(page.get_by_label("Sunday")).to_be_checked()
    expect(page.get_by_label("Progress")).to_have_value("digest")


def test_due__on_a_phone__fits_and_its_links_are_large_enough(open_as: Open) -> None:
    page = open_as("manager", width=390, language="fr").page
    page.goto("/due/?who=all")

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate(SMALL, LEAST_PX) == []
