"""What support says on the phone, ready to be read out: made of facts, in French and in English."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext, pgettext

from core.templatetags.portal import civil_day

_PHONE = re.compile(r"\+?\d(?:[\s.()/-]{0,2}\d){7,14}")
_MAIL = re.compile(r"[^\s<>()\[\],;:\"]{1,64}@[^\s<>()\[\],;:\"]{1,120}\.[A-Za-z]{2,20}")
_EDGES = " \t,;:·/|()[]<>-–—"


@dataclass(frozen=True)
class Contact:
    """Who complained, as support wrote it down in one line: the name, and how to reach them where that stands there."""

    name: str
    phone: str
    email: str

    @property
    def tel(self) -> str:
        """The number as a link takes it."""
        return re.sub(r"[^\d+]", "", self.phone)


@dataclass(frozen=True)
class CallFacts:
    """What a call is about. Moments are told on the clock of the shop's zone; `feature` and `phone` may be empty."""

    name: str
    zone: str
    said_at: datetime
    feature: str
    off_at: datetime | None
    restored_at: datetime | None
    phone: str
    now: datetime


@dataclass(frozen=True)
class OpenFacts:
    """An incident that still runs: whether the harm has stopped, the last public word, which features are off."""

    is_mitigated: bool
    word: str
    off: Sequence[tuple[str, datetime]]
    zone: str
    now: datetime


def read_contact(reporter: str) -> Contact:
    """Return name, phone number and address of what was written down as the reporter."""
    mail = _MAIL.search(reporter)
    rest = reporter.replace(mail[0], " ") if mail else reporter
    phone = _PHONE.search(rest)
    rest = rest.replace(phone[0], " ") if phone else rest
    name = " ".join(rest.split()).strip(_EDGES)
    return Contact(name, phone[0].strip() if phone else "", mail[0].rstrip(".") if mail else "")


def write_call(facts: CallFacts, *, language: str) -> str:
    """Return what is told to somebody who complained, a sentence a line."""
    with translation.override(language):
        return "\n".join(_compose_call(facts))


def _compose_call(facts: CallFacts) -> list[str]:
    hello = gettext("Hello, support here.")
    if facts.name:
        hello = gettext("Hello %(name)s, support here.") % {"name": facts.name}
    said = {"when": _say_when(facts.said_at, facts), "feature": facts.feature}
    lines = [hello]
    if facts.feature:
        lines.append(gettext("You told us of a problem with “%(feature)s” %(when)s.") % said)
    else:
        lines.append(gettext("You told us of a problem %(when)s.") % said)
    if facts.off_at is not None:
        off = {"when": _say_when(facts.off_at, facts), "feature": facts.feature}
        if facts.feature:
            lines.append(gettext("“%(feature)s” was switched off %(when)s: the till works as it did before.") % off)
        else:
            lines.append(gettext("What was new was switched off %(when)s: the till works as it did before.") % off)
    if facts.restored_at is not None:
        when = {"when": _say_when(facts.restored_at, facts)}
        lines.append(gettext("The problem was solved %(when)s, and we have checked it.") % when)
    thanks = gettext("Thank you for telling us. If anything is still wrong, tell us.")
    if facts.phone:
        call = {"phone": facts.phone}
        thanks = gettext("Thank you for telling us. If anything is still wrong, call %(phone)s.") % call
    return [*lines, thanks]


def write_meanwhile(facts: OpenFacts, *, language: str) -> str:
    """Return what is told to somebody who calls while an incident runs, a sentence a line."""
    with translation.override(language):
        lines = [gettext("We know of this problem, and we are working on it.")]
        if facts.is_mitigated:
            stopped = gettext("We know of this problem. It has stopped, and we check that everything works again.")
            lines = [stopped]
        if facts.word:
            lines.append(facts.word)
        for name, at in facts.off:
            off = {"feature": name, "when": _say_when(at, facts)}
            lines.append(gettext("“%(feature)s” was switched off %(when)s: the till works as it did before.") % off)
        lines.append(gettext("We call you back as soon as it is solved."))
        return "\n".join(lines)


def _say_when(value: datetime, facts: CallFacts | OpenFacts) -> str:
    """Return a moment as it is spoken: "today at 14:05", "on Wed 4 Nov at 14:05"."""
    zone = ZoneInfo(facts.zone)
    local, today = value.astimezone(zone), facts.now.astimezone(zone).date()
    # Translators: Django's format of an hour that is read out: 14:05, in French "14 h 05"
    said = {"hour": date_format(local, pgettext("hour read out", "H:i")), "day": civil_day(local.date())}
    if local.date() == today:
        return gettext("today at %(hour)s") % said
    return gettext("on %(day)s at %(hour)s") % said
