"""What a calendar feed holds: groups of steps that go together, and freezes. As many queries however much it is.

An entry is what of one phase goes to one audience at one moment. Its identity is its first step's: steps
keep their rows when they are moved, left out or planned again, so a moment that moves stays the same entry,
of one that is split each part keeps what its own first step was, and what is joined goes on as the earlier.

Its sequence counts the lines of history that can have changed it. Those of steps are counted over its whole
phase, since a step may leave its moment and its audience and never its phase; history only grows, so the number
does as well.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, F, Max, Min, Model, Q, QuerySet

from flags.domain.tokens import hash_token
from flags.models import Flag, Segment, Site
from rollouts.domain.entries import Counts, EntryState, find_state
from rollouts.models import CalendarFeed, FreezeWindow, Rollout, RolloutFlag, Step, StepStatus
from rollouts.models.steps import say_whom
from rollouts.month_queries import count_states

#: How far back and ahead a feed reaches, and how much it holds at most; what is farthest ahead gives way.
BACK = timedelta(days=90)
AHEAD = timedelta(days=400)
MOST_ENTRIES = 2_000


@dataclass(frozen=True)
class Version:
    """How often something was changed, and when last."""

    number: int
    at: datetime


@dataclass(frozen=True)
class FeedEntry:
    """Steps that go together: when, of which rollout, for whom, which flags, how they stand."""

    first_step: int
    rollout_id: int
    release: str
    environment: str
    phase_kind: str
    state: EntryState
    due_at: datetime
    whom: str
    place: Sequence[str]
    time_zone: str
    flags: Sequence[str]
    left_out: Sequence[str]
    version: Version


@dataclass(frozen=True)
class FeedFreeze:
    """A freeze's days [starts_on, ends_on), also of one that was removed."""

    freeze_id: int
    environment: str
    label: str
    reason: str
    starts_on: date
    ends_on: date
    is_removed: bool
    version: Version


def find_feed(secret: str) -> CalendarFeed | None:
    """Return the feed that a secret opens; None for one unknown, revoked, or of before its person was away: one query.

    Looked up by its hash, so that how long it takes says nothing of the secret.
    """
    rows = CalendarFeed.objects.select_related("person", "use")
    is_theirs = Q(person__access_since=None) | Q(created_at__gte=F("person__access_since"))
    return rows.filter(is_theirs, secret_hash=hash_token(secret), revoked_at=None).first()


def list_feeds(*, person_id: int | None = None, but_of: int | None = None) -> QuerySet[CalendarFeed]:
    """Return the feeds that are not revoked, with `last_used_at`: of one person, or of everybody but one."""
    rows = CalendarFeed.objects.filter(revoked_at=None).select_related("person", "environment")
    rows = rows if person_id is None else rows.filter(person=person_id)
    rows = rows if but_of is None else rows.exclude(person=but_of)
    return rows.annotate(last_used_at=F("use__last_used_at")).order_by("person__username", "name", "pk")


def list_entries(*, environment_id: int | None, now: datetime) -> list[FeedEntry]:
    """Return a feed's entries, by their moment: seven queries."""
    rows = _list_groups(environment_id, now=now)
    versions = _Versions.of(rows)
    return [_make_entry(row, versions.of_group(row)) for row in rows]


def _list_groups(environment_id: int | None, *, now: datetime) -> list[dict[str, Any]]:
    steps = Step.objects.filter(rollout__is_rehearsal=False, due_at__gte=now - BACK, due_at__lt=now + AHEAD)
    if environment_id is not None:
        steps = steps.filter(rollout__environment=environment_id)
    groups = steps.order_by().values(
        *("rollout", "rollout__release__version", "rollout__environment__key", "rollout__status", "rollout__zone"),
        *("phase", "segment", "site", "share_bp", "phase__kind", "due_at"),
        *("segment__name", "site__name", "site__city", "site__time_zone"),
    )
    skipped = Q(status=StepStatus.SKIPPED)
    annotated = groups.annotate(
        first=Min("pk"),
        flags=ArrayAgg("flag__name", filter=~skipped, order_by="position", default=[]),
        left_out=ArrayAgg("flag__name", filter=skipped, order_by="position", default=[]),
        **count_states(),
    )
    return list(annotated.order_by("due_at", "first")[:MOST_ENTRIES])


