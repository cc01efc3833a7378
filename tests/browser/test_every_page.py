"""Every page that a role can reach by links: no script error, no overflow, no barrier."""

from collections import deque
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.barriers import list_barriers
from tests.browser.conftest import Open

#: Of each kind of address one page is enough: /flags/a/ and /flags/b/ are the same page.
MOST_PAGES = 150
#: What is addressed by its own key rather than by a number.
KEYED = {"flags", "sites", "segments", "environments", "plan-templates"}
KEYED_BELOW = {("announcements", "templates"), ("announcements", "hotlines")}
GRAVE = {"serious", "critical"}
OPEN_PAGES = ("/account/login/", "/account/password/reset/", "/account/password/reset/done/", "/account/inactive/")


def _kind(path: str) -> str:
    parts = [part for part in path.split("/") if part]
    if len(parts) > 1 and parts[0] in KEYED and parts != ["flags", "removal"]:
        parts[1] = "*"
    if len(parts) > 2 and tuple(parts[:2]) in KEYED_BELOW:
        parts[2] = "*"
    return "/".join("*" if part.isdigit() else part for part in parts)


def _links(page: Page) -> list[str]:
    found: list[str] = page.locator("a[href]:not([download])").evaluate_all("links => links.map(one => one.href)")
    paths = [urlsplit(urljoin(page.url, link)) for link in found]
    here = urlsplit(page.url).netloc
    return [one.path for one in paths if one.netloc == here and not one.path.startswith(("/admin/", "/static/"))]


def list_faults(page: Page, status: int) -> list[str]:
    """Return what is wrong with a page as it stands: its status, its width, barriers."""
    faults = [] if status == 200 else [f"answers {status}"]
    if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
        faults.append(f"scrolls sideways at {page.viewport_size}")
    faults += [
        f"{rule['id']}: {[node['html'][:160] for node in rule['nodes']][:4]}"
        for rule in list_barriers(page)
        if rule["impact"] in GRAVE
    ]
    return [f"{urlsplit(page.url).path}: {fault}" for fault in faults]


@pytest.mark.parametrize(
    ("name", "language", "dark", "width"),
    [
        ("manager", "en", False, 1280),
        ("manager", "fr", True, 390),
        ("support", "fr", False, 390),
        ("support", "en", True, 1280),
        ("auditor", "en", True, 390),
        ("auditor", "fr", False, 1280),
        ("admin", "fr", True, 1280),
        ("admin", "en", False, 390),
    ],
)
def test_pages__reached_by_links__are_sound(open_as: Open, name: str, language: str, dark: bool, width: int) -> None:
    page = open_as(name, width=width, language=language, dark=dark).page
    waiting, seen, faults = deque(["/"]), {_kind("/")}, []

    while waiting:
        path = waiting.popleft()
        answer = page.goto(path)
        if answer is None or "text/html" not in answer.headers.get("content-type", ""):
            continue
        faults += list_faults(page, answer.status)
        for link in _links(page):
            if _kind(link) not in seen:
                seen.add(_kind(link))
                waiting.append(link)

    assert faults == []
    assert 8 < len(seen) < MOST_PAGES, seen


@pytest.mark.parametrize(("language", "dark", "width"), [("en", False, 390), ("fr", True, 1280)])
def test_pages__of_strangers__are_sound(open_as: Open, language: str, dark: bool, width: int) -> None:
    page = open_as(width=width, language=language, dark=dark).page
    faults = []

    for path in OPEN_PAGES:
        answer = page.goto(path)
        faults += list_faults(page, answer.status if answer else 0)

    assert faults == []
