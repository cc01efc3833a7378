"""Maintenance that people announced to the tills or their users: the public page says it as well."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db.models import Min, Prefetch, Q

from announcements.domain.kinds import Kind
from announcements.domain.lifecycle import SAID, Act
from announcements.models import Announcement, AnnouncementVersion
from announcements.outlets import list_outlets
from statuspage.facts import MaintenanceFacts, Words
from statuspage.rollout_queries import BEHIND, Planned

#: People announce farther ahead than a rollout is planned.
AHEAD = timedelta(days=60)
#: Without an end it is over by itself after so long; an announcement that it is ends it sooner.
LONGEST_OPEN = timedelta(days=1)
#: One that begins at once is announced so, without a plan before it.
BEGINS = (Kind.MAINTENANCE_PLANNED, Kind.MAINTENANCE_BEGUN)


def read_announced(environment_ids: Collection[int], *, now: datetime) -> list[Planned]:
    """Return announced maintenance that is ahead, under way or lately over: three queries at the most.

    Announced to more than people of the portal, and not taken back. In the words that were said last.
    """
    told = [one.key for one in list_outlets() if one.is_public]
    rows = Announcement.objects.filter(
        environment__in=environment_ids,
        status__in=[str(one) for one in SAID],
        kind__in=BEGINS,
        outlets__overlap=told,
    ).filter(Q(kind=Kind.MAINTENANCE_PLANNED) | Q(follows=None))
    rows = rows.alias(at=Min("versions__at")).filter(Q(starts_at__gte=now - BEHIND * 2) | Q(at__gte=now - BEHIND * 2))
    said = AnnouncementVersion.objects.exclude(act=Act.WITHDRAWAL).order_by("-number")
    found = list(rows.order_by("pk").prefetch_related(Prefetch("versions", queryset=said, to_attr="said")))
    ends = _find_ends([one.pk for one in found])
    planned = [_make(one.said, environment_id=one.environment_id, ended_at=ends.get(one.pk), now=now) for one in found]
    return [one for one in planned if now - BEHIND <= one.facts.ends_at and one.facts.starts_at < now + AHEAD]


def _find_ends(announcement_ids: Collection[int]) -> dict[int, datetime]:
    """Return when it was said of each that it is over."""
    if not announcement_ids:
        return {}
    over = AnnouncementVersion.objects.filter(
        announcement__follows__in=announcement_ids,
        announcement__kind=Kind.MAINTENANCE_ENDED,
        announcement__status__in=[str(one) for one in SAID],
    )
    return dict(over.order_by().values_list("announcement__follows").annotate(at=Min("at")))


def _make(
    versions: Sequence[AnnouncementVersion], *, environment_id: int, ended_at: datetime | None, now: datetime
) -> Planned:
    last, first = versions[0], versions[-1]
    starts_at = last.starts_at or first.at
    ends_at = ended_at or last.ends_at or starts_at + LONGEST_OPEN
    # Over before it began: it is said so, and the window that was planned stays as it was.
    ends_at = max(ends_at, starts_at)
    is_over = now >= ends_at or ended_at is not None
    status = "completed" if is_over else "scheduled" if now < starts_at else "in_progress"
    over_at = (ended_at or ends_at) if is_over else None
    began_at = starts_at if status == "in_progress" else None
    facts = MaintenanceFacts(
        id=f"a{last.announcement_id}",
        name=_words(last.title_fr, last.title_en),
        body=_words(last.body_fr, last.body_en),
        status=status,
        component_ids=(),
        starts_at=starts_at,
        ends_at=ends_at,
        created_at=first.at,
        updated_at=max(moment for moment in (last.at, began_at, over_at) if moment is not None),
        resolved_at=over_at,
    )
    return Planned(environment_id, frozenset() if last.is_everywhere else frozenset(last.site_keys), facts)


def _words(fr: str, en: str) -> Words:
    """Return words in both languages: those of the other where one was left out."""
    return Words(fr=fr or en, en=en or fr)
