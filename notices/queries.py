"""Reads of notices: what stands for the tills, and what the pages show."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q, QuerySet

from flags.models import Site, Till
from notices.domain.board import BoardNotice, Words
from notices.domain.levels import Level, Standing
from notices.models import Notice

#: Past notices on one page.
ROWS = 25


def list_standing(now: datetime, *, environment_id: int | None = None) -> QuerySet[Notice]:
    """Return the notices that stand or are to come, of one environment or of all."""
    rows = Notice.objects.filter(superseded_by=None, taken_away_at=None)
    rows = rows.filter(Q(ends_at=None) | Q(ends_at__gt=now))
    return rows if environment_id is None else rows.filter(environment=environment_id)


def load_boards(*, now: datetime, environment_id: int | None = None) -> dict[int, tuple[BoardNotice, ...]]:
    """Return what stands for the tills by environment, one or all of them: one query."""
    rows = list_standing(now, environment_id=environment_id).order_by("-pk")
    named = rows.annotate(
        site_keys=ArrayAgg("notice_sites__site__key", distinct=True, filter=~Q(notice_sites__site=None), default=[]),
        flag_keys=ArrayAgg("notice_flags__flag__key", distinct=True, filter=~Q(notice_flags__flag=None), default=[]),
    )
    boards: dict[int, list[BoardNotice]] = defaultdict(list)
    for row in named:
        boards[row.environment_id].append(draw_board_notice(row, row.site_keys, row.flag_keys))
    return {key: tuple(found) for key, found in boards.items()}


def draw_board_notice(row: Notice, site_keys: Collection[str] = (), flag_keys: Collection[str] = ()) -> BoardNotice:
    """Return a row as the tills see it; one that is not saved yet has the number 0."""
    return BoardNotice(
        number=row.pk or 0,
        level=Level(row.level),
        french=Words(row.title_fr, row.text_fr),
        english=Words(row.title_en, row.text_en),
        hotline=row.hotline,
        next_update_at=row.next_update_at,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        site_keys=frozenset(site_keys),
        flag_keys=frozenset(flag_keys),
    )


def with_links(rows: QuerySet[Notice]) -> QuerySet[Notice]:
    """Return the rows with their sites, flags and writers: two queries more."""
    return rows.select_related("environment", "written_by", "superseded_by").prefetch_related(
        "notice_sites__site", "notice_flags__flag"
    )


def list_by_standing(environment_id: int, *, now: datetime) -> tuple[list[Notice], list[Notice]]:
    """Return the notices that stand, the newest first, and those to come, the next first: three queries."""
    found = list(with_links(list_standing(now, environment_id=environment_id)))
    to_come = [one for one in found if one.find_standing(now) is Standing.SCHEDULED]
    current = [one for one in found if one.find_standing(now) is Standing.CURRENT]
    return current, sorted(to_come, key=lambda one: one.starts_at)


def list_gone(environment_id: int, *, now: datetime, before: int | None) -> tuple[list[Notice], int | None]:
    """Return a page of those that are over, newest first, and the number below which the next begins: three queries."""
    rows = Notice.objects.filter(environment=environment_id)
    rows = rows.filter(Q(ends_at__lte=now) | Q(taken_away_at__isnull=False) | Q(superseded_by__isnull=False))
    rows = rows if before is None else rows.filter(pk__lt=before)
    found = list(with_links(rows.order_by("-pk"))[: ROWS + 1])
    return found[:ROWS], found[ROWS - 1].pk if len(found) > ROWS else None


@dataclass(frozen=True)
class Audience:
    """How many sites and tills show a notice; `is_narrowed`: those of them alone that have one of its flags."""

    sites: int
    tills: int
    is_narrowed: bool


def count_audience(*, site_ids: Collection[int], flag_ids: Sequence[int]) -> Audience:
    """Return whom a notice would reach: two queries."""
    sites = Site.objects.filter(pk__in=site_ids) if site_ids else Site.objects.all()
    tills = Till.objects.filter(site__in=site_ids) if site_ids else Till.objects.all()
    return Audience(sites.count(), tills.count(), bool(flag_ids))
