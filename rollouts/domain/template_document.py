"""A template's phases as a document: what is stored, hashed, exported and read back, checked."""

from collections.abc import Sequence
from typing import Any

import msgspec

from core.errors import InvalidInput
from rollouts.domain.template_check import check_phases
from rollouts.domain.templates import PhaseTemplate


def write_phases(phases: Sequence[PhaseTemplate]) -> list[dict[str, Any]]:
    """Return phases as plain JSON values; hours as "06:00:00"."""
    written: list[dict[str, Any]] = msgspec.to_builtins(list(phases))
    return written


def read_phases(document: object) -> tuple[PhaseTemplate, ...]:
    """Return the phases of a document; refuse what is none, or what no plan could be made from."""
    try:
        phases = msgspec.convert(document, tuple[PhaseTemplate, ...], strict=True)
    except msgspec.ValidationError as fault:
        raise InvalidInput("template_unreadable", fault=str(fault)) from None
    check_phases(phases)
    return phases
