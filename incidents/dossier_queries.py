"""The facts of a release for its dossier: what was planned and done, who approved, who was exposed, what went wrong.

Facts alone: no moment of asking, nothing measured anew, nothing that a retention deletes. So a dossier of facts that
did not change has the same hash (ADR 0053). Nobody who complained is named. A fixed number of queries.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Q

from core.templatetags.portal import name_of
from health.models import Baseline, Decision
from incidents.domain.dossier import KIND, SCHEMA, count_seconds, write_moment
from incidents.domain.exposed import KINDS, Told, trace_seen, trace_shut
from incidents.dossier_incidents import list_incidents
from incidents.dossier_rollbacks import list_rollbacks
from incidents.models import Dossier
from rollouts.domain.feedback import keep_last
from rollouts.models import Approval, Feedback, Phase, Release, Rollout, RolloutEvent, Step

#: Lines of a story that stand elsewhere in the dossier, or tell of single persons.
ELSEWHERE = frozenset({"step_done", "feedback_given", "item_ticked", "item_unticked"})
#: Decisions of one rollout; of more, the first ones are told, and that there were more.
MOST_DECISIONS = 5_000
MOST_MADE = 20


def compose_facts(release: Release) -> dict[str, Any]:
    """Return all facts of a release as plain values, in an order of their own."""
    rows = Rollout.objects.filter(release=release).select_related("environment", "created_by", "release")
    rollouts = list(rows.order_by("is_rehearsal", "pk"))
    parts = _Parts(rollouts)
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "release": {
            "id": release.pk,
            "version": release.version,
            "name": release.name,
            "notes": release.notes,
            "image": release.image,
            "flags": [
                {"key": row.flag.key, "name": row.flag.name, "criticality": row.flag.criticality}
                for row in release.release_flags.select_related("flag").order_by("position")
            ],
        },
        "rollouts": [parts.write(rollout) for rollout in rollouts],
        "incidents": list_incidents(release),
    }


def list_made(release: Release) -> list[Dossier]:
    """Return the dossiers that were made of a release lately, the newest first: one query."""
    return list(Dossier.objects.filter(release=release).select_related("made_by")[:MOST_MADE])


class _Parts:
    """What is known of some rollouts, read with one query for each kind."""

    def __init__(self, rollouts: Sequence[Rollout]) -> None:
        keys = [rollout.pk for rollout in rollouts]
        events = RolloutEvent.objects.filter(rollout__in=keys).order_by("pk")
        self.events = _by_rollout(events)
        self.phases = _by_rollout(Phase.objects.filter(rollout__in=keys).order_by("position"))
        self.first_due = _map_first_due(rollouts, self.events)
        steps = Step.objects.filter(rollout__in=keys).select_related("flag", "site", "segment", "phase")
        self.steps = _by_rollout(steps.order_by("position"))
        approvals = Approval.objects.filter(rollout__in=keys).select_related("decided_by", "phase")
        self.approvals = _by_rollout(approvals.order_by("pk"))
        self.rollbacks = list_rollbacks(keys)
        self.feedback = _by_rollout(Feedback.objects.filter(rollout__in=keys).order_by("pk"))
        subjects = {rollout.subject: rollout.pk for rollout in rollouts}
        self.decisions: dict[int, list[Decision]] = defaultdict(list)
        for one in Decision.objects.filter(subject__in=subjects).order_by("pk"):
            self.decisions[subjects[one.subject]].append(one)
        found = Baseline.objects.filter(subject__in=subjects)
        self.baselines = {subjects[one.subject]: one for one in found}

    def write(self, rollout: Rollout) -> dict[str, Any]:
        events = self.events.get(rollout.pk, [])
        story = [Told(event.at, event.kind, event.data) for event in events if event.kind in KINDS]
        decisions = self.decisions.get(rollout.pk, [])
        return {
            "id": rollout.pk,
            "environment": rollout.environment.key,
            "status": rollout.status,
            "attempt": rollout.attempt,
            "is_rehearsal": rollout.is_rehearsal,
            "zone": rollout.zone,
            "planned_by": name_of(rollout.created_by),
            "planned_at": write_moment(rollout.created_at),
            "ended_at": write_moment(rollout.ended_at),
            "phases": self._write_phases(rollout, events),
            "approvals": [_write_approval(one) for one in self.approvals.get(rollout.pk, [])],
            "story": [_write_event(event) for event in events if event.kind not in ELSEWHERE],
            "decisions": [_write_decision(one) for one in decisions[:MOST_DECISIONS]],
            "has_more_decisions": len(decisions) > MOST_DECISIONS,
            "exposures": [
                {
                    "flag": one.flag,
                    "audience": one.audience,
                    "phase": one.phase,
                    "since": write_moment(one.since),
                    "until": write_moment(one.until),
                    "ended_by": one.ended_by,
                }
                for one in trace_seen(story)
            ],
            "kept_off": [
                {
                    "site": one.site,
                    "flags": list(one.flags),
                    "since": write_moment(one.since),
                    "until": write_moment(one.until),
                }
                for one in trace_shut(story)
            ],
            "rollbacks": self.rollbacks.get(rollout.pk, []),
            "feedback": _write_feedback(self.feedback.get(rollout.pk, [])),
            "baseline": _write_baseline(self.baselines.get(rollout.pk)),
        }

    def _write_phases(self, rollout: Rollout, events: Iterable[RolloutEvent]) -> list[dict[str, Any]]:
        moments = {
            kind: {str(event.data.get("phase")): event.at for event in events if event.kind == kind}
            for kind in ("phase_started", "phase_ended")
        }
        steps: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for step in self.steps.get(rollout.pk, []):
            steps[step.phase_id].append(self._write_step(step))
        return [
            {
                "position": phase.position,
                "phase": phase.kind,
                "status": phase.status,
                "gates": sorted(phase.gates),
                "gate_waived": phase.gate_waived,
                "planned_from": write_moment(phase.starts_at),
                "planned_to": write_moment(phase.ends_at),
                "began_at": write_moment(moments["phase_started"].get(phase.kind)),
                "ended_at": write_moment(moments["phase_ended"].get(phase.kind)),
                "steps": steps[phase.pk],
            }
            for phase in self.phases.get(rollout.pk, [])
        ]

    def _write_step(self, step: Step) -> dict[str, Any]:
        planned_at = self.first_due.get(step.pk, step.due_at)
        return {
            "flag": step.flag.key,
            "audience": step.whom,
            "status": step.status,
            "planned_at": write_moment(planned_at),
            "due_at": write_moment(step.due_at),
            "done_at": write_moment(step.done_at),
            "late_seconds": count_seconds(planned_at, step.done_at),
        }


def _by_rollout(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.rollout_id].append(row)
    return found


def _map_first_due(rollouts: Sequence[Rollout], events: Mapping[int, list[RolloutEvent]]) -> dict[int, Any]:
    """Return when each step was due by the plan as it was scheduled last, before anything moved it: one query."""
    scheduled = {
        rollout.pk: max((event.at for event in events.get(rollout.pk, []) if event.kind == "scheduled"), default=None)
        for rollout in rollouts
    }
    wanted = Q(pk=None)
    for key, at in scheduled.items():
        if at is not None:
            wanted |= Q(rollout_id=key, history_date__lte=at)
    rows = Step.history.filter(wanted).exclude(history_type="-").order_by("id", "-history_date", "-history_id")
    return dict(rows.distinct("id").values_list("id", "due_at"))


def _write_approval(row: Approval) -> dict[str, Any]:
    return {
        "phase": row.phase.kind if row.phase else None,
        "decision": row.decision,
        "content_hash": row.content_hash,
        "by": name_of(row.decided_by),
        "at": write_moment(row.decided_at),
        "comment": row.comment,
    }


def _write_event(event: RolloutEvent) -> dict[str, Any]:
    return {
        "at": write_moment(event.at),
        "kind": event.kind,
        "data": event.data,
        "by_kind": event.actor_kind,
        "by": event.actor_label,
        "reason": event.reason,
    }


def _write_decision(row: Decision) -> dict[str, Any]:
    return {
        "at": write_moment(row.at),
        "lane": row.lane,
        "mode": row.mode,
        "act": row.act,
        "verdict": row.verdict,
        "code": row.code,
        "flag": row.flag_key,
        "site": row.site_key,
        "n": row.n,
        "k": row.k,
        "window_start": write_moment(row.window_start),
        "window_end": write_moment(row.window_end),
        "threshold": row.threshold,
        "bound_bp": row.bound_bp,
        "baseline_bp": row.baseline_bp,
        "data": row.data,
    }


def _write_feedback(rows: Sequence[Feedback]) -> list[dict[str, Any]]:
    """Return, by day, how many ratings of it all there were, and their sum: nobody's alone, and no words."""
    days: dict[str, list[int]] = defaultdict(list)
    for row in keep_last(rows):
        if row.flag_id is None:
            days[row.day.isoformat()].append(row.rating)
    return [{"day": day, "ratings": len(found), "sum": sum(found)} for day, found in sorted(days.items())]


def _write_baseline(row: Baseline | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "frozen_at": write_moment(row.frozen_at),
        "first_on": row.first_on.isoformat(),
        "last_on": row.last_on.isoformat(),
        "requests": row.requests,
        "errors": row.errors,
        "complaints_a_day": row.complaints_a_day,
    }
