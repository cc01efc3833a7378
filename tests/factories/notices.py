"""Notices, shown by the real transition."""

from typing import Any

from core.actors import DEMO
from flags.models import Environment
from notices.models import Notice
from notices.transitions import NoticeWish, show_notice
from tests.factories.core import NOW

WORDS: dict[str, Any] = {
    "level": "warning",
    "title_fr": "Les prix sont faux",
    "text_fr": "Vérifiez chaque prix avant de valider.",
    "title_en": "Prices are wrong",
    "text_en": "Check each price before you validate.",
    "hotline": "01 23 45 67 89",
}


def make_wish(**given: Any) -> NoticeWish:
    """Return what is wished of a notice in both languages."""
    return NoticeWish(**(WORDS | given))


def make_notice(environment: Environment, *, source: str = "", now: Any = NOW, **given: Any) -> Notice:
    """Show a notice."""
    return show_notice(
        environment_id=environment.pk, wish=make_wish(**given), source=source, actor=DEMO, reason="a test", now=now
    )
