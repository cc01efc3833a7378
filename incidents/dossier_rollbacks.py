"""The rollbacks of a dossier: what, why, how long it took, its checklists and its targets' steps."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from incidents.domain.dossier import count_seconds, write_moment
from procedures.models import Procedure
from recovery.models import Operation
from rollouts.models import Rollback


def list_rollbacks(rollout_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Return the rollbacks of some rollouts, by rollout, in their order: seven queries."""
    rows = Rollback.objects.filter(rollout__in=rollout_ids).select_related("site", "phase", "procedure")
    rows = rows.prefetch_related(
        "rollback_flags__flag",
        "procedure__items",
        "procedure__parts__operation__target",
        "procedure__parts__operation__steps",
    )
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.order_by("pk"):
        found[row.rollout_id].append(_write_rollback(row))
    return found


def _write_rollback(row: Rollback) -> dict[str, Any]:
    procedure: Procedure | None = getattr(row, "procedure", None)
    return {
        "id": row.pk,
        "attempt": row.attempt,
        "scope": row.scope,
        "site": row.site.key if row.site else None,
        "phase": row.phase.kind if row.phase else None,
        "trigger": row.trigger,
        "flags": sorted(one.flag.key for one in row.rollback_flags.all()),
        "detected_at": write_moment(row.detected_at),
        "contained_at": write_moment(row.contained_at),
        "contain_seconds": count_seconds(row.detected_at, row.contained_at),
        "by": row.triggered_by,
        "reason": row.reason,
        "evidence": row.evidence,
        "procedure": None if procedure is None else _write_procedure(procedure),
    }


def _write_procedure(row: Procedure) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "begun_at": write_moment(row.begun_at),
        "deadline_at": write_moment(row.deadline_at),
        "done_at": write_moment(row.done_at),
        "ended_at": write_moment(row.ended_at),
        "taken_seconds": count_seconds(row.begun_at, row.done_at),
        "items": [
            {
                "code": item.code,
                "stage": item.stage,
                "state": item.state,
                "by": item.said_by,
                "at": write_moment(item.said_at),
                "proof": item.proof,
            }
            for item in sorted(row.items.all(), key=lambda item: item.position)
        ],
        "operations": [_write_operation(part.operation) for part in sorted(row.parts.all(), key=lambda part: part.pk)],
    }


def _write_operation(row: Operation) -> dict[str, Any]:
    return {
        "id": row.pk,
        "kind": row.kind,
        "target": row.target.key,
        "status": row.status,
        "asked_by": row.asked_by,
        "asked_at": write_moment(row.asked_at),
        "ended_at": write_moment(row.ended_at),
        "steps": [
            {
                "code": step.code,
                "status": step.status,
                "attempts": step.attempts,
                "started_at": write_moment(step.started_at),
                "ended_at": write_moment(step.ended_at),
                "seconds": count_seconds(step.started_at, step.ended_at),
            }
            for step in sorted(row.steps.all(), key=lambda step: step.position)
        ],
    }
