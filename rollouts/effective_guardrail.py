"""The guardrail a rollout is judged by: its environment's, with what its running phase asks for."""

from health.domain.error_rate import LANE, LEAST_THRESHOLD_BP
from health.models import Guardrail, Mode
from health.ratio_queries import get_guardrail
from rollouts.domain.templates import SupportLevel
from rollouts.models import PhaseStatus, Rollout

#: While support is heightened, four fifths of the limit: 4 % instead of 5 % (docs/explanation/guardrails.md).
HEIGHTENED_PARTS, WHOLE_PARTS = 4, 5


def get_effective_guardrail(rollout: Rollout) -> Guardrail:
    """Return the error rate's guardrail as it is now, not to be saved: two queries."""
    guardrail = get_guardrail(environment_key=rollout.environment.key, lane=LANE)
    phase = rollout.phases.filter(status=PhaseStatus.RUNNING).order_by("-position").first()
    if phase is not None:
        guardrail.mode = Mode(phase.error_rate_mode or guardrail.mode)
        guardrail.threshold_bp = phase.error_rate_bp or guardrail.threshold_bp
        if phase.support == SupportLevel.HEIGHTENED:
            guardrail.threshold_bp = tighten(guardrail.threshold_bp)
    return guardrail


def tighten(threshold_bp: int) -> int:
    """Return the limit while support is heightened, never below the least that can be set."""
    return max(threshold_bp * HEIGHTENED_PARTS // WHOLE_PARTS, LEAST_THRESHOLD_BP)
