"""Reads of announcements: the list page by page, one with all that was said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, Q, QuerySet

from announcements.domain.lifecycle import RunState
from announcements.messages import say_titles
from announcements.models import Announcement, AnnouncementVersion, OutletRun
from announcements.reminding import list_promised
from announcements.transitions.locking import with_subjects

PAGE_SIZE = 25
#: Lines of a draft's history that its page shows.
MOST_STATES = 30


@dataclass(frozen=True)
class Row:
    """An announcement in a list: its titles as said, else as they stand; `failed`: outlets of its newest word."""

    announcement: Announcement
    titles: Mapping[str, str]
    reached: int
    failed: int


@dataclass(frozen=True)
class Page:
    """Announcements, newest first; `older` is the number below which the next page begins, None on the last."""

    rows: Sequence[Row]
    older: int | None


def list_announcements(wanted: Mapping[str, Any], *, now: datetime) -> QuerySet[Announcement]:
    """Return the announcements that the filters keep, newest first."""
    rows = list_promised(until=now) if wanted.get("overdue") else Announcement.objects.all()
    for name in ("status", "kind", "environment", "rollout", "incident"):
        rows = rows.filter(**{name: wanted[name]}) if wanted.get(name) else rows
    for word in str(wanted.get("q") or "").split():
        found = Q()
        for field in ("title_fr", "title_en", "body_fr", "body_en"):
            found |= Q(**{f"{field}__icontains": word})
        rows = rows.filter(found)
    return with_subjects(rows).order_by("-pk")


def find_page(wanted: Mapping[str, Any], *, before: int | None, now: datetime) -> Page:
    """Return a page of the list: three queries."""
    rows = list_announcements(wanted, now=now)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: PAGE_SIZE + 1])
    older = found[PAGE_SIZE - 1].pk if len(found) > PAGE_SIZE else None
    return Page(draw_rows(found[:PAGE_SIZE]), older)


def find_announced(words: Sequence[str], *, limit: int, now: datetime) -> list[Row]:
    """Return the newest announcements with these words in titles or texts: three queries."""
    return draw_rows(list(list_announcements({"q": " ".join(words)}, now=now)[:limit]))


def draw_rows(announcements: Sequence[Announcement]) -> list[Row]:
    """Return announcements with what was said of them: two queries."""
    newest = AnnouncementVersion.objects.filter(announcement__in=announcements).order_by().values("announcement")
    numbers = newest.annotate(newest=Max("pk")).values("newest")
    versions = {one.announcement_id: one for one in AnnouncementVersion.objects.filter(pk__in=numbers)}
    runs: dict[int, list[OutletRun]] = {}
    for run in OutletRun.objects.filter(version__in=[one.pk for one in versions.values()]):
        runs.setdefault(run.version_id, []).append(run)
    return [_draw_row(one, versions.get(one.pk), runs) for one in announcements]


def _draw_row(
    announcement: Announcement, version: AnnouncementVersion | None, runs: Mapping[int, Sequence[OutletRun]]
) -> Row:
    if version is None:
        return Row(announcement, say_titles(announcement), 0, 0)
    mine = runs.get(version.pk, ())
    return Row(
        announcement,
        {"fr": version.title_fr, "en": version.title_en},
        max((run.reached for run in mine), default=0),
        sum(run.status == RunState.FAILED for run in mine),
    )


def list_versions(announcement: Announcement) -> list[AnnouncementVersion]:
    """Return what was said, newest first, each with its outlets and who said it: two queries."""
    return list(announcement.versions.select_related("by").prefetch_related("runs").order_by("-number"))


def list_states(announcement: Announcement) -> list[Any]:
    """Return the states of an announcement as its history keeps them, newest first: one query."""
    return list(announcement.history.order_by("-history_id")[:MOST_STATES])
