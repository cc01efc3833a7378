"""What release managers fill in to override one guardrail of one phase by hand."""

from typing import Any

from flags.forms import ReasonedForm
from rollouts.domain.phase_guardrails import PhaseGuardrail
from rollouts.template_guardrail_fields import describe_guardrail, make_fields, read_guardrail


class OverrideForm(ReasonedForm):
    """The fields of one lane, as a plan template's phase has them; all empty: nothing is overridden."""

    def __init__(self, *args: Any, lane: str, now_set: PhaseGuardrail, **kwargs: Any) -> None:
        super().__init__(*args, initial=describe_guardrail(now_set), **kwargs)
        self._lane = lane
        self.fields = {**make_fields(lane), **self.fields}

    @property
    def wish(self) -> PhaseGuardrail:
        """What was filled in, the reason apart."""
        return read_guardrail(self._lane, self.cleaned_data)
