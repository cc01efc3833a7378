"""Maintenance that people announced on the status page, by the outlet of that name (statuspage.outlet)."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db.models import Prefetch

from announcements.domain.kinds import Kind
from announcements.domain.lifecycle import SAID, Act
from announcements.models import Announcement, AnnouncementVersion
from statuspage.facts import MaintenanceFacts, Words
from statuspage.rollout_queries import BEHIND, Planned

#: The outlet's key: what was said by it stands on the page.
KEY = "status_page"
#: People announce farther ahead than a rollout is planned, and speak of it for longer.
AHEAD, REMEMBERED = timedelta(days=60), timedelta(days=120)
#: Without an end it is over by itself after so long; an announcement that it is ends it sooner.
LONGEST_OPEN = timedelta(days=1)
#: That it is over can be read for so long.
LINGERS = timedelta(days=1)
#: One that begins at once is announced so, without a plan before it.
BEGINS = frozenset({Kind.MAINTENANCE_PLANNED, Kind.MAINTENANCE_BEGUN})
MAINTENANCE = BEGINS | {Kind.MAINTENANCE_ENDED}

#: Announcements of one maintenance, each saying more about one before it, in their order.
Chain = Sequence[Announcement]


def read_announced(environment_ids: Collection[int], *, now: datetime) -> list[Planned]:
    """Return announced maintenance that is ahead, under way or lately over: two queries.

    What says more about another one moves, begins or ends it, and is no maintenance of its own. In the words that
    were said last on the page; what was taken back never was.
    """
    said = AnnouncementVersion.objects.exclude(act=Act.WITHDRAWAL).order_by("-number")
    rows = Announcement.objects.filter(
        environment__in=environment_ids,
        status__in=[str(one) for one in SAID],
        kind__in=[str(one) for one in MAINTENANCE],
        created_at__gte=now - REMEMBERED,
    ).prefetch_related(Prefetch("versions", queryset=said))
    planned = [one for chain in _link(list(rows.order_by("pk"))) if (one := _make(chain, now=now)) is not None]
    return [one for one in planned if now - BEHIND <= one.facts.ends_at and one.facts.starts_at < now + AHEAD]


def _link(rows: Sequence[Announcement]) -> list[Chain]:
    """Return announcements by the first one that each of them says more about, however far back."""
    roots: dict[int, int] = {}
    chains: dict[int, list[Announcement]] = defaultdict(list)
    for row in rows:
        root = roots.get(row.follows_id or 0, row.pk)
        roots[row.pk] = root
        chains[root].append(row)
    return list(chains.values())


def _make(chain: Chain, *, now: datetime) -> Planned | None:
    """Return a maintenance as the last words of its chain have it, None where none was said on the page."""
    shown = [row for row in chain if row.kind in BEGINS and KEY in row.outlets]
    if not shown:
        return None
    # The newest window holds; what begins or ends it came after that.
    window = next((row for row in reversed(shown) if row.kind == Kind.MAINTENANCE_PLANNED), shown[0])
    later = [row for row in chain if row.pk >= window.pk]
    begun_at = _said_at(later, Kind.MAINTENANCE_BEGUN)
    over = next((row for row in later if row.kind == Kind.MAINTENANCE_ENDED), None)
    over_at = _first_at(over) if over else None
    planned, *_before = window.versions.all()
    starts_at = min(filter(None, (planned.starts_at, begun_at)), default=_first_at(window))
    # Over before it began: it was called off, and its window stays as it was.
    ended_at = over_at if over_at and over_at > starts_at else None
    ends_at = ended_at or planned.ends_at or starts_at + LONGEST_OPEN
    is_over = over_at is not None or now >= ends_at
    status = "completed" if is_over else "scheduled" if now < starts_at else "in_progress"
    resolved_at = (over_at or ends_at) if is_over else None
    last, *_corrected = (over if over and KEY in over.outlets else shown[-1]).versions.all()
    moments = (last.at, resolved_at, starts_at if status == "in_progress" else None)
    where = shown[-1].versions.all()[0]
    facts = MaintenanceFacts(
        id=f"a{chain[0].pk}",
        name=Words(fr=last.title_fr, en=last.title_en),
        body=Words(fr=last.body_fr, en=last.body_en),
        status=status,
        component_ids=(),
        starts_at=starts_at,
        ends_at=ends_at,
        created_at=_first_at(shown[0]),
        updated_at=max(moment for moment in moments if moment is not None),
        resolved_at=resolved_at,
        has_end=bool(ended_at or planned.ends_at),
        lingers=resolved_at is not None and now - resolved_at < LINGERS,
    )
    return Planned(window.environment_id, frozenset() if where.is_everywhere else frozenset(where.site_keys), facts)


def _said_at(rows: Sequence[Announcement], kind: Kind) -> datetime | None:
    """Return when something of a kind was said first."""
    return min((_first_at(row) for row in rows if row.kind == kind), default=None)


def _first_at(row: Announcement) -> datetime:
    """Return when an announcement was said: its newest version comes first."""
    return [*row.versions.all()][-1].at
