"""Whom something reaches, in words."""

from collections.abc import Sequence
from typing import Protocol

from django import template
from django.utils.translation import gettext, ngettext

from flags.domain.evaluation import Layer
from flags.site_queries import Here

register = template.Library()


class Counted(Protocol):
    """Numbers of sites, tills and people named by segments."""

    @property
    def sites(self) -> int: ...
    @property
    def tills(self) -> int: ...
    @property
    def people(self) -> int: ...


@register.filter
def off_there(flags: Sequence[Here]) -> list[Here]:
    """Return those of a site's flags that are off in the whole environment: there is nothing to say of the site."""
    return [here for here in flags if here.layer is Layer.OFF]


@register.filter
def in_numbers(reach: Counted) -> str:
    """Return e.g. "2 sites, 6 tills, 10 named people"; what is none is left out."""
    parts = [
        (reach.sites, ngettext("%(n)s site", "%(n)s sites", reach.sites)),
        (reach.tills, ngettext("%(n)s till", "%(n)s tills", reach.tills)),
        (reach.people, ngettext("%(n)s named person", "%(n)s named people", reach.people)),
    ]
    return ", ".join(words % {"n": count} for count, words in parts if count) or gettext("nobody yet")
