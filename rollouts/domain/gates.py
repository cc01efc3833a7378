"""Whether a phase may end. Only a guardrail's `pass` lets it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from health.domain.guardrail import LIMITS
from health.domain.share_lane import TOO_LITTLE
from health.domain.verdict import Judgement, Verdict
from rollouts.domain.approving import ApprovalState
from rollouts.domain.feedback import FeedbackState
from rollouts.domain.templates import Gate

#: The worst verdict of a flag's lanes is the one that counts.
_WORST_FIRST = (Verdict.BREACH, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.PASS)


@dataclass(frozen=True)
class GateResult:
    """One gate: whether it holds, a code for why, and the data behind it.

    A guardrail's data: `flags`, each flag that does not pass with its verdict, and `judged`, how many were.
    """

    gate: Gate
    holds: bool
    code: str
    data: dict[str, object]


def weigh_verdicts(judgements: Sequence[Judgement], *, is_rehearsal: bool) -> list[tuple[str, str]]:
    """Return (flag key, worst verdict of its lanes), in the order of the flags.

    A rehearsal's days are shorter than a share lane's window: its having seen too little
    is shown and does not count there (docs/adr/0013). The critical lane must pass all the same.
    """
    verdicts: dict[str, Verdict] = {}
    for item in judgements:
        if is_rehearsal and has_seen_too_little(item):
            continue
        verdicts[item.flag_key] = min(item.verdict, verdicts.get(item.flag_key, item.verdict), key=_WORST_FIRST.index)
    return [(key, str(verdict)) for key, verdict in verdicts.items()]


def has_seen_too_little(judgement: Judgement) -> bool:
    """Tell whether a share lane saw fewer requests than even a faultless flag needs to pass."""
    return judgement.lane in LIMITS and judgement.code in TOO_LITTLE


def judge_gates(
    *,
    gates: Collection[Gate],
    soaked_at: datetime,
    verdicts: Sequence[tuple[str, str]],
    now: datetime,
    unticked: Sequence[str] = (),
    approval: ApprovalState | None = None,
    feedback: FeedbackState | None = None,
    without_notes: Sequence[str] = (),
) -> list[GateResult]:
    """Return each gate's result, in the order of a phase's card.

    `verdicts` are (flag key, verdict) of the flags still on, `unticked` the items of the checklist that
    are not done, `approval` how far the phase's approval is, `feedback` how many gave some,
    `without_notes` the flags still on that lack their note for cashiers or their documentation.
    """
    results = []
    if Gate.SOAK in gates:
        soaked = now >= soaked_at
        results.append(
            GateResult(Gate.SOAK, soaked, "soaked" if soaked else "soaking", {"until": soaked_at.isoformat()})
        )
    if Gate.GUARDRAILS in gates:
        results.append(_judge_guardrails(verdicts))
    if Gate.CHECKLIST in gates:
        code = "items_unticked" if unticked else "checklist_done"
        results.append(GateResult(Gate.CHECKLIST, not unticked, code, {"items": list(unticked)}))
    if Gate.FEEDBACK in gates:
        results.append(_judge_feedback(feedback or FeedbackState(0, 0)))
    if Gate.NOTES in gates:
        code = "notes_missing" if without_notes else "notes_written"
        results.append(GateResult(Gate.NOTES, not without_notes, code, {"flags": list(without_notes)}))
    if Gate.APPROVAL in gates:
        holds = approval is not None and approval.holds
        data: dict[str, object] = {}
        if approval is not None:
            data = {"approvers": approval.approvers, "needed": approval.needed}
        results.append(GateResult(Gate.APPROVAL, holds, "approved" if holds else "approval_pending", data))
    return results


def _judge_guardrails(verdicts: Sequence[tuple[str, str]]) -> GateResult:
    """Return a pass only where something was judged: what nobody has says nothing of how it would go."""
    open_flags = [[key, verdict] for key, verdict in verdicts if verdict != "pass"]
    code = "guardrails_do_not_pass" if open_flags else "guardrails_pass" if verdicts else "guardrails_judged_nothing"
    data: dict[str, object] = {"flags": open_flags, "judged": len(verdicts)}
    return GateResult(Gate.GUARDRAILS, code == "guardrails_pass", code, data)


def _judge_feedback(state: FeedbackState) -> GateResult:
    code = "feedback_given" if state.holds else "feedback_missing"
    return GateResult(Gate.FEEDBACK, state.holds, code, {"have": state.have, "needed": state.needed})
