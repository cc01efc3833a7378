"""The list of incidents, page by page from a number downwards: nothing is counted, however many there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from core.fulltext import compose_query, says
from incidents.domain.lifecycle import RUNNING, Status
from incidents.models import Incident
from incidents.queries import list_incidents

PAGE_SIZE = 25
#: Those whose clock runs stand before all others, on the first page.
MOST_RUNNING = 100


@dataclass(frozen=True)
class Page:
    """Incidents, newest first; `older` is the number below which the next page begins, None on the last.

    Where more run than stand on top, `has_more_running`.
    """

    rows: list[Incident]
    older: int | None
    is_first: bool
    has_more_running: bool = False


def narrow(rows: QuerySet[Incident], wanted: Mapping[str, Any], *, user_id: int | None) -> QuerySet[Incident]:
    """Return the rows that pass the list's filters; what is merged is shown where it is asked for alone.

    Words are looked for in titles: one query more.
    """
    if wanted.get("q"):
        query = compose_query(wanted["q"])
        rows = rows.filter(says(query, table=Incident._meta.db_table)) if query else rows.none()
    status = wanted.get("status")
    if status == "running":
        rows = rows.filter(status__in=RUNNING)
    else:
        rows = rows.filter(status=status) if status else rows.exclude(status=Status.MERGED)
    for name in ("tier", "environment"):
        rows = rows.filter(**{name: wanted[name]}) if wanted.get(name) else rows
    if wanted.get("site"):
        rows = rows.filter(site_keys__contains=[wanted["site"].key])
    if wanted.get("flag"):
        rows = rows.filter(flag_keys__contains=[wanted["flag"].key])
    if wanted.get("mine"):
        rows = rows.filter(Q(commander=user_id) | Q(communications=user_id))
    if wanted.get("drills"):
        rows = rows.filter(is_rehearsal=wanted["drills"] == "only")
    return rows


def find_page(wanted: Mapping[str, Any], *, user_id: int | None, before: int | None) -> Page:
    """Return a page: the first one begins with those that run; two queries there, one on each other."""
    rows = narrow(list_incidents(), wanted, user_id=user_id).order_by("-pk")
    running: list[Incident] = []
    if wanted.get("status") not in {"running", *Status}:
        running = [] if before is not None else list(rows.filter(status__in=RUNNING)[: MOST_RUNNING + 1])
        rows = rows.exclude(status__in=RUNNING)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: PAGE_SIZE + 1])
    older = found[PAGE_SIZE - 1].pk if len(found) > PAGE_SIZE else None
    shown = [*running[:MOST_RUNNING], *found[:PAGE_SIZE]]
    return Page(shown, older, before is None, has_more_running=len(running) > MOST_RUNNING)
