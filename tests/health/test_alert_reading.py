"""Reading the messages of Alertmanager, Grafana and Sentry: pure, bounded, and never more than they say."""

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health.domain.alerts import (
    MAX_LABEL_CHARACTERS,
    MAX_LABELS,
    AlertReading,
    AlertValue,
    BadAlert,
    Origin,
    Severity,
    rank_severity,
    read_labels,
    read_link,
)
from health.domain.sentry_alerts import find_signer, is_fresh, read_alert, sign
from health.domain.webhook_alerts import list_alerts, read_alerts
from tests.factories.alerts import alert_item, alertmanager_body, event_alert, grafana_body, metric_alert

NOW = datetime(2026, 11, 4, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BEGAN = NOW - 5 * MINUTE


def _read(*items: Any, **more: Any) -> AlertReading:
    body = alertmanager_body(*items, **more)
    return read_alerts(body, list_alerts(body, origin=Origin.ALERTMANAGER), now=NOW)


def _one(**given: Any) -> AlertValue:
    reading = _read(alert_item(started_at=BEGAN, **given))
    assert reading.rejected == []
    return reading.accepted[0]


class TestAlertmanager:
    def test_firing__is_read_with_everything_it_says(self) -> None:
        value = _one(
            labels={"flag": "price_buttons", "site": "lyon", "release": "1.3.0"}, fingerprint="c6eadffa33fcdf37"
        )

        assert (value.name, value.summary, value.severity) == ("TillsFail", "Sales fail", Severity.CRITICAL)
        assert (value.flag_key, value.site_key, value.release) == ("price_buttons", "lyon", "1.3.0")
        assert (value.fingerprint, value.ended_at) == ("c6eadffa33fcdf37", None)
        assert value.started_at == BEGAN
        assert value.link == "http://prometheus.example:9090/graph?g0.expr=up"
        assert list(value.labels)[:5] == ["alertname", "flag", "release", "severity", "site"]

    def test_resolved__ended_when_it_says(self) -> None:
        assert _one(ended_at=NOW - MINUTE).ended_at == NOW - MINUTE

    @pytest.mark.parametrize(
        ("ends_at", "ended_at"),
        [("0001-01-01T00:00:00Z", NOW), (None, NOW), ("soon", NOW), ("2027-01-01T00:00:00Z", NOW)],
    )
    def test_resolved__without_an_end_of_use__ended_now(self, ends_at: object, ended_at: datetime) -> None:
        assert _one(status="resolved", endsAt=ends_at).ended_at == ended_at

    def test_resolved__before_it_began__ended_when_it_began(self) -> None:
        assert _one(status="resolved", endsAt="2026-11-04T08:00:00Z").ended_at == _one().started_at

    def test_firing__with_an_end_to_come__fires_all_the_same(self) -> None:
        assert _one(endsAt="2026-11-04T09:34:00Z").ended_at is None

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            ({"status": "flapping"}, "INVALID_STATUS"),
            ({"status": None}, "INVALID_STATUS"),
            ({"fingerprint": ""}, "INVALID_FINGERPRINT"),
            ({"fingerprint": None}, "INVALID_FINGERPRINT"),
            ({"fingerprint": True}, "INVALID_FINGERPRINT"),
            ({"fingerprint": "x" * 151}, "INVALID_FINGERPRINT"),
            ({"fingerprint": "a\0b"}, "INVALID_TEXT"),
            ({"startsAt": "0001-01-01T00:00:00Z"}, "INVALID_TIME"),
            ({"startsAt": "yesterday"}, "INVALID_TIME"),
            ({"startsAt": 1_762_245_000}, "INVALID_TIME"),
            ({"startsAt": "2026-11-04T09:30:00"}, "INVALID_TIME"),
            ({"startsAt": "2026-11-04T09:36:00Z"}, "START_IN_FUTURE"),
            ({"labels": {"alertname": "a\0b"}}, "INVALID_TEXT"),
            ({"labels": {"a\0b": "x"}}, "INVALID_TEXT"),
            ({"labels": {"site": "\ud800"}}, "INVALID_TEXT"),
            ({"labels": {"site": 7}}, "INVALID_LABELS"),
            ({"annotations": {"summary": "a\0b"}}, "INVALID_TEXT"),
            ({"annotations": []}, "INVALID_LABELS"),
        ],
    )
    def test_wrong__is_named_and_loses_no_good_one(self, wrong: dict[str, Any], code: str) -> None:
        reading = _read(alert_item(started_at=BEGAN, **wrong), alert_item(started_at=BEGAN), "no object", None)

        assert [(one["index"], one["errorCode"]) for one in reading.rejected] == [
            (0, code),
            (2, "INVALID_ALERT"),
            (3, "INVALID_ALERT"),
        ]
        assert len(reading.accepted) == 1

    def test_labels_that_are_no_object__are_refused(self) -> None:
        assert _read(alert_item(started_at=BEGAN) | {"labels": []}).rejected[0]["errorCode"] == "INVALID_LABELS"

    def test_without_a_name__bears_its_fingerprint(self) -> None:
        assert _one(labels={"alertname": ""}, fingerprint="c6ea").name == "c6ea"

    def test_unknown_fields__are_passed_over(self) -> None:
        assert _read(alert_item(started_at=BEGAN, newThing={"a": [1]}), more={}).rejected == []

    @pytest.mark.parametrize(("left_out", "counted"), [(7, 7), (0, 0), (-1, 0), (True, 0), ("7", 0), (None, 0)])
    def test_left_out__is_counted(self, left_out: object, counted: int) -> None:
        assert _read(truncatedAlerts=left_out).truncated == counted

    @pytest.mark.parametrize("name", ["Watchdog", "watchdog", "DeadMansSwitch"])
    def test_watchdog__is_known_by_its_name(self, name: str) -> None:
        assert _one(labels={"alertname": name}).is_watchdog
        assert not _one().is_watchdog


