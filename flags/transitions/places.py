"""Environments, sites and tills."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import available_timezones

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput
from core.history import recorded
from flags.models import Environment, Flag, FlagState, Site, Till
from flags.transitions.saving import save_row


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
    requires_approval: bool = False,
    allowed_origins: Sequence[str] = (),
) -> Environment:
    """Create an environment with an off state for every flag there is."""
    with recorded(actor=actor, reason=reason, now=now):
        environment = save_row(
            Environment(
                key=key,
                name=name,
                position=position,
                is_production=is_production,
                requires_approval=requires_approval,
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
    actor: Actor,
    reason: str,
    now: datetime,
) -> Environment:
    """Change what an environment says of itself; its key stays, for tokens and commands name it."""
    environment = Environment.objects.select_for_update(of=("self",)).filter(pk=environment_id).first()
    if environment is None:
        raise InvalidInput("environment_unknown")
    environment.name, environment.position = name, position
    environment.is_production, environment.allowed_origins = is_production, list(allowed_origins)
    with recorded(actor=actor, reason=reason, now=now):
        return save_row(environment)


@transaction.atomic
def create_site(
    *,
    key: str,
    name: str,
    city: str,
    actor: Actor,
    reason: str,
    now: datetime,
    time_zone: str = "Europe/Paris",
    opening_weekdays: Sequence[int] = (1, 2, 3, 4, 5, 6),
    phone: str = "",
) -> Site:
    """Create a site; weekdays are ISO numbers."""
    with recorded(actor=actor, reason=reason, now=now):
        return save_row(
            Site(
                key=key,
                name=name,
                city=city,
                time_zone=_check_zone(time_zone),
                opening_weekdays=sorted(opening_weekdays),
                phone=phone,
            )
        )


@transaction.atomic
def edit_site(
    *,
    site_id: int,
    name: str,
    city: str,
    time_zone: str,
    opening_weekdays: Sequence[int],
    phone: str,
    actor: Actor,
    reason: str,
    now: datetime,
) -> Site:
    """Change what a site says of itself; its key stays, for tills send it."""
    site = Site.objects.select_for_update(of=("self",)).filter(pk=site_id).first()
    if site is None:
        raise InvalidInput("site_unknown")
    site.name, site.city, site.phone = name, city, phone
    site.time_zone, site.opening_weekdays = _check_zone(time_zone), sorted(opening_weekdays)
    with recorded(actor=actor, reason=reason, now=now):
        return save_row(site)


def _check_zone(name: str) -> str:
    """Return the name of a time zone; refuse one that nobody knows."""
    if name not in available_timezones():
        raise InvalidInput("time_zone_unknown", zone=name)
    return name


@transaction.atomic
def create_till(*, site_id: int, key: str, name: str, actor: Actor, reason: str, now: datetime) -> Till:
    """Create a till of a site under its pseudonymous id."""
    with recorded(actor=actor, reason=reason, now=now):
        return save_row(Till(site_id=site_id, key=key, name=name))
