"""What the pages of rollouts show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from health.domain.verdict import Judgement
from health.queries import Point, error_series, judge_critical_lane
from rollouts.domain.gates import GateResult, judge_gates
from rollouts.domain.lifecycle import EDGES, Status
from rollouts.domain.templates import Gate
from rollouts.models import Phase, PhaseStatus, Rollout, RolloutFlag, Step, StepStatus
from rollouts.queries import exposures_of, find_next_step
from rollouts.transitions.rolling_back import ROLLBACK_FROM

SERIES_BUCKETS = 40


@dataclass(frozen=True)
class Summary:
    """A rollout in one line: where it stands and what comes next."""

    rollout: Rollout
    phase: Phase | None
    next_step: Step | None


def summarise(rollout: Rollout, *, now: datetime) -> Summary:
    """Return a rollout's line: two queries."""
    phase = rollout.phases.filter(status=PhaseStatus.RUNNING).first()
    return Summary(rollout, phase, find_next_step(rollout))


@dataclass(frozen=True)
class PhaseView:
    """A phase of the track: how many of its changes are done, and its sites with their days."""

    phase: Phase
    done: int
    total: int
    sites: Sequence[Step]


@dataclass(frozen=True)
class Page:
    """Everything the page of a rollout shows."""

    summary: Summary
    phases: Sequence[PhaseView]
    gates: Sequence[GateResult]
    judgements: Sequence[Judgement]
    flags: Sequence[RolloutFlag]
    actions: frozenset[str]
    series: Sequence[Point]


def compose_page(rollout: Rollout, *, now: datetime) -> Page:
    """Return what the page of a rollout shows, in a bounded number of queries."""
    exposures = exposures_of(rollout)
    judgements = judge_critical_lane(exposures=exposures, now=now)
    summary = summarise(rollout, now=now)
    since = min((exposure.since for exposure in exposures), default=now - timedelta(hours=1))
    return Page(
        summary=summary,
        phases=_view_phases(rollout),
        gates=_judge(summary.phase, judgements, now=now),
        judgements=judgements,
        flags=list(rollout.rollout_flags.select_related("flag").order_by("position")),
        actions=list_actions(rollout),
        series=error_series(
            environment_key=rollout.environment.key,
            since=max(since, now - timedelta(days=2)),
            until=now + timedelta(seconds=1),
            buckets=SERIES_BUCKETS,
        ),
    )


def list_actions(rollout: Rollout) -> frozenset[str]:
    """Return what a person may do now, by the table the transitions obey."""
    status = Status(rollout.status)
    ends = EDGES[status]
    names = {
        "schedule": Status.SCHEDULED in ends and status is Status.DRAFT,
        "pause": Status.PAUSED in ends,
        "resume": Status.RUNNING in ends and status is not Status.SCHEDULED,
        "cancel": Status.CANCELLED in ends,
        "redraft": status is Status.ROLLED_BACK,
        "roll_back": status in ROLLBACK_FROM,
    }
    return frozenset(name for name, possible in names.items() if possible)


def _judge(phase: Phase | None, judgements: Sequence[Judgement], *, now: datetime) -> list[GateResult]:
    if phase is None:
        return []
    return judge_gates(
        gates=[Gate(gate) for gate in phase.gates],
        soaked_at=phase.ends_at,
        verdicts=[(item.flag_key, str(item.verdict)) for item in judgements],
        now=now,
    )


def _view_phases(rollout: Rollout) -> list[PhaseView]:
    steps = list(rollout.steps.select_related("site").order_by("position"))
    views = []
    for phase in rollout.phases.all():
        own = [step for step in steps if step.phase_id == phase.pk]
        sites = {step.site_id: step for step in own if step.site_id is not None}
        done = sum(step.status == StepStatus.DONE for step in own)
        views.append(PhaseView(phase, done, len(own), list(sites.values())))
    return views
