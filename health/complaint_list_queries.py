"""The list of complaints, page by page from a number downwards: nothing is counted, however many there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet

from core.fulltext import compose_query
from health.models import Complaint
from health.search_queries import find_complaints

PAGE_SIZE = 50
#: Filters of the list by the columns they are about.
COLUMNS = {"site": "site", "flag": "flag", "severity": "severity", "status": "status", "number": "pk"}


@dataclass(frozen=True)
class Page:
    """Complaints, newest first; `older` is the number below which the next page begins, None on the last."""

    rows: list[Complaint]
    older: int | None
    is_first: bool


def find_page(*, environment_id: int, wanted: Mapping[str, Any], before: int | None) -> Page:
    """Return a page of an environment's complaints that pass the list's filters: with words two queries more."""
    rows = Complaint.objects.filter(environment=environment_id).order_by("-pk")
    rows = rows.filter(**{column: wanted[name] for name, column in COLUMNS.items() if wanted.get(name)})
    if wanted.get("q"):
        rows = rows.filter(pk__in=_find_numbers(environment_id, wanted, before))
    elif before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(_with_words(rows)[: PAGE_SIZE + 1])
    return Page(found[:PAGE_SIZE], found[PAGE_SIZE - 1].pk if len(found) > PAGE_SIZE else None, before is None)


def _find_numbers(environment_id: int, wanted: Mapping[str, Any], before: int | None) -> list[int]:
    about = {
        "environment_id": environment_id,
        "site_id": getattr(wanted.get("site"), "pk", None),
        "flag_id": getattr(wanted.get("flag"), "pk", None),
        "severity": wanted.get("severity") or None,
        "status": wanted.get("status") or None,
    }
    found = find_complaints(compose_query(wanted["q"]), wanted=about, before=before, limit=PAGE_SIZE + 1)
    return [row.number for row in found.rows]


def _with_words(rows: QuerySet[Complaint]) -> QuerySet[Complaint]:
    return rows.select_related("site", "flag").annotate(said=F("words__text"), reporter=F("words__reporter"))
