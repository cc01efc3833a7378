"""Reads of freezes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Max

from rollouts.models import FreezeWindow

#: The page shows the last ones; the admin has them all.
PAST_MOST = 20


@dataclass(frozen=True)
class FreezeLine:
    """A freeze on its page, with what a person may still do about it."""

    freeze: FreezeWindow
    version: int
    can_shorten: bool
    can_remove: bool


@dataclass(frozen=True)
class FreezeLists:
    running: Sequence[FreezeLine]
    coming: Sequence[FreezeLine]
    past: Sequence[FreezeWindow]


def list_freezes(*, today: date) -> FreezeLists:
    """Return the freezes in force and ahead, the next first, and the last ones that are over: three queries."""
    rows = FreezeWindow.objects.select_related("environment").order_by("starts_on", "ends_on", "environment__position")
    open_rows = list(rows.filter(ends_on__gt=today))
    newest = FreezeWindow.history.filter(id__in=[row.pk for row in open_rows]).order_by()
    versions = dict(newest.values_list("id").annotate(Max("history_id")))
    lines = [
        FreezeLine(
            row,
            versions.get(row.pk, 0),
            can_shorten=(row.ends_on - max(row.starts_on, today)).days > 1 or row.starts_on < today,
            can_remove=row.starts_on >= today,
        )
        for row in open_rows
    ]
    return FreezeLists(
        running=[line for line in lines if line.freeze.starts_on <= today],
        coming=[line for line in lines if line.freeze.starts_on > today],
        past=list(rows.filter(ends_on__lte=today).order_by("-ends_on", "-starts_on")[:PAST_MOST]),
    )
