"""Exceptional days of sites: a closing, an extra opening, days on which nothing may change."""

from datetime import date, datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from flags.domain.opening import DAYS_MOST, DayKind
from flags.models import SiteDay
from flags.transitions.places import get_locked_site
from flags.transitions.saving import save_row


@transaction.atomic
def add_site_days(
    *,
    site_id: int,
    starts_on: date,
    ends_on: date,
    kind: DayKind,
    label: str,
    actor: Actor,
    reason: str,
    now: datetime,
) -> SiteDay:
    """Set days [starts_on, ends_on) of a site apart; refuse what is empty, endless or overlaps others of its own."""
    site = get_locked_site(site_id)
    if starts_on >= ends_on:
        raise InvalidInput("site_days_reversed")
    if (ends_on - starts_on).days > DAYS_MOST:
        raise InvalidInput("site_days_too_many", limit=DAYS_MOST)
    other = site.days.filter(starts_on__lt=ends_on, ends_on__gt=starts_on).first()
    if other is not None:
        raise Refusal("site_days_overlap", label=other.label, first=str(other.starts_on), last=str(other.last_on))
    with recorded(actor=actor, reason=reason, now=now):
        return save_row(SiteDay(site=site, starts_on=starts_on, ends_on=ends_on, kind=kind, label=label.strip()))


@transaction.atomic
def remove_site_days(*, site_id: int, days_id: int, actor: Actor, reason: str, now: datetime) -> None:
    """Take exceptional days away again; refuse those that are gone (already)."""
    days = get_locked_site(site_id).days.filter(pk=days_id).first()
    if days is None:
        raise Refusal("changed_meanwhile")
    with recorded(actor=actor, reason=reason, now=now):
        days.delete()
