"""The story's lines as sentences: `{{ line|tell }}`."""

from django import template

from rollouts.labels import say_event
from rollouts.queries import StoryLine

register = template.Library()


@register.filter
def tell(line: StoryLine) -> str:
    """Return what happened, in the reader's language."""
    return say_event(kind=line.event.kind, data=line.event.data, count=line.count)
