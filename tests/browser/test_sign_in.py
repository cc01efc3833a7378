"""Coming in, going out, and the switches of the frame."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.visitor import Frame
from tests.scenarios.planning import open_environment
from tests.scenarios.stage import Stage


def test_sign_in__wrong_password__says_so_beside_the_form(open_as: Open) -> None:
    stranger = open_as()

    stranger.sign_in("nobody-here", "wrong-password")

    expect(stranger.page.locator(".errorlist")).to_be_visible()
    expect(stranger.page.locator("[name=login]")).to_have_value("nobody-here")


def test_sign_in__too_many_tries__is_told_in_words(open_as: Open) -> None:
    stranger = open_as()

    for _try in range(30):
        stranger.page.goto("/account/password/reset/")
        stranger.page.locator("[name=email]").fill("nobody@example.org")
        with stranger.page.expect_navigation():
            stranger.page.keyboard.press("Enter")
        if stranger.page.get_by_role("heading", name="Too many tries").is_visible():
            break

    expect(stranger.page.get_by_role("heading", name="Too many tries")).to_be_visible()


def test_sign_out__from_the_persons_menu__ends_the_session(open_as: Open) -> None:
    visitor = open_as("support")
    frame = Frame(visitor.page)

    visitor.press(frame.person)
    visitor.press(frame.sign_out)

    expect(visitor.page).to_have_url(re.compile("/account/login/"))
    visitor.page.goto("/flags/")
    expect(visitor.page).to_have_url(re.compile("/account/login/"))


def test_language__switched__stays_at_the_next_sign_in_page(open_as: Open) -> None:
    visitor = open_as("manager2")
    frame = Frame(visitor.page)

    frame.language("fr").click()
    expect(visitor.page.locator("html")).to_have_attribute("lang", "fr")
    visitor.page.goto("/flags/")
    expect(visitor.page.locator("html")).to_have_attribute("lang", "fr")
    visitor.press(frame.person)
    visitor.press(frame.sign_out)
    expect(visitor.page.locator("html")).to_have_attribute("lang", "fr")


def test_environment__switched__marks_prod_with_more_than_a_colour(open_as: Open) -> None:
    visitor = open_as("manager2")
    frame = Frame(visitor.page)

    frame.environment("staging").click()
    expect(frame.environment("staging")).to_have_attribute("aria-pressed", "true")
    frame.environment("prod").click()
    expect(frame.environment("prod")).to_have_attribute("aria-pressed", "true")
    expect(frame.environment("prod")).to_contain_text("●")
    expect(frame.environment("staging")).not_to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_bar__on_a_phone__is_one_row_and_keeps_everything_in_reach(open_as: Open, language: str) -> None:
    visitor = open_as("support", width=390, language=language)
    page, frame = visitor.page, Frame(visitor.page)
    banner = page.get_by_role("banner")

    box = banner.bounding_box()
    assert box is not None
    assert box["height"] <= 60
    in_reach = banner.locator(":is(a, button, summary):visible").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect()).map(box => Math.min(box.width, box.height))"
    )
    assert len(in_reach) >= 7
    assert min(in_reach) >= 44

    visitor.press(frame.person)
    visitor.press(frame.language("fr" if language == "en" else "en"))
    expect(page.locator("html")).to_have_attribute("lang", "fr" if language == "en" else "en")
    visitor.tab_to(banner.locator("a[href='/complaints/log/']"))
    visitor.tab_to(banner.locator("a[href='/inbox/']"))


@pytest.mark.parametrize("width", [1280, 390])
def test_top_bar__with_many_environments__never_scrolls_the_page(stage: Stage, open_as: Open, width: int) -> None:
    known = {row["key"] for row in stage.ask("SELECT key FROM flags_environment")}
    for key in ("warehouse-in-the-north", "training-of-volunteers", "acceptance-by-customers", "performance"):
        if key not in known:
            open_environment(stage, key)

    page = open_as("admin", width=width, language="fr").page

    expect(page.locator(".bar .env").last).to_be_attached()
    assert page.locator(".bar .env").count() >= 7
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