def _make_entry(row: Mapping[str, Any], version: Version) -> FeedEntry:
    place = (row["site__name"], row["site__city"]) if row["site"] else ()
    return FeedEntry(
        first_step=row["first"],
        rollout_id=row["rollout"],
        release=row["rollout__release__version"],
        environment=row["rollout__environment__key"],
        phase_kind=row["phase__kind"],
        state=find_state(row["rollout__status"], Counts(row["planned"], row["done"], row["skipped"])),
        due_at=row["due_at"],
        whom=say_whom(row["segment__name"] or row["site__name"], row["share_bp"]),
        place=tuple(dict.fromkeys(word for word in place if word)),
        time_zone=row["site__time_zone"] or row["rollout__zone"],
        flags=row["flags"],
        left_out=row["left_out"],
        version=version,
    )


@dataclass(frozen=True)
class _Versions:
    """What may have changed an entry: its phase's steps, its rollout, and the names it says."""

    phases: Mapping[int, Version]
    rollouts: Mapping[int, Version]
    sites: Mapping[int, Version]
    segments: Mapping[int, Version]
    flags: Mapping[int, Sequence[Version]]

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]]) -> "_Versions":
        """Count the history behind some groups: six queries."""
        rollouts = {row["rollout"] for row in rows}
        steps = Step.history.filter(rollout__in=rollouts).order_by().values("phase")
        counted = steps.annotate(number=Count("history_id"), at=Max("history_date"))
        pairs = RolloutFlag.objects.filter(rollout__in=rollouts).values_list("rollout_id", "flag_id")
        flags: dict[int, set[int]] = defaultdict(set)
        for rollout_id, flag_id in pairs:
            flags[rollout_id].add(flag_id)
        named = _count(Flag, {flag_id for ids in flags.values() for flag_id in ids})
        return cls(
            phases={row["phase"]: Version(row["number"], row["at"]) for row in counted},
            rollouts=_count(Rollout, rollouts),
            sites=_count(Site, {row["site"] for row in rows}),
            segments=_count(Segment, {row["segment"] for row in rows}),
            flags={pk: [named[flag_id] for flag_id in ids if flag_id in named] for pk, ids in flags.items()},
        )

    def of_group(self, row: Mapping[str, Any]) -> Version:
        found = [self.phases.get(row["phase"]), self.rollouts.get(row["rollout"])]
        found += [self.sites.get(row["site"]), self.segments.get(row["segment"]), *self.flags.get(row["rollout"], ())]
        known = [version for version in found if version is not None]
        return Version(sum(one.number for one in known), max((one.at for one in known), default=row["due_at"]))


def _count(model: type[Model], ids: Iterable[int | None]) -> dict[int, Version]:
    """Return how often rows of a tracked model were written, by primary key: one query."""
    lines = model.history.filter(id__in={pk for pk in ids if pk is not None})  # type: ignore[attr-defined]  # tracked
    counted = lines.order_by().values("id").annotate(number=Count("history_id"), at=Max("history_date"))
    return {row["id"]: Version(row["number"], row["at"]) for row in counted}


def list_feed_freezes(*, environment_id: int | None, now: datetime) -> list[FeedFreeze]:
    """Return a feed's freezes from the last line of each one's history, removed ones as well: two queries."""
    lines = FreezeWindow.history.select_related("environment").order_by("id", "-history_id").distinct("id")
    if environment_id is not None:
        lines = lines.filter(environment=environment_id)
    since = (now - BACK).date()
    newest = [line for line in lines if line.ends_on > since][-MOST_ENTRIES:]
    versions = _count(FreezeWindow, {line.id for line in newest})
    return [
        FeedFreeze(
            freeze_id=line.id,
            environment=line.environment.key,
            label=line.label,
            reason=line.reason,
            starts_on=line.starts_on,
            ends_on=line.ends_on,
            is_removed=line.history_type == "-",
            version=versions[line.id],
        )
        for line in newest
    ]
