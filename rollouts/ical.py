"""A calendar feed as iCalendar (RFC 5545), in the language in force. The same content gives the same bytes."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from icalendar import Calendar, Event, vText

from rollouts.domain.entries import EntryState
from rollouts.feed_queries import FeedEntry, FeedFreeze, Version
from rollouts.labels import AUDIENCES, ENTRY_STATES, PHASES

#: A step is a moment; calendars draw none that has no length.
LENGTH = timedelta(minutes=30)
REFRESH = timedelta(hours=1)
#: So many flags are named; the rollout's page has them all.
NAMED = 25
#: What iCalendar's text cannot hold.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

_STATUSES = {
    EntryState.DRAFT: "TENTATIVE",
    EntryState.CANCELLED: "CANCELLED",
    EntryState.LEFT_OUT: "CANCELLED",
}
#: What goes as planned says nothing of it in its title.
_AS_PLANNED = frozenset({EntryState.PLANNED, EntryState.RUNNING, EntryState.DONE})


def write_calendar(*, name: str, entries: Iterable[FeedEntry], freezes: Iterable[FeedFreeze]) -> bytes:
    """Return a whole calendar."""
    calendar = Calendar()
    calendar.add("prodid", "-//Release Portal//Calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    for key in ("name", "x-wr-calname"):
        calendar.add(key, vText(" ".join(_clean(name).split())))
    calendar.add("x-wr-timezone", str(timezone.get_default_timezone()))
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for entry in entries:
        calendar.add_component(_write_entry(entry))
    for freeze in freezes:
        calendar.add_component(_write_freeze(freeze))
    return bytes(calendar.to_ical())


def _write_entry(entry: FeedEntry) -> Event:
    event = _begin(f"step-{entry.first_step}", entry.version, start=entry.due_at, end=entry.due_at + LENGTH)
    event.add("summary", _clean(_say_entry(entry)))
    event.add("description", _clean("\n".join(_describe(entry))))
    if entry.place:
        event.add("location", _clean(", ".join(entry.place)))
    event.add("status", _STATUSES.get(entry.state, "CONFIRMED"))
    event.add("categories", [entry.environment])
    event.add("url", settings.PUBLIC_URL + reverse("rollouts:detail", args=[entry.rollout_id]))
    return event


def _write_freeze(freeze: FeedFreeze) -> Event:
    event = _begin(f"freeze-{freeze.freeze_id}", freeze.version, start=freeze.starts_on, end=freeze.ends_on)
    words = gettext("❄ Freeze in %(environment)s: %(label)s")
    event.add("summary", _clean(words % {"environment": freeze.environment, "label": freeze.label}))
    event.add("description", _clean(freeze.reason))
    event.add("status", "CANCELLED" if freeze.is_removed else "CONFIRMED")
    event.add("categories", [freeze.environment])
    event.add("url", settings.PUBLIC_URL + reverse("rollouts:freezes"))
    return event


def _begin(uid: str, version: Version, *, start: date | datetime, end: date | datetime) -> Event:
    event = Event()
    event.add("uid", f"{uid}@{urlsplit(settings.PUBLIC_URL).hostname}")
    # Of a calendar that is published it says when the entry was made as it is: no clock, or no answer were as before.
    event.add("dtstamp", version.at.astimezone(ZoneInfo("UTC")))
    event.add("last-modified", version.at.astimezone(ZoneInfo("UTC")))
    event.add("sequence", version.number)
    event.add("dtstart", start.astimezone(ZoneInfo("UTC")) if isinstance(start, datetime) else start)
    event.add("dtend", end.astimezone(ZoneInfo("UTC")) if isinstance(end, datetime) else end)
    event.add("transp", "TRANSPARENT")
    return event


def _say_entry(entry: FeedEntry) -> str:
    names = entry.flags or entry.left_out
    words = gettext("%(release)s → %(environment)s: %(whom)s, %(flags)s") % {
        "release": entry.release,
        "environment": entry.environment,
        "whom": AUDIENCES.get(entry.whom, entry.whom),
        "flags": names[0] if len(names) == 1 else ngettext("%(n)s flag", "%(n)s flags", len(names)) % {"n": len(names)},
    }
    return words if entry.state in _AS_PLANNED else f"{ENTRY_STATES[entry.state]} · {words}"


def _describe(entry: FeedEntry) -> Iterable[str]:
    yield f"{PHASES[entry.phase_kind]} · {ENTRY_STATES[entry.state]}"
    there = entry.due_at.astimezone(ZoneInfo(entry.time_zone))
    if there.utcoffset() != timezone.localtime(entry.due_at).utcoffset():
        yield gettext("%(time)s by the clock there (%(zone)s)") % {"time": f"{there:%H:%M}", "zone": entry.time_zone}
    if entry.flags:
        yield ""
        yield from _list_flags(entry.flags)
    if entry.left_out:
        yield ""
        yield gettext("Left out:")
        yield from _list_flags(entry.left_out)


def _list_flags(names: Sequence[str]) -> Iterable[str]:
    yield from (f"– {name}" for name in names[:NAMED])
    rest = len(names) - NAMED
    if rest > 0:
        yield ngettext("and %(n)s more", "and %(n)s more", rest) % {"n": rest}


def _clean(text: str) -> str:
    """Return a text with one kind of line end and nothing else that cannot be read."""
    return _CONTROLS.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
