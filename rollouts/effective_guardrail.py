"""The guardrails a rollout is judged by: its environment's or a flag's own, with what its running phase asks for."""

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass

from health.domain import alert_lane
from health.domain.exposure import Exposure
from health.domain.guardrail import LIMITS, SHARE_LANES, tighten
from health.guardrail_queries import Guardrails, read_guardrails
from health.looks import Look
from health.models import Guardrail, GuardrailScope, Mode
from rollouts.domain.templates import SupportLevel
from rollouts.models import Phase, PhaseStatus, Rollout


@dataclass(frozen=True)
class EffectiveGuardrails:
    """What each lane does in a rollout as it is now; the guardrails are not to be saved."""

    guardrails: Guardrails
    environment_key: str
    phase: Phase | None

    def get(self, lane: str, flag_key: str | None = None) -> Guardrail:
        """Return what a lane does for a flag. The running phase's word comes first: it was approved with the plan."""
        guardrail = copy(self.guardrails.get(environment_key=self.environment_key, lane=lane, flag_key=flag_key))
        override = next((one for one in self.phase.overrides if one.lane == lane), None) if self.phase else None
        if override is not None:
            guardrail.mode = Mode(override.mode or guardrail.mode)
            guardrail.scope = GuardrailScope(override.scope or guardrail.scope)
            if guardrail.has_share:
                guardrail.threshold_bp = override.limit or guardrail.threshold_bp
            else:
                guardrail.most_a_day = override.limit or guardrail.most_a_day
        if guardrail.has_share and self.phase is not None and self.phase.support == SupportLevel.HEIGHTENED:
            guardrail.threshold_bp = tighten(guardrail.threshold_bp, least_bp=LIMITS[lane].least)
        return guardrail

    def list_looks(self, exposures: Sequence[Exposure]) -> list[Look]:
        """Return what the share lanes that are not off ask of these flags."""
        return self._list(SHARE_LANES, exposures)

    def list_alert_looks(self, exposures: Sequence[Exposure]) -> list[Look]:
        """Return what the lane of alerts asks of these flags, where it is not off."""
        return self._list([alert_lane.LANE], exposures)

    def _list(self, lanes: Collection[str], exposures: Sequence[Exposure]) -> list[Look]:
        return [
            Look(exposure, lane, guardrail.threshold_bp, is_observed=guardrail.mode == Mode.OBSERVE)
            for lane in lanes
            for exposure in exposures
            if (guardrail := self.get(lane, exposure.flag_key)).mode != Mode.OFF
        ]


def get_effective_guardrails(rollout: Rollout) -> EffectiveGuardrails:
    """Return the guardrails of one rollout: two queries."""
    return read_effective_guardrails([rollout])[rollout.pk]


def read_effective_guardrails(rollouts: Collection[Rollout]) -> Mapping[int, EffectiveGuardrails]:
    """Return the guardrails of some rollouts by their keys: two queries for all."""
    guardrails = read_guardrails({rollout.environment.key for rollout in rollouts})
    running = Phase.objects.filter(rollout__in=[rollout.pk for rollout in rollouts], status=PhaseStatus.RUNNING)
    phases = {phase.rollout_id: phase for phase in running.order_by("position")}
    return {
        rollout.pk: EffectiveGuardrails(guardrails, rollout.environment.key, phases.get(rollout.pk))
        for rollout in rollouts
    }
