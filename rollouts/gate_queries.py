"""Reads what a phase's gates ask for."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from rollouts.approval_queries import weigh_phase_approval
from rollouts.domain.gates import GateResult, judge_gates
from rollouts.domain.templates import Gate
from rollouts.feedback_queries import weigh_feedback
from rollouts.models import Phase, PhaseStatus, Rollout


def judge_phase(phase: Phase, verdicts: Sequence[tuple[str, str]], *, now: datetime) -> list[GateResult]:
    """Return the result of each of a phase's gates: no query for soak and guardrails, fifteen at most for all."""
    gates = [Gate(gate) for gate in phase.gates]
    unticked = phase.check_items.filter(done_at=None) if Gate.CHECKLIST in gates else phase.check_items.none()
    return judge_gates(
        gates=gates,
        soaked_at=phase.ends_at,
        verdicts=verdicts,
        now=now,
        unticked=list(unticked.values_list("text", flat=True)),
        feedback=weigh_feedback(phase, now=now) if Gate.FEEDBACK in gates else None,
        without_notes=list_flags_without_notes(phase.rollout) if Gate.NOTES in gates else (),
        approval=weigh_phase_approval(phase) if Gate.APPROVAL in gates else None,
    )


def list_phases_before(phase: Phase) -> list[Phase]:
    """Return the phases that must end before this one begins, in order: also those that never began. One query."""
    rows = Phase.objects.filter(rollout=phase.rollout_id, position__lt=phase.position)
    return list(rows.exclude(status=PhaseStatus.DONE).select_related("rollout").order_by("position"))


def list_flags_without_notes(rollout: Rollout) -> list[str]:
    """Return the flags still driven that lack their note for cashiers or their documentation: one query."""
    lacking = Q(flag__cashier_note_fr__regex=r"^\s*$") | Q(flag__documentation_url="")
    rows = rollout.rollout_flags.filter(lacking, is_active=True).order_by("position")
    return list(rows.values_list("flag__key", flat=True))
