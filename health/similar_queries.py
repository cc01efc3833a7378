"""Complaints of today that say the same as another one, or as what is being typed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import connection

from health.domain.alike import Said, Word, count_alike, read_words
from health.domain.complaints import days_ago
from health.models import Complaint
from health.queries import list_counting

#: How many complaints a text is compared with while it is typed.
MOST_COMPARED = 500
#: How many of a day's complaints each one of the list is compared with.
MOST_OFFERED = 100

#: The lexemes at a place are all of one word: a hyphenated one has several places.
_READ_STORED = """
    SELECT w.complaint_id, array_agg(said.lexeme) FROM health_complainttext w
    CROSS JOIN LATERAL unnest(w.found_by) said CROSS JOIN LATERAL unnest(said.positions) AS place
    WHERE w.complaint_id = ANY(%s) GROUP BY w.complaint_id, place
"""
_READ_TYPED = """
    SELECT array_agg(said.lexeme) FROM unnest(core_words(%s)) said CROSS JOIN LATERAL unnest(said.positions) AS place
    GROUP BY place
"""


def list_similar(*, environment_key: str, text: str, now: datetime, limit: int = 5) -> list[Complaint]:
    """Return today's complaints that count and say the same as a text; the likest first: three queries."""
    said = _list_said_today(environment_key=environment_key, now=now, at_most=MOST_COMPARED)
    return _choose(_read_typed(text), said, _map_words([row.pk for row in said]), limit=limit)


def match_similar(
    pks: Collection[int], *, environment_key: str, now: datetime, limit: int = 3
) -> dict[int, list[Complaint]]:
    """Return, for each complaint, earlier ones of today that count and say the same: two queries."""
    said = _list_said_today(environment_key=environment_key, now=now, at_most=MOST_OFFERED)
    words = _map_words({*pks, *(row.pk for row in said)})
    return {pk: _choose(words[pk], [row for row in said if row.pk < pk], words, limit=limit) for pk in pks}


def _choose(ours: Said, rows: Sequence[Complaint], words: Mapping[int, Said], *, limit: int) -> list[Complaint]:
    ranked = [(count_alike(ours, words[row.pk]), row) for row in rows]
    found = sorted((pair for pair in ranked if pair[0] > 0), key=lambda pair: (-pair[0], -pair[1].pk))
    return [row for _count, row in found[:limit]]


def _list_said_today(*, environment_key: str, now: datetime, at_most: int) -> list[Complaint]:
    rows = list_counting(environment_key=environment_key, now=now, days=1).filter(words__isnull=False)
    newest = rows.select_related("site", "flag", "words")[:at_most]
    return [row for row in newest if days_ago(row.logged_at, zone=ZoneInfo(row.site.time_zone), now=now) == 0]


def _map_words(pks: Collection[int]) -> dict[int, Said]:
    found: dict[int, list[Word]] = {pk: [] for pk in pks}
    with connection.cursor() as cursor:
        cursor.execute(_READ_STORED, [list(pks)])
        for pk, lexemes in cursor.fetchall():
            found[pk].append(frozenset(lexemes))
    return {pk: read_words(words) for pk, words in found.items()}


def _read_typed(text: str) -> Said:
    with connection.cursor() as cursor:
        cursor.execute(_READ_TYPED, [text.replace("\x00", " ")])
        return read_words(frozenset(lexemes) for (lexemes,) in cursor.fetchall())
