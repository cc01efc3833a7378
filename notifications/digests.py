"""One round of digests: everybody whose morning it is, with what is due asked once for all of them."""

import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db import DatabaseError

from core.errors import Refusal
from core.models import User
from notifications.digest_holding import list_held
from notifications.digest_transitions import begin_digests, send_digest
from notifications.domain.digest import Preferences, find_beginning, find_digest_day
from notifications.domain.due import divide
from notifications.due import list_due_items
from notifications.models import DigestState
from notifications.personal_queries import as_persons, list_everybody, map_preferences

log = logging.getLogger(__name__)

#: A week of any zone's days, from any moment of a day on.
AHEAD = timedelta(days=8)


def send_due_digests(*, now: datetime) -> int:
    """Send each digest that is due; return how many had something to say.

    A fixed number of queries finds whose morning it is and what is due; then one transaction for each of those people.
    """
    people = list_everybody()
    chosen = map_preferences([user.pk for user in people])
    last = dict(DigestState.objects.values_list("user", "last_on"))
    begin_digests([(pk, find_beginning(one.times, now=now)) for pk, one in chosen.items() if pk not in last])
    days = [(user, day) for user in people if (day := _find_day(chosen[user.pk], last_on=last.get(user.pk), now=now))]
    return _send(days, people=people, chosen=chosen, now=now) if days else 0


def _find_day(preferences: Preferences, *, last_on: date | None, now: datetime) -> date | None:
    if not preferences.choice.has_digest or last_on is None:
        return None
    return find_digest_day(preferences.times, last_on=last_on, now=now)


def _send(
    days: Sequence[tuple[User, date]],
    *,
    people: Sequence[User],
    chosen: dict[int, Preferences],
    now: datetime,
) -> int:
    due = divide(list_due_items(now=now, until=now + AHEAD), as_persons(people))
    held = list_held([user.pk for user, _day in days])
    sent = 0
    for user, day in days:
        try:
            event = send_digest(
                user=user, day=day, items=due[user.pk], held=held[user.pk], preferences=chosen[user.pk], now=now
            )
        except (Refusal, DatabaseError):
            log.exception("digest of %s: not sent, tried again", user.username)
        else:
            sent += event is not None
    return sent
