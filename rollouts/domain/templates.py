"""Plan templates: phases, and what each asks for. Pure. The built-in one is the customer's: four phases."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from enum import StrEnum

from rollouts.domain.phase_guardrails import PhaseGuardrail


class PhaseKind(StrEnum):
    INTERNAL = "internal"
    PILOT = "pilot"
    PER_SITE = "per_site"
    PERCENTAGE = "percentage"
    FULL = "full"


class Advance(StrEnum):
    """How the flags of a phase go on: at once, or spread over its slots in the release's or a given order."""

    TOGETHER = "together"
    ONE_BY_ONE = "one_by_one"
    IN_ORDER = "in_order"


class Gate(StrEnum):
    """What must hold before the phase after may begin."""

    SOAK = "soak"
    GUARDRAILS = "guardrails"
    CHECKLIST = "checklist"
    FEEDBACK = "feedback"
    NOTES = "notes"
    APPROVAL = "approval"


class SupportLevel(StrEnum):
    STANDARD = "standard"
    HEIGHTENED = "heightened"


@dataclass(frozen=True)
class PhaseTemplate:
    """One phase: its length in plan days (a least length for sites), the hours of its steps, what it asks for.

    Without slots, steps go at the plan's promotion hour. `flag_order` names the flags that go first, for
    IN_ORDER; `segment_key` a fixed audience in place of the testers or pilots chosen with a plan;
    `shares_bp` the growing shares of a percentage, in basis points. `guardrails` override the
    environment's while the phase runs, at most one for each lane.
    """

    kind: PhaseKind
    days: int
    slots: tuple[time, ...] = ()
    advance: Advance = Advance.ONE_BY_ONE
    flag_order: tuple[str, ...] = ()
    segment_key: str = ""
    shares_bp: tuple[int, ...] = ()
    gates: tuple[Gate, ...] = (Gate.SOAK, Gate.GUARDRAILS)
    checklist: tuple[str, ...] = ()
    guardrails: tuple[PhaseGuardrail, ...] = ()
    support: SupportLevel = SupportLevel.STANDARD

    def order(self, flag_keys: Sequence[str]) -> list[str]:
        """Return the flags in the order in which they advance; named flags that a release does not bring are none."""
        if self.advance is not Advance.IN_ORDER:
            return list(flag_keys)
        named = [key for key in self.flag_order if key in flag_keys]
        return list(dict.fromkeys([*named, *flag_keys]))


BUILT_IN_KEY = "four-phases"
FOUR_PHASES = (
    PhaseTemplate(PhaseKind.INTERNAL, days=2, slots=(time(9), time(11), time(14), time(16))),
    PhaseTemplate(PhaseKind.PILOT, days=3, slots=(time(6), time(11), time(15))),
    PhaseTemplate(PhaseKind.PER_SITE, days=5, advance=Advance.TOGETHER, support=SupportLevel.HEIGHTENED),
    PhaseTemplate(PhaseKind.FULL, days=1, advance=Advance.TOGETHER, gates=()),
)


def needs_testers(phases: Sequence[PhaseTemplate]) -> bool:
    """Tell whether a plan must choose a segment of testers."""
    return any(phase.kind is PhaseKind.INTERNAL and not phase.segment_key for phase in phases)


def needs_pilots(phases: Sequence[PhaseTemplate]) -> bool:
    """Tell whether a plan must choose pilot cashiers."""
    return any(phase.kind is PhaseKind.PILOT and not phase.segment_key for phase in phases)
