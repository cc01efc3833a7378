"""The verdicts that took flags back, as they were: what is measured now no longer says why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rollouts.models import BY_PERSON, Rollback, Rollout


@dataclass(frozen=True)
class Acted:
    """A guardrail's verdict at the moment it acted: its numbers, its window, the flags that went off."""

    at: datetime
    flag_keys: Sequence[str]
    trigger: str
    code: str
    n: int
    k: int
    window_start: datetime
    window_end: datetime
    data: Mapping[str, Any]
    bound_bp: int | None
    baseline_bp: int | None


def list_acted(rollout: Rollout) -> list[Acted]:
    """Return the verdicts that took something back in the rollout's present attempt, newest first: two queries."""
    rows = Rollback.objects.filter(rollout=rollout, attempt=rollout.attempt).exclude(trigger__in=BY_PERSON)
    return [_read(row) for row in rows.order_by("-pk").prefetch_related("rollback_flags__flag")]


def _read(rollback: Rollback) -> Acted:
    found = rollback.evidence
    return Acted(
        at=rollback.contained_at,
        flag_keys=sorted(row.flag.key for row in rollback.rollback_flags.all()),
        trigger=rollback.trigger,
        code=found["code"],
        n=found["n"],
        k=found["k"],
        window_start=datetime.fromisoformat(found["window_start"]),
        window_end=datetime.fromisoformat(found["window_end"]),
        data=found,
        bound_bp=found.get("bound_bp"),
        baseline_bp=found.get("baseline_bp"),
    )
