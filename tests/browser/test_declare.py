"""An incident with the keyboard alone, at a desk and on a phone; one that runs already; one from a complaint."""

import pytest
from playwright.sync_api import expect

from tests.browser.barriers import list_barriers
from tests.browser.conftest import Open


@pytest.mark.parametrize("width", [1280, 390])
def test_declare__keyboard_alone__title_and_enter_are_enough(open_as: Open, width: int) -> None:
    page = open_as("support", width=width).page
    page.goto("/flags/")

    page.keyboard.press("i")
    expect(page.locator("#id_title")).to_be_focused()
    page.keyboard.type(f"La caisse {width} est bloquée")
    expect(page.locator("#suggestion b").first).to_contain_text("critical, 1 h")
    assert list_barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_contain_text(f"La caisse {width} est bloquée")
    expect(page.locator(".messages")).to_contain_text("its clock runs")


@pytest.mark.parametrize("width", [1280, 390])
def test_declare__signs__stand_whole_and_beside_each_other(open_as: Open, width: int) -> None:
    page = open_as("support", width=width).page
    page.goto("/incidents/declare/")

    signs = page.locator("#id_symptoms label")
    whole = signs.evaluate_all("labels => labels.map(label => label.getClientRects().length)")
    assert whole == [1] * signs.count()
    sizes = signs.locator("input").evaluate_all("boxes => [...new Set(boxes.map(box => box.offsetWidth))]")
    assert len(sizes) == 1
    overlaps = signs.evaluate_all(
        """labels => labels.map(label => label.getBoundingClientRect()).filter((one, at, all) => all.slice(0, at).some(
            other => other.right > one.left + 1 && other.left < one.right - 1
                && other.bottom > one.top + 1 && other.top < one.bottom - 1)).length"""
    )
    assert overlaps == 0


def test_declare__one_hand_on_a_phone__the_button_is_in_reach_and_a_sign_raises_the_tier(open_as: Open) -> None:
    page = open_as("support", width=390).page
    page.goto("/incidents/declare/")
    button = page.locator(".send").get_by_role("button")

    expect(button).to_be_in_viewport()
    page.locator("#id_title").fill("Something odd at the counter")
    page.get_by_text("Sales are lost").click()
    expect(page.locator("#suggestion b").first).to_contain_text("critical, 1 h")
    button.click()

    expect(page.locator("h1")).to_contain_text("Something odd at the counter")


def test_declare__runs_already__is_added_to_it(open_as: Open) -> None:
    page = open_as("support").page
    page.goto("/incidents/declare/")
    page.locator("#id_title").fill("Voucher scanner swallows tickets")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Voucher scanner swallows tickets")
    address = page.url

    page.keyboard.press("i")
    expect(page.locator("#id_title")).to_be_focused()
    page.keyboard.type("voucher scanner swallows everything")
    page.locator("#suggestion").get_by_role("button").first.click()

    expect(page.locator(".messages")).to_contain_text("Added to this incident")
    assert page.url == address
    expect(page.locator("#timeline")).to_contain_text("voucher scanner swallows everything")


def test_declare__from_a_complaint__one_key_and_it_is_linked(open_as: Open) -> None:
    page = open_as("support").page
    page.goto("/complaints/log/")
    site = page.locator("#id_site")
    if not site.input_value():
        site.select_option("Lyon")
    page.locator("#id_text").fill("The drawer does not open any more")
    page.keyboard.press("Enter")
    page.locator(".messages a").first.click()
    expect(page.locator("[data-keys]")).to_have_count(1)

    page.keyboard.press("i")
    expect(page.locator("#id_title")).to_be_focused()
    page.keyboard.type("Drawer stuck")
    page.keyboard.press("Enter")

    expect(page.locator(".about")).to_contain_text("Complaints: 1")
