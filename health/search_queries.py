"""Complaints found by their words. Who complained is not searched: the person at the till is nobody's to look up."""

from collections.abc import Mapping
from typing import Any

from core.fulltext import MOST_RANKED, NEWEST, Finding, Source, find_newest
from health.models import Complaint

#: Words that are forgotten are gone from here as well.
COMPLAINTS = Source(
    "health_complainttext",
    key="complaint_id",
    joins="JOIN health_complaint c ON c.id = w.complaint_id",
    narrowed=f"(SELECT c.id FROM health_complaint c WHERE {{conditions}} ORDER BY c.logged_at DESC LIMIT {NEWEST}) c"  # noqa: S608  # a number of ours
    " CROSS JOIN LATERAL (SELECT * FROM health_complainttext w WHERE w.complaint_id = c.id OFFSET 0) w",
)
#: By what a search can be narrowed, as conditions on the complaint.
CONDITIONS = {
    "environment_id": "c.environment_id = %(environment_id)s",
    "site_id": "c.site_id = %(site_id)s",
    "flag_id": "c.flag_id = %(flag_id)s",
    "severity": "c.severity = %(severity)s",
    "status": "c.status = %(status)s",
    "since": "c.logged_at >= %(since)s",
    "until": "c.logged_at < %(until)s",
}
#: Those that few complaints meet.
NARROW = frozenset({"site_id", "flag_id", "since", "until"})


def find_complaints(
    query: str, *, wanted: Mapping[str, Any], before: int | None = None, limit: int = MOST_RANKED
) -> Finding:
    """Return the newest complaints with these words (`core.fulltext.compose_query`), with their moment: one query.

    `wanted` narrows by the names of `CONDITIONS`; what is None there narrows nothing.
    """
    given = {name: value for name, value in wanted.items() if value is not None}
    return find_newest(
        COMPLAINTS,
        query=query,
        conditions=[CONDITIONS[name] for name in given],
        given=given,
        columns=("c.logged_at",),
        before=before,
        limit=limit,
        is_narrow=not NARROW.isdisjoint(given),
    )


def search_complaints(query: str, *, number: int | None, environment_id: int, limit: int) -> list[Complaint]:
    """Return an environment's complaint with a number and its newest ones with these words: two queries."""
    found = find_complaints(query, wanted={"environment_id": environment_id}, limit=limit)
    rows = Complaint.objects.filter(environment=environment_id).select_related("site", "words")
    rows = rows.filter(pk__in=[number or 0, *(row.number for row in found.rows)])
    return sorted(rows, key=lambda row: (row.pk != number, -row.pk))[:limit]
