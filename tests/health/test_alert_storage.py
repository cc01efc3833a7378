"""What the database refuses of alerts, what ends after its time, and what the lane reads."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction
from django.test import override_settings

from core.actors import DEMO
from flags.models import Environment
from health import alert_queries, tasks
from health.alert_models import Alert, AlertSource, SentryHook, SentryReceipt
from health.alert_queries import judge_alert_lane, list_firing_alerts
from health.alert_transitions import forget_alerts, record_alerts, record_sentry_alert
from health.domain.alerts import Origin
from health.domain.exposure import Exposure
from health.domain.sentry_alerts import read_alert
from health.domain.verdict import Verdict
from health.domain.webhook_alerts import read_alerts
from health.sentry_transitions import connect_sentry
from tests.factories.alerts import alert_item, alertmanager_body, event_alert, make_sentry_hook
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_site
from tests.waiting import race

pytestmark = pytest.mark.django_db

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def _record(environment: Environment, *, now: Any = NOW, **given: Any) -> Alert:
    _send(environment, now=now, **given)
    return Alert.objects.order_by("-pk")[0]


def _send(environment: Environment, *, now: Any = NOW, **given: Any) -> None:
    item = alert_item(started_at=now - 5 * MINUTE, **given)
    reading = read_alerts(alertmanager_body(item), [item], now=now)
    record_alerts(environment_id=environment.pk, origin=Origin.ALERTMANAGER, values=reading.accepted, now=now)


def _exposure(environment: Environment, **given: Any) -> Exposure:
    wanted: dict[str, Any] = {
        "flag_key": "buttons",
        "environment_key": environment.key,
        "since": NOW - timedelta(hours=1),
        "everyone": False,
        "site_keys": frozenset({"lyon"}),
        "subject": "rollout:1",
        "epoch": 3,
    }
    return Exposure(**(wanted | given))


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"name": ""}, "health_alert_named"),
        ({"fingerprint": ""}, "health_alert_named"),
        ({"origin": "nagios"}, "health_alert_origin_known"),
        ({"severity": "huge"}, "health_alert_severity_known"),
        ({"ended_at": NOW - DAY}, "health_alert_forward"),
        ({"times_received": 0}, "health_alert_received"),
        ({"last_received_at": NOW - DAY}, "health_alert_received"),
        ({"link": "javascript:alert(1)"}, "health_alert_link_safe"),
        ({"link": "https://a b"}, "health_alert_link_safe"),
    ],
)
def test_alert__impossible_values__are_refused(values: dict[str, Any], name: str) -> None:
    alert = _record(make_environment())

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Alert.objects.filter(pk=alert.pk).update(**values)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"origin": "nagios"}, "health_alert_source_origin_known"),
        ({"watchdog_ended_at": NOW}, "health_alert_source_watched"),
        ({"left_out": 1}, "health_alert_source_left_out"),
        ({"left_out_at": NOW}, "health_alert_source_left_out"),
    ],
)
def test_source__impossible_values__are_refused(values: dict[str, Any], name: str) -> None:
    _record(make_environment())

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        AlertSource.objects.update(**values)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"name": ""}, "health_sentry_hook_named"),
        ({"sealed_secret": ""}, "health_sentry_hook_sealed"),
        ({"off_at": NOW}, "health_sentry_hook_sealed"),
        ({"changed_at": NOW - DAY}, "health_sentry_hook_forward"),
    ],
)
def test_sentry_hook__impossible_values__are_refused(values: dict[str, Any], name: str) -> None:
    hook, _secret = make_sentry_hook(make_environment())

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        SentryHook.objects.filter(pk=hook.pk).update(**values)


def _receive(hook: SentryHook, *, body_hash: str, request_id: str = "", now: Any = NOW) -> bool:
    value = read_alert(event_alert(at=now - MINUTE), resource="event_alert", now=now)
    return record_sentry_alert(
        hook_id=hook.pk,
        environment_id=hook.environment_id,
        value=value,
        body_hash=body_hash,
        request_id=request_id,
        now=now,
    )


def test_receipt__of_no_hash__is_refused() -> None:
    hook, _secret = make_sentry_hook(make_environment())

    with pytest.raises(IntegrityError, match="health_sentry_body_hashed"), transaction.atomic():
        SentryReceipt.objects.create(hook=hook, body_hash="x", received_at=NOW)


def test_receipts__of_two_integrations__do_not_meet() -> None:
    first, second = (make_sentry_hook(make_environment())[0] for _ in range(2))

    assert [_receive(hook, body_hash="a" * 64, request_id="one") for hook in (first, second, first)] == [
        True,
        True,
        False,
    ]


@override_settings(ALERT_RETENTION_DAYS=30)
def test_forget_old_alerts__after_the_set_days__alerts_sources_and_receipts_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.clock.now", lambda: NOW)
    old, young = make_environment(), make_environment()
    hook, _secret = make_sentry_hook(old)
    _receive(hook, body_hash="a" * 64, now=NOW - 31 * DAY)
    _record(old, now=NOW - 31 * DAY)
    kept = _record(young, now=NOW - 30 * DAY)

    assert tasks.forget_old_alerts() == 5
    assert tasks.forget_old_alerts() == 0
    assert list(Alert.objects.all()) == [kept]
    assert [source.environment for source in AlertSource.objects.all()] == [young]
    assert SentryHook.objects.count() == 1


def test_forget_alerts__more_than_one_round_takes__oldest_first() -> None:
    environment = make_environment()
    young, old = (_record(environment, now=NOW - days * DAY) for days in (2, 3))

    forget_alerts(heard_before=NOW, at_most=1)

    assert list(Alert.objects.all()) == [young]
    assert old.pk != young.pk


def test_retention__unset__is_three_months() -> None:
    assert settings.ALERT_RETENTION_DAYS == 90


class TestLane:
    def test_firing__are_those_of_the_environment_that_have_not_ended(self) -> None:
        environment = make_environment()
        firing = _record(environment)
        _record(environment, status="resolved", endsAt=(NOW - MINUTE).isoformat())
        _record(make_environment())

        assert list_firing_alerts(environment_key=environment.key, now=NOW) == [firing]

    def test_judged__by_the_flag_and_site_that_labels_name(self) -> None:
        environment = make_environment()
        make_flag(key="buttons")
        make_site(key="lyon")
        _record(environment, labels={"flag": "buttons"})
        other = _exposure(environment, flag_key="other")

        judgements = judge_alert_lane(exposures=[_exposure(environment), other], now=NOW)

        assert [one.code for one in judgements] == ["alert_firing", "no_alert_firing"]

    def test_nothing_ever_sent__passes_nobody(self) -> None:
        [judgement] = judge_alert_lane(exposures=[_exposure(make_environment())], now=NOW)

        assert (judgement.verdict, judgement.code) == (Verdict.INCONCLUSIVE, "no_alert_source")

    def test_source_that_went_silent__passes_nobody_any_more(self) -> None:
        environment = make_environment()
        _send(environment, labels={"alertname": "Watchdog"})
        exposures = [_exposure(environment)]

        codes = [judge_alert_lane(exposures=exposures, now=NOW + n * MINUTE)[0].code for n in (15, 16)]

        assert codes == ["no_alert_firing", "alert_source_silent"]

    def test_fault_while_reading__is_error_and_never_healthy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(**_: object) -> list[Alert]:
            raise DatabaseError("no")

        monkeypatch.setattr(alert_queries, "list_firing_alerts", fail)

        [judgement] = judge_alert_lane(exposures=[_exposure(make_environment())], now=NOW)

        assert (judgement.verdict, judgement.code, judgement.data) == (
            Verdict.ERROR,
            "fault",
            {"fault": "DatabaseError"},
        )

    def test_queries__are_as_many_for_one_exposure_as_for_eight(self, django_assert_num_queries: Any) -> None:
        environment = make_environment()
        for _ in range(5):
            _record(environment)
        for number in (1, 8):
            # Begin and end of the transaction, alerts, sources.
            with django_assert_num_queries(4):
                judge_alert_lane(exposures=[_exposure(environment)] * number, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_connect__the_same_secret_twice_at_once__is_taken_once() -> None:
    first, second = make_environment(), make_environment()
    given: dict[str, Any] = {"name": "Shop", "secret": "a" * 64, "actor": DEMO, "reason": "a test", "now": NOW}

    ended = race(
        lambda: connect_sentry(environment_id=first.pk, **given),
        lambda: connect_sentry(environment_id=second.pk, **given),
    )

    assert ended == "sentry_secret_taken"
    assert SentryHook.objects.count() == 1
