"""What happens next, everywhere, and what went out today: by day, as somebody would hang them on a wall."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Min, QuerySet
from django.utils import timezone

from core.domain.business_time import day_bounds
from flags.models import Rule
from rollouts.dependant import ORIGIN
from rollouts.domain.lifecycle import DRIVEN, Status
from rollouts.models import RolloutFlag, Step
from rollouts.models.steps import say_whom
from rollouts.queries import list_steps_done_within, list_steps_due_within
from rollouts.shut_queries import TAKEN_BACK

SPAN = timedelta(hours=48)
#: Nothing goes out of these until somebody resumes them: their moments are listed with that word.
STILL = (Status.PAUSED, Status.HELD)


@dataclass(frozen=True)
class AgendaLine:
    """Steps that go together: of which rollout, when, for whom, which flags, and whom to ring.

    `off` is how many of the flags are off again; `status` of the rollout says whether it goes on at all. A site has
    a page by its key.
    """

    rollout_id: int
    release: str
    environment: str
    is_production: bool
    phase_kind: str
    at: datetime
    whom: str
    site_key: str
    phone: str
    time_zone: str
    flags: Sequence[str]
    off: int = 0
    status: str = ""

    @property
    def stands_still(self) -> bool:
        return self.status in STILL


@dataclass(frozen=True)
class AgendaDay:
    day: date
    lines: Sequence[AgendaLine]


def list_agenda(*, now: datetime) -> list[AgendaDay]:
    """Return the moments of real rollouts that are due in [now, now + 48 h), by day of the portal's zone: one query."""
    rows = _group(list_steps_due_within(now=now, span=SPAN, statuses=[*DRIVEN, *STILL]))
    days = groupby((_write_line(row) for row in rows), key=lambda line: timezone.localtime(line.at).date())
    return [AgendaDay(day, list(group)) for day, group in days]


def list_done_today(*, now: datetime) -> list[AgendaLine]:
    """Return what real rollouts put on today, by the portal's clock, the oldest first: three queries."""
    since, until = day_bounds(timezone.localdate(now), zone=timezone.get_default_timezone())
    rows = list(_group(list_steps_done_within(since=since, until=until)))
    ids = {row["rollout"] for row in rows}
    taken = RolloutFlag.objects.filter(rollout__in=ids).exclude(rolled_back_at=None)
    gone = set(taken.values_list("rollout_id", "flag_id"))
    shut = _list_shut({row["site"] for row in rows if row["site"]})
    return [_write_line(row, off=_count_off(row, gone=gone, shut=shut)) for row in rows]


def _group(steps: QuerySet[Step]) -> QuerySet[Step, dict[str, Any]]:
    """Return steps that go together as one row each, in order."""
    groups: QuerySet[Step, Any] = (
        steps.select_related(None)
        .order_by()
        .values(
            *(
                "rollout",
                "rollout__status",
                "rollout__release__version",
                "rollout__environment__key",
                "rollout__environment__is_production",
            ),
            *("phase__kind", "due_at", "segment__name", "site", "site__name", "site__key", "site__phone"),
            *("site__time_zone", "share_bp"),
        )
    )
    rows = groups.annotate(
        place=Min("position"),
        done=Min("done_at"),
        flags=ArrayAgg("flag__name", order_by="position"),
        flag_ids=ArrayAgg("flag"),
    )
    return rows.order_by("due_at", "rollout", "place")


def _write_line(row: dict[str, Any], *, off: int = 0) -> AgendaLine:
    return AgendaLine(
        rollout_id=row["rollout"],
        release=row["rollout__release__version"],
        environment=row["rollout__environment__key"],
        is_production=row["rollout__environment__is_production"],
        phase_kind=row["phase__kind"],
        at=row["done"] or row["due_at"],
        whom=say_whom(row["segment__name"] or row["site__name"], row["share_bp"]),
        site_key=row["site__key"] or "",
        phone=row["site__phone"] or "",
        time_zone=row["site__time_zone"] or "",
        flags=row["flags"],
        off=off,
        status="" if row["done"] else row["rollout__status"],
    )


def _list_shut(site_ids: set[int]) -> set[tuple[int, int]]:
    """Return the rollouts, with the sites, that were taken back there and not given back since."""
    rules = Rule.objects.filter(site__in=site_ids, phase=TAKEN_BACK).values_list("origin", "site")
    return {(int(found[1]), site) for origin, site in rules if site and (found := ORIGIN.fullmatch(origin))}


def _count_off(row: dict[str, Any], *, gone: set[tuple[int, int]], shut: set[tuple[int, int]]) -> int:
    if (row["rollout"], row["site"]) in shut:
        return len(row["flag_ids"])
    return sum((row["rollout"], flag) in gone for flag in row["flag_ids"])
