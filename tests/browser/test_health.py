"""Health, the charts and the report on a phone and at a desk, with the keyboard alone."""

import pytest
from playwright.sync_api import expect

from tests.browser.barriers import list_barriers
from tests.browser.conftest import Open
from tests.scenarios.stage import Stage

#: What a person still scrolls through with a thumb: five screens of a phone.
TALLEST_PX = 4_300
PHONE = 390


@pytest.mark.parametrize("part", ["health", "report"])
def test_page__on_a_phone__is_read_without_endless_scrolling(open_as: Open, part: str) -> None:
    page = open_as("support", width=PHONE, language="fr").page
    page.goto("/rollouts/")
    page.get_by_role("main").get_by_role("link", name="prod").first.click()
    page.goto(f"{page.url}{part}/")

    assert page.evaluate("document.documentElement.scrollHeight") < TALLEST_PX
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert list_barriers(page) == []


def test_overview__a_feature_opened_with_the_keyboard__stays_open_and_focused(open_as: Open, stage: Stage) -> None:
    support = open_as("support", width=PHONE)
    page = support.page
    page.goto("/health/")
    feature = page.locator(f"details[id^='feature-{stage.tell('demo', 'rollout', 'flag')}-']")
    inside = feature.get_by_role("link", name="To the flag")
    support.press(feature.locator("summary"))
    expect(inside).to_be_visible()
    page.evaluate("document.getElementById('health').dataset.old = '1'")

    # The part has replaced itself.
    expect(page.locator("#health[data-old]")).to_have_count(0)

    expect(inside).to_be_visible()
    expect(feature.locator("summary")).to_be_focused()
    support.press(feature.locator("summary"))
    page.evaluate("document.getElementById('health').dataset.old = '1'")
    expect(page.locator("#health[data-old]")).to_have_count(0)
    expect(inside).to_be_hidden()


def test_filters__at_a_desk_stand_open__on_a_phone_open_with_a_key(open_as: Open) -> None:
    desk = open_as("support").page
    desk.goto("/complaints/")
    expect(desk.locator("main form.filters select").first).to_be_visible()

    support = open_as("support", width=PHONE)
    support.page.goto("/complaints/")
    severity = support.page.locator("main form.filters [name=severity]")
    expect(severity).to_be_hidden()
    support.press(support.page.locator("#filters > summary"))
    expect(severity).to_be_visible()
    support.choose(severity, "b")
    support.press(support.page.locator("main form.filters button"))

    # What is filtered by stays in sight.
    expect(severity).to_be_visible()
    expect(support.page.get_by_role("link", name="Show all")).to_be_visible()
