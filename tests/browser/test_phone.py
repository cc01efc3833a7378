"""A phone in one hand: what is pressed is large and uncovered, what is long is folded, what helps comes first."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Open

#: What a finger meets without missing it, in CSS pixels.
LEAST_PX = 24
SMALL = """least => [...document.querySelectorAll("main a[href]")]
  .filter(one => one.checkVisibility() && one.getBoundingClientRect().height < least)
  .map(one => one.innerText)"""


def _box(found: Locator) -> tuple[float, float]:
    """Return where an element begins and ends from the window's top."""
    box = found.bounding_box()
    assert box is not None
    return box["y"], box["y"] + box["height"]


def _height(page: Page) -> int:
    height: int = page.evaluate("document.documentElement.scrollHeight")
    return height


def test_rollout__on_a_phone__folds_what_is_long_and_opens_it_at_a_tap(open_as: Open) -> None:
    page = open_as("support", width=390, language="fr").page
    page.goto("/rollouts/1/")
    story = page.locator("#story-more")
    expect(story.locator("li").first).to_be_hidden()
    folded = _height(page)

    for summary in page.locator("main details.fold-on-phones > summary").all():
        summary.click()

    expect(story.locator("li").first).to_be_visible()
    assert folded < 0.75 * _height(page)
    assert page.evaluate(SMALL, LEAST_PX) == []


def test_rollout__on_a_desk__stands_open(open_as: Open) -> None:
    page = open_as("support", width=1280).page
    page.goto("/rollouts/1/")

    expect(page.locator("#story-more > summary")).to_be_hidden()
    expect(page.locator("#story-more li").first).to_be_visible()
    expect(page.locator("#reach .gates")).to_be_visible()


def test_links__on_a_phone__are_large_enough_for_a_finger(open_as: Open) -> None:
    page = open_as("support", width=390, language="fr").page

    for path in ("/", "/releases/", "/health/", "/agenda/", "/complaints/"):
        page.goto(path)
        assert page.evaluate(SMALL, LEAST_PX) == [], path


@pytest.mark.parametrize("language", ["en", "fr"])
def test_declare__on_a_phone__covers_no_choice_and_not_the_bar(open_as: Open, language: str) -> None:
    page = open_as("support", width=390, language=language).page
    page.goto("/incidents/declare/")

    choices = page.locator("[id^=id_symptoms_]").locator("xpath=..")
    boxes = [one.bounding_box() for one in choices.all()]
    columns = {box["x"] for box in boxes if box}
    for column in columns:
        ends = [(box["y"], box["y"] + box["height"]) for box in boxes if box and box["x"] == column]
        assert all(end <= start for (_, end), (start, _) in pairwise(ends)), ends
        assert all(end - start >= 44 for start, end in ends)
    assert _box(page.locator(".declare .danger"))[1] <= _box(page.locator(".rail"))[0]


def test_complaint__on_a_small_phone__can_be_saved_without_scrolling(open_as: Open) -> None:
    page = open_as("support", width=390, language="fr").page
    page.set_viewport_size({"width": 390, "height": 640})
    page.goto("/complaints/log/")

    assert _box(page.locator("main button.primary"))[1] <= _box(page.locator(".rail"))[0]


def test_dashboard__an_incident_runs__says_first_what_to_tell_who_calls(open_as: Open) -> None:
    page = open_as("support", width=390).page
    page.goto("/incidents/declare/")
    page.locator("[name=title]").fill("The drawer stays shut")
    page.locator("main form.declare summary").click()
    page.locator("[name=sites]").first.check()
    page.locator("[name=reason]").fill("Two calls")
    page.locator("main button.danger").click()
    page.wait_for_url(re.compile(r"/incidents/\d+/$"))
    # Its name stands above everything else, also where parts change places on a phone.
    assert _box(page.locator("main h1"))[0] < _box(page.locator("main .about"))[0]

    page.goto("/")
    words = page.locator("#dashboard .say-now", has_text="The drawer stays shut")
    expect(words.locator("summary").first).to_be_in_viewport()
    words.locator("summary").first.click()

    expect(words.locator(".ready > p")).to_be_in_viewport()
