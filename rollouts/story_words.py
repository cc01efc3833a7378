"""The story in sentences."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext

from rollouts.guardrail_words import say_change
from rollouts.labels import AUDIENCES, EVENTS, HELD, PHASES, SHORT_EVENTS


def say_event(*, kind: str, data: Mapping[str, Any], count: int = 1) -> str:
    """Return one line of the story as a sentence, from its kind and data; `count` events alike are one line."""
    words = {**data, **say_change(data)}
    for name in ("audience", "before"):
        if name in data:
            words[name] = AUDIENCES.get(str(data[name]), data[name])
    if "phase" in data:
        words["phase"] = PHASES.get(str(data["phase"]), data["phase"])
    if "code" in data:
        words["held"] = HELD.get(str(data["code"]), data["code"])
    for name in ("flags", "sites", "still_off"):
        if isinstance(data.get(name), list):
            words[name] = ", ".join(map(str, data[name]))
    if count > 1:
        return gettext("%(count)s flags on for %(audience)s") % {"count": count, "audience": words.get("audience", "")}
    try:
        return str(EVENTS[kind]) % words
    except KeyError:
        return str(SHORT_EVENTS.get(kind, kind))


def name_flags(data: Mapping[str, Any], flag_names: Mapping[str, str]) -> dict[str, Any]:
    """Return an event's data with its flags by the names that people know."""
    named = dict(data)
    if isinstance(data.get("flag"), str):
        named["flag"] = flag_names.get(data["flag"], data["flag"])
    for name in ("flags", "still_off"):
        if isinstance(data.get(name), list):
            named[name] = [flag_names.get(key, key) for key in map(str, data[name])]
    return named
