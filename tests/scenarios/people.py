"""A person at the portal's pages: signs in, fills in forms as they stand there, presses buttons."""

import re
from collections.abc import Callable, Mapping
from html import unescape
from typing import Self

import requests

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
#: What a form carries of the state its page was drawn from.
SEEN = re.compile(r'name="(epoch|version)"\s+value="(\d+)"')
TIMEOUT_SECONDS = 20.0

Values = Mapping[str, str | list[str]]


class Person:
    """One browser session over plain HTTP, without JavaScript."""

    def __init__(self, url: str, *, username: str) -> None:
        self.url = url
        self.username = username
        self.session = requests.Session()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.session.close()

    def sign_in(self, password: str) -> Self:
        answer = self.session.get(self.url + "/", timeout=TIMEOUT_SECONDS)
        values = {"login": self.username, "password": password}
        page = self._post(answer.url, values, page=answer)
        assert self.session.cookies.get("sessionid"), page.text
        return self

    def read(self, path: str) -> str:
        """Return a page's text."""
        answer = self.session.get(self.url + path, timeout=TIMEOUT_SECONDS)
        assert answer.ok, f"{path}: {answer.status_code}"
        return unescape(answer.text)

    def send(self, path: str, values: Values, *, seen_on: str = "") -> requests.Response:
        """Post a form of the page `seen_on` (or of `path`), with what that page carries hidden."""
        return self.fill_in(path, values, seen_on=seen_on)()

    def fill_in(self, path: str, values: Values, *, seen_on: str = "") -> Callable[[], requests.Response]:
        """Open the page and fill in its form as `send` does; what is returned is its button."""
        page = self.session.get(self.url + (seen_on or path), timeout=TIMEOUT_SECONDS)
        seen = SEEN.search(page.text)
        hidden = {seen[1]: seen[2]} if seen else {}

        def press() -> requests.Response:
            answer = self._post(self.url + path, {**hidden, **values}, page=page)
            assert answer.ok, f"{path}: {answer.status_code} {_plain(answer.text)}"
            return answer

        return press

    def _post(self, url: str, values: Values, *, page: requests.Response) -> requests.Response:
        data = {**values, "csrfmiddlewaretoken": _find(TOKEN, page.text)}
        return self.session.post(url, data=data, headers={"Referer": page.url}, timeout=TIMEOUT_SECONDS)


def _find(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    assert found, text
    return found.group(1)


def _plain(text: str) -> str:
    """Return a page's words alone, for a message."""
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())[:2_000]
