"""Writes of drills: begun by a person or by the month, noted, ended."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from core.actors import RECOVERY, Actor
from core.errors import Refusal
from core.history import recorded
from flags.models import Environment
from notifications.domain.audience import DRIVERS
from notifications.transitions import publish
from recovery.domain.drills import FlagResult
from recovery.domain.lifecycle import DrillStatus
from recovery.drill_queries import list_triable
from recovery.models import Drill

NOTED = "Flags tried"
OVER = "Drill over"
MONTHLY = "Drill of the month"


@transaction.atomic
def begin_drill(
    *, environment: Environment, actor: Actor, reason: str, now: datetime, is_scheduled: bool = False
) -> Drill:
    """Begin a drill of an environment; refuse while another one runs there, and where there is nothing to try."""
    if not list_triable().filter(pk=environment.pk).exists():
        raise Refusal("drill_of_nothing", environment=environment.key)
    drill = Drill(environment=environment, asked_by=actor.label, asked_at=now, is_scheduled=is_scheduled)
    try:
        with transaction.atomic(), recorded(actor=actor, reason=reason, now=now):
            drill.save()
    except IntegrityError:
        raise Refusal("drill_running", environment=environment.key) from None
    return drill


@transaction.atomic
def note_flags(*, drill_id: int, results: Sequence[FlagResult], now: datetime) -> Drill:
    """Keep what each flag did."""
    drill = Drill.objects.select_for_update(of=("self",)).select_related("environment").get(pk=drill_id)
    if drill.flags is None:
        with recorded(actor=RECOVERY, reason=NOTED, now=now):
            drill.flags = [asdict(one) for one in results]
            drill.save()
    return drill


@transaction.atomic
def end_drill(*, drill_id: int, status: DrillStatus, report: dict[str, Any], now: datetime) -> None:
    """End a drill with its report; whoever drives hears of one that failed."""
    drill = Drill.objects.select_for_update(of=("self",)).select_related("environment").get(pk=drill_id)
    if drill.status != DrillStatus.RUNNING:
        return
    with recorded(actor=RECOVERY, reason=OVER, now=now):
        drill.status, drill.report, drill.ended_at = status, report, now
        drill.save()
    if status == DrillStatus.FAILED:
        publish(
            kind="drill_failed",
            data={"environment": drill.environment.key, "number": drill.pk},
            audience=DRIVERS,
            dedupe_key=f"drill-failed:{drill.pk}",
            now=now,
            url=f"/recovery/drills/{drill.pk}/",
        )


@transaction.atomic
def tell_missed(environment: Environment, *, month: date, now: datetime) -> bool:
    """Say that a month went by without a drill that passed; False where that was said before."""
    event = publish(
        kind="drill_missed",
        data={"environment": environment.key, "month": month.isoformat()},
        audience=DRIVERS,
        dedupe_key=f"drill-missed:{environment.pk}:{month:%Y-%m}",
        now=now,
        url="/recovery/drills/",
    )
    return event is not None
