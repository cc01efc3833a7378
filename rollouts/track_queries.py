"""Reads what the track shows of steps: counted in the database, so that a plan of fifty thousand costs no more."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_
from zoneinfo import ZoneInfo

from django.db.models import Count, Min, Q

from rollouts.models import Rollout, Step, StepStatus
from rollouts.models.steps import say_whom


@dataclass(frozen=True)
class Mark:
    """One step for people or everyone."""

    phase_id: int
    flag_key: str
    status: str


@dataclass(frozen=True)
class Stop:
    """All steps for a site, or for a share of everyone: name, first moment, how many are to come and off again."""

    phase_id: int
    name: str
    zone: ZoneInfo
    due_at: datetime
    to_come: int
    off: int
    is_shut: bool = False


@dataclass(frozen=True)
class Track:
    """A rollout's steps as its track needs them; `next_steps` are those that come next, together."""

    marks: list[Mark] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    next_steps: list[Step] = field(default_factory=list)


def read_tracks(
    rollouts: Sequence[Rollout], *, off: Collection[str] = (), shut: Collection[int] = ()
) -> dict[int, Track]:
    """Return the tracks of rollouts by primary key: four queries, however many there are and however long.

    `off` are keys of flags that are off again since their steps were done, `shut` sites that were taken back.
    """
    tracks = {rollout.pk: Track() for rollout in rollouts}
    zones = {rollout.pk: rollout.zone for rollout in rollouts}
    steps = Step.objects.filter(rollout__in=tracks).exclude(status=StepStatus.SKIPPED)
    people = steps.filter(site=None, share_bp=None).order_by("rollout", "position")
    for rollout_id, phase_id, flag_key, status in people.values_list("rollout_id", "phase_id", "flag__key", "status"):
        tracks[rollout_id].marks.append(Mark(phase_id, flag_key, status))
    places = steps.exclude(site=None, share_bp=None).order_by()
    stops = places.values_list("rollout_id", "phase_id", "site", "site__name", "site__time_zone", "share_bp").annotate(
        first=Min("position"),
        due=Min("due_at"),
        to_come=Count("pk", filter=Q(status=StepStatus.PLANNED)),
        off=Count("pk", filter=Q(status=StepStatus.DONE, flag__key__in=list(off))),
    )
    for rollout_id, phase_id, pk, site, zone, share_bp, _first, due_at, to_come, gone in stops.order_by("first"):
        clock = ZoneInfo(zone or zones[rollout_id])
        stop = Stop(phase_id, say_whom(site, share_bp), clock, due_at, to_come, gone, is_shut=pk in shut)
        tracks[rollout_id].stops.append(stop)
    for step in _list_next(tracks):
        tracks[step.rollout_id].next_steps.append(step)
    return tracks


def _list_next(rollout_ids: Collection[int]) -> list[Step]:
    """Return the steps that come next in each rollout: the first, and those that go with it. Two queries."""
    planned = Step.objects.filter(rollout__in=rollout_ids, status=StepStatus.PLANNED)
    together = [
        Q(**moment)
        for moment in planned.order_by("rollout", "position")
        .distinct("rollout")
        .values("rollout", "phase", "due_at", "audience_kind", "segment", "site", "share_bp")
    ]
    if not together:
        return []
    rows = planned.filter(reduce(or_, together)).select_related("flag", "segment", "site", "phase", "rollout")
    return list(rows.order_by("rollout", "position"))
