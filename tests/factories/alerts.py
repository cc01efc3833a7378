"""Messages of monitoring systems, shaped as they send them, and Sentry's integrations."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from core.actors import DEMO
from flags.models import Environment
from health.alert_models import SentryHook
from health.domain.sentry_alerts import sign
from health.sentry_transitions import connect_sentry
from tests.factories.core import NOW

NEVER = "0001-01-01T00:00:00Z"
_numbers = count(1)


def write_moment(moment: datetime) -> str:
    """Return a moment as Go writes it, to the nanosecond."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}123Z"


def alert_item(*, started_at: datetime, ended_at: datetime | None = None, **given: Any) -> dict[str, Any]:
    """Return one alert of a webhook of Alertmanager or Grafana; `labels` are added to a critical one's."""
    number = next(_numbers)
    labels = {"alertname": "TillsFail", "severity": "critical", "instance": "10.0.0.7:9100"} | given.pop("labels", {})
    return {
        "status": "firing" if ended_at is None else "resolved",
        "labels": labels,
        "annotations": {"summary": "Sales fail"},
        "startsAt": write_moment(started_at),
        "endsAt": NEVER if ended_at is None else write_moment(ended_at),
        "generatorURL": "http://prometheus.example:9090/graph?g0.expr=up",
        "fingerprint": f"{number:016x}",
    } | given


def alertmanager_body(*items: Any, **given: Any) -> dict[str, Any]:
    """Return a message of Alertmanager, version 4."""
    return {
        "version": "4",
        "groupKey": '{}:{alertname="TillsFail"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "portal",
        "groupLabels": {"alertname": "TillsFail"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example:9093",
        "alerts": list(items),
    } | given


def grafana_body(*items: Any, **given: Any) -> dict[str, Any]:
    """Return a message of Grafana, version 1."""
    more = {"values": {"B": 44.2}, "dashboardURL": "", "panelURL": "", "silenceURL": "", "valueString": ""}
    return (
        alertmanager_body(*(item | more for item in items))
        | {
            "version": "1",
            "orgId": 1,
            "title": "[FIRING:1]",
            "state": "alerting",
            "message": "**Firing**",
        }
        | given
    )


def event_alert(*, at: datetime, **given: Any) -> dict[str, Any]:
    """Return a message of Sentry that an issue met a rule."""
    number = next(_numbers)
    event = {
        "event_id": f"{number:032x}",
        "issue_id": "1117540176",
        "issue_url": "https://sentry.example/api/0/issues/1117540176/",
        "web_url": "https://sentry.example/organizations/shop/issues/1117540176/events/1/",
        "level": "fatal",
        "title": "ReferenceError: heck is not defined",
        "datetime": at.isoformat().replace("+00:00", "Z"),
        "timestamp": at.timestamp(),
        "release": "1.3.0",
        "tags": [["flag", "price_buttons"], ["site", "lyon"], ["browser", "Chrome 120"]],
        "contexts": {"browser": {"name": "Chrome"}},
    } | given
    return {
        "action": "triggered",
        "actor": {"id": "sentry", "name": "Sentry", "type": "application"},
        "installation": {"uuid": "a8e5d37a-696c-4c54-adb5-b3f28d64c7de"},
        "data": {"event": event, "triggered_rule": "Tills cannot sell"},
    }


def metric_alert(action: str, *, at: datetime, closed_at: datetime | None = None, **given: Any) -> dict[str, Any]:
    """Return a message of Sentry about a metric alert's incident."""
    incident = {
        "id": "4",
        "identifier": "3",
        "status": 1,
        "title": "Too many errors",
        "date_started": at.isoformat().replace("+00:00", "Z"),
        "date_detected": (at + timedelta(seconds=9)).isoformat().replace("+00:00", "Z"),
        "date_created": at.isoformat().replace("+00:00", "Z"),
        "date_closed": closed_at.isoformat().replace("+00:00", "Z") if closed_at else None,
        "alert_rule": {
            "id": "7",
            "name": "Too many errors",
            "aggregate": "count()",
            "query": "level:error flag:price_buttons",
        },
    } | given
    return {
        "action": action,
        "actor": {"id": "sentry", "name": "Sentry", "type": "application"},
        "installation": {"uuid": "a8e5d37a-696c-4c54-adb5-b3f28d64c7de"},
        "data": {
            "description_text": "1000 events in the last 10 minutes",
            "description_title": "Critical: Too many errors",
            "metric_alert": incident,
            "web_url": "https://sentry.example/organizations/shop/alerts/3/",
        },
    }


def make_sentry_hook(environment: Environment, *, secret: str = "", **given: Any) -> tuple[SentryHook, str]:
    """Return an integration and its client secret, as long as Sentry's are."""
    number = next(_numbers)
    secret = secret or f"{number:064x}"
    wanted: dict[str, Any] = {"name": f"Sentry {number}", "actor": DEMO, "reason": "needed by a test", "now": NOW}
    return connect_sentry(environment_id=environment.pk, secret=secret, **(wanted | given)), secret


def sentry_headers(
    body: bytes, *, secret: str, now: datetime, resource: str = "event_alert", **given: str
) -> dict[str, str]:
    """Return what Sentry sends beside a body."""
    return {
        "content-type": "application/json",
        "request-id": f"request-{next(_numbers)}",
        "sentry-hook-resource": resource,
        "sentry-hook-timestamp": str(int(now.timestamp())),
        "sentry-hook-signature": sign(body, secret=secret),
    } | given


def as_body(message: dict[str, Any]) -> bytes:
    """Return a message's bytes."""
    return json.dumps(message).encode()
