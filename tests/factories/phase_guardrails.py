"""Guardrails of phases for property tests: any that a template may have."""

from hypothesis import strategies as st

from health.domain.guardrail import LIMITS, Unit
from rollouts.domain.phase_guardrails import SCOPES, PhaseGuardrail, list_modes


def guardrails_of_phases() -> st.SearchStrategy[tuple[PhaseGuardrail, ...]]:
    """Return at most one override for each lane, in the lanes' order."""
    lanes = st.tuples(*(_overrides(lane) for lane in LIMITS))
    return lanes.map(lambda found: tuple(one for one in found if not one.is_empty))


def _overrides(lane: str) -> st.SearchStrategy[PhaseGuardrail]:
    limits = LIMITS[lane]
    limit = st.none() if limits.unit == Unit.NONE else st.none() | st.integers(limits.least, limits.most)
    scope = st.sampled_from(["", *SCOPES]) if limits.by_flag else st.just("")
    mode = st.sampled_from(["", *list_modes(lane)])
    return st.builds(PhaseGuardrail, lane=st.just(lane), mode=mode, limit=limit, scope=scope)
