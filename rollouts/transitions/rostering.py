"""Says who is on duty, and takes it back."""

from datetime import date, datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from flags.models import Site
from rollouts.models import SupportShift

#: A roster is of weeks, not of a lifetime.
MOST_DAYS = 92


@transaction.atomic
def add_shift(
    *,
    site_id: int | None,
    starts_on: date,
    ends_on: date,
    name: str,
    phone: str,
    hours: str,
    actor: Actor,
    reason: str,
    now: datetime,
) -> SupportShift:
    """Put a person on duty on the days [starts_on, ends_on), at one site or at every one. Two may share a day."""
    name, phone = name.strip(), phone.strip()
    if not name or not phone:
        raise InvalidInput("shift_of_nobody")
    if not 0 < (ends_on - starts_on).days <= MOST_DAYS:
        raise InvalidInput("shift_days_wrong", most=MOST_DAYS)
    if site_id is not None and not Site.objects.filter(pk=site_id).exists():
        raise InvalidInput("site_unknown", site=site_id)
    with recorded(actor=actor, reason=reason, now=now):
        shift = SupportShift(
            site_id=site_id, starts_on=starts_on, ends_on=ends_on, name=name, phone=phone, hours=hours.strip()
        )
        shift.save()
    return shift


@transaction.atomic
def remove_shift(*, shift_id: int, actor: Actor, reason: str, now: datetime) -> None:
    """Take a shift out of the roster; refuse one that is gone already."""
    shift = SupportShift.objects.select_for_update(of=("self",)).filter(pk=shift_id).first()
    if shift is None:
        raise Refusal("changed_meanwhile")
    with recorded(actor=actor, reason=reason, now=now):
        shift.delete()
