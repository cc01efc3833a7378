"""The track of rollouts: where each stands, what comes next, how far its phases are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.db.models import Prefetch, QuerySet

from core.domain.business_time import local_day
from flags.models import SiteDay
from rollouts.domain.freezing import Freeze, find_freeze
from rollouts.domain.lifecycle import Status
from rollouts.domain.plan_day import count_plan_day, count_rehearsal_day
from rollouts.models import FreezeWindow, Phase, PhaseStatus, Rollout, RolloutSite, Step, StepFault, StepStatus
from rollouts.site_queries import plan_site
from rollouts.track_queries import Mark, Stop, Track, read_tracks

#: Nothing moves until a person acts.
STANDS_STILL = (Status.DRAFT, Status.AWAITING_APPROVAL, Status.PAUSED, Status.HELD)


class Dot(StrEnum):
    """One change on the track: to come, on, or done and off again."""

    TO_COME = "to_come"
    ON = "on"
    OFF = "off"


@dataclass(frozen=True)
class Summary:
    """A rollout in one line: where it stands, what comes next, and how far each phase is."""

    rollout: Rollout
    phase: Phase | None
    next_steps: Sequence[Step]
    phases: "Sequence[PhaseView]"
    now: datetime

    @property
    def next_step(self) -> Step | None:
        """Return the first of the steps that come next, None where none is left."""
        return self.next_steps[0] if self.next_steps else None

    @property
    def is_stopped(self) -> bool:
        """Whether it was under way, and nothing goes on until a person resumes."""
        return self.rollout.status in {Status.HELD, Status.PAUSED}

    @property
    def waits_for(self) -> str:
        """Return the code of what must happen before anything moves, empty where only time must pass."""
        if self.rollout.status in STANDS_STILL:
            return self.rollout.held_code or self.rollout.status
        return ""

    @property
    def fault(self) -> StepFault | None:
        """Return what is known of the due step's failed attempts, None where it did not fail."""
        return getattr(self.rollout, "step_fault", None)

    @property
    def freezes(self) -> tuple[Freeze, ...]:
        """Return the freezes that its plan keeps to."""
        if self.rollout.is_rehearsal:
            return ()
        return tuple(row.as_value for row in self.rollout.environment.freezes.all())

    @property
    def freeze(self) -> Freeze | None:
        """Return the freeze in force on its plan's calendar, None without one and once it has ended."""
        if self.rollout.ended_at is not None:
            return None
        return find_freeze(self.freezes, local_day(self.now, zone=ZoneInfo(self.rollout.zone)))

    @property
    def day(self) -> int | None:
        """Return the plan day of the running phase, None outside one.

        It stands still while the next step is overdue: the plan will take that day up again.
        """
        phase = self.phase
        if phase is None:
            return None
        at = self.now if self.next_step is None else min(self.now, self.next_step.due_at)
        if self.rollout.day_seconds:
            return count_rehearsal_day(
                first_day=phase.first_day,
                last_day=phase.last_day,
                ends_at=phase.ends_at,
                at=at,
                day_seconds=self.rollout.day_seconds,
            )
        return count_plan_day(
            first_day=phase.first_day,
            last_day=phase.last_day,
            ends_at=phase.ends_at,
            at=at,
            sites=[
                plan_site(row.site, freezes=self.freezes, allows_holidays=self.rollout.allows_holidays)
                for row in self.rollout.rollout_sites.all()
            ],
            zone=ZoneInfo(self.rollout.zone),
        )


@dataclass(frozen=True)
class SiteView:
    """A site's day on its own calendar: when its flags go on, whether they did, how many of them are off again.

    `is_shut` where the site was taken back.
    """

    name: str
    due_at: datetime
    day: date
    is_done: bool
    off: int
    is_shut: bool


@dataclass(frozen=True)
class PhaseView:
    """A phase of the track: its changes as dots, its sites with their days."""

    phase: Phase
    dots: Sequence[Dot]
    sites: Sequence[SiteView]
    is_today: bool

    @property
    def done(self) -> int:
        """How many changes are done and hold."""
        return self.dots.count(Dot.ON)

    @property
    def off(self) -> int:
        """How many were done and are off again."""
        return self.dots.count(Dot.OFF)

    @property
    def total(self) -> int:
        return len(self.dots)


def prefetch_track(rows: QuerySet[Rollout]) -> QuerySet[Rollout]:
    """Return the rollouts with what `summarise` reads beside their tracks: four queries more, however many they are."""
    days = Prefetch("site__days", queryset=SiteDay.objects.order_by("starts_on"))
    sites = RolloutSite.objects.select_related("site").order_by("position").prefetch_related(days)
    freezes = Prefetch("environment__freezes", queryset=FreezeWindow.objects.order_by("starts_on", "ends_on"))
    return rows.select_related("step_fault").prefetch_related(
        freezes, "phases", Prefetch("rollout_sites", queryset=sites)
    )


def summarise_all(rollouts: Sequence[Rollout], *, now: datetime) -> list[Summary]:
    """Return each rollout's line: four queries beside those of `prefetch_track`."""
    tracks = read_tracks(rollouts)
    return [_summarise(rollout, tracks[rollout.pk], now=now, off=()) for rollout in rollouts]


def summarise(rollout: Rollout, *, now: datetime, off: Collection[str] = (), shut: Collection[int] = ()) -> Summary:
    """Return a rollout's line; `off` are flags that are off since their steps were done, `shut` sites taken back."""
    return _summarise(rollout, read_tracks([rollout], off=off, shut=shut)[rollout.pk], now=now, off=off)


def _summarise(rollout: Rollout, track: Track, *, now: datetime, off: Collection[str]) -> Summary:
    phases = [_view_phase(phase, track, now=now, off=off) for phase in rollout.phases.all()]
    running = next((view.phase for view in phases if view.phase.status == PhaseStatus.RUNNING), None)
    return Summary(rollout, running, track.next_steps, phases, now)


def _view_phase(phase: Phase, track: Track, *, now: datetime, off: Collection[str]) -> PhaseView:
    return PhaseView(
        phase=phase,
        dots=[_draw(mark, off=off) for mark in track.marks if mark.phase_id == phase.pk],
        sites=[_view_site(stop) for stop in track.stops if stop.phase_id == phase.pk],
        is_today=phase.status == PhaseStatus.RUNNING and phase.starts_at <= now < phase.ends_at,
    )


def _view_site(stop: Stop) -> SiteView:
    day = local_day(stop.due_at, zone=stop.zone)
    return SiteView(stop.name, stop.due_at, day, is_done=not stop.to_come, off=stop.off, is_shut=stop.is_shut)


def _draw(mark: Mark, *, off: Collection[str]) -> Dot:
    if mark.status != StepStatus.DONE:
        return Dot.TO_COME
    return Dot.OFF if mark.flag_key in off else Dot.ON
