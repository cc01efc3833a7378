"""Phases of plan templates in words: `{{ phase|length_of_phase }}`, `{{ phase|facts_of_phase }}`."""

from django import template
from django.utils.translation import gettext, ngettext

from flags.sentences import say_share
from rollouts.domain.templates import Advance, Gate, PhaseKind, PhaseTemplate
from rollouts.guardrail_settings import Setting
from rollouts.guardrail_words import name_lane, say_guardrail, say_guardrails, say_origins, say_setting
from rollouts.models import Phase
from rollouts.template_labels import ADVANCES, GATES, SUPPORT_LEVELS

register = template.Library()


@register.filter
def length_of_phase(phase: PhaseTemplate) -> str:
    """Return how long a phase lasts; one that goes by site lasts longer where there are more sites."""
    if phase.kind is PhaseKind.PER_SITE:
        return ngettext("at least %(n)s day", "at least %(n)s days", phase.days) % {"n": phase.days}
    return ngettext("%(n)s day", "%(n)s days", phase.days) % {"n": phase.days}


@register.filter
def facts_of_phase(phase: PhaseTemplate) -> list[tuple[str, str]]:
    """Return names and words of everything a phase asks for."""
    facts = [
        (gettext("Length"), length_of_phase(phase)),
        (gettext("For whom"), _say_audience(phase)),
        (gettext("The flags go on"), _say_advance(phase)),
        (gettext("Hours"), _say_slots(phase)),
        (gettext("Support"), str(SUPPORT_LEVELS[phase.support])),
        (gettext("To leave it"), _say_gates(phase.gates)),
    ]
    if phase.checklist:
        facts.append((gettext("Checklist"), " · ".join(phase.checklist)))
    return [*facts, *((name_lane(one.lane), say_guardrail(one)) for one in phase.guardrails)]


@register.filter
def guardrails_of_phase(phase: Phase) -> str:
    """Return what a phase of a rollout overrides of the environment's guardrails, empty where that is nothing."""
    return say_guardrails(phase.overrides)


register.filter("lane_of_phase", name_lane)


@register.filter("setting")
def say_setting_of_phase(setting: Setting) -> str:
    """Return how a lane is set in a phase."""
    return say_setting(setting)


@register.filter
def origins(setting: Setting) -> str:
    """Return who says that it is set so."""
    return say_origins(setting)


def _say_audience(phase: PhaseTemplate) -> str:
    if phase.segment_key:
        return gettext("segment %(segment)s") % {"segment": phase.segment_key}
    if phase.kind is PhaseKind.PERCENTAGE:
        return gettext("%(shares)s of everyone") % {"shares": " → ".join(say_share(one) for one in phase.shares_bp)}
    words = {
        PhaseKind.INTERNAL: gettext("the testers chosen with the plan"),
        PhaseKind.PILOT: gettext("the pilot cashiers chosen with the plan"),
        PhaseKind.PER_SITE: gettext("one site a day, in the plan’s order"),
        PhaseKind.FULL: gettext("everyone"),
    }
    return words[phase.kind]


def _say_advance(phase: PhaseTemplate) -> str:
    words = str(ADVANCES[phase.advance])
    return f"{words}: {', '.join(phase.flag_order)}" if phase.advance is Advance.IN_ORDER else words


def _say_slots(phase: PhaseTemplate) -> str:
    return ", ".join(f"{slot:%H:%M}" for slot in phase.slots) or gettext("the plan’s hour of promotions")


def _say_gates(gates: tuple[Gate, ...]) -> str:
    return " · ".join(str(GATES[gate]) for gate in gates) or gettext("nothing")
