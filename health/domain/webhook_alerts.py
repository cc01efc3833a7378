"""Reading Alertmanager's webhook, version 4, and Grafana's, version 1: the same form (contracts §6).

One bad alert loses no good one.
"""

from collections.abc import Mapping
from datetime import datetime

from health.domain.alerts import (
    MAX_NAME_CHARACTERS,
    MAX_SUMMARY_CHARACTERS,
    NAME,
    SEVERITY,
    AlertReading,
    AlertValue,
    BadAlert,
    Origin,
    find_end,
    first_text,
    rank_severity,
    read_fingerprint,
    read_labels,
    read_link,
    read_start,
)

VERSIONS: Mapping[Origin, str] = {Origin.ALERTMANAGER: "4", Origin.GRAFANA: "1"}
#: An alert of this name fires all the time: while it is heard of, the whole way from rule to portal is alive.
WATCHDOGS = frozenset({"watchdog", "deadmansswitch"})


def list_alerts(parsed: object, *, origin: Origin) -> list[object]:
    """Return the alerts of a message, unread; refuse a message of another form or version."""
    version, alerts = (parsed.get("version"), parsed.get("alerts")) if isinstance(parsed, dict) else (None, None)
    wanted = VERSIONS[origin]
    if not isinstance(alerts, list):
        raise BadAlert("PARSE_ERROR", "The body is an object with a list of 'alerts'.")
    if version != wanted:
        raise BadAlert("UNSUPPORTED_VERSION", f'This address takes version "{wanted}" of the {origin} webhook.')
    return alerts


def read_alerts(parsed: Mapping[str, object], items: list[object], *, now: datetime) -> AlertReading:
    """Return what of a message can be stored."""
    reading = AlertReading(truncated=_count(parsed.get("truncatedAlerts")))
    for index, item in enumerate(items):
        try:
            reading.accepted.append(_read_one(item, now=now))
        except BadAlert as bad:
            reading.rejected.append({"index": index, "errorCode": bad.code, "errorDetails": bad.details})
    return reading


def _read_one(item: object, *, now: datetime) -> AlertValue:
    if not isinstance(item, dict):
        raise BadAlert("INVALID_ALERT", "An alert is an object.")
    labels = read_labels(_mapping(item, "labels").items())
    annotations = _mapping(item, "annotations")
    status = item.get("status")
    if status not in ("firing", "resolved"):
        raise BadAlert("INVALID_STATUS", "'status' is firing or resolved.")
    fingerprint = read_fingerprint(item.get("fingerprint"))
    started_at = read_start(item.get("startsAt"), name="startsAt", now=now)
    name = first_text([labels.get(NAME), fingerprint], at_most=MAX_NAME_CHARACTERS)
    said = [annotations.get(name) for name in ("summary", "description", "message")]
    return AlertValue(
        fingerprint=fingerprint,
        name=name,
        summary=first_text(said, at_most=MAX_SUMMARY_CHARACTERS),
        severity=rank_severity(labels.get(SEVERITY)),
        labels=labels,
        started_at=started_at,
        ended_at=None if status == "firing" else find_end(item.get("endsAt"), started_at=started_at, now=now),
        link=read_link(item.get("generatorURL")),
        is_watchdog=name.lower() in WATCHDOGS,
    )


def _mapping(item: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = item.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadAlert("INVALID_LABELS", f"'{name}' is an object.")
    return value


def _count(value: object) -> int:
    is_count = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return min(value, 1_000_000) if is_count and isinstance(value, int) else 0
