"""The guardrails a rollout is judged by: its environment's or a flag's own, with what its running phase asks for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from health.domain import alert_lane, query_lane
from health.domain.exposure import Exposure
from health.domain.guardrail import LIMITS, SHARE_LANES
from health.guardrail_queries import Guardrails, read_guardrails
from health.looks import Look
from health.models import Guardrail, Mode, QueryGuardrail
from health.query_queries import read_active_queries
from rollouts.domain.templates import SupportLevel
from rollouts.guardrail_settings import Setting, list_settings_of_phase, make_setting
from rollouts.models import Phase, PhaseStatus, Rollout


@dataclass(frozen=True)
class EffectiveGuardrails:
    """What each lane does in a rollout as it is now; the guardrails are not to be saved."""

    guardrails: Guardrails
    environment_key: str
    phase: Phase | None
    queries: Sequence[QueryGuardrail] = ()
    _known: dict[tuple[str, str | None], Guardrail] = field(default_factory=dict, compare=False, repr=False)

    def find_acting(self, lane: str, flag_key: str) -> Guardrail | QueryGuardrail | None:
        """Return what says what a lane does on a flag; None for the critical lane and for a query taken away."""
        if lane in LIMITS:
            return self.get(lane, flag_key)
        return next((one for one in self.queries if one.lane == lane), None)

    def does_guard_gates(self, lane: str, flag_key: str) -> bool:
        """Tell whether only a lane's pass lets a phase end; the critical lane's always."""
        if query_lane.find_guardrail_id(lane) is None and lane not in LIMITS:
            return True
        acting = self.find_acting(lane, flag_key)
        return acting is not None and acting.guards_gates

    def get(self, lane: str, flag_key: str | None = None) -> Guardrail:
        """Return what a lane does for a flag. The running phase's word comes first: it was approved with the plan."""
        if (lane, flag_key) not in self._known:
            self._known[lane, flag_key] = self._find(lane, flag_key)
        return self._known[lane, flag_key]

    def _find(self, lane: str, flag_key: str | None) -> Guardrail:
        return make_setting(
            lane,
            flag_key,
            guardrails=self.guardrails,
            environment_key=self.environment_key,
            overrides=self.phase.overrides if self.phase else (),
            support=self.phase.support if self.phase else SupportLevel.STANDARD,
        ).guardrail

    def list_settings(self, flag_keys: Collection[str]) -> list[Setting]:
        """Return how each lane is set now, and for which of these flags otherwise; who says so."""
        return self.list_settings_in(self.phase, flag_keys)

    def list_settings_in(self, phase: Phase | None, flag_keys: Collection[str]) -> list[Setting]:
        """Return how each lane is set in a phase, be it the running one or not."""
        return list_settings_of_phase(
            guardrails=self.guardrails,
            environment_key=self.environment_key,
            flag_keys=flag_keys,
            overrides=phase.overrides if phase else (),
            support=phase.support if phase else SupportLevel.STANDARD,
        )

    def list_looks(self, exposures: Sequence[Exposure]) -> list[Look]:
        """Return what the share lanes that are not off ask of these flags."""
        return self._list(SHARE_LANES, exposures)

    def list_alert_looks(self, exposures: Sequence[Exposure]) -> list[Look]:
        """Return what the lane of alerts asks of these flags, where it is not off."""
        return self._list([alert_lane.LANE], exposures)

    def list_query_looks(self, exposures: Sequence[Exposure]) -> list[Look]:
        """Return what the queries of one's own ask: of each flag, or of the one that went on last."""
        return [
            Look(exposure, query.lane, 0)
            for query in self.queries
            for exposure in exposures
            if query.is_per_flag or exposure.is_newest
        ]

    def _list(self, lanes: Collection[str], exposures: Sequence[Exposure]) -> list[Look]:
        return [
            Look(exposure, lane, guardrail.threshold_bp, is_observed=guardrail.mode == Mode.OBSERVE)
            for lane in lanes
            for exposure in exposures
            if (guardrail := self.get(lane, exposure.flag_key)).mode != Mode.OFF
        ]


def get_effective_guardrails(rollout: Rollout) -> EffectiveGuardrails:
    """Return the guardrails of one rollout: three queries."""
    return read_effective_guardrails([rollout])[rollout.pk]


def read_effective_guardrails(rollouts: Collection[Rollout]) -> Mapping[int, EffectiveGuardrails]:
    """Return the guardrails of some rollouts by their keys: three queries for all."""
    environment_keys = {rollout.environment.key for rollout in rollouts}
    guardrails, queries = read_guardrails(environment_keys), read_active_queries(environment_keys)
    running = Phase.objects.filter(rollout__in=[rollout.pk for rollout in rollouts], status=PhaseStatus.RUNNING)
    phases = {phase.rollout_id: phase for phase in running.order_by("position")}
    return {
        rollout.pk: EffectiveGuardrails(
            guardrails, rollout.environment.key, phases.get(rollout.pk), queries.get(rollout.environment.key, ())
        )
        for rollout in rollouts
    }
