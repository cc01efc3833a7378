"""Reads what a phase's gates ask for."""

from collections.abc import Sequence
from datetime import datetime

from rollouts.approval_queries import weigh_phase_approval
from rollouts.domain.gates import GateResult, judge_gates
from rollouts.domain.templates import Gate
from rollouts.feedback_queries import weigh_feedback
from rollouts.models import Phase


def judge_phase(phase: Phase, verdicts: Sequence[tuple[str, str]], *, now: datetime) -> list[GateResult]:
    """Return the result of each of a phase's gates: no query for soak and guardrails, thirteen at most for all."""
    gates = [Gate(gate) for gate in phase.gates]
    unticked = phase.check_items.filter(done_at=None) if Gate.CHECKLIST in gates else phase.check_items.none()
    return judge_gates(
        gates=gates,
        soaked_at=phase.ends_at,
        verdicts=verdicts,
        now=now,
        unticked=list(unticked.values_list("text", flat=True)),
        feedback=weigh_feedback(phase, now=now) if Gate.FEEDBACK in gates else None,
        approval=weigh_phase_approval(phase) if Gate.APPROVAL in gates else None,
    )
