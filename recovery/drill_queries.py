"""Reads of drills: what they found, month by month, and where one is due or missing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from core.errors import NotFound
from flags.models import Environment, FlagState
from recovery.domain.drills import find_missed_month, is_due
from recovery.domain.lifecycle import UNFINISHED, DrillStatus
from recovery.models import Drill, Operation, Target

#: So many drills make the trend.
SHOWN = 12
#: Longer than a month and the one before it.
LOOKED_BACK = timedelta(days=70)


@dataclass(frozen=True)
class EnvironmentDrills:
    """An environment with its drills, newest first. `missed`: the month that went by without one that passed."""

    environment: Environment
    drills: list[Drill]
    missed: date | None

    @property
    def last(self) -> Drill | None:
        return self.drills[0] if self.drills else None


@dataclass(frozen=True)
class TrendRow:
    """One target of one drill, beside the time it may take. `share_bp`: of that time, basis points, 10000 at most."""

    drill: Drill
    told: Mapping[str, Any]
    name: str

    @property
    def share_bp(self) -> int:
        return min(round(10_000 * float(self.told["seconds"] or 0) / int(self.told["rto_seconds"])), 10_000)


def list_drilled_environments() -> QuerySet[Environment]:
    """Return the environments that are drilled each month: production, and every one with a target in use."""
    return list_triable().filter(Q(is_production=True) | Q(has_targets=True))


def list_triable() -> QuerySet[Environment]:
    """Return the environments in which a drill has something to try: a flag, or a target in use."""
    targets = Target.objects.filter(environment=OuterRef("pk"), retired_at=None)
    flags = FlagState.objects.filter(environment=OuterRef("pk"), flag__archived_at=None)
    found = Environment.objects.annotate(has_targets=Exists(targets), has_flags=Exists(flags))
    return found.filter(Q(has_targets=True) | Q(has_flags=True))


def list_environment_drills(*, now: datetime) -> list[EnvironmentDrills]:
    """Return each environment that is drilled, with what its drills found."""
    missed = {environment.pk: month for environment, month in list_missed(now=now)}
    drills = Drill.objects.select_related("environment").order_by("-pk")
    return [
        EnvironmentDrills(one, list(drills.filter(environment=one)[:SHOWN]), missed.get(one.pk))
        for one in list_drilled_environments()
    ]


def list_trend(drills: list[Drill]) -> list[TrendRow]:
    """Return the targets of drills that ended, the newest first."""
    told = [(drill, one) for drill in drills for one in drill.report.get("targets", ())]
    keys = {one["key"] for _drill, one in told}
    names = dict(Target.objects.filter(key__in=keys).values_list("key", "name")) if keys else {}
    return [TrendRow(drill, one, names.get(one["key"], one["key"])) for drill, one in told]


def get_drill(drill_id: int) -> Drill:
    """Return a drill with its environment."""
    found = Drill.objects.select_related("environment").filter(pk=drill_id).first()
    if found is None:
        raise NotFound("drill_unknown")
    return found


def list_in_the_way(drill: Drill) -> list[Operation]:
    """Return the operations that have targets which a running drill waits for: one query."""
    asked = drill.operations.values("target")
    others = Operation.objects.filter(status__in=UNFINISHED, target__environment=drill.environment_id)
    return list(others.exclude(target__in=asked).select_related("target__environment").order_by("pk"))


def find_reason(drill: Drill) -> str:
    """Return why a drill was asked for."""
    first = drill.history.order_by("history_id").first()
    return str(first.history_change_reason or "") if first else ""


def list_due_environments(*, now: datetime) -> Iterator[Environment]:
    """Yield the environments whose drill of this month is to begin."""
    for environment in list_drilled_environments():
        last = environment.drills.first()
        if is_due(
            local_now=timezone.localtime(now),
            last_on=timezone.localdate(last.asked_at) if last else None,
            day=settings.RECOVERY_DRILL_DAY,
            hour=settings.RECOVERY_DRILL_HOUR,
        ):
            yield environment


def list_missed(*, now: datetime) -> Iterator[tuple[Environment, date]]:
    """Yield the environments in which no drill passed last month, with that month."""
    for environment in list_drilled_environments():
        recent = environment.drills.filter(status=DrillStatus.PASSED, ended_at__gte=now - LOOKED_BACK)
        passed = recent.values_list("ended_at", flat=True)
        month = find_missed_month(
            today=timezone.localdate(now),
            known_since=timezone.localdate(_find_beginning(environment) or now),
            passed_on=[timezone.localdate(at) for at in passed if at is not None],
        )
        if month is not None:
            yield environment, month


def _find_beginning(environment: Environment) -> datetime | None:
    """Return since when an environment is drilled: its first target or first drill, None before either."""
    target = Target.history.filter(environment_id=environment.pk).order_by("history_id").first()
    drill = environment.drills.order_by("pk").first()
    known = [*([target.history_date] if target else []), *([drill.asked_at] if drill else [])]
    return min(known, default=None)
