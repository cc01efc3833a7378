"""Secrets taken out of what programs print, however the output is cut into pieces."""

import re
from collections.abc import Iterable

HIDDEN = "•••"
#: Shorter ones would black out every other word.
LEAST_CHARACTERS = 4
#: The password of any `scheme://user:password@`: compose prints addresses that nobody named as secrets.
_LOGIN = re.compile(r"""(://[^\s:/@]*:)[^\s@]{1,1000}@(?:[^\s@/"',;]*@)*""")
#: The end of a piece that may be the beginning of one.
_LOGIN_BEGUN = re.compile(r":(?:/(?:/\S{0,2000})?)?\Z")
_LOGIN_CHARACTERS = 2_010


class Scrubber:
    """Replaces secrets in text that comes piece by piece; a secret cut in two between pieces is found as well.

    The password of an address is one, whoever knows it.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        lines = {part for secret in secrets for part in (secret, *secret.splitlines())}
        # The longest first: one may hold another.
        self._secrets = sorted((s for s in lines if len(s) >= LEAST_CHARACTERS), key=len, reverse=True)
        self._held = max(map(len, self._secrets), default=1) - 1
        self._rest = ""

    def feed(self, text: str) -> str:
        """Return what can be shown already."""
        self._rest = self._scrub(self._rest + text)
        cut = len(self._rest) - self._held
        begun = _LOGIN_BEGUN.search(self._rest, max(len(self._rest) - _LOGIN_CHARACTERS, 0))
        if begun is not None:
            cut = min(cut, begun.start())
        if cut <= 0:
            return ""
        shown, self._rest = self._rest[:cut], self._rest[cut:]
        return shown

    def end(self) -> str:
        """Return the rest."""
        shown, self._rest = self._rest, ""
        return shown

    def _scrub(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return _LOGIN.sub(rf"\1{HIDDEN}@", text)


class Clipped:
    """Keeps the beginning and the end of a long text, and says how much it left out between them."""

    def __init__(self, *, head: int = 8_000, tail: int = 24_000) -> None:
        self._limits = head, tail
        self._head, self._tail = "", ""
        self._left_out = 0

    def add(self, text: str) -> None:
        """Take more text in."""
        head, tail = self._limits
        room = head - len(self._head)
        self._head += text[:room]
        self._tail += text[room:]
        # Cut now and then only: each cut copies the tail.
        if len(self._tail) > 2 * tail:
            self._cut()

    def _cut(self) -> None:
        over = len(self._tail) - self._limits[1]
        if over > 0:
            self._left_out += over
            self._tail = self._tail[over:]

    def __str__(self) -> str:
        self._cut()
        if not self._left_out:
            return self._head + self._tail
        return f"{self._head}\n[… {self._left_out} characters left out …]\n{self._tail}"
