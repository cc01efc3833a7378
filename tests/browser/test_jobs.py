"""What people come for, done in a real browser: plan and watch, complain, audit."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Open
from tests.browser.visitor import ComplaintPage, PlanPage, RolloutPage
from tests.scenarios.planning import open_environment
from tests.scenarios.stage import Stage

#: Of the forms that an auditor may send; every other address refuses.
REFUSED = {403, 404, 405}


def test_release_manager__keyboard_only__plans_watches_and_takes_back_a_flag(stage: Stage, open_as: Open) -> None:
    open_environment(stage, "workshop")
    manager = open_as("manager")
    page, plan, rollout = manager.page, PlanPage(manager.page), RolloutPage(manager.page)

    plan.open()
    manager.choose(plan.field("release"), "1.3")
    manager.choose(plan.field("environment"), "Workshop")
    # The planner begins with the plan before: another test's may be of other phases.
    manager.choose(plan.field("template"), "Internal, pilot")
    manager.choose(plan.field("testers"), "Internal")
    if not plan.field("pilots").is_checked():
        manager.press(plan.field("pilots"), "Space")
    manager.press(plan.field("is_rehearsal"), "Space")
    manager.type_into(plan.field("day_seconds"), "5")
    manager.press(plan.preview)

    expect(plan.moments.first).to_contain_text(re.compile(r"\d\d:\d\d"))
    manager.type_into(plan.field("reason"), "Release week")
    manager.press(plan.confirm)

    expect(page).to_have_url(re.compile(r"/rollouts/\d+/$"))
    address = page.url
    rollout.wait_for("draft")
    rollout.act(manager, "schedule", reason="Go")

    # From here on, this page is only looked at: it shows by itself what worker and beat do.
    loads: list[str] = []
    page.on("load", lambda _page: loads.append(page.url))
    expect(page.locator(".phase[data-state=running]")).to_be_visible()
    rollout.wait_for(r"[1-9]\d* of \d+")
    assert [one for one in loads if one == address][1:] == []

    page.reload()
    rollout.act(manager, "pause", reason="Lunch")
    rollout.wait_for("paused")
    rollout.act(manager, "resume", reason="Back")
    rollout.wait_for("running")

    page.goto(f"{address}roll-back/")
    one_flag = page.locator("main input[name=what]:not([value=all])").first
    name = one_flag.evaluate("one => one.closest('label').innerText").strip()
    one_flag.check()
    manager.type_into(page.locator("main [name=reason]"), "Queue at the till")
    manager.press(page.locator("main button.danger"))
    expect(page).to_have_url(address)
    expect(rollout.live).to_contain_text("Queue at the till")
    expect(page.get_by_role("heading", name=re.compile(re.escape(name.splitlines()[0])))).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_support__c_from_anywhere__logs_a_complaint_and_sees_the_meter(open_as: Open, width: int) -> None:
    support = open_as("support", width=width)
    page, form = support.page, ComplaintPage(support.page)
    page.goto("/incidents/")

    page.keyboard.press("c")
    expect(page).to_have_url(re.compile(r"/complaints/log/$"))
    before = int(form.meter.get_attribute("value") or 0)
    support.tab_to(form.text)
    page.keyboard.type(f"The price buttons are too small ({width})")
    support.choose(page.locator("main select[name=site]"), "Lyon")
    support.tab_to(form.text)
    page.keyboard.press("Enter")

    expect(form.meter).to_have_attribute("value", str(before + 1))
    page.goto("/complaints/")
    expect(page.get_by_role("main")).to_contain_text(f"The price buttons are too small ({width})")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_shortcuts__question_mark__shows_them_and_escape_closes(open_as: Open) -> None:
    page = open_as("support").page

    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_shortcuts__while_typing__are_letters(open_as: Open) -> None:
    page = open_as("support").page
    page.goto("/complaints/log/")

    form = ComplaintPage(page)
    form.text.fill("")
    form.text.press_sequentially("cc?")

    expect(form.text).to_have_value("cc?")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_auditor__history_in_the_admin__is_seen_and_nothing_can_be_changed(open_as: Open) -> None:
    auditor = open_as("auditor")
    page = auditor.page
    page.goto("/admin/flags/flag/")
    page.locator("#result_list tbody a").first.click()
    flag = page.url
    expect(page.locator("#content input[type=submit], #content input[name]:not([type=hidden])")).to_have_count(0)
    page.goto(re.sub(r"change/$", "history/", flag))
    version = page.locator("#content a[href*='/history/']").first
    expect(version).to_be_visible()
    version.click()
    expect(page.locator("#content")).to_be_visible()
    old_version = page.url
    before = _story(page_text=page.request.get(flag).text())

    token = next(one["value"] for one in auditor.context.cookies() if one["name"] == "csrftoken")
    values: dict[str, str | float | bool] = {
        "csrfmiddlewaretoken": token,
        "name": "Forged",
        "key": "forged",
        "reason": "forged",
        "_save": "1",
    }
    for address in (
        old_version,  # the library's own hole: it saved the old version over the living object
        flag,
        re.sub(r"change/$", "delete/", flag),
        "/admin/flags/flag/add/",
        "/admin/flags/flag/",
        "/rollouts/1/roll-back/",
        "/rollouts/1/pause/",
        "/complaints/log/",
        "/tokens/",
    ):
        answer = page.request.post(address, form=values, headers={"Referer": page.url})
        assert answer.status in REFUSED, (address, answer.status)

    assert _story(page_text=page.request.get(flag).text()) == before


def _story(*, page_text: str) -> str:
    """Return an admin page's shown values, without tokens that differ at each look."""
    return " ".join(re.findall(r'<div class="readonly">(.*?)</div>', page_text, re.DOTALL))


@pytest.mark.parametrize("width", [390, 1280])
def test_action_form__opened__stands_inside_the_window(open_as: Open, width: int) -> None:
    page = open_as("manager").page
    page.set_viewport_size({"width": width, "height": 844})
    page.goto("/rollouts/1/")
    menu = page.locator("details.menu[name=action]").first
    menu.locator("summary").click()

    box = menu.locator("form").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert box["y"] + box["height"] <= 844
    expect(menu.locator("[name=reason]")).to_be_in_viewport()


def test_action_form__opened_while_the_page_asks_anew__keeps_what_is_typed(open_as: Open) -> None:
    page = open_as("manager").page
    page.goto("/rollouts/1/")
    asked: list[Route] = []

    def hold(route: Route) -> None:
        asked.append(route)

    page.route("**/rollouts/1/?part=head", hold)
    with page.expect_request("**/rollouts/1/?part=head"):
        pass
    menu = page.locator("details.menu[name=action]").first
    menu.locator("summary").click()
    menu.locator("[name=reason]").fill("Lunch")

    with page.expect_response("**/rollouts/1/?part=head") as answered:
        asked[0].continue_()
    assert answered.value.ok
    page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")

    expect(menu.locator("[name=reason]")).to_have_value("Lunch")
    expect(menu.locator("[name=reason]")).to_be_visible()
