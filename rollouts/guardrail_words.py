"""What a phase overrides of the environment's guardrails, in words."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from django.utils.translation import gettext

from flags.sentences import say_share
from health.domain.guardrail import LIMITS, Unit
from health.models import GuardrailScope, Lane, Mode
from rollouts.domain.phase_guardrails import PhaseGuardrail
from rollouts.guardrail_labels import ORIGINS, PARTS
from rollouts.guardrail_settings import Setting


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


def say_standing(lane: str, standing: Mapping[str, Any]) -> str:
    """Return what a lane comes to, as the story holds it."""
    words = PhaseGuardrail(lane, standing["mode"], standing["limit"])
    if standing["mode"] == Mode.ROLL_BACK:
        words = replace(words, scope=standing["scope"])
    return say_guardrail(words)


def say_change(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the words of an event that a guardrail was set otherwise, empty where it is none."""
    if not {"lane", "was", "then"} <= data.keys():
        return {}
    lane = str(data["lane"])
    return {
        "lane": name_lane(lane),
        "was": say_standing(lane, data["was"]),
        "then": say_standing(lane, data["then"]),
    }


def say_setting(setting: Setting) -> str:
    """Return how a lane is set in a phase."""
    words = say_standing(setting.lane, asdict(setting.standing))
    if setting.is_tightened:
        words = gettext("%(words)s (tightened while support is heightened)") % {"words": words}
    return words


def say_origins(setting: Setting) -> str:
    """Return who says so: one word where it is one, else part by part."""
    origins = setting.origins
    if len(set(origins.values())) == 1:
        return str(ORIGINS[setting.mode_from])
    return " · ".join(
        gettext("%(part)s: %(who)s") % {"part": PARTS[part], "who": ORIGINS[origin]} for part, origin in origins.items()
    )


def _say_limit(lane: str, limit: int) -> str:
    if LIMITS[lane].unit == Unit.A_DAY:
        return gettext("more than %(limit)s a day") % {"limit": limit}
    return gettext("limit %(share)s") % {"share": say_share(limit)}
