"""How far a flag is out, in words: `{{ out|reach_of_flag }}`, `{{ out|whom_of_flag }}`."""

from collections.abc import Sequence

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from flags.domain.standing import Extent
from flags.sentences import say_share
from rollouts.release_view import NAMED_SITES, Out

register = template.Library()


@register.filter
def reach_of_flag(out: Out) -> str:
    """Return how far a flag is out in a few words: "everyone", "12 of 14 sites", "25 %", "some people"."""
    reached = out.standing.reached
    if out.standing.extent is Extent.VARIABLE:
        return _("by variable")
    if out.standing.extent is Extent.EVERYONE:
        return _("everyone but some") if out.but else _("everyone")
    if out.sites:
        return ngettext("%(n)s of %(total)s site", "%(n)s of %(total)s sites", out.total) % {
            "n": len(out.sites),
            "total": out.total,
        }
    return say_share(reached.share_bp) if reached.share_bp else _("some people")


@register.filter
def whom_of_flag(out: Out) -> str:
    """Return by name whom a flag reaches, where that is not everyone."""
    reached = out.standing.reached
    if out.standing.override is not None:
        return out.standing.override.variable
    words = [*reached.people]
    if out.sites:
        words.append(_name_some(out.sites))
    if reached.share_bp:
        words.append(_("%(share)s of everyone") % {"share": say_share(reached.share_bp)})
    if reached.others:
        words.append(_("those of whom conditions hold"))
    if out.but:
        words.append(_("not %(sites)s") % {"sites": _name_some(out.but)})
    return " · ".join(words)


def _name_some(names: Sequence[str]) -> str:
    named, more = names[:NAMED_SITES], len(names) - NAMED_SITES
    if more <= 0:
        return ", ".join(named)
    return ngettext("%(names)s and %(n)s more", "%(names)s and %(n)s more", more) % {
        "names": ", ".join(named),
        "n": more,
    }
