"""Writes of what a person chose of how they are told."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from core.actors import person
from core.domain.business_time import list_time_zones
from core.errors import InvalidInput
from core.history import recorded
from core.models import Language, User
from core.reasons import write_reason
from core.transitions import set_language
from notifications.digest_holding import Held, list_held, settle_held
from notifications.domain.digest import EARLIEST_HOUR, LATEST_HOUR
from notifications.domain.mail_modes import MailMode
from notifications.labels import GROUPS
from notifications.models import PersonalSettings


@transaction.atomic
def set_personal_settings(
    *,
    user_id: int,
    language: str,
    time_zone: str,
    digest_is_on: bool,
    digest_hour: int,
    digest_weekdays: Sequence[int],
    modes: Mapping[str, MailMode],
    now: datetime,
) -> PersonalSettings:
    """Keep what a person chose for themselves; what is as before is not written again.

    Who gives the digest up waits for nothing any more: what would have stood in it is in the inbox.
    """
    _check(language=language, time_zone=time_zone, hour=digest_hour, weekdays=digest_weekdays, modes=modes)
    user = User.objects.select_for_update(of=("self",)).get(pk=user_id)
    set_language(user_id=user_id, language=language, now=now)
    row = PersonalSettings.objects.filter(user=user).first() or PersonalSettings(user=user)
    wished = {
        "time_zone": time_zone,
        "digest_is_on": digest_is_on,
        "digest_hour": digest_hour,
        "digest_weekdays": sorted(set(digest_weekdays)),
        "mail_in_digest": sorted(group for group, mode in modes.items() if mode is MailMode.DIGEST),
        "mail_never": sorted(group for group, mode in modes.items() if mode is MailMode.NEVER),
    }
    if all(getattr(row, name) == value for name, value in wished.items()):
        return row
    for name, value in wished.items():
        setattr(row, name, value)
    with recorded(actor=person(user), reason=write_reason("personal_settings_chosen"), now=now):
        row.save()
    if not digest_is_on:
        _let_go(list_held([user_id])[user_id], now=now)
    return row


def _let_go(held: Held, *, now: datetime) -> None:
    settle_held([*held.unread, *held.read], digest=None, now=now)


def _check(*, language: str, time_zone: str, hour: int, weekdays: Sequence[int], modes: Mapping[str, MailMode]) -> None:
    if language not in Language.values:
        raise InvalidInput("language_unknown", language=language)
    if time_zone and time_zone not in list_time_zones():
        raise InvalidInput("time_zone_unknown", zone=time_zone)
    if not EARLIEST_HOUR <= hour <= LATEST_HOUR:
        raise InvalidInput("digest_hour_wrong", earliest=EARLIEST_HOUR, latest=LATEST_HOUR)
    if not weekdays or not set(weekdays) <= set(range(1, 8)):
        raise InvalidInput("digest_days_wrong")
    if not set(modes) <= set(GROUPS):
        raise InvalidInput("message_group_unknown")
