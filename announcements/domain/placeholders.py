"""Named places in an announcement's words, `{release}`, and what is put there when it is said.

A line of which a place has no value is left out: a template may offer a hotline that an environment does not have.
"""

import re
from collections.abc import Mapping

#: Every place there is; `announcements.labels.PLACES` says what each stands for.
KNOWN = (
    *("release", "release_name", "environment", "flags", "phase", "next_phase", "sites"),
    *("incident", "incident_title", "since", "starts", "ends"),
    *("hotline", "hotline_hours", "next_update", "now"),
)
PLACE = re.compile(r"\{([^{}\n]*)\}")


def find_unknown(*texts: str) -> list[str]:
    """Return what stands in braces and is no place, each once, in order."""
    named = (name for text in texts for name in PLACE.findall(text))
    return list(dict.fromkeys(name for name in named if name not in KNOWN))


def find_empty(text: str, values: Mapping[str, str]) -> list[str]:
    """Return the places of a text that have no value, each once, in order."""
    return list(dict.fromkeys(name for name in PLACE.findall(text) if not values.get(name)))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its places filled; a line with one that has no value is left out, and the gap it leaves."""
    lines = [line for line in text.splitlines() if not find_empty(line, values)]
    filled = "\n".join(_fill_line(line, values) for line in lines)
    return re.sub(r"\n{3,}", "\n\n", filled).strip()


def _fill_line(line: str, values: Mapping[str, str]) -> str:
    return PLACE.sub(lambda found: values[found[1]], line)
