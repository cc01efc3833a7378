"""A small world reached by real transitions: one environment, three sites, three flags, a release."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.actors import SCHEDULER
from flags.domain.purposes import Purpose
from flags.models import Environment, Flag, Segment, Site
from flags.transitions import (
    NewMember,
    create_environment,
    create_flag,
    create_segment,
    create_site,
    create_token,
)
from health.domain.samples import SampleValue
from health.rollup_transitions import roll_up_counts
from health.sample_transitions import record_samples
from rollouts.drawing import PlanRequest
from rollouts.models import Release, Rollout
from rollouts.queries import find_next_step
from rollouts.transitions import create_release, plan_rollout, run_next_step, schedule_rollout

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
DAY = 60
WHY = "made for a test"


@dataclass(frozen=True)
class World:
    environment: Environment
    sites: list[Site]
    flags: list[Flag]
    testers: Segment
    release: Release
    tokens: dict[Purpose, tuple[int, str]]


def make_world(*, now: datetime = NOW) -> World:
    """Return a world with three flags off everywhere."""
    environment = create_environment(
        key="staging", name="Staging", position=1, is_production=False, actor=SCHEDULER, reason=WHY, now=now
    )
    sites = [
        create_site(key=key, name=key.title(), city=key.title(), actor=SCHEDULER, reason=WHY, now=now)
        for key in ("lyon", "nantes", "lille")
    ]
    flags = [
        create_flag(key=key, name=key.title(), criticality=weight, actor=SCHEDULER, reason=WHY, now=now)
        for key, weight in (("buttons", "critical"), ("tickets", "important"), ("signals", "minor"))
    ]
    testers = create_segment(
        key="testers", name="Testers", members=[NewMember("tester-1")], actor=SCHEDULER, reason=WHY, now=now
    )
    release = create_release(version="1.3", flag_ids=[flag.pk for flag in flags], actor=SCHEDULER, reason=WHY, now=now)
    tokens = {}
    for purpose in Purpose:
        token, raw = create_token(
            environment_id=environment.pk, purpose=purpose, name=str(purpose), actor=SCHEDULER, reason=WHY, now=now
        )
        tokens[purpose] = (token.pk, raw)
    return World(environment, sites, flags, testers, release, tokens)


def make_rehearsal(world: World, *, now: datetime = NOW) -> Rollout:
    """Return a scheduled rehearsal with days of `DAY` seconds, beginning at `now`."""
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in world.sites),
        day_seconds=DAY,
    )
    rollout = plan_rollout(request=request, actor=SCHEDULER, reason=WHY, now=now)
    return schedule_rollout(rollout_id=rollout.pk, actor=SCHEDULER, reason=WHY, now=now)


def reload(rollout: Rollout) -> Rollout:
    """Return a rollout as it is stored now, with nothing remembered of before."""
    return Rollout.objects.select_related("release", "environment").get(pk=rollout.pk)


def report(
    world: World, *, flag: Flag | None, now: datetime, till: str = "till-1", critical: int = 0, integrity: int = 0
) -> None:
    """Store one sample of ten requests from Lyon, received at `now`, and roll it up."""
    record_samples(
        source=f"token:{world.tokens[Purpose.TELEMETRY][0]}",
        environment_id=world.environment.pk,
        values=[
            SampleValue(
                client_id=f"{till}-{flag.key if flag else 'all'}-{now.isoformat()}",
                site_key="lyon",
                till=till,
                flag_key=flag.key if flag else None,
                release="1.3",
                transaction="",
                start_at=now - timedelta(seconds=2),
                seconds=2,
                requests=10,
                errors=max(critical, integrity),
                critical_errors=critical,
                integrity_errors=integrity,
                latency=None,
            )
        ],
        now=now,
    )
    roll_up_counts()


def play(world: World, rollout: Rollout, *, start: datetime, seconds: int, healthy: bool = True) -> datetime:
    """Run the scheduler at each second at which something is due, with healthy samples; return the last moment."""
    now, due_at = start, _find_due(rollout)
    for second in range(seconds):
        now = start + timedelta(seconds=second)
        if healthy and second % 20 == 19:
            for flag in world.flags:
                report(world, flag=flag, now=now)
        if due_at is None or now < due_at:
            continue
        while run_next_step(rollout_id=rollout.pk, now=now) is not None:
            pass
        due_at = _find_due(rollout)
    return now


def _find_due(rollout: Rollout) -> datetime | None:
    """Return when the scheduler has something to do next: a step, or the end of the last phase."""
    step = find_next_step(rollout)
    if step is not None:
        return step.due_at
    last = rollout.phases.order_by("position").last()
    return last.ends_at if last else None
