"""Environments, sites and tills."""

from collections.abc import Sequence
from datetime import datetime
from typing import Required, TypedDict, Unpack

from django.db import transaction

from core.actors import Actor
from core.domain.business_time import list_time_zones
from core.errors import InvalidInput
from core.history import recorded
from core.versions import check_version
from flags.models import Environment, Flag, FlagState, Site, Till
from flags.transitions.locking import lock_making
from flags.transitions.saving import check_key_reads_apart, save_row


@transaction.atomic
def create_environment(
    *,
    key: str,
    name: str,
    position: int,
    is_production: bool,
    actor: Actor,
    reason: str,
    now: datetime,
    required_approvals: int = 0,
    allowed_origins: Sequence[str] = (),
) -> Environment:
    """Create an environment with an off state for every flag there is."""
    lock_making()
    check_key_reads_apart(key, others=Environment.objects.values_list("key", flat=True))
    with recorded(actor=actor, reason=reason, now=now):
        environment = save_row(
            Environment(
                key=key,
                name=name,
                position=position,
                is_production=is_production,
                required_approvals=required_approvals,
                allowed_origins=list(allowed_origins),
            )
        )
        for flag in Flag.objects.order_by("pk"):
            FlagState(flag=flag, environment=environment).save()
    return environment


@transaction.atomic
def edit_environment(
    *,
    environment_id: int,
    name: str,
    position: int,
    is_production: bool,
    allowed_origins: Sequence[str],
    required_approvals: int,
    actor: Actor,
    reason: str,
    now: datetime,
    seen_version: int | None = None,
) -> Environment:
    """Change what an environment says of itself; its key stays, for tokens and commands name it."""
    environment = Environment.objects.select_for_update(of=("self",)).filter(pk=environment_id).first()
    if environment is None:
        raise InvalidInput("environment_unknown")
    check_version(environment, seen_version)
    environment.name, environment.position = name, position
    environment.is_production, environment.allowed_origins = is_production, list(allowed_origins)
    environment.required_approvals = required_approvals
    with recorded(actor=actor, reason=reason, now=now):
        return save_row(environment)


class SiteSheet(TypedDict, total=False):
    """What a site says of itself; weekdays are ISO numbers."""

    name: Required[str]
    city: Required[str]
    street: str
    postal_code: str
    time_zone: str
    opening_weekdays: Sequence[int]
    opening_hours: str
    phone: str
    contact_name: str
    contact_email: str
    backup_name: str
    backup_phone: str


@transaction.atomic
def create_site(*, key: str, actor: Actor, reason: str, now: datetime, **sheet: Unpack[SiteSheet]) -> Site:
    """Create a site; what is not said keeps its default."""
    with recorded(actor=actor, reason=reason, now=now):
        return save_row(_fill(Site(key=key), sheet))


@transaction.atomic
def edit_site(
    *,
    site_id: int,
    actor: Actor,
    reason: str,
    now: datetime,
    seen_version: int | None = None,
    **sheet: Unpack[SiteSheet],
) -> Site:
    """Change what a site says of itself; its key stays, for tills send it. What is not said stays."""
    site = get_locked_site(site_id, seen_version=seen_version)
    with recorded(actor=actor, reason=reason, now=now):
        return save_row(_fill(site, sheet))


def get_locked_site(site_id: int, *, seen_version: int | None = None) -> Site:
    """Return the locked site; refuse one that does not exist or changed after a person's page was drawn."""
    site = Site.objects.select_for_update(of=("self",)).filter(pk=site_id).first()
    if site is None:
        raise InvalidInput("site_unknown")
    check_version(site, seen_version)
    return site


def _fill(site: Site, sheet: SiteSheet) -> Site:
    """Return the site with what is said of it; refuse a time zone that nobody knows."""
    for name, value in sheet.items():
        setattr(site, name, value)
    if site.time_zone not in list_time_zones():
        raise InvalidInput("time_zone_unknown", zone=site.time_zone)
    site.opening_weekdays = sorted(site.opening_weekdays)
    return site


@transaction.atomic
def create_till(*, site_id: int, key: str, name: str, actor: Actor, reason: str, now: datetime) -> Till:
    """Create a till of a site under its pseudonymous id."""
    with recorded(actor=actor, reason=reason, now=now):
        return save_row(Till(site_id=site_id, key=key, name=name))
