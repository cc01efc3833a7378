"""Reading Sentry's webhooks `event_alert` and `metric_alert`, and who signed them (contracts §6)."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from health.domain.alerts import (
    FLAG,
    MAX_NAME_CHARACTERS,
    MAX_SUMMARY_CHARACTERS,
    RELEASE,
    SEVERITY,
    SITE,
    AlertValue,
    BadAlert,
    Match,
    Severity,
    find_end,
    first_text,
    rank_severity,
    read_fingerprint,
    read_labels,
    read_link,
    read_start,
)

EVENT_ALERT, METRIC_ALERT = "event_alert", "metric_alert"
#: Sentry stamps a request when it sends it: what is older was kept by somebody.
MAX_STAMP_AGE = timedelta(minutes=5)
#: Sentry says that an issue's rule was met, and never that it is over: so long each time counts as firing.
EVENT_LASTS = timedelta(hours=1)
#: Tags in a metric alert's query, as `flag:KEY`: what it counts is about them.
_TAG = re.compile(r'(?<![^\s(])(flag|site|release|severity):(?:"([^"]{1,200})"|([^\s"()]{1,200}))')


def sign(body: bytes, *, secret: str) -> str:
    """Return the signature of a body: hexadecimal HMAC-SHA256 of its bytes as they came."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def find_signer(secrets: Mapping[int, str], *, body: bytes, signature: str) -> int | None:
    """Return the key of the secret that signed a body, None where none did. Takes as long for any of them."""
    given, found = signature.strip().lower().encode(), None
    for key, secret in secrets.items():
        if hmac.compare_digest(sign(body, secret=secret).encode(), given) and found is None:
            found = key
    return found


def is_fresh(stamp: str, *, now: datetime) -> bool:
    """Tell whether a request's stamp, in seconds since 1970, is of this moment; a missing one is not."""
    text = stamp.strip()
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text):
        return False
    return abs(now.timestamp() - float(text)) <= MAX_STAMP_AGE.total_seconds()


def read_alert(parsed: object, *, resource: str, now: datetime) -> AlertValue | None:
    """Return the alert of a message, None where it is about something else; refuse one of another form."""
    if resource not in {EVENT_ALERT, METRIC_ALERT}:
        return None
    body = _mapping(parsed, "")
    data = _mapping(body.get("data"), "data")
    if resource == EVENT_ALERT:
        return _read_event(_mapping(data.get("event"), "data.event"), data, now=now)
    return _read_metric(
        _mapping(data.get("metric_alert"), "data.metric_alert"), data, action=body.get("action"), now=now
    )


def _read_event(event: Mapping[str, object], data: Mapping[str, object], *, now: datetime) -> AlertValue:
    labels = read_labels(_tags(event))
    issue = event.get("issue_id") or event.get("event_id")
    started_at = read_start(_event_time(event), name="data.event.datetime", now=now)
    level = first_text([labels.get(SEVERITY), event.get("level")], at_most=MAX_NAME_CHARACTERS)
    title = first_text([event.get("title"), event.get("message")], at_most=MAX_SUMMARY_CHARACTERS)
    return AlertValue(
        fingerprint=read_fingerprint(issue, prefix="issue:") + _tell_apart(labels),
        name=first_text([data.get("triggered_rule"), title, "Sentry"], at_most=MAX_NAME_CHARACTERS),
        summary=title,
        severity=rank_severity(level),
        labels=labels,
        started_at=started_at,
        ended_at=started_at + EVENT_LASTS,
        link=read_link(event.get("web_url")),
        match=Match.SPAN,
    )


def _tell_apart(labels: Mapping[str, str]) -> str:
    """Return what tells an issue under one flag at one site from the same issue elsewhere."""
    about = [labels.get(FLAG, ""), labels.get(SITE, "")]
    return f"@{hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]}" if any(about) else ""


def _event_time(event: Mapping[str, object]) -> object:
    """Return when an event happened: `datetime`, or `timestamp` in seconds, as RFC 3339."""
    moment, stamp = event.get("datetime"), event.get("timestamp")
    if moment is not None or not isinstance(stamp, int | float) or isinstance(stamp, bool):
        return moment
    try:
        return datetime.fromtimestamp(stamp, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def _tags(event: Mapping[str, object]) -> Iterator[tuple[object, object]]:
    """Yield an event's release and tags; Sentry writes tags as pairs."""
    release, tags = event.get(RELEASE), event.get("tags")
    if isinstance(release, str):
        yield RELEASE, release
    for tag in tags if isinstance(tags, list) else []:
        if isinstance(tag, list) and len(tag) == 2:
            yield tag[0], "" if tag[1] is None else tag[1]
        elif isinstance(tag, dict):
            yield tag.get("key"), tag.get("value")


def _read_metric(
    incident: Mapping[str, object], data: Mapping[str, object], *, action: object, now: datetime
) -> AlertValue:
    if action not in ("critical", "warning", "resolved"):
        raise BadAlert("INVALID_STATUS", "'action' is critical, warning or resolved.")
    rule = _mapping(incident.get("alert_rule"), "data.metric_alert.alert_rule")
    began = (incident.get(name) for name in ("date_started", "date_detected", "date_created"))
    started_at = read_start(next((one for one in began if one), None), name="data.metric_alert.date_started", now=now)
    is_over = action == "resolved"
    title = first_text([data.get("description_title"), "Sentry"], at_most=MAX_NAME_CHARACTERS)
    return AlertValue(
        fingerprint=read_fingerprint(incident.get("id"), prefix="incident:"),
        name=first_text([rule.get("name"), title], at_most=MAX_NAME_CHARACTERS),
        summary=first_text([data.get("description_text"), title], at_most=MAX_SUMMARY_CHARACTERS),
        severity=None if is_over else Severity(str(action)),
        labels=read_labels(_query_tags(rule.get("query"))),
        started_at=started_at,
        ended_at=find_end(incident.get("date_closed"), started_at=started_at, now=now) if is_over else None,
        link=read_link(data.get("web_url")),
        match=Match.THREAD,
    )


def _query_tags(query: object) -> Iterable[tuple[str, str]]:
    text = query if isinstance(query, str) else ""
    return [(found[1], found[2] or found[3]) for found in _TAG.finditer(text)]


def _mapping(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        where = f"'{name}'" if name else "The body"
        raise BadAlert("PARSE_ERROR", f"{where} is an object.")
    return value
