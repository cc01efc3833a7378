"""Whether a phase may end. Only a guardrail's `pass` lets it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from rollouts.domain.templates import Gate


@dataclass(frozen=True)
class GateResult:
    """One gate: whether it holds, a code for why, and the data behind it.

    A guardrail's data: `flags`, each flag that does not pass with its verdict, and `judged`, how many were.
    """

    gate: Gate
    holds: bool
    code: str
    data: dict[str, object]


def judge_gates(
    *, gates: Collection[Gate], soaked_at: datetime, verdicts: Sequence[tuple[str, str]], now: datetime
) -> list[GateResult]:
    """Return each gate's result; `verdicts` are (flag key, verdict) of the flags still on."""
    results = []
    if Gate.SOAK in gates:
        soaked = now >= soaked_at
        results.append(
            GateResult(Gate.SOAK, soaked, "soaked" if soaked else "soaking", {"until": soaked_at.isoformat()})
        )
    if Gate.GUARDRAILS in gates:
        open_flags = [[key, verdict] for key, verdict in verdicts if verdict != "pass"]
        holds = not open_flags
        code = "guardrails_pass" if holds else "guardrails_do_not_pass"
        results.append(GateResult(Gate.GUARDRAILS, holds, code, {"flags": open_flags, "judged": len(verdicts)}))
    return results
