"""Reads what the board shows: steps counted in the database by row and column, however many they are."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, DateTimeField, F, Func, IntegerField, Max, Min, Q, QuerySet, Value

from core.searching import fits
from flags.models import Site
from rollouts.domain.board import Tally
from rollouts.hand_queries import list_flags_off
from rollouts.models import Rollout, RolloutFlag, Step, StepStatus
from rollouts.shut_queries import list_shut_sites

#: A row's key: a flag's, or an audience's as segment, site and share. The row of all has the empty one.
Key = tuple[int | None, ...]
BY_FLAG = ("flag",)
BY_AUDIENCE = ("segment", "site", "share_bp")
AUDIENCE_WORDS = ("segment__name", "site__name", "site__key", "site__city")


@dataclass(frozen=True)
class Gone:
    """What was put on and is off again: steps of these flags, and those at these sites; `since` the attempt began."""

    flag_ids: Collection[int]
    site_ids: Collection[int]
    since: datetime


@dataclass(frozen=True)
class Group:
    """Steps of one row and one phase between two thresholds; `site_id` where they are all for one."""

    key: Key
    phase_id: int
    threshold: datetime | None
    step_id: int
    tally: Tally
    first_at: datetime
    last_at: datetime
    done_at: datetime | None
    site_id: int | None


@dataclass(frozen=True)
class AudienceRow:
    """An audience of the plan: a segment, a site, a share of everyone, or everyone."""

    key: Key
    segment: str | None
    site: str | None
    site_key: str | None
    city: str | None
    share_bp: int | None


@dataclass(frozen=True)
class Place:
    """A site as the board names it."""

    name: str
    time_zone: str


@dataclass(frozen=True)
class Moment:
    """When something of a phase goes out, and to which site, if to one."""

    phase_id: int
    due_at: datetime
    site_id: int | None


def list_moments(rollout: Rollout) -> list[Moment]:
    """Return everything that goes out, once each and in order: one query."""
    rows = rollout.steps.order_by("phase_id", "due_at", "site_id").values_list("phase_id", "due_at", "site_id")
    return [Moment(*row) for row in rows.distinct()]


def list_places(moments: Iterable[Moment]) -> dict[int, Place]:
    """Return the sites that something goes out to: one query."""
    rows = Site.objects.filter(pk__in={moment.site_id for moment in moments if moment.site_id is not None})
    return {pk: Place(name, zone) for pk, name, zone in rows.values_list("pk", "name", "time_zone")}


def find_gone(rollout: Rollout) -> Gone:
    """Return what was put on and is off again: five queries."""
    off = list_flags_off(rollout)
    rows = rollout.rollout_flags.values_list("flag_id", "flag__key", "rolled_back_at")
    return Gone(
        flag_ids=[flag_id for flag_id, key, rolled_back_at in rows if rolled_back_at or key in off],
        site_ids=[site.pk for site in list_shut_sites(rollout)],
        since=_find_attempt_start(rollout),
    )


def _find_attempt_start(rollout: Rollout) -> datetime:
    """Return when this attempt was planned: what an earlier one did is no part of its story. One query."""
    redrafts = rollout.events.filter(kind="redrafted").order_by("-pk").values_list("at", flat=True)
    return redrafts.first() or rollout.created_at


def list_flag_rows(rollout: Rollout, *, words: Sequence[str]) -> QuerySet[RolloutFlag]:
    """Return the rollout's flags in order, those with all the words."""
    rows = rollout.rollout_flags.select_related("flag").order_by("position")
    return rows.filter(fits(words, "flag__name", "flag__key"))


def list_audience_rows(rollout: Rollout, *, words: Sequence[str]) -> QuerySet[Any, dict[str, Any]]:
    """Return the plan's audiences in its order, those with all the words, as `read_audience` takes them."""
    rows = rollout.steps.filter(fits(words, *AUDIENCE_WORDS))
    grouped = rows.order_by().values(*BY_AUDIENCE, *AUDIENCE_WORDS)
    ordered: QuerySet[Any, dict[str, Any]] = grouped.annotate(place=Min("position")).order_by("place")
    return ordered


def read_audience(row: dict[str, Any]) -> AudienceRow:
    """Return a row of `list_audience_rows` as a value."""
    key = tuple(row[name] for name in BY_AUDIENCE)
    return AudienceRow(
        key, row["segment__name"], row["site__name"], row["site__key"], row["site__city"], row["share_bp"]
    )


def choose_flags(rows: Sequence[RolloutFlag]) -> Q:
    """Return what keeps the steps of these flags."""
    return Q(flag__in=[row.flag_id for row in rows])


def choose_audiences(rows: Sequence[AudienceRow]) -> Q:
    """Return what keeps the steps for these audiences."""
    segments, sites, shares = ([row.key[place] for row in rows if row.key[place]] for place in range(3))
    chosen = Q(segment__in=segments) | Q(site__in=sites) | Q(share_bp__in=shares)
    if any(row.key == (None, None, None) for row in rows):
        chosen |= Q(segment=None, site=None, share_bp=None)
    return chosen


def count_steps(
    rollout: Rollout, *, by: Sequence[str], chosen: Q, thresholds: Sequence[datetime], gone: Gone
) -> list[Group]:
    """Return the chosen steps counted by row, phase and threshold: one query."""
    at = Value(list(thresholds), output_field=ArrayField(DateTimeField()))
    bucket = Func(F("due_at"), at, function="width_bucket", output_field=IntegerField())
    was_done = Step.history.filter(rollout_id=rollout.pk, status=StepStatus.DONE, history_date__gte=gone.since)
    undone = Q(status=StepStatus.SKIPPED, pk__in=was_done.values("id"))
    off = Q(status=StepStatus.DONE) & (Q(flag__in=list(gone.flag_ids)) | Q(site__in=list(gone.site_ids)))
    steps = rollout.steps.filter(chosen).order_by().annotate(bucket=bucket)
    rows = steps.values_list(*by, "phase_id", "bucket").annotate(
        step=Min("pk"),
        planned=Count("pk", filter=Q(status=StepStatus.PLANNED)),
        done=Count("pk", filter=Q(status=StepStatus.DONE)),
        skipped=Count("pk", filter=Q(status=StepStatus.SKIPPED)),
        undone=Count("pk", filter=undone),
        off=Count("pk", filter=off),
        first=Min("due_at"),
        last=Max("due_at"),
        last_done=Max("done_at"),
        first_site=Min("site_id"),
        last_site=Max("site_id"),
    )
    width = len(by)
    return [_read_group(row[:width], row[width:], thresholds) for row in rows]


def _read_group(key: Key, row: tuple[Any, ...], thresholds: Sequence[datetime]) -> Group:
    phase_id, bucket, step, planned, done, skipped, undone, off, first, last, last_done, *sites = row
    return Group(
        key=tuple(key),
        phase_id=phase_id,
        threshold=thresholds[bucket - 1] if bucket else None,
        step_id=step,
        tally=Tally(planned=planned, done=done - off, skipped=skipped - undone, off=off + undone),
        first_at=first,
        last_at=last,
        done_at=last_done,
        site_id=sites[0] if sites[0] == sites[1] else None,
    )
