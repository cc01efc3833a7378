"""What the pages are searched with sees barriers."""

from playwright.sync_api import Browser

from tests.browser.barriers import list_barriers

WRONG = """<!doctype html><html lang="en"><title>A</title><main><h1>A</h1>
<img src="data:,"><p style="color: #bbb; background: #fff">Pale</p><input type="text"></main></html>"""


def test_barriers__of_a_page_full_of_them__are_found(chromium: Browser) -> None:
    page = chromium.new_page()
    page.set_content(WRONG)

    found = {one["id"]: one["impact"] for one in list_barriers(page)}

    page.close()
    assert found == {"image-alt": "critical", "color-contrast": "serious", "label": "critical"}
