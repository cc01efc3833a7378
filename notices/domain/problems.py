"""A problem as a till reports it: read from what its page sent, and how often a place may report."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from flags.domain.values import is_storable
from health.domain.complaints import MAX_REPORTER_CHARACTERS, MAX_TEXT_CHARACTERS

MAX_BODY_BYTES = 32_768
MAX_TILL_CHARACTERS = 100
MAX_KEY_CHARACTERS = 200
MAX_VARIANT_CHARACTERS = 100
MAX_FLAGS = 200
#: How severe a problem is where nobody says so: what stops a sale is telephoned.
USUAL_SEVERITY = "annoying"
#: What happened longer ago, or in a future that clocks do not explain, is told without its moment.
LONGEST_AGO = timedelta(days=14)
CLOCKS_DIFFER = timedelta(minutes=5)
#: So many from one source at one site within the time; a shop has few tills, and people type.
MOST_WITHIN: tuple[tuple[int, timedelta], ...] = ((6, timedelta(minutes=1)), (40, timedelta(hours=1)))

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class Origin(StrEnum):
    """Where a complaint was written: at a till, or behind the link of a site."""

    TILL = "till"
    LINK = "link"


class BadProblem(Exception):
    """Why a report cannot be read: a stable code, and words for the developer who reads them."""

    def __init__(self, code: str, details: str) -> None:
        super().__init__(code)
        self.code = code
        self.details = details


@dataclass(frozen=True)
class Problem:
    """What a till's page reports. `flags`: the variants that the page says it has, by flag."""

    request_id: str
    site_key: str
    text: str
    severity: str = USUAL_SEVERITY
    reporter: str = ""
    till: str = ""
    targeting_key: str = ""
    flag_key: str = ""
    flags: Mapping[str, str] = field(default_factory=dict)
    occurred_at: datetime | None = None


def read_problem(parsed: object, *, severities: Collection[str], flag_keys: Collection[str], now: datetime) -> Problem:
    """Return the problem that a body tells of; raises BadProblem."""
    if not isinstance(parsed, dict):
        raise BadProblem("PARSE_ERROR", "The body is an object.")
    request_id = _read_text(parsed, "request_id", limit=64)
    if not _REQUEST_ID.fullmatch(request_id):
        raise BadProblem("INVALID_REQUEST_ID", "'request_id' has 8 to 64 letters, digits, - and _: yours for this one.")
    text = _read_text(parsed, "text", limit=MAX_TEXT_CHARACTERS).strip()
    if not text:
        raise BadProblem("INVALID_TEXT", "'text' says what happened.")
    severity = _read_text(parsed, "severity", limit=20) or USUAL_SEVERITY
    if severity not in severities:
        raise BadProblem("INVALID_SEVERITY", f"'severity' is one of {', '.join(sorted(severities))}.")
    flag_key = _read_text(parsed, "flag", limit=100)
    if flag_key and flag_key not in flag_keys:
        raise BadProblem("FLAG_NOT_FOUND", "'flag' names a flag of the environment.")
    return Problem(
        request_id=request_id,
        site_key=_read_text(parsed, "site", limit=100),
        text=text,
        severity=severity,
        reporter=_read_text(parsed, "reporter", limit=MAX_REPORTER_CHARACTERS).strip(),
        till=_read_text(parsed, "till", limit=MAX_TILL_CHARACTERS),
        targeting_key=_read_text(parsed, "targetingKey", limit=MAX_KEY_CHARACTERS),
        flag_key=flag_key,
        flags=_read_flags(parsed.get("flags"), flag_keys=flag_keys),
        occurred_at=_read_moment(parsed.get("occurred_at"), now=now),
    )


def _read_text(parsed: Mapping[str, object], name: str, *, limit: int) -> str:
    value = parsed.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > limit or not is_storable(value):
        code = "INVALID_TEXT" if name == "text" else "INVALID_FIELD"
        raise BadProblem(code, f"'{name}' is a text of at most {limit} characters.")
    return value


def _read_flags(value: object, *, flag_keys: Collection[str]) -> dict[str, str]:
    """Return the variants of known flags; whatever else a page sends is left out."""
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > MAX_FLAGS:
        raise BadProblem("INVALID_FLAGS", f"'flags' is an object of at most {MAX_FLAGS} flags with their variants.")
    return {
        key: variant
        for key, variant in value.items()
        if key in flag_keys
        and isinstance(variant, str)
        and len(variant) <= MAX_VARIANT_CHARACTERS
        and is_storable(variant)
    }


def _read_moment(value: object, *, now: datetime) -> datetime | None:
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            return None
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if now - LONGEST_AGO <= moment <= now + CLOCKS_DIFFER else None


def find_wait_seconds(before: Sequence[datetime], *, now: datetime) -> int:
    """Return after how many whole seconds a source may report again at a site, 0: at once. `before`: newest first."""
    waits = [
        (before[most - 1] + within - now).total_seconds()
        for most, within in MOST_WITHIN
        if len(before) >= most and before[most - 1] > now - within
    ]
    return max((math.ceil(wait) for wait in waits), default=0)


def look_back() -> tuple[int, timedelta]:
    """Return how many reports, and of how long, decide whether one more may come."""
    return max(most for most, _within in MOST_WITHIN), max(within for _most, within in MOST_WITHIN)
