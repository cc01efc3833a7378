"""What an alert of a monitoring system is to the portal, and the bounds of what it may say (contracts §6)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from flags.domain.values import is_storable
from health.domain.moments import find_moment

MAX_ALERTS = 1_000
MAX_BODY_BYTES = 2_097_152
MAX_NAME_CHARACTERS = 200
MAX_SUMMARY_CHARACTERS = 1_000
MAX_LINK_CHARACTERS = 1_000
MAX_FINGERPRINT_CHARACTERS = 150
MAX_KEY_CHARACTERS = 100
MAX_LABELS = 50
MAX_LABEL_CHARACTERS = 500
#: What says which flag, site and release an alert is about, and how grave it is: kept before all other labels.
FLAG, SITE, RELEASE, SEVERITY, NAME = "flag", "site", "release", "severity", "alertname"
OUR_LABELS = (NAME, SEVERITY, FLAG, SITE, RELEASE)
MAX_AHEAD = timedelta(minutes=5)
#: Before, a time is none: an alert without a start has the year 1.
FIRST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)


class Origin(StrEnum):
    ALERTMANAGER = "alertmanager"
    GRAFANA = "grafana"
    SENTRY = "sentry"


class Severity(StrEnum):
    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


#: From the gravest on.
RANKS = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)
#: What others call it. An unknown word, or none, is a warning: it is listed, and by itself takes nothing back.
SEVERITIES: Mapping[str, Severity] = {
    **dict.fromkeys(("critical", "crit", "page", "fatal", "emergency", "disaster", "p1"), Severity.CRITICAL),
    **dict.fromkeys(("info", "information", "informational", "notice", "debug", "none", "ok"), Severity.INFO),
}


class Match(StrEnum):
    """How the record is found that a message speaks of."""

    START = "start"  # the same fingerprint and start
    THREAD = "thread"  # the same fingerprint: once ended it stays so
    SPAN = "span"  # the same fingerprint, within the time that the last message made it last


class BadAlert(ValueError):
    """An alert that cannot be accepted: a stable code and words for whoever set the sender up."""

    def __init__(self, code: str, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


@dataclass(frozen=True)
class AlertValue:
    """One message about one alert. It fires in [started_at, ended_at); without an end, until one is told.

    `severity` is None where the message says only that it ended.
    """

    fingerprint: str
    name: str
    summary: str
    severity: Severity | None
    labels: Mapping[str, str]
    started_at: datetime
    ended_at: datetime | None
    link: str
    match: Match = Match.START
    is_watchdog: bool = False

    @property
    def flag_key(self) -> str:
        return self.labels.get(FLAG, "")

    @property
    def site_key(self) -> str:
        return self.labels.get(SITE, "")

    @property
    def release(self) -> str:
        return self.labels.get(RELEASE, "")[:MAX_KEY_CHARACTERS]


@dataclass
class AlertReading:
    """A message's good alerts, for each bad one its index, code and details, and how many the sender left out."""

    accepted: list[AlertValue] = field(default_factory=list)
    rejected: list[dict[str, object]] = field(default_factory=list)
    truncated: int = 0


def rank_severity(word: str | None) -> Severity:
    """Return what a monitoring system's word for the severity means here."""
    return SEVERITIES.get((word or "").strip().lower(), Severity.WARNING)


def is_at_least(severity: str, least: str) -> bool:
    """Tell whether a severity is as grave as another, or graver."""
    return RANKS.index(Severity(severity)) <= RANKS.index(Severity(least))


def read_labels(pairs: Iterable[tuple[object, object]]) -> dict[str, str]:
    """Return bounded labels, ours first; refuse what is no text or cannot be stored."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if not isinstance(name, str) or not isinstance(value, str):
            raise BadAlert("INVALID_LABELS", "Labels are texts.")
        check_text(name, value)
        if value and len(name) <= MAX_KEY_CHARACTERS:
            found[name] = cut(value, at_most=MAX_LABEL_CHARACTERS)
    ordered = sorted(found, key=lambda name: (name not in OUR_LABELS, name))
    return {name: found[name] for name in ordered[:MAX_LABELS]}


def check_text(*texts: str) -> None:
    """Refuse texts with characters that no database holds."""
    if not all(is_storable(text) for text in texts):
        raise BadAlert("INVALID_TEXT", "A text holds characters that cannot be stored.")


def first_text(values: Sequence[object], *, at_most: int) -> str:
    """Return the first of the values that is a text and not empty, cut; empty where none is."""
    text = next((value for value in values if isinstance(value, str) and value.strip()), "").strip()
    check_text(text)
    return cut(text, at_most=at_most)


def cut(text: str, *, at_most: int) -> str:
    """Return a text of at most so many characters, with its cut marked."""
    return text if len(text) <= at_most else f"{text[: at_most - 1]}…"


def read_fingerprint(value: object, *, prefix: str = "") -> str:
    """Return what tells an alert from others."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not text or len(text) > MAX_FINGERPRINT_CHARACTERS:
        raise BadAlert("INVALID_FINGERPRINT", f"What names an alert has 1 to {MAX_FINGERPRINT_CHARACTERS} characters.")
    check_text(text)
    return prefix + text


def read_start(value: object, *, name: str, now: datetime) -> datetime:
    """Return when an alert began to fire."""
    moment = find_moment(value)
    if moment is None or moment < FIRST_MOMENT:
        raise BadAlert("INVALID_TIME", f"'{name}' is an RFC 3339 time with its offset.")
    if moment > now + MAX_AHEAD:
        raise BadAlert("START_IN_FUTURE", f"'{name}' lies more than 5 minutes ahead: check the sender's clock.")
    return moment


def find_end(value: object, *, started_at: datetime, now: datetime) -> datetime:
    """Return when an alert that is over ended: as told, not before it began, and now where it is not told."""
    moment = find_moment(value)
    if moment is None or moment < FIRST_MOMENT:
        moment = now
    return max(started_at, min(moment, now))


def read_link(value: object) -> str:
    """Return an address for a browser, empty where it is none: no other scheme than http and https."""
    if not isinstance(value, str) or not value.isprintable() or " " in value or len(value) > MAX_LINK_CHARACTERS:
        return ""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    return value if parts.scheme in {"http", "https"} and parts.hostname else ""
