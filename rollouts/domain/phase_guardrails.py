"""What a phase overrides of the environment's guardrails, lane by lane. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from health.domain.guardrail import LIMITS, MODES, Unit

SCOPES = ("flag", "site", "rollout")
#: From what puts off the least to what puts off the most.
_BREADTHS = ("site", "flag", "rollout")


@dataclass(frozen=True)
class PhaseGuardrail:
    """What a lane does while a phase runs; empty and None leave it as the environment has it.

    `limit` is in the lane's unit: basis points, or so many a day.
    """

    lane: str
    mode: str = ""
    limit: int | None = None
    scope: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it overrides nothing."""
        return not self.mode and self.limit is None and not self.scope


@dataclass(frozen=True)
class Standing:
    """What a lane comes to in a phase, whoever said it; `limit` in the lane's unit, None where it has none."""

    mode: str
    limit: int | None
    scope: str


def is_looser(before: Standing, after: Standing) -> bool:
    """Tell whether a lane would do less than before, or begin to do it later."""
    if MODES.index(after.mode) < MODES.index(before.mode):
        return True
    if before.limit is not None and after.limit is not None and after.limit > before.limit:
        return True
    rolls_back = before.mode == after.mode == "roll_back"
    return rolls_back and _BREADTHS.index(after.scope) < _BREADTHS.index(before.scope)


def put_in(guardrails: Sequence[PhaseGuardrail], wish: PhaseGuardrail) -> tuple[PhaseGuardrail, ...]:
    """Return a phase's guardrails with one lane's as wished, in the order of the lanes; an empty wish takes it out."""
    by_lane = {one.lane: one for one in (*guardrails, wish)}
    return tuple(by_lane[lane] for lane in LIMITS if lane in by_lane and not by_lane[lane].is_empty)


def list_modes(lane: str) -> tuple[str, ...]:
    """Return the modes that a phase may ask of a lane; none switches it off."""
    return tuple(mode for mode in LIMITS[lane].modes if mode != "off")


def find_fault(guardrails: Sequence[PhaseGuardrail]) -> str:
    """Return the code of what is wrong with a phase's guardrails, empty where nothing is."""
    lanes = [one.lane for one in guardrails]
    if len(set(lanes)) != len(lanes):
        return "template_guardrail_twice"
    for one in guardrails:
        if one.lane not in LIMITS or one.is_empty:
            return "template_guardrail_unknown"
        if one.mode and one.mode not in list_modes(one.lane):
            return "template_guardrail_mode"
        if one.scope and (one.scope not in SCOPES or not LIMITS[one.lane].by_flag):
            return "template_guardrail_scope"
        if one.limit is not None and not _is_within(one.lane, one.limit):
            return "template_guardrail_wrong"
    return ""


def _is_within(lane: str, limit: int) -> bool:
    limits = LIMITS[lane]
    return limits.unit != Unit.NONE and limits.least <= limit <= limits.most
