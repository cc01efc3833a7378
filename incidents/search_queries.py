"""One search over incidents, complaints and post-mortems: a fixed number of queries, none that counts all."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from core.domain.excerpts import Piece, cut_excerpt
from core.fulltext import MOST_RANKED, Finding, Source, compose_query, find_newest
from health.models import Complaint
from health.search_queries import find_complaints
from incidents.domain.searching import KINDS, Hit, Kind, Part, Spot, rank_hits
from incidents.models import Incident

PAGE_SIZE = 20
#: Of a text so much is read for its excerpt.
MOST_READ = 20_000

#: Of how many incidents that meet conditions the texts are read first, the newest.
NEWEST_INCIDENTS = 1_000


def _source(table: str, *, owner: str = "w.incident_id", via: str = "", condition: str = "true") -> Source:
    """Return a table whose rows belong to incidents: by its own column, or by that of a row between them."""
    newest = f"SELECT i.id FROM incidents_incident i WHERE {{conditions}} ORDER BY i.id DESC LIMIT {NEWEST_INCIDENTS}"  # noqa: S608  # a number of ours
    between = f"{via} JOIN {table} w ON p.id = w.post_mortem_id" if via else f"{table} w"
    return Source(
        table,
        key="id",
        joins=f"{f'JOIN {via} ON p.id = w.post_mortem_id ' if via else ''}JOIN incidents_incident i ON i.id = {owner}",
        narrowed=f"({newest}) i CROSS JOIN LATERAL (SELECT w.* FROM {between} WHERE {owner} = i.id OFFSET 0) w",  # noqa: S608  # tables and columns of ours
        condition=condition,
    )


SOURCES = {
    Part.TITLE: _source("incidents_incident", owner="w.id"),
    Part.NOTE: _source("incidents_timelineentry", condition="w.note <> ''"),
    Part.WORD: _source("incidents_incidentupdate"),
    Part.SECTIONS: _source("incidents_postmortem"),
    Part.MEASURE: _source("incidents_actionitem", owner="p.incident_id", via="incidents_postmortem p"),
}
#: By what a search can be narrowed, as conditions on the incident.
CONDITIONS = {
    "environment_id": "i.environment_id = %(environment_id)s",
    "tier": "i.tier = %(tier)s",
    "site_key": "i.site_keys @> ARRAY[%(site_key)s]::varchar[]",
    "since": "i.detected_at >= %(since)s",
    "until": "i.detected_at < %(until)s",
}
#: Those that few incidents meet.
NARROW = frozenset({"site_key", "since", "until"})
_SECTIONS = (
    "concat_ws(E'\\n', root_cause, impact, detection, went_well, went_badly, lucky, documentation_updates,"
    " array_to_string(whys, E'\\n'), public_title, public_text)"
)
#: By the part: the row's number, its text, its table.
_TEXTS = {
    Part.TITLE: ("id", "title", "incidents_incident"),
    Part.NOTE: ("id", "note", "incidents_timelineentry"),
    Part.WORD: ("id", "concat_ws(E'\\n', text_fr, text_en)", "incidents_incidentupdate"),
    Part.SECTIONS: ("id", _SECTIONS, "incidents_postmortem"),
    Part.MEASURE: ("id", "concat_ws(E'\\n', title, proof, checked, drop_reason)", "incidents_actionitem"),
    Part.COMPLAINT: ("complaint_id", "text", "health_complainttext"),
}
_READ = " UNION ALL ".join(
    f"SELECT '{part}', {key}, said, core_marked(said, %(query)s::tsquery) FROM"  # noqa: S608  # names of ours
    f" (SELECT {key}, left({text}, {MOST_READ}) AS said FROM {table} WHERE {key} = ANY(%({part})s)) AS {part}"
    for part, (key, text, table) in _TEXTS.items()
)


@dataclass(frozen=True)
class Wish:
    """What is searched for. Complaints are those of one environment (None: nobody may see any); they have no tier."""

    text: str
    complaints_of: int | None
    environment_id: int | None = None
    site_id: int | None = None
    site_key: str | None = None
    tier: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Count:
    """How many of a kind were found; `is_more`: at least so many."""

    number: int
    is_more: bool


@dataclass(frozen=True)
class Shown:
    """A hit with what it is about: the incident, or the complaint; its title and the words around what was found."""

    hit: Hit
    incident: Incident | None
    complaint: Complaint | None
    title: Sequence[Piece]
    excerpt: Sequence[Piece]


@dataclass(frozen=True)
class Results:
    """A page of what was found. `is_mute`: only words were asked for that say nothing by themselves."""

    rows: Sequence[Shown]
    counts: Mapping[Kind, Count]
    page: int
    has_more: bool
    is_mute: bool


def search_records(wish: Wish, *, kind: Kind | None = None, page: int = 1, size: int = PAGE_SIZE) -> Results:
    """Return a page of what fits, the best first, with the number of each kind: ten queries.

    Of each sort of text the newest that fit are ranked; what is older is found with more words, or by time.
    """
    query = compose_query(wish.text)
    findings = _find(query, wish)
    hits = rank_hits({part: _list_spots(part, finding) for part, finding in findings.items()})
    more = {KINDS[part] for part, finding in findings.items() if finding.has_more}
    numbers = Counter(hit.kind for hit in hits)
    wanted = [hit for hit in hits if kind in {None, hit.kind}]
    start = (page - 1) * size
    return Results(
        rows=_show(wanted[start : start + size], query),
        counts={one: Count(numbers[one], one in more) for one in Kind},
        page=page,
        has_more=len(wanted) > start + size,
        is_mute=bool(wish.text.strip()) and not query,
    )


def search_titles(query: str, *, number: int | None, limit: int) -> list[Incident]:
    """Return the incident with a number and the newest with these words in their title: two queries."""
    found = find_newest(SOURCES[Part.TITLE], query=query, limit=limit)
    rows = Incident.objects.select_related("environment").filter(
        pk__in=[number or 0, *(row.number for row in found.rows)]
    )
    return sorted(rows, key=lambda row: (row.pk != number, -row.pk))[:limit]


def search_post_mortems(query: str, *, limit: int) -> list[Incident]:
    """Return the incidents whose newest post-mortems have these words: two queries."""
    found = find_newest(SOURCES[Part.SECTIONS], query=query, columns=("i.id",), limit=limit)
    rows = Incident.objects.select_related("environment", "post_mortem")
    return list(rows.filter(pk__in=[0, *(row.columns[0] for row in found.rows)]).order_by("-pk"))


def _find(query: str, wish: Wish) -> dict[Part, Finding]:
    asked = {"environment_id": wish.environment_id, "tier": wish.tier, "site_key": wish.site_key}
    given = {name: value for name, value in (asked | _read_time(wish)).items() if value is not None}
    conditions = [CONDITIONS[name] for name in given]
    columns = ("i.id", "i.detected_at")
    found = {
        part: find_newest(
            source,
            query=query,
            conditions=conditions,
            given=given,
            columns=columns,
            is_narrow=not NARROW.isdisjoint(given),
        )
        for part, source in SOURCES.items()
    }
    if wish.complaints_of is not None and wish.tier is None:
        about = {"environment_id": wish.complaints_of, "site_id": wish.site_id, **_read_time(wish)}
        found[Part.COMPLAINT] = find_complaints(query, wanted=about, limit=MOST_RANKED)
    return found


def _read_time(wish: Wish) -> dict[str, datetime | None]:
    return {"since": wish.since, "until": wish.until}


def _list_spots(part: Part, finding: Finding) -> list[Spot]:
    if part is Part.COMPLAINT:
        return [Spot(part, row.number, row.number, row.rank, row.columns[0]) for row in finding.rows]
    return [Spot(part, row.number, row.columns[0], row.rank, row.columns[1]) for row in finding.rows]


def _show(hits: Sequence[Hit], query: str) -> list[Shown]:
    # With a number that nothing has, so that a page always asks as often.
    of_incidents = [0, *(hit.owner for hit in hits if hit.kind is not Kind.COMPLAINT)]
    of_complaints = [0, *(hit.owner for hit in hits if hit.kind is Kind.COMPLAINT)]
    incidents = Incident.objects.select_related("environment").in_bulk(of_incidents)
    complaints = Complaint.objects.select_related("site", "flag", "environment").in_bulk(of_complaints)
    excerpts = _cut_excerpts(hits, query)
    return [
        Shown(
            hit,
            None if hit.kind is Kind.COMPLAINT else incidents[hit.owner],
            complaints[hit.owner] if hit.kind is Kind.COMPLAINT else None,
            excerpts.get((Part.TITLE, hit.owner), ()) if hit.kind is not Kind.COMPLAINT else (),
            () if hit.spot.part is Part.TITLE else excerpts.get((hit.spot.part, hit.spot.number), ()),
        )
        for hit in hits
    ]


def _cut_excerpts(hits: Sequence[Hit], query: str) -> dict[tuple[Part, int], list[Piece]]:
    """Return the excerpts of the texts in which the hits' words stand, and of the incidents' titles: one query."""
    numbers: dict[str, Any] = {str(part): [hit.spot.number for hit in hits if hit.spot.part is part] for part in Part}
    numbers[str(Part.TITLE)] = [hit.owner for hit in hits if hit.kind is not Kind.COMPLAINT]
    with connection.cursor() as cursor:
        cursor.execute(_READ, numbers | {"query": query})
        return {(Part(part), number): cut_excerpt(said, marked) for part, number, said, marked in cursor.fetchall()}
