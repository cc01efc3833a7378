"""Barriers on a page, as axe-core finds them."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_AXE = Axe()
#: Only what is wrong is counted and handed over. Style sheets and sounds are not fetched a second time: the rules that
#: want them are of pages that turn with a telephone or play something, and none here does.
_RUN = "axe.run({resultTypes: ['violations'], preload: false}).then(found => found.violations)"


def list_barriers(page: Page) -> list[dict[str, Any]]:
    """Return the rules that a page breaks as it stands, each with its `id`, `impact` and `nodes`."""
    page.evaluate(_AXE.axe_script)
    found: list[dict[str, Any]] = page.evaluate(_RUN)
    return found
