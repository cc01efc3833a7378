"""Writes of digests: a person's day is claimed once, and told with all that it holds in the same transaction."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import translation

from core.models import User
from notifications.digest_holding import Held, settle_held
from notifications.digest_labels import MESSAGES
from notifications.domain.audience import Audience
from notifications.domain.digest import Preferences
from notifications.domain.due import DueItem, Horizon, group_by_horizon
from notifications.domain.mail_modes import DIGEST_KIND
from notifications.labels import say_subject
from notifications.models import DigestState, Event
from notifications.transitions import publish

PAGE = "/due/"
#: Of more in one section a digest says how many, and leads to the page that lists all.
MOST_ROWS = 25


def begin_digests(days: Collection[tuple[int, date]]) -> None:
    """Note from which day on new people have digests: after the given one."""
    DigestState.objects.bulk_create([DigestState(user_id=pk, last_on=day) for pk, day in days], ignore_conflicts=True)


@transaction.atomic
def send_digest(
    *, user: User, day: date, items: Sequence[DueItem], held: Held, preferences: Preferences, now: datetime
) -> Event | None:
    """Tell a person of their day, once; None where it was looked at before or holds nothing.

    The day is looked at only once even where it holds nothing: what comes up later is told at the next morning.
    """
    if not DigestState.objects.filter(user=user, last_on__lt=day).update(last_on=day):
        return None
    settle_held(held.read, digest=None, now=now)
    with translation.override(user.language):
        data = _write(items, held, preferences=preferences, now=now)
    if not data["sections"]:
        return None
    event = publish(
        kind=DIGEST_KIND,
        data={"day": day.isoformat(), **data},
        audience=Audience(user_ids=frozenset({user.pk})),
        dedupe_key=f"digest:{user.pk}:{day.isoformat()}",
        now=now,
        url=PAGE,
    )
    settle_held(held.unread, digest=event, now=now)
    return event


def _write(items: Sequence[DueItem], held: Held, *, preferences: Preferences, now: datetime) -> dict[str, Any]:
    """Return what the event holds: titles in the reader's language, dates as they are."""
    zone = preferences.times.zone
    due = {code: rows for code, rows in group_by_horizon(items, now=now, zone=zone) if code is not Horizon.LATER}
    sections = [
        _section(str(horizon), [_row(item.title, item.due, url=item.url, source=item.source) for item in rows])
        for horizon, rows in due.items()
    ]
    told = [_row(say_subject(one.event), one.event.created_at, url=one.event.url or "/inbox/") for one in held.unread]
    return {
        "zone": str(zone),
        **{str(horizon): len(due.get(horizon, ())) for horizon in (Horizon.OVERDUE, Horizon.TODAY, Horizon.SOON)},
        MESSAGES: len(told),
        "sections": [*sections, _section(MESSAGES, told)] if told else sections,
    }


def _section(code: str, rows: Sequence[dict[str, str]]) -> dict[str, Any]:
    return {"code": code, "rows": list(rows[:MOST_ROWS]), "more": max(len(rows) - MOST_ROWS, 0)}


def _row(title: str, due: date | datetime, *, url: str, source: str = "") -> dict[str, str]:
    return {"title": title, "at": due.isoformat(), "url": url, "source": source}
