"""What was found, with the words that were looked for."""

from collections.abc import Iterable

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.domain.excerpts import Piece

register = template.Library()


@register.filter
def mark_found(pieces: Iterable[Piece]) -> SafeString:
    """Return an excerpt as HTML: nothing of it is markup but the marks around what was found."""
    return format_html_join(
        "", "{}", ((format_html("<mark>{}</mark>", one.text) if one.is_found else one.text,) for one in pieces)
    )
