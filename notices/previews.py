"""Notices as they will look in the till: drawn by the tills' own script, whose words stand there without it as well."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from core import clock
from notices.current import write_notice
from notices.domain.levels import Level
from notices.forms import NoticeForm
from notices.models import Notice
from notices.queries import count_audience, draw_board_notice

LANGUAGES = ("fr", "en")
#: What a preview needs of a form.
_NAMES = ("title_fr", "text_fr", "title_en", "text_en", "hotline")
#: No number of a row is longer.
MOST_DIGITS = 18


@dataclass(frozen=True)
class Preview:
    """A notice in a language; `told` is what a till gets of it."""

    language: str
    told: Mapping[str, Any]


def draw_previews(notice: Notice) -> list[Preview]:
    """Return a notice in each language that it is said in."""
    drawn = draw_board_notice(notice)
    said = [language for language in LANGUAGES if getattr(notice, f"title_{language}")]
    return [Preview(language, write_notice(drawn, language)) for language in said]


def preview_form(form: NoticeForm) -> dict[str, Any]:
    """Return what the preview shows of a form as far as it is filled in: the notice, and whom it reaches."""
    given = {name: str(form[name].value() or "").strip() for name in _NAMES}
    level = form["level"].value()
    notice = Notice(
        level=level if level in set(Level) else Level.INFO,
        next_update_at=_read_moment(form),
        starts_at=clock.now(),
        **given,
    )
    sites, flags = (_read_numbers(form[name].value()) for name in ("sites", "flags"))
    return {"previews": draw_previews(notice), "audience": count_audience(site_ids=sites, flag_ids=flags)}


def _read_moment(form: NoticeForm) -> Any:
    try:
        return form.fields["next_update_at"].clean(form["next_update_at"].value())
    except ValidationError:
        return None


def _read_numbers(values: Any) -> list[int]:
    texts = [str(getattr(one, "pk", one)) for one in values or []]
    return [int(one) for one in texts if one.isascii() and one.isdigit() and len(one) <= MOST_DIGITS]
