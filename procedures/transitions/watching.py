"""Follows the users' own figures after a rollback, for as long as its watch lasts."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core.actors import RECOVERY
from core.history import recorded
from notifications.domain.audience import DRIVERS
from notifications.transitions import publish
from procedures.domain.checklists import WATCHES, Kind
from procedures.domain.figures import Verdict
from procedures.models import Procedure

WATCHED = "Figures after the rollback"
DONE = "Taken back"
OVER = "Watch over"
KEPT_EVERY = timedelta(minutes=1)


@transaction.atomic
def note_figures(*, procedure_id: int, figures: dict[str, Any], done_at: datetime | None, now: datetime) -> Procedure:
    """Keep the figures so far, and when everything was back; end the procedure once its watch is over."""
    procedure = Procedure.objects.select_for_update(of=("self",)).get(pk=procedure_id)
    if procedure.ended_at is not None:
        return procedure
    if procedure.parts.filter(operation__ended_at=None).exists():
        # A target was added meanwhile: what was read before it does not hold any more.
        done_at, figures = None, figures | {"verdict": str(Verdict.NOT_DONE)}
    if procedure.done_at is None and done_at is not None:
        procedure.watched_until = max(procedure.watched_until, done_at + WATCHES[Kind(procedure.kind)])
    is_over = now >= procedure.watched_until and (done_at or procedure.done_at) is not None
    if not (_is_news(procedure, figures, now=now) or is_over or (done_at and procedure.done_at is None)):
        return procedure
    is_back = procedure.done_at is None and done_at is not None and figures["verdict"] != Verdict.NOT_DONE
    reason = OVER if is_over else DONE if is_back else WATCHED
    with recorded(actor=RECOVERY, reason=reason, now=now):
        procedure.figures = figures | {"at": now.isoformat()}
        procedure.done_at = procedure.done_at or done_at
        procedure.ended_at = now if is_over else None
        procedure.save()
    if is_over:
        publish(
            kind="rollback_watched",
            data={
                "environment": procedure.environment.key,
                "is_rehearsal": procedure.rollback is not None and procedure.rollback.rollout.is_rehearsal,
                "number": procedure.pk,
                "verdict": figures["verdict"],
                "before": _per_hundred(figures["before"]["error_bp"]),
                "after": _per_hundred(figures["after"]["error_bp"]),
            },
            audience=DRIVERS,
            dedupe_key=f"rollback-watched:{procedure.pk}",
            now=now,
            url=f"/procedures/{procedure.pk}/",
        )
    return procedure


def _is_news(procedure: Procedure, figures: dict[str, Any], *, now: datetime) -> bool:
    """Figures are kept each minute, and at once where they say something else: history is for people."""
    known = procedure.figures
    if not known or known["verdict"] != figures["verdict"]:
        return True
    return now - datetime.fromisoformat(known["at"]) >= KEPT_EVERY


def _per_hundred(share_bp: int | None) -> float | str:
    """Return errors per hundred requests, "?" where nothing was asked."""
    return "?" if share_bp is None else share_bp / 100
