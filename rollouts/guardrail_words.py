"""What a phase overrides of the environment's guardrails, in words."""

from collections.abc import Iterable

from django.utils.translation import gettext

from flags.sentences import say_share
from health.domain.guardrail import LIMITS, Unit
from health.models import GuardrailScope, Lane, Mode
from rollouts.domain.phase_guardrails import PhaseGuardrail


def name_lane(lane: str) -> str:
    """Return what people call a lane."""
    return str(Lane(lane).label)


def say_guardrail(guardrail: PhaseGuardrail) -> str:
    """Return what one lane does in a phase, as far as the phase says so."""
    words = [str(Mode(guardrail.mode).label)] if guardrail.mode else []
    if guardrail.limit is not None:
        words.append(_say_limit(guardrail.lane, guardrail.limit))
    if guardrail.scope:
        words.append(gettext("what goes off: %(what)s") % {"what": GuardrailScope(guardrail.scope).label})
    return " · ".join(words)


def say_guardrails(guardrails: Iterable[PhaseGuardrail]) -> str:
    """Return what a phase overrides in one line, empty where that is nothing."""
    return "; ".join(f"{name_lane(one.lane)}: {say_guardrail(one)}" for one in guardrails)


def _say_limit(lane: str, limit: int) -> str:
    if LIMITS[lane].unit == Unit.A_DAY:
        return gettext("more than %(limit)s a day") % {"limit": limit}
    return gettext("limit %(share)s") % {"share": say_share(limit)}
