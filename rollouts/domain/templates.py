"""Plan templates. The built-in one is the customer's: four phases."""

from dataclasses import dataclass
from datetime import time
from enum import StrEnum


class PhaseKind(StrEnum):
    INTERNAL = "internal"
    PILOT = "pilot"
    PER_SITE = "per_site"
    FULL = "full"


class Gate(StrEnum):
    """What must hold before the phase after may begin."""

    SOAK = "soak"
    GUARDRAILS = "guardrails"


@dataclass(frozen=True)
class PhaseTemplate:
    """One phase: its length in plan days (a least length for sites) and the hours of its steps.

    Without slots, steps go at the plan's promotion hour.
    """

    kind: PhaseKind
    days: int
    slots: tuple[time, ...] = ()
    gates: tuple[Gate, ...] = (Gate.SOAK, Gate.GUARDRAILS)


@dataclass(frozen=True)
class PlanTemplate:
    key: str
    phases: tuple[PhaseTemplate, ...]


FOUR_PHASES = PlanTemplate(
    key="four-phases",
    phases=(
        PhaseTemplate(PhaseKind.INTERNAL, days=2, slots=(time(9), time(11), time(14), time(16))),
        PhaseTemplate(PhaseKind.PILOT, days=3, slots=(time(6), time(11), time(15))),
        PhaseTemplate(PhaseKind.PER_SITE, days=5),
        PhaseTemplate(PhaseKind.FULL, days=1, gates=()),
    ),
)

TEMPLATES = {FOUR_PHASES.key: FOUR_PHASES}
