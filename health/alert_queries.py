"""Reads of alerts, and the alert lane's verdicts."""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet

from health.alert_models import Alert, AlertSource
from health.domain.alert_lane import LANE, THRESHOLD, AlertFacts, SourceFacts, judge_alerts
from health.domain.alerts import FLAG, SITE, Severity
from health.domain.exposure import Exposure
from health.domain.verdict import Judgement, say_fault

log = logging.getLogger(__name__)


def firing(rows: QuerySet[Alert], *, now: datetime) -> QuerySet[Alert]:
    """Return those of the alerts that fire at a moment."""
    return rows.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=now))


def list_firing_alerts(*, environment_key: str, now: datetime) -> list[Alert]:
    """Return an environment's alerts that fire, newest first: one query."""
    rows = Alert.objects.filter(environment__key=environment_key).select_related("flag", "site")
    return list(firing(rows, now=now))


def list_sources(*, environment_key: str) -> list[AlertSource]:
    """Return who has sent alerts to an environment: one query."""
    return list(AlertSource.objects.filter(environment__key=environment_key))


def facts_of(alert: Alert) -> AlertFacts:
    """Return what the lane needs of an alert. What its labels name counts, known to the portal or not."""
    return AlertFacts(
        name=alert.name,
        severity=alert.severity,
        flag_key=alert.flag.key if alert.flag else alert.labels.get(FLAG),
        site_key=alert.site.key if alert.site else alert.labels.get(SITE),
        started_at=alert.started_at,
        ended_at=alert.ended_at,
        received_at=alert.received_at,
    )


def source_facts_of(source: AlertSource) -> SourceFacts:
    """Return what the lane needs of a source."""
    return SourceFacts(
        origin=source.origin,
        last_received_at=source.last_received_at,
        watchdog_at=source.watchdog_at,
        watchdog_ended=source.watchdog_ended_at is not None,
        left_out_at=source.left_out_at,
    )


def judge_alert_lane(
    *, exposures: Sequence[Exposure], now: datetime, least_severity: str = Severity.CRITICAL
) -> list[Judgement]:
    """Return one judgement for each exposure; a fault while judging is verdict `error`, never healthy.

    Two queries for each environment among the exposures.
    """
    keys = {exposure.environment_key for exposure in exposures}
    try:
        with transaction.atomic():
            alerts = {key: list_firing_alerts(environment_key=key, now=now) for key in keys}
            sources = {key: list_sources(environment_key=key) for key in keys}
    except DatabaseError as fault:
        log.exception("the alert lane cannot read its alerts")
        return [_no_verdict(exposure, fault, now=now) for exposure in exposures]
    return [
        judge_alerts(
            exposure,
            [facts_of(one) for one in alerts[exposure.environment_key]],
            sources=[source_facts_of(one) for one in sources[exposure.environment_key]],
            now=now,
            least_severity=least_severity,
        )
        for exposure in exposures
    ]


def _no_verdict(exposure: Exposure, fault: Exception, *, now: datetime) -> Judgement:
    return say_fault(
        LANE,
        flag_key=exposure.flag_key,
        threshold=THRESHOLD,
        since=exposure.blamed_from,
        now=now,
        fault=type(fault).__name__,
    )
