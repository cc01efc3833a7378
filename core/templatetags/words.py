"""Codes of the apps as words: `{{ rollout.status|say:"rollouts.STATUSES" }}`."""

from importlib import import_module
from typing import Any

from django import template

register = template.Library()


@register.filter
def say(code: str, table: str) -> Any:
    """Return the words of a code from `<app>.labels.<TABLE>`, the code itself where it has none."""
    app, name = table.split(".")
    return getattr(import_module(f"{app}.labels"), name).get(str(code), code)
