"""What support says now, on pages of the apps below."""

from typing import Any

from django import template

from core import clock
from flags.models import Environment
from incidents.call_back_queries import count_open
from incidents.say_now_queries import list_say_now

register = template.Library()


@register.inclusion_tag("incidents/_say_now_all.html")
def say_now(environment: Environment | None) -> dict[str, Any]:
    """Render what to say of what runs in an environment; nothing where nothing runs."""
    return {"say_now": list_say_now(environment, now=clock.now()) if environment else []}


@register.simple_tag
def calls_due() -> int:
    """Return how many calls are due."""
    return count_open()
