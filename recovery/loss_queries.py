"""What an operation loses, and who said that it may: in the words of people who sell, not of tables."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from recovery.models import Operation


@dataclass(frozen=True)
class Accepted:
    """Who said that the loss may be, when and why."""

    by: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class Loss:
    """What was counted. `sales`: new rows of the table that holds the receipts, None where the target names none.

    `receipts`: first and last number of each stretch; `archive`: where the rows lie, once they do.
    """

    rows: int
    sales: int | None
    receipts: list[list[int]]
    tables: list[dict[str, Any]]
    archive: dict[str, Any]
    accepted: Accepted | None


def find_loss(operation: Operation) -> Loss | None:
    """Return what an operation loses; None before it was counted."""
    told = operation.state.get("losses")
    if not told:
        return None
    return Loss(
        rows=told["rows"],
        sales=_count_sales(told["tables"], receipts=operation.target.receipts),
        receipts=told.get("receipts") or [],
        tables=told["tables"],
        archive=operation.state.get("archive") or {},
        accepted=_find_accepted(operation),
    )


def _count_sales(tables: list[dict[str, Any]], *, receipts: str) -> int | None:
    table, _dot, _column = receipts.rpartition(".")
    if not table:
        return None
    name = table if "." in table else f"public.{table}"
    return sum(int(one["added"]) for one in tables if one["table"] == name)


def _find_accepted(operation: Operation) -> Accepted | None:
    told = operation.state.get("accepted")
    if told:
        at = parse_datetime(str(told["at"])) or operation.asked_at
        return Accepted(str(told["by"]), at, str(told["reason"]))
    if not operation.wish.get("accepts_losses"):
        return None
    first = operation.history.filter(wish__accepts_losses=True).order_by("history_id").first()
    return Accepted(first.actor_label, first.history_date, first.history_change_reason or "") if first else None
