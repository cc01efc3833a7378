"""How each guardrail is set for a phase, and where each part of that comes from."""

from collections.abc import Collection, Sequence
from copy import copy
from dataclasses import dataclass
from enum import StrEnum

from health.domain.guardrail import LIMITS, Unit, tighten
from health.guardrail_queries import Guardrails
from health.models import Guardrail, GuardrailScope, Mode
from rollouts.domain.phase_guardrails import PhaseGuardrail, Standing
from rollouts.domain.templates import SupportLevel


class Origin(StrEnum):
    """Who says it; the first that says something is heard."""

    PHASE = "phase"
    FLAG = "flag"
    ENVIRONMENT = "environment"
    DEFAULT = "default"


@dataclass(frozen=True)
class Setting:
    """What a lane does in a phase for a flag, or ("") for those without a guardrail of their own; who says each part.

    `guardrail` is a copy, not to be saved; `is_tightened` where heightened support lowers the limit.
    """

    lane: str
    flag_key: str
    guardrail: Guardrail
    mode_from: Origin
    limit_from: Origin
    scope_from: Origin
    is_tightened: bool

    @property
    def origins(self) -> dict[str, Origin]:
        """Who says each part that the lane has, by the part's code."""
        found = {"mode": self.mode_from}
        if LIMITS[self.lane].unit != Unit.NONE:
            found["limit"] = self.limit_from
        if self.guardrail.mode == Mode.ROLL_BACK:
            found["scope"] = self.scope_from
        return found

    @property
    def standing(self) -> Standing:
        """What it comes to, to be compared with another."""
        one = self.guardrail
        unit = LIMITS[self.lane].unit
        limit = {Unit.SHARE: one.threshold_bp, Unit.A_DAY: one.most_a_day, Unit.NONE: None}[unit]
        return Standing(str(one.mode), limit, str(one.scope))


def make_setting(
    lane: str,
    flag_key: str | None,
    *,
    guardrails: Guardrails,
    environment_key: str,
    overrides: Sequence[PhaseGuardrail],
    support: str,
) -> Setting:
    """Return what a lane does for a flag in a phase: the phase's word first, since it was approved with the plan."""
    found = guardrails.get(environment_key=environment_key, lane=lane, flag_key=flag_key)
    below = Origin.DEFAULT if found._state.adding else Origin.ENVIRONMENT if found.flag_id is None else Origin.FLAG
    guardrail = copy(found)
    override = next((one for one in overrides if one.lane == lane), PhaseGuardrail(lane))
    guardrail.mode = Mode(override.mode or guardrail.mode)
    guardrail.scope = GuardrailScope(override.scope or guardrail.scope)
    if guardrail.has_share:
        guardrail.threshold_bp = override.limit or guardrail.threshold_bp
    else:
        guardrail.most_a_day = override.limit or guardrail.most_a_day
    is_tightened = guardrail.has_share and support == SupportLevel.HEIGHTENED
    if is_tightened:
        guardrail.threshold_bp = tighten(guardrail.threshold_bp, least_bp=LIMITS[lane].least)
    return Setting(
        lane=lane,
        flag_key=flag_key or "",
        guardrail=guardrail,
        mode_from=Origin.PHASE if override.mode else below,
        limit_from=Origin.PHASE if override.limit is not None else below,
        scope_from=Origin.PHASE if override.scope else below,
        is_tightened=is_tightened,
    )


def list_settings_of_phase(
    *,
    guardrails: Guardrails,
    environment_key: str,
    flag_keys: Collection[str],
    overrides: Sequence[PhaseGuardrail],
    support: str,
) -> list[Setting]:
    """Return what each lane does in a phase, and for each flag for which that is something else."""
    found = []
    for lane in LIMITS:
        own = [
            key
            for key in flag_keys
            if guardrails.is_overridden(environment_key=environment_key, lane=lane, flag_key=key)
        ]
        settings = [
            make_setting(
                lane,
                key,
                guardrails=guardrails,
                environment_key=environment_key,
                overrides=overrides,
                support=support,
            )
            for key in (None, *own)
        ]
        found += [settings[0], *(one for one in settings[1:] if one.standing != settings[0].standing)]
    return found
