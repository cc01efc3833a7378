"""The story's lines as sentences: `{{ line|tell:flag_names }}`."""

from collections.abc import Mapping
from typing import Any

from django import template

from rollouts.labels import say_event
from rollouts.queries import StoryLine

register = template.Library()


@register.filter
def tell(line: StoryLine, flag_names: Mapping[str, str]) -> str:
    """Return what happened, in the reader's language; flags by their names, where they have one here."""
    return say_event(kind=line.event.kind, data=_name_flags(line.event.data, flag_names), count=line.count)


def _name_flags(data: Mapping[str, Any], flag_names: Mapping[str, str]) -> dict[str, Any]:
    named = dict(data)
    if isinstance(data.get("flag"), str):
        named["flag"] = flag_names.get(data["flag"], data["flag"])
    for name in ("flags", "still_off"):
        if isinstance(data.get(name), list):
            named[name] = [flag_names.get(key, key) for key in map(str, data[name])]
    return named
