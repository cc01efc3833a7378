"""The story's lines as sentences: `{{ line|tell:flag_names }}`."""

from collections.abc import Mapping

from django import template

from rollouts.queries import StoryLine
from rollouts.story_words import name_flags, say_event

register = template.Library()


@register.filter
def tell(line: StoryLine, flag_names: Mapping[str, str]) -> str:
    """Return what happened, in the reader's language; flags by their names, where they have one here."""
    return say_event(kind=line.event.kind, data=name_flags(line.event.data, flag_names), count=line.count)
