"""Every file of the public page by its path, as it is served and as it is copied to a directory or bucket.

French lies at the root, English in `en/`: addresses within are relative, so that a copy works wherever it lies.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

from statuspage.facts import Facts
from statuspage.feeds import write_atom, write_rss
from statuspage.page import BARS_WIDTH, FOLDERS, LANGUAGES, Page, compose_page
from statuspage.statuspage_v2 import write_answers

#: By the ending of a path.
CONTENT_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".atom": "application/atom+xml; charset=utf-8",
    ".rss": "application/rss+xml; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
STYLES = ("css/tokens.css", "css/base.css", "css/status.css")
PAGES = ("index", "history")
API = "api/v2/"

Bodies = Mapping[str, bytes]


def content_type_of(path: str) -> str:
    """Return the content type of one of the files."""
    return CONTENT_TYPES[Path(path).suffix]


def digest_facts(facts: Facts) -> str:
    """Return a digest of what the page says: equal digests, equal files."""
    return hashlib.sha256(msgspec.json.encode(facts, order="sorted")).hexdigest()


def write_bodies(facts: Facts) -> dict[str, bytes]:
    """Return every file: pages, answers of the API and feeds in each language, and what they need."""
    found = {"page.css": _read_styles(), "favicon.svg": _read("favicon.svg")}
    for language in LANGUAGES:
        folder, page = FOLDERS[language], compose_page(facts, language)
        found |= {f"{folder}{name}.html": _write_page(name, page, folder=folder) for name in PAGES}
        found |= {f"{folder}{API}{path}": body for path, body in write_answers(page).items()}
        found |= {f"{folder}feed.atom": write_atom(page), f"{folder}feed.rss": write_rss(page)}
    return found


class LastBodies:
    """The files as they were drawn last: most readings find the same facts, and drawing is the dear part."""

    def __init__(self) -> None:
        self._last: tuple[str, Bodies] = ("", {})

    def of(self, facts: Facts) -> Bodies:
        """Return every file that says these facts."""
        digest = digest_facts(facts)
        if self._last[0] != digest:
            self._last = digest, write_bodies(facts)
        return self._last[1]


def _write_page(name: str, page: Page, *, folder: str) -> bytes:
    root = "../" if folder else ""
    context = {
        "page": page,
        "root": root,
        "other": f"{root or FOLDERS['en']}{name}.html",
        "api": API,
        "width": BARS_WIDTH,
    }
    with translation.override(page.language):
        return render_to_string(f"statuspage/public_{name}.html", context).encode()


def _read_styles() -> bytes:
    return b"\n".join(map(_read, STYLES))


def _read(name: str) -> bytes:
    [folder] = settings.STATICFILES_DIRS
    return (folder / name).read_bytes()
