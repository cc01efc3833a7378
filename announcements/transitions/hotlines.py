"""The hotline of an environment."""

from datetime import datetime

from django.db import transaction

from announcements.models import Hotline
from announcements.transitions.locking import check_line
from core.actors import Actor
from core.errors import InvalidInput
from core.history import recorded
from core.versions import check_version
from flags.models import Environment

LONGEST_PHONE = 40
LONGEST_HOURS = 100
_OF_NUMBERS = frozenset("0123456789+().-/ ")


@transaction.atomic
def set_hotline(
    *,
    environment_id: int,
    phone: str,
    actor: Actor,
    reason: str,
    now: datetime,
    hours_fr: str = "",
    hours_en: str = "",
    seen: int | None = None,
) -> Hotline:
    """Set the number that shops of an environment call, and when somebody answers; an empty one takes it away."""
    if Environment.objects.select_for_update(of=("self",), no_key=True).filter(pk=environment_id).first() is None:
        raise InvalidInput("environment_unknown")
    hotline = Hotline.objects.filter(environment=environment_id).first() or Hotline(environment_id=environment_id)
    check_version(hotline, seen)
    hotline.phone = check_line(phone, limit=LONGEST_PHONE)
    if set(hotline.phone) - _OF_NUMBERS:
        raise InvalidInput("hotline_no_number")
    hotline.hours_fr = check_line(hours_fr, limit=LONGEST_HOURS)
    hotline.hours_en = check_line(hours_en, limit=LONGEST_HOURS)
    with recorded(actor=actor, reason=reason, now=now):
        hotline.save()
    return hotline
