"""A dossier as files that stand alone: a printable page, and JSON. Both carry the facts and their hash."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import mark_safe

from core.errors import InvalidInput
from incidents.dossier_page import draw_rollouts
from incidents.post_mortem_labels import SECTIONS
from rollouts.domain.approving import hash_content

STYLES = ("css/tokens.css", "css/dossier.css")
#: No character that could end the element which holds the facts; the values read the same.
ESCAPES = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}
_FACTS = re.compile(r'<script type="application/json" id="dossier">(.*?)</script>', re.DOTALL)


@dataclass(frozen=True)
class Made:
    """Who took a dossier, when and in which language: printed on it, and no part of its hash."""

    by: str
    at: datetime
    language: str


@dataclass(frozen=True)
class Given:
    """What a file says of itself: its facts, and the hash printed on it."""

    facts: Mapping[str, Any]
    sha256: str
    made: Made
    text: str


def write_json(facts: Mapping[str, Any], *, made: Made) -> str:
    """Return the facts as a file for programs."""
    return json.dumps(_wrap(facts, made), ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def write_html(facts: Mapping[str, Any], *, made: Made) -> str:
    """Return the facts as one page that needs nothing else, with the facts themselves inside."""
    held = json.dumps(_wrap(facts, made), ensure_ascii=False, sort_keys=True).translate(ESCAPES)
    with translation.override(made.language):
        return render_to_string(
            "incidents/dossier_file.html",
            {
                "facts": facts,
                "rollouts": draw_rollouts(facts),
                "sections": list(SECTIONS.items()),
                "sha256": hash_content(facts),
                "made": made,
                "style": mark_safe("\n".join(_read_style(name) for name in STYLES)),  # noqa: S308  # our own files
                "held": mark_safe(held),  # noqa: S308  # escaped above
            },
        )


def read_file(text: str) -> Given:
    """Return what a file says of itself; refuse what is no dossier."""
    found = _FACTS.search(text)
    try:
        content = json.loads(found[1] if found else text)
        made = Made(content["made_by"], datetime.fromisoformat(content["made_at"]), content["language"])
        return Given(content["facts"], content["sha256"], made, text)
    except (ValueError, KeyError, TypeError):
        raise InvalidInput("dossier_unreadable") from None


def is_as_written(given: Given) -> bool:
    """Tell whether the whole file, all that people read in it, is what this portal writes of its facts."""
    write = write_html if _FACTS.search(given.text) else write_json
    try:
        return write(given.facts, made=given.made) == given.text
    except (KeyError, TypeError, ValueError, AttributeError):
        # Facts of another shape than this version writes.
        return False


def _wrap(facts: Mapping[str, Any], made: Made) -> dict[str, Any]:
    return {
        "facts": facts,
        "sha256": hash_content(facts),
        "made_by": made.by,
        "made_at": made.at.isoformat(),
        "language": made.language,
    }


def _read_style(name: str) -> str:
    path = finders.find(name)
    if path is None:
        raise FileNotFoundError(name)
    return Path(path).read_text(encoding="utf-8")
