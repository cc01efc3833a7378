"""A timeline's lines as people read them."""

from collections.abc import Mapping

from django import template

from incidents.models import TimelineEntry
from incidents.timeline_labels import Line, draw_line

register = template.Library()


@register.simple_tag
def timeline_line(entry: TimelineEntry, *, sites: Mapping[str, str], flags: Mapping[str, str]) -> Line:
    """Return a line of the timeline with its words, as the incident's page has it."""
    return draw_line(entry, sites=sites, flags=flags)
