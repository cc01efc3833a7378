"""Reads of procedures: what is open, what waits for one, and what each shows."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from core.errors import NotFound
from health.domain.error_rate import LANE
from health.guardrail_queries import get_guardrail
from health.window_queries import sum_window
from procedures.domain.checklists import ItemState
from procedures.domain.figures import BEFORE, Figures, describe
from procedures.models import Procedure, ProcedureItem
from recovery.domain.lifecycle import Kind as OperationKind
from recovery.models import Operation
from rollouts.models import Rollback

#: What is older was before there were procedures, or before this installation ran.
OPENED_WITHIN = timedelta(days=1)


def list_unopened_rollbacks(*, now: datetime) -> QuerySet[Rollback]:
    """Return the rollbacks of flags that have no procedure yet."""
    return Rollback.objects.filter(procedure=None, contained_at__gte=now - OPENED_WITHIN).order_by("pk")


def list_unopened_operations(*, now: datetime) -> QuerySet[Operation]:
    """Return the rollbacks of targets that have no procedure yet; exercises need none."""
    rows = Operation.objects.filter(kind=OperationKind.ROLL_BACK, part=None, is_exercise=False)
    return rows.filter(asked_at__gte=now - OPENED_WITHIN).order_by("pk")


def list_open() -> QuerySet[Procedure]:
    """Return the procedures that are still watched."""
    return Procedure.objects.filter(ended_at=None).select_related("environment", "rollback")


def list_procedures() -> QuerySet[Procedure]:
    """Return all procedures, newest first, each with how many answers are open."""
    is_open = Q(items__state=ItemState.OPEN)
    rows = Procedure.objects.annotate(open_count=Count("items", filter=is_open)).order_by("-pk")
    rows = rows.select_related("environment", "rollback__rollout__release")
    return rows.prefetch_related("rollback__rollback_flags__flag", "parts__operation__target")


def get_procedure(procedure_id: int) -> Procedure:
    """Return a procedure with what its page shows."""
    found = list_procedures().filter(pk=procedure_id).first()
    if found is None:
        raise NotFound("procedure_unknown")
    return found


def list_overridden(rollback_id: int) -> list[ProcedureItem]:
    """Return what was passed over in the procedure of a rollback of flags: the post-mortem shows it."""
    rows = ProcedureItem.objects.filter(procedure__rollback=rollback_id, state=ItemState.OVERRIDDEN)
    return list(rows.order_by("position"))


def compare_figures(procedure: Procedure, *, done_at: datetime | None, now: datetime) -> dict[str, Any]:
    """Return the users' figures before and after a procedure's rollback: four queries.

    `done_at`: when everything was back, from which on is measured; None while it is not.
    """
    key = procedure.environment.key
    before = sum_window(environment_key=key, since=procedure.begun_at - BEFORE, until=procedure.begun_at)
    limit_bp = get_guardrail(environment_key=key, lane=LANE).threshold_bp
    if done_at is None:
        return describe(Figures(*before), None, limit_bp=limit_bp)
    until = max(min(now, procedure.watched_until), done_at)
    after = sum_window(environment_key=key, since=done_at, until=until)
    return describe(Figures(*before), Figures(*after), limit_bp=limit_bp)
