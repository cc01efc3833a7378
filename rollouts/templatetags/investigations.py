"""Words for investigations: `{{ investigation|sentence_of }}`, `{{ investigation|standing:now }}`."""

from datetime import datetime

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.reasons import say_reason
from flags.queries import get_flag_names
from health.domain.complaints import Code
from rollouts.domain.investigating import State
from rollouts.models import Investigation

register = template.Library()


@register.filter
def sentence_of(investigation: Investigation) -> str:
    """Return why somebody has to look, with the numbers of that moment."""
    found = investigation.evidence
    if investigation.is_of_lane:
        return say_reason(found["said"])
    count, people = found["count"], found["people"]
    said = ngettext("%(n)s complaint", "%(n)s complaints", count) % {"n": count}
    if investigation.code == Code.LIMIT:
        return _("%(complaints)s on one day, more than %(limit)s.") % {"complaints": said, "limit": found["limit"]}
    if investigation.code == Code.ONE_FLAG:
        flag = get_flag_names().get(found["flag"], found["flag"])
        return _("%(count)s different people complain of “%(flag)s” on one day, in a pilot of %(people)s.") % {
            "count": count,
            "flag": flag,
            "people": people,
        }
    return _("%(complaints)s on one day, in a pilot of %(people)s.") % {
        "complaints": said,
        "people": people,
    }


@register.filter
def standing(investigation: Investigation, now: datetime) -> str:
    """Return how it stands: decided, overdue, with somebody, or with nobody."""
    if investigation.status == State.DISMISSED:
        return _("✓ dismissed")
    if investigation.status == State.ROLLED_BACK:
        return _("↩ rolled back")
    if investigation.deadline_at <= now:
        return _("▲ overdue")
    return _("… looked into") if investigation.taken_at else _("○ nobody looks into it yet")


@register.filter
def tone(investigation: Investigation, now: datetime) -> str:
    """Return the colour of how it stands."""
    if investigation.status == State.DISMISSED:
        return "ok"
    return "bad" if investigation.status == State.ROLLED_BACK or investigation.deadline_at <= now else "warn"
