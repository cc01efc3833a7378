"""What a plan template may say: exposure only grows from phase to phase, and every phase can be dated."""

from collections.abc import Sequence
from itertools import pairwise

from core.errors import InvalidInput
from flags.domain.bucketing import TOTAL_BP
from rollouts.domain.phase_guardrails import find_fault
from rollouts.domain.templates import Advance, Gate, PhaseKind, PhaseTemplate

MOST_PHASES = 12
MOST_DAYS = 60
MOST_SLOTS = 12
MOST_SHARES = 20
MOST_ITEMS, MOST_ITEM_CHARACTERS = 20, 200

#: A phase reaches at least as many as those before it; sites and shares may take turns.
_REACH = {
    PhaseKind.INTERNAL: 0,
    PhaseKind.PILOT: 1,
    PhaseKind.PER_SITE: 2,
    PhaseKind.PERCENTAGE: 2,
    PhaseKind.FULL: 3,
}
FOR_PEOPLE = frozenset({PhaseKind.INTERNAL, PhaseKind.PILOT})


def check_phases(phases: Sequence[PhaseTemplate]) -> None:
    """Refuse with the number of the first phase that cannot be, from 1."""
    if not phases:
        raise InvalidInput("template_without_phases")
    if len(phases) > MOST_PHASES:
        raise InvalidInput("template_too_long", most=MOST_PHASES)
    for number, phase in enumerate(phases, start=1):
        code = _find_fault(phase)
        if code:
            raise InvalidInput(code, phase=number)
    for number, (one, after) in enumerate(pairwise(phases), start=2):
        if _REACH[after.kind] < _REACH[one.kind]:
            raise InvalidInput("template_narrows", phase=number)
    _check_growth(phases)


def check_last_phase(phases: Sequence[PhaseTemplate]) -> None:
    """Refuse gates of the last phase: nothing comes after it that they could hold up. Old versions may have some."""
    if phases[-1].gates:
        raise InvalidInput("template_gates_last", phase=len(phases))


def _find_fault(phase: PhaseTemplate) -> str:
    """Return the code of what is wrong with one phase by itself, empty where nothing is."""
    rises = all(one < after for one, after in pairwise(phase.shares_bp))
    faults = {
        "template_days_wrong": not 1 <= phase.days <= MOST_DAYS,
        "template_slots_wrong": len(phase.slots) > MOST_SLOTS or list(phase.slots) != sorted(set(phase.slots)),
        "template_order_wrong": (phase.advance is Advance.IN_ORDER) != bool(phase.flag_order)
        or len(set(phase.flag_order)) != len(phase.flag_order),
        "template_segment_wrong": bool(phase.segment_key) and phase.kind not in FOR_PEOPLE,
        "template_shares_missing": phase.kind is PhaseKind.PERCENTAGE and not phase.shares_bp,
        "template_shares_wrong": bool(phase.shares_bp)
        and (
            phase.kind is not PhaseKind.PERCENTAGE
            or not rises
            or not phase.shares_bp[0] > 0
            or not phase.shares_bp[-1] < TOTAL_BP
            or len(phase.shares_bp) > MOST_SHARES
        ),
        "template_shares_crowded": len(phase.shares_bp) > phase.days,
        "template_feedback_wrong": Gate.FEEDBACK in phase.gates and phase.kind not in FOR_PEOPLE,
        "template_gates_wrong": len(set(phase.gates)) != len(phase.gates),
        "template_checklist_wrong": (Gate.CHECKLIST in phase.gates) != bool(phase.checklist)
        or len(phase.checklist) > MOST_ITEMS
        or not all(0 < len(item.strip()) <= MOST_ITEM_CHARACTERS for item in phase.checklist),
    }
    return next((code for code, is_wrong in faults.items() if is_wrong), find_fault(phase.guardrails))


def _check_growth(phases: Sequence[PhaseTemplate]) -> None:
    """Refuse a share that is no larger than one of a phase before, and a phase after everyone."""
    reached = 0
    for number, phase in enumerate(phases, start=1):
        if phase.kind is PhaseKind.PERCENTAGE:
            if phase.shares_bp[0] <= reached:
                raise InvalidInput("template_narrows", phase=number)
            reached = phase.shares_bp[-1]
        if phase.kind is PhaseKind.FULL and number < len(phases):
            raise InvalidInput("template_after_everyone", phase=number + 1)