@pytest.mark.parametrize(
    ("body", "origin", "code"),
    [
        (None, Origin.ALERTMANAGER, "PARSE_ERROR"),
        ([], Origin.ALERTMANAGER, "PARSE_ERROR"),
        ({"version": "4"}, Origin.ALERTMANAGER, "PARSE_ERROR"),
        ({"version": "4", "alerts": {}}, Origin.ALERTMANAGER, "PARSE_ERROR"),
        ({"alerts": []}, Origin.ALERTMANAGER, "UNSUPPORTED_VERSION"),
        ({"version": 4, "alerts": []}, Origin.ALERTMANAGER, "UNSUPPORTED_VERSION"),
        (alertmanager_body(version="5"), Origin.ALERTMANAGER, "UNSUPPORTED_VERSION"),
        (grafana_body(), Origin.ALERTMANAGER, "UNSUPPORTED_VERSION"),
        (alertmanager_body(), Origin.GRAFANA, "UNSUPPORTED_VERSION"),
    ],
)
def test_message__of_another_form_or_version__is_refused(body: object, origin: Origin, code: str) -> None:
    with pytest.raises(BadAlert) as refused:
        list_alerts(body, origin=origin)

    assert refused.value.code == code


def test_grafana__is_read_like_alertmanager() -> None:
    body = grafana_body(alert_item(started_at=BEGAN, startsAt="2026-11-04T10:25:00.157076+01:00"))

    [value] = read_alerts(body, list_alerts(body, origin=Origin.GRAFANA), now=NOW).accepted

    assert (value.started_at, value.ended_at) == (BEGAN + timedelta(microseconds=157_076), None)


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("critical", Severity.CRITICAL),
        (" PAGE ", Severity.CRITICAL),
        ("warning", Severity.WARNING),
        ("info", Severity.INFO),
        ("none", Severity.INFO),
        ("", Severity.WARNING),
        (None, Severity.WARNING),
        ("so so", Severity.WARNING),
    ],
)
def test_severity__each_word__means_one_of_three(word: str | None, severity: Severity) -> None:
    assert rank_severity(word) is severity


