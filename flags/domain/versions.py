"""Semantic versions as flagd's `sem_ver` reads and compares them (https://semver.org)."""

import re
from functools import lru_cache

#: As PyPI `semver` has it, whose reading flagd's reference evaluator uses.
_VERSION = re.compile(
    r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?\Z",
    re.ASCII,
)

#: Major, minor, patch and the rank of the pre-release: tuples compare as versions do.
Version = tuple[int, int, int, tuple[object, ...]]


#: No version is longer (as npm's `semver` has it): every condition reads it while all other clients wait.
MAX_CHARACTERS = 256
#: Longer texts are read anew each time: what a client sends must not fill the memory.
_REMEMBERED_CHARACTERS = 64


def find_version(text: str) -> Version | None:
    """Return a version's rank, None for what is none. A leading `v` and missing parts are allowed."""
    if len(text) <= _REMEMBERED_CHARACTERS:
        return _remember(text)
    return _read(text) if len(text) <= MAX_CHARACTERS else None


def _read(text: str) -> Version | None:
    found = _VERSION.match(_complete(text))
    if found is None:
        return None
    try:
        major, minor, patch = (int(part) for part in found.groups()[:3])
        return major, minor, patch, _rank(found.group(4))
    except ValueError:  # more digits than Python reads
        return None


_remember = lru_cache(maxsize=4096)(_read)


def _complete(text: str) -> str:
    version = text[1:] if text.startswith(("v", "V")) else text
    numeric = version.split("-")[0].split("+")[0]
    missing = 2 - numeric.count(".")
    return numeric + ".0" * missing + version[len(numeric) :] if missing > 0 else version


def _rank(prerelease: str | None) -> tuple[object, ...]:
    """A release ranks above its pre-releases; their numbers below words, fewer parts below more."""
    if not prerelease:
        return (1,)
    parts = prerelease.split(".")
    return (0, tuple((0, len(part), part) if part.isdigit() else (1, 0, part) for part in parts))
