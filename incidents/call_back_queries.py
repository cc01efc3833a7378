"""Reads of the calls that are due: by site, with what is told, and what was settled lately."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db.models import F, QuerySet
from django.utils import timezone

from flags.models import FlagState, Site
from incidents.call_back_words import CallFacts, Contact, read_contact, write_call
from incidents.domain.calling_back import OPEN
from incidents.models import CallBack
from rollouts.models import SupportShift
from rollouts.support_queries import list_duty

#: Shown at once; more are shown once these are settled.
MOST_SHOWN = 100
MOST_SETTLED = 20
#: So long a settled call stays on the page, to be taken back.
KEPT = timedelta(days=1)
#: More are counted as so many.
MOST_COUNTED = 1_000


@dataclass(frozen=True)
class Call:
    """A call with what the page shows of it. `said` is None once the complaint's words were deleted."""

    row: CallBack
    contact: Contact
    said: str | None
    french: str
    english: str


@dataclass(frozen=True)
class SiteCalls:
    site: Site
    calls: Sequence[Call]

    @property
    def numbers(self) -> list[int]:
        return [call.row.pk for call in self.calls]


@dataclass(frozen=True)
class CallsPage:
    sites: Sequence[SiteCalls]
    has_more: bool
    settled: Sequence[CallBack]


def count_open() -> int:
    """Return how many calls are due, at most `MOST_COUNTED`: one query over the open ones."""
    return CallBack.objects.filter(state__in=OPEN)[:MOST_COUNTED].count()


def read_calls(wanted: Mapping[str, Any], *, now: datetime) -> CallsPage:
    """Return what the page shows: a fixed number of queries, however many calls are due."""
    rows = with_facts(narrow(CallBack.objects.filter(state__in=OPEN), wanted)).order_by("site__name", "site_id", "pk")
    found = list(rows[: MOST_SHOWN + 1])
    duty = list_phones(now=now)
    off = map_off(found)
    groups = groupby(found[:MOST_SHOWN], key=lambda row: row.site)
    return CallsPage(
        sites=[
            SiteCalls(site, [draw_call(row, duty=duty, off=off, now=now) for row in group]) for site, group in groups
        ],
        has_more=len(found) > MOST_SHOWN,
        settled=_list_settled(wanted, now=now),
    )


def narrow(rows: QuerySet[CallBack], wanted: Mapping[str, Any]) -> QuerySet[CallBack]:
    """Return the calls of a site, and those that an incident's restoration asks for."""
    rows = rows.filter(site=wanted["site"]) if wanted.get("site") else rows
    return rows.filter(causes__incident=wanted["incident"]).distinct() if wanted.get("incident") else rows


def with_facts(rows: QuerySet[CallBack]) -> QuerySet[CallBack]:
    """Return the calls with all that their words are made of: three queries more."""
    rows = rows.select_related("site", "environment", "complaint__flag", "complaint__words")
    return rows.prefetch_related("causes__rollback", "causes__incident")


def _list_settled(wanted: Mapping[str, Any], *, now: datetime) -> list[CallBack]:
    rows = narrow(CallBack.objects.filter(settled_at__gte=now - KEPT), wanted)
    rows = rows.select_related("site", "settled_by").annotate(reporter=F("complaint__words__reporter"))
    rows = rows.order_by("-settled_at", "-pk")
    return list(rows[:MOST_SETTLED])


def list_phones(*, now: datetime) -> list[SupportShift]:
    """Return who is on duty today: whom a shop calls where something is still wrong; one query."""
    return list_duty(day=timezone.localdate(now))


def map_off(rows: Sequence[CallBack]) -> dict[tuple[int, int], datetime]:
    """Return since when each of the calls' features is switched off, by environment and flag: one query."""
    flags = {row.complaint.flag_id for row in rows if row.complaint.flag_id is not None}
    states = FlagState.objects.filter(flag__in=flags, killed_at__isnull=False)
    return {(state.environment_id, state.flag_id): state.killed_at for state in states if state.killed_at is not None}


def draw_call(
    row: CallBack,
    *,
    duty: Sequence[SupportShift],
    off: Mapping[tuple[int, int], datetime],
    now: datetime,
    is_named: bool = True,
) -> Call:
    """Return a call with its words; they greet nobody by name where `is_named` is False."""
    words = getattr(row.complaint, "words", None)
    contact = read_contact(words.reporter if words and is_named else "")
    phone = next((shift.phone for shift in duty if shift.site_id in {None, row.site_id}), "")
    facts = _read_facts(row, contact=contact, phone=phone, off=off, now=now)
    return Call(
        row=row,
        contact=contact,
        said=words.text if words else None,
        french=write_call(facts, language="fr"),
        english=write_call(facts, language="en"),
    )


def _read_facts(
    row: CallBack, *, contact: Contact, phone: str, off: Mapping[tuple[int, int], datetime], now: datetime
) -> CallFacts:
    causes = list(row.causes.all())
    taken_back = max((one.at for one in causes if one.rollback_id is not None), default=None)
    restored = max(
        (one.at for one in causes if one.incident is not None and one.incident.restored_at == one.at), default=None
    )
    flag = row.complaint.flag
    # A part that was taken back (a shop, a phase) sets no kill switch: then the moment of the rollback is told.
    killed_at = off.get((row.environment_id, flag.pk)) if flag else None
    return CallFacts(
        name=contact.name,
        zone=row.site.time_zone,
        said_at=row.complaint.logged_at,
        feature=flag.name if flag else "",
        off_at=taken_back or killed_at,
        restored_at=restored,
        phone=phone,
        now=now,
    )
