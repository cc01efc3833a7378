"""Where a form begins: at what is wrong once it is refused, and nowhere else."""

from playwright.sync_api import expect

from tests.browser.conftest import Open


def test_form__with_another_row_asked_for__does_not_jump_to_what_is_still_empty(open_as: Open) -> None:
    page = open_as("manager").page
    page.goto("/plan-templates/new/")
    fields = page.locator("main form select, main form input:visible")
    before = fields.count()

    page.get_by_role("button", name="Another phase").click()
    page.wait_for_load_state()

    assert fields.count() > before
    assert page.locator("main [aria-invalid=true]").count()
    expect(page.locator("main [aria-invalid=true]:focus")).to_have_count(0)


def test_form__refused__begins_at_the_first_field_that_is_wrong(open_as: Open) -> None:
    page = open_as("manager").page
    page.goto("/plan-templates/new/")

    page.locator("main form button.primary").click()
    page.wait_for_load_state()

    expect(page.locator("main [aria-invalid=true]").first).to_be_focused()
