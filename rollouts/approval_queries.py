"""Reads of approvals: what a rollout's content is, who wrote it, and who approved it."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.contrib.postgres.aggregates import StringAgg
from django.db.models import Func, JSONField, Max, QuerySet, TextField, Value
from django.db.models.functions import Cast

from core.actors import ActorKind
from core.roles import Capability, can
from flags.models import Segment, SegmentMember
from health.domain import error_rate
from rollouts.domain.approving import AUTHORING, ApprovalState, DecisionMade, hash_content, weigh_decisions
from rollouts.domain.phase_guardrails import PhaseGuardrail
from rollouts.models import Approval, Decision, Phase, Rollout, RolloutEvent, Scope, Step, StepStatus


def weigh_plan_approval(rollout: Rollout) -> ApprovalState:
    """Return how far the approval of a plan is, by its present content: thirteen queries."""
    return _weigh(
        rollout,
        phase=None,
        content_hash=hash_content(_describe(rollout, phase=None)),
        needed=_count_needed(rollout),
    )


def weigh_phase_approval(phase: Phase) -> ApprovalState:
    """Return how far the approval of a phase's end is, by what comes after it: twelve queries.

    At least one person must approve, also where the environment asks for none. Once a phase is taken
    back, what was approved before does not stand any more.
    """
    return _weigh(
        phase.rollout,
        phase=phase,
        content_hash=hash_content(_describe(phase.rollout, phase=phase)),
        needed=max(phase.rollout.environment.required_approvals, 1),
    )


def _count_needed(rollout: Rollout) -> int:
    """Return how many must approve a plan: one more where a program wrote of it, whose person nobody knows."""
    needed = rollout.environment.required_approvals
    programs = rollout.events.filter(kind__in=AUTHORING, actor_kind__in=[ActorKind.TOKEN, ActorKind.COMMAND])
    return needed + 1 if needed and programs.exists() else needed


def find_authors(rollout: Rollout) -> set[int]:
    """Return the people who wrote the plan or changed it, or since then who is in its segments: four queries."""
    return map_authors([rollout])[rollout.pk]


def map_authors(rollouts: Collection[Rollout]) -> dict[int, set[int]]:
    """Return the authors of each of these plans, by its number: four queries, however many plans."""
    found = {one.pk: {pk for pk in [one.created_by_id] if pk is not None} for one in rollouts}
    events = RolloutEvent.objects.filter(rollout__in=found, kind__in=AUTHORING, actor_user__isnull=False)
    for pk, user in events.order_by().values_list("rollout", "actor_user").distinct():
        found[pk].add(user)
    named = Step.objects.filter(rollout__in=found).exclude(segment=None).order_by()
    plans: dict[int, list[Rollout]] = defaultdict(list)
    by_pk = {one.pk: one for one in rollouts}
    for segment, pk in named.values_list("segment", "rollout").distinct():
        plans[segment].append(by_pk[pk])
    for segment, user, at in _list_segment_changes(plans):
        for one in plans[segment]:
            if at >= one.created_at:
                found[one.pk].add(user)
    return found


def _list_segment_changes(segment_ids: Collection[int]) -> Iterator[tuple[int, int, datetime]]:
    """Yield who changed whom these segments hold, and when they last did: two queries."""
    members = SegmentMember.history.filter(segment__in=segment_ids, history_user__isnull=False)
    segments = Segment.history.filter(id__in=segment_ids, history_user__isnull=False)
    for rows, column in ((members, "segment"), (segments, "id")):
        yield from rows.order_by().values_list(column, "history_user").annotate(at=Max("history_date"))


def _weigh(rollout: Rollout, *, phase: Phase | None, content_hash: str, needed: int) -> ApprovalState:
    """Weigh what was decided; who may approve no more has approved nothing."""
    rows = Approval.objects.filter(rollout=rollout, phase=phase).select_related("decided_by").order_by("pk")
    rows = rows.prefetch_related("decided_by__groups")
    decisions = [
        DecisionMade(
            user_id=row.decided_by_id,
            name=str(row.decided_by),
            is_approved=row.decision == Decision.APPROVED,
            content_hash=row.content_hash,
            comment=row.comment,
            at=row.decided_at,
        )
        for row in rows
        if row.decision == Decision.REJECTED or can(row.decided_by, Capability.APPROVE_ROLLOUTS)
    ]
    return weigh_decisions(decisions, authors=find_authors(rollout), content_hash=content_hash, needed=needed)


def _describe(rollout: Rollout, *, phase: Phase | None) -> dict[str, Any]:
    """Return what is approved: of a plan everything it will do and when; of a phase what comes after, in order.

    A phase's approval does not name moments: a plan that a delay moved is the same plan.
    """
    phases = rollout.phases.order_by("position")
    steps = rollout.steps.filter(status=StepStatus.PLANNED).order_by("position")
    if phase is not None:
        phases = phases.filter(position__gt=phase.position)
        steps = steps.filter(phase__position__gt=phase.position)
    found: dict[str, Any] = {
        "release": rollout.release.version,
        "environment": rollout.environment.key,
        "attempt": rollout.attempt,
        "day_seconds": rollout.day_seconds,
        "phases": [_write_phase(row) for row in phases],
        "steps": _write_steps(steps, with_moments=phase is None),
    }
    segments = Segment.objects.filter(pk__in=steps.exclude(segment=None).order_by().values("segment"))
    people = SegmentMember.objects.filter(segment__in=segments)
    if phase is not None:
        taken_back = rollout.rollbacks.filter(scope=Scope.PHASE, attempt=rollout.attempt).count()
        # Only where there is one: approvals given before this was counted stay what they were.
        found |= {"phases_taken_back": taken_back} if taken_back else {}
    found["people"] = sorted([list(row) for row in people.values_list("segment", "targeting_key")])
    conditional = segments.exclude(conditions=[]).order_by("pk")
    if conditions := [list(row) for row in conditional.values_list("pk", "conditions")]:
        found["conditions"] = conditions
    return found


def _write_phase(phase: Phase) -> list[Any]:
    """Return what is approved of a phase; one that asks only for an error rate as before there were other lanes.

    Approvals given then stay what they were.
    """
    errors = next((one for one in phase.overrides if one.lane == error_rate.LANE), PhaseGuardrail(error_rate.LANE))
    others = [asdict(one) for one in phase.overrides if one.lane != error_rate.LANE or one.scope]
    written = [phase.pk, phase.kind, list(phase.gates), phase.support, errors.mode, errors.limit]
    return [*written, others] if others else written


def _write_steps(steps: QuerySet[Step], *, with_moments: bool) -> str:
    """Return the steps as the database writes them, a line each in their order: of fifty thousand it is quick.

    Phases, flags, segments and sites stand by their numbers, which stay theirs for good.
    """
    what = ["phase", "flag", "audience_kind", "segment", "site", "share_bp"]
    columns = [*what, "due_at"] if with_moments else what
    line = Cast(Func(*columns, function="jsonb_build_array", output_field=JSONField()), TextField())
    written = steps.order_by().aggregate(all=StringAgg(line, delimiter="\n", order_by="position", default=Value("")))
    return str(written["all"])