def test_labels__too_many_and_too_long__keep_ours() -> None:
    many = {f"a{number:03}": "x" * 900 for number in range(200)} | {"flag": "price_buttons", "n" * 101: "x"}

    found = read_labels(many.items())

    assert len(found) == MAX_LABELS
    assert found["flag"] == "price_buttons"
    assert max(map(len, found.values())) == MAX_LABEL_CHARACTERS


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://sentry.example/issues/1/?q=é", True),
        ("http://[::1]:9090/graph", True),
        ("HTTPS://sentry.example", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//sentry.example", False),
        ("https:///nowhere", False),
        ("https://a b", False),
        ("https://a\nb", False),
        ("http://[::1", False),
        ("https://" + "x" * 1_000, False),
        ("", False),
        (7, False),
        (None, False),
    ],
)
def test_link__that_is_no_web_address__is_left_out(address: object, kept: bool) -> None:
    assert read_link(address) == (address if kept else "")


class TestSentry:
    def test_event__is_read_with_its_tags(self) -> None:
        value = read_alert(event_alert(at=BEGAN), resource="event_alert", now=NOW)

        assert value is not None
        assert (value.name, value.summary) == ("Tills cannot sell", "ReferenceError: heck is not defined")
        assert (value.flag_key, value.site_key, value.release) == ("price_buttons", "lyon", "1.3.0")
        assert (value.fingerprint[:17], value.severity) == ("issue:1117540176@", Severity.CRITICAL)
        assert (value.started_at, value.ended_at) == (BEGAN, BEGAN + timedelta(hours=1))
        assert value.link.startswith("https://sentry.example/organizations/")

    @pytest.mark.parametrize(
        ("more", "severity"),
        [
            ({"level": "error"}, Severity.WARNING),
            ({"level": "error", "tags": [["severity", "critical"]]}, Severity.CRITICAL),
            ({"level": "info"}, Severity.INFO),
            ({"level": None}, Severity.WARNING),
        ],
    )
    def test_event__its_tag_or_its_level__says_how_grave(self, more: dict[str, Any], severity: Severity) -> None:
        value = read_alert(event_alert(at=BEGAN, **more), resource="event_alert", now=NOW)

        assert value is not None
        assert value.severity is severity

    def test_event__with_a_time_in_seconds_and_tags_as_objects__is_read(self) -> None:
        message = event_alert(
            at=BEGAN, datetime=None, tags=[{"key": "flag", "value": "a"}, ["odd"], "x", ["site", None]]
        )

        value = read_alert(message, resource="event_alert", now=NOW)

        assert value is not None
        assert (value.started_at, value.flag_key, value.site_key) == (BEGAN, "a", "")

    def test_event__of_one_issue_under_two_flags__is_two_alerts(self) -> None:
        told = [[["flag", "a"]], [["flag", "b"]], [["flag", "a"], ["site", "lyon"]], [["browser", "Chrome"]], []]

        values = [read_alert(event_alert(at=BEGAN, tags=tags), resource="event_alert", now=NOW) for tags in told]

        assert len({value.fingerprint for value in values if value}) == 4

    def test_metric__its_query__says_what_it_is_about(self) -> None:
        value = read_alert(metric_alert("critical", at=BEGAN), resource="metric_alert", now=NOW)

        assert value is not None
        assert (value.fingerprint, value.flag_key, value.severity) == ("incident:4", "price_buttons", Severity.CRITICAL)
        assert (value.name, value.started_at, value.ended_at) == ("Too many errors", BEGAN, None)

    def test_metric__resolved__ends_and_says_no_severity(self) -> None:
        message = metric_alert("resolved", at=BEGAN, closed_at=NOW - MINUTE)

        value = read_alert(message, resource="metric_alert", now=NOW)

        assert value is not None
        assert (value.ended_at, value.severity) == (NOW - MINUTE, None)

    @pytest.mark.parametrize(
        ("message", "resource", "code"),
        [
            ([], "event_alert", "PARSE_ERROR"),
            ({}, "event_alert", "PARSE_ERROR"),
            ({"data": {}}, "event_alert", "PARSE_ERROR"),
            ({"data": {"event": {}}}, "event_alert", "INVALID_TIME"),
            (event_alert(at=BEGAN, issue_id=None, event_id=None), "event_alert", "INVALID_FINGERPRINT"),
            (event_alert(at=BEGAN, title="a\0b"), "event_alert", "INVALID_TEXT"),
            (event_alert(at=BEGAN, tags=[["a", [1]]]), "event_alert", "INVALID_LABELS"),
            (event_alert(at=BEGAN, datetime=None, timestamp=1e300), "event_alert", "INVALID_TIME"),
            (event_alert(at=NOW + timedelta(hours=1)), "event_alert", "START_IN_FUTURE"),
            (metric_alert("open", at=BEGAN), "metric_alert", "INVALID_STATUS"),
            (metric_alert("critical", at=BEGAN, alert_rule=None), "metric_alert", "PARSE_ERROR"),
            (metric_alert("critical", at=BEGAN, id=None), "metric_alert", "INVALID_FINGERPRINT"),
        ],
    )
    def test_wrong__is_refused_with_its_code(self, message: Any, resource: str, code: str) -> None:
        with pytest.raises(BadAlert) as refused:
            read_alert(message, resource=resource, now=NOW)

        assert refused.value.code == code

    @pytest.mark.parametrize("resource", ["", "installation", "issue", "error", "comment"])
    def test_another_resource__is_no_alert(self, resource: str) -> None:
        assert read_alert({}, resource=resource, now=NOW) is None


