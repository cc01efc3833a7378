"""What a phase overrides of its guardrails, as a part of a plan template's file."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from health.domain import alert_lane, complaints, error_rate, performance
from rollouts.domain.phase_guardrails import PhaseGuardrail

Mode = Annotated[
    Literal["", "observe", "investigate", "hold", "roll_back"],
    Meta(description="What it does; left out, as set for the environment"),
]
Scope = Annotated[
    Literal["", "flag", "site", "rollout"],
    Meta(description="What goes off in mode roll_back; left out, as set for the environment"),
]
ErrorShare = Annotated[
    int,
    Meta(
        ge=error_rate.LEAST_THRESHOLD_BP,
        le=error_rate.MOST_THRESHOLD_BP,
        description="Errors too many from, in basis points",
    ),
]
Degradation = Annotated[
    int,
    Meta(
        ge=performance.LEAST_DEGRADATION_BP,
        le=performance.MOST_DEGRADATION_BP,
        description="Slower than usual by more than this, in basis points",
    ),
]
ADay = Annotated[int, Meta(ge=1, le=complaints.MOST_COMPLAINT_LIMIT, description="So many complaints a day are borne")]


class ErrorRateFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The error rate."""

    mode: Mode = ""
    limit_bp: ErrorShare | None = None
    scope: Scope = ""


class PerformanceFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Performance."""

    mode: Mode = ""
    limit_bp: Degradation | None = None
    scope: Scope = ""


class AlertFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Alerts: they fire or do not."""

    mode: Mode = ""
    scope: Scope = ""


class ComplaintsFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Complaints: rolling back on them is a person's decision."""

    mode: Annotated[
        Literal["", "observe", "investigate", "hold"],
        Meta(description="What it does; left out, as set for the environment"),
    ] = ""
    limit_a_day: ADay | None = None


class GuardrailsFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a phase overrides, lane by lane."""

    error_rate: ErrorRateFile | None = None
    performance: PerformanceFile | None = None
    alert: AlertFile | None = None
    complaints: ComplaintsFile | None = None

    def list_guardrails(self) -> tuple[PhaseGuardrail, ...]:
        """Return them as phases take them; what overrides nothing is none."""
        errors, slow = self.error_rate or ErrorRateFile(), self.performance or PerformanceFile()
        alert, said = self.alert or AlertFile(), self.complaints or ComplaintsFile()
        found = (
            PhaseGuardrail(error_rate.LANE, errors.mode, errors.limit_bp, errors.scope),
            PhaseGuardrail(performance.LANE, slow.mode, slow.limit_bp, slow.scope),
            PhaseGuardrail(alert_lane.LANE, alert.mode, None, alert.scope),
            PhaseGuardrail(complaints.LANE, said.mode, said.limit_a_day),
        )
        return tuple(one for one in found if not one.is_empty)

    @classmethod
    def of(cls, guardrails: Sequence[PhaseGuardrail]) -> "GuardrailsFile | None":
        """Return a phase's guardrails as a file says them, None where it has none."""
        writers: Mapping[str, Callable[[PhaseGuardrail], Struct]] = {
            error_rate.LANE: lambda one: ErrorRateFile(**_write(one, "limit_bp")),
            performance.LANE: lambda one: PerformanceFile(**_write(one, "limit_bp")),
            alert_lane.LANE: lambda one: AlertFile(**_write(one)),
            complaints.LANE: lambda one: ComplaintsFile(**_write(one, "limit_a_day")),
        }
        found: dict[str, Any] = {one.lane: writers[one.lane](one) for one in guardrails}
        return cls(**found) if found else None


def _write(one: PhaseGuardrail, limit: str = "") -> dict[str, Any]:
    """Return the fields of a lane that say something, its limit under the name of its unit."""
    fields = {"mode": one.mode, "scope": one.scope} | ({limit: one.limit} if limit else {})
    return {name: value for name, value in fields.items() if value not in {"", None}}
