"""Whom an announcement is for, in people, sites and tills."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Q
from django.db.models.functions import Lower

from announcements.domain.lifecycle import Places
from announcements.domain.message import Reach
from announcements.models import Announcement
from core.models import User
from core.roles import Role
from flags.domain.audience import RuleKind
from flags.domain.standing import Extent, Reached
from flags.models import Flag, SegmentMember, Site, Till
from flags.standing_queries import Standing, list_standings
from notifications.domain.audience import Audience
from notifications.models import Channel, Delivery
from notifications.queries import list_people
from rollouts.models import Step, StepStatus

#: Who got a flag by a rollout so lately is told of it, also where it was taken back since.
LOOK_BACK = timedelta(days=14)
#: Kinds of messages that say an announcement itself, not about it.
TELLING = ("announcement", "announcement_corrected", "announcement_withdrawn")


def read_reach(announcement: Announcement, *, now: datetime) -> Reach:
    """Return whom an announcement reaches now: at most nine queries, however many there are."""
    keys = _list_site_keys(announcement, now=now)
    is_everywhere = announcement.places == Places.EVERYWHERE
    people = list_readers(roles=announcement.roles, site_keys=keys)
    return Reach(
        user_ids=[one.pk for one in people],
        mails=sum(bool(one.email) for one in people),
        site_keys=keys,
        tills=Till.objects.filter(site__key__in=keys).count() if keys else 0,
        is_everywhere=is_everywhere,
    )


def list_told(announcement_id: int) -> list[User]:
    """Return who was told of an announcement so far, as far as they still may be: two queries."""
    told = Delivery.objects.filter(
        event__url=announcement_url(announcement_id), event__kind__in=TELLING, channel=Channel.INBOX
    )
    ids = frozenset(told.order_by().values_list("recipient", flat=True).distinct())
    return list_people(Audience(user_ids=ids)) if ids else []


def announcement_url(announcement_id: int) -> str:
    """Return the address of an announcement's page, as messages about it have it."""
    return f"/announcements/{announcement_id}/"


def list_exposed_site_keys(flag: Flag, *, environment_id: int, now: datetime) -> list[str]:
    """Return the keys of sites where anybody has a flag by its rules, or got it lately by a rollout: seven queries.

    A rule that names no site (a share of everyone, conditions, a person of no site) may hold anywhere: then all.
    """
    standing = next((one for one in list_standings([flag.pk]) if one.state.environment_id == environment_id), None)
    steps = Step.objects.filter(
        rollout__environment=environment_id, flag=flag, status=StepStatus.DONE, done_at__gte=now - LOOK_BACK
    )
    given = list(steps.values_list("audience_kind", "site__key", "segment_id").distinct().order_by())
    reached = _find_reached(standing, now=now) or Reached(Extent.NOBODY)
    is_anywhere = reached.extent is Extent.EVERYONE or bool(reached.share_bp or reached.others)
    if is_anywhere or any(kind == RuleKind.EVERYONE for kind, _site, _segment in given):
        return _list_all_keys()
    keys = {site for _kind, site, _segment in given if site}
    keys |= set(reached.sites)
    segments = [segment for _kind, _site, segment in given if segment]
    members = SegmentMember.objects.filter(Q(segment__in=segments) | Q(segment__name__in=reached.people))
    keys_of_members = set(members.order_by().values_list("site__key", flat=True).distinct())
    if None in keys_of_members:
        return _list_all_keys()
    return sorted(keys | {key for key in keys_of_members if key})


def _find_reached(standing: Standing | None, *, now: datetime) -> Reached | None:
    """Return whom a flag's rules give it, or gave it until it was cut lately; None where it is off."""
    if standing is None or standing.extent is Extent.OFF or not standing.state.is_on:
        return None
    if standing.extent is Extent.VARIABLE:
        return Reached(Extent.EVERYONE)
    cut_at = standing.state.killed_at
    return None if cut_at is not None and cut_at < now - LOOK_BACK else standing.reached


def _list_all_keys() -> list[str]:
    return list(Site.objects.order_by("key").values_list("key", flat=True))


def _list_site_keys(announcement: Announcement, *, now: datetime) -> list[str]:
    places = Places(announcement.places)
    if places is Places.EVERYWHERE:
        return _list_all_keys()
    if places is Places.FLAG and announcement.flag is not None:
        return list_exposed_site_keys(announcement.flag, environment_id=announcement.environment_id, now=now)
    return sorted(announcement.site_keys) if places is Places.SITES else []


def list_readers(*, roles: Collection[str], site_keys: Collection[str]) -> list[User]:
    """Return the people with the roles, and the contacts of the sites who have an account: two queries."""
    wanted = frozenset(Role(role) for role in roles)
    contacts: frozenset[int] = frozenset()
    if site_keys:
        mails = Site.objects.filter(key__in=site_keys).exclude(contact_email="").annotate(mail=Lower("contact_email"))
        accounts = User.objects.annotate(mail=Lower("email")).filter(mail__in=mails.values("mail"))
        contacts = frozenset(accounts.values_list("pk", flat=True))
    return list_people(Audience(wanted, contacts)) if wanted or contacts else []