class TestSignature:
    def test_signature__is_sentrys(self) -> None:
        """As `openssl dgst -sha256 -hmac key` has it: RFC-tested text, known digest."""
        body = b"The quick brown fox jumps over the lazy dog"

        assert sign(body, secret="key") == "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"

    def test_signer__is_found_among_all(self) -> None:
        secrets = {1: "a" * 64, 2: "b" * 64}

        assert find_signer(secrets, body=b"x", signature=sign(b"x", secret="b" * 64)) == 2
        assert find_signer(secrets, body=b"x", signature=sign(b"x", secret="b" * 64).upper()) == 2

    @pytest.mark.parametrize("signature", ["", "x", "é", "\0", "0" * 64, sign(b"y", secret="a" * 64)])
    def test_forged__is_nobodys(self, signature: str) -> None:
        assert find_signer({1: "a" * 64}, body=b"x", signature=signature) is None
        assert find_signer({}, body=b"x", signature=signature) is None

    @pytest.mark.parametrize(
        ("seconds", "fresh"), [(0, True), (300, True), (-300, True), (301, False), (-301, False), (90_000, False)]
    )
    def test_stamp__of_another_moment__is_stale(self, seconds: int, fresh: bool) -> None:
        assert is_fresh(str(int(NOW.timestamp()) - seconds), now=NOW) is fresh

    @pytest.mark.parametrize("stamp", ["", "now", "-1", "1e9", "nan", "9" * 400, "١٧٦٢٢٤٥٠٠٠"])
    def test_stamp__that_is_no_time__is_stale(self, stamp: str) -> None:
        assert not is_fresh(stamp, now=NOW)


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@given(item=_JSON, name=st.sampled_from(["status", "labels", "annotations", "startsAt", "endsAt", "fingerprint", "x"]))
def test_webhook__any_json_in_any_place__is_accepted_or_refused(item: Any, name: str) -> None:
    reading = _read(alert_item(started_at=BEGAN) | {name: item}, item)

    assert len(reading.accepted) + len(reading.rejected) == 2


@given(item=_JSON, name=st.sampled_from(["issue_id", "tags", "level", "title", "datetime", "timestamp", "web_url"]))
def test_sentry__any_json_in_any_place__is_accepted_or_refused(item: Any, name: str) -> None:
    for message, resource in (
        (event_alert(at=BEGAN, **{name: item}), "event_alert"),
        (
            metric_alert("critical", at=BEGAN, **{name: item, "alert_rule": {"name": item, "query": item}}),
            "metric_alert",
        ),
        (item, "event_alert"),
    ):
        with contextlib.suppress(BadAlert):
            value = read_alert(message, resource=resource, now=NOW)
            assert value is not None
            assert value.fingerprint
