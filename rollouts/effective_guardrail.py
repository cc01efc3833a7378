"""The guardrail a rollout is judged by: its environment's, with what its running phase's template overrides."""

from health.domain.error_rate import LANE
from health.models import Guardrail, Mode
from health.ratio_queries import get_guardrail
from rollouts.models import PhaseStatus, Rollout


def get_effective_guardrail(rollout: Rollout) -> Guardrail:
    """Return the error rate's guardrail as it is now, not to be saved: two queries."""
    guardrail = get_guardrail(environment_key=rollout.environment.key, lane=LANE)
    phase = rollout.phases.filter(status=PhaseStatus.RUNNING).order_by("-position").first()
    if phase is not None:
        guardrail.mode = Mode(phase.error_rate_mode or guardrail.mode)
        guardrail.threshold_bp = phase.error_rate_bp or guardrail.threshold_bp
    return guardrail
