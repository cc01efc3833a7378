"""A template's phases as a document: what is stored, hashed, exported and read back, checked."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from core.errors import InvalidInput
from health.domain import error_rate
from rollouts.domain.template_check import check_phases
from rollouts.domain.templates import PhaseTemplate


def write_phases(phases: Sequence[PhaseTemplate]) -> list[dict[str, Any]]:
    """Return phases as plain JSON values; hours as "06:00:00"."""
    written: list[dict[str, Any]] = msgspec.to_builtins(list(phases))
    return written


def _renew(document: object) -> object:
    """Return a document as it is written today: versions never change, and older ones name the error rate alone."""
    if not isinstance(document, list):
        return document
    return [_renew_phase(phase) if isinstance(phase, dict) else phase for phase in document]


def _renew_phase(phase: Mapping[str, Any]) -> dict[str, Any]:
    mode, limit = phase.get("error_rate_mode") or "", phase.get("error_rate_bp")
    rest = {name: value for name, value in phase.items() if name not in {"error_rate_mode", "error_rate_bp"}}
    if not mode and limit is None:
        return rest
    own = {"lane": error_rate.LANE, "mode": mode, "limit": limit, "scope": ""}
    return rest | {"guardrails": [own, *rest.get("guardrails", [])]}


def read_phases(document: object) -> tuple[PhaseTemplate, ...]:
    """Return the phases of a document; refuse what is none, or what no plan could be made from."""
    try:
        phases = msgspec.convert(_renew(document), tuple[PhaseTemplate, ...], strict=True)
    except msgspec.ValidationError as fault:
        raise InvalidInput("template_unreadable", fault=str(fault)) from None
    check_phases(phases)
    return phases
