"""`/hooks/…` on the real ASGI application: who may send, what is stored, what is refused."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import OperationalError
from starlette.requests import Request

from core import clock
from core.actors import DEMO
from flags.domain.purposes import Purpose
from flags.models import Environment
from flags.snapshots import KEEPER
from flags.tokens import USES
from flags.transitions import revoke_token
from health import hooks
from health.alert_models import Alert, AlertSource, SentryReceipt
from health.sentry_transitions import disconnect_sentry, replace_sentry_secret
from tests.asgi import Answer, ask
from tests.factories.alerts import (
    alert_item,
    alertmanager_body,
    as_body,
    event_alert,
    grafana_body,
    make_sentry_hook,
    metric_alert,
    sentry_headers,
)
from tests.factories.flags import make_environment, make_flag, make_site, make_token

pytestmark = pytest.mark.django_db(transaction=True)

ALERTMANAGER, GRAFANA, SENTRY = "/hooks/alertmanager", "/hooks/grafana", "/hooks/sentry"
MINUTE = timedelta(minutes=1)


class Shop:
    """An environment with a flag and a site, a telemetry token, and a Sentry integration."""

    def __init__(self) -> None:
        self.environment: Environment = make_environment()
        self.flag, self.site = make_flag(key="price_buttons"), make_site(key="lyon")
        self.token, self.raw = make_token(self.environment)
        self.hook, self.secret = make_sentry_hook(self.environment)
        KEEPER.refresh()

    def send(self, *items: Any, path: str = ALERTMANAGER, token: str | None = None, **more: Any) -> Answer:
        message = (grafana_body if path == GRAFANA else alertmanager_body)(*items, **more)
        return self.send_raw(as_body(message), path=path, token=token)

    def send_raw(self, body: Any, *, path: str = ALERTMANAGER, token: str | None = None) -> Answer:
        return ask(path, method="POST", headers={"authorization": f"Bearer {token or self.raw}"}, body=body)

    def sign(self, message: Any, *, resource: str = "event_alert", **headers: str) -> Answer:
        body = message if isinstance(message, bytes) else as_body(message)
        secret = headers.pop("secret", self.secret)
        given = sentry_headers(body, secret=secret, now=clock.now(), resource=resource, **headers)
        return ask(SENTRY, method="POST", headers=given, body=body)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    # The worker threads' connections end with each request, so that none outlives the test.
    monkeypatch.setitem(settings.DATABASES["default"], "CONN_MAX_AGE", 0)
    KEEPER.clear()
    yield Shop()
    KEEPER.clear()
    USES.flush()


def _ago(minutes: float) -> datetime:
    return clock.now() - minutes * MINUTE


class TestWebhooks:
    """Alertmanager and Grafana, which bring a telemetry token."""

    @pytest.mark.parametrize(("path", "origin"), [(ALERTMANAGER, "alertmanager"), (GRAFANA, "grafana")])
    def test_firing__is_stored_with_the_flag_and_site_it_names(self, shop: Shop, path: str, origin: str) -> None:
        item = alert_item(started_at=_ago(5), labels={"flag": "price_buttons", "site": "lyon", "release": "1.3.0"})

        answer = shop.send(item, path=path)

        alert = Alert.objects.get()
        assert (answer.status, answer.json()) == (202, {"accepted": 1, "rejected": []})
        assert (alert.environment, alert.origin, alert.name) == (shop.environment, origin, "TillsFail")
        assert (alert.flag, alert.site, alert.release) == (shop.flag, shop.site, "1.3.0")
        assert (alert.severity, alert.ended_at, alert.times_received) == ("critical", None, 1)
        assert alert.labels["instance"] == "10.0.0.7:9100"

    def test_labels_that_name_nothing_known__are_kept_as_said(self, shop: Shop) -> None:
        shop.send(alert_item(started_at=_ago(5), labels={"flag": "misspelt", "site": "atlantis"}))

        alert = Alert.objects.get()
        assert (alert.flag, alert.site, alert.labels["flag"]) == (None, None, "misspelt")

    def test_repeat_and_end__are_of_the_same_record(self, shop: Shop) -> None:
        item = alert_item(started_at=_ago(5))
        shop.send(item)
        shop.send(item)

        shop.send(item | {"status": "resolved", "endsAt": "0001-01-01T00:00:00Z"})

        alert = Alert.objects.get()
        assert alert.times_received == 3
        assert alert.ended_at == alert.last_received_at > alert.received_at

    def test_the_same_alert_from_a_later_start__is_another(self, shop: Shop) -> None:
        shop.send(alert_item(started_at=_ago(9), fingerprint="a"))
        shop.send(alert_item(started_at=_ago(5), fingerprint="a"))
        shop.send(alert_item(started_at=_ago(5), fingerprint="a"), path=GRAFANA)

        assert Alert.objects.count() == 3

    def test_end_that_comes_before_the_beginning__stays_the_end(self, shop: Shop) -> None:
        item = alert_item(started_at=_ago(5))
        shop.send(item | {"status": "resolved", "endsAt": "0001-01-01T00:00:00Z"})

        shop.send(item)

        assert Alert.objects.get().ended_at is not None

    def test_alert_that_is_said_to_fire_long_after_its_end__fires_again(self, shop: Shop) -> None:
        item = alert_item(started_at=_ago(5))
        shop.send(item | {"status": "resolved", "endsAt": "0001-01-01T00:00:00Z"})

        with time_machine.travel(clock.now() + 2 * MINUTE):
            shop.send(item)

        assert Alert.objects.get().ended_at is None

    def test_two_of_the_same_in_one_message__are_one_record(self, shop: Shop) -> None:
        item = alert_item(started_at=_ago(5))

        shop.send(item, item)

        assert Alert.objects.get().times_received == 2

    def test_watchdog__is_noted_and_is_no_alert(self, shop: Shop) -> None:
        dog = alert_item(started_at=_ago(90), labels={"alertname": "Watchdog", "severity": "none"})

        shop.send(dog)

        source = AlertSource.objects.get()
        assert not Alert.objects.exists()
        assert source.watchdog_at == source.last_received_at
        assert source.watchdog_ended_at is None

        shop.send(dog | {"status": "resolved"})
        assert AlertSource.objects.get().watchdog_ended_at is not None
        shop.send(dog)
        assert AlertSource.objects.get().watchdog_ended_at is None

    def test_alerts_left_out_or_refused__are_noted(self, shop: Shop) -> None:
        good, bad = alert_item(started_at=_ago(5)), alert_item(started_at=_ago(5), status="odd")

        answer = shop.send(good, bad, truncatedAlerts=4)

        assert answer.json()["rejected"][0]["errorCode"] == "INVALID_STATUS"
        assert AlertSource.objects.get().left_out == 5

    def test_message_whose_every_alert_is_wrong__is_refused_and_leaves_nothing(self, shop: Shop) -> None:
        answer = shop.send(alert_item(started_at=_ago(5), labels={"alertname": "a\0b"}))

        assert (answer.status, answer.json()["errorCode"]) == (400, "INVALID_TEXT")
        assert not Alert.objects.exists()
        assert not AlertSource.objects.exists()

    def test_message_without_alerts__is_taken_and_says_nothing(self, shop: Shop) -> None:
        assert shop.send().json() == {"accepted": 0, "rejected": []}
        assert not AlertSource.objects.exists()

    def test_same_alerts_in_opposite_order_at_once__are_stored_once(self, shop: Shop) -> None:
        items = [alert_item(started_at=_ago(5)) for _ in range(40)]

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda turn: shop.send(*items[:: (-1) ** turn]), range(4)))

        assert [answer.status for answer in answers] == [202] * 4
        assert set(Alert.objects.values_list("times_received", flat=True)) == {4}
        assert Alert.objects.count() == 40

    def test_foreign_token__writes_to_its_own_environment_only(self, shop: Shop) -> None:
        other = make_environment()
        _, raw = make_token(other)
        KEEPER.refresh()

        shop.send(alert_item(started_at=_ago(5)), token=raw)

        assert Alert.objects.get().environment == other


class TestRefusals:
    """Who is not let in, and what is no message."""

    def test_without_a_valid_token__is_401_and_names_the_scheme(self, shop: Shop) -> None:
        revoke_token(token_id=shop.token.pk, actor=DEMO, reason="lost", now=clock.now())
        KEEPER.refresh()

        answers = [
            answer
            for path in (ALERTMANAGER, GRAFANA)
            for answer in (
                shop.send(alert_item(started_at=_ago(5)), path=path),
                shop.send_raw(b"{}", path=path, token="rp_telemetry_x"),
                ask(path, method="POST"),
            )
        ]

        assert [answer.status for answer in answers] == [401] * 6
        assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}
        assert not Alert.objects.exists()

    def test_token_for_another_purpose__is_403(self, shop: Shop) -> None:
        others = [purpose for purpose in Purpose if purpose is not Purpose.TELEMETRY]
        tokens = [make_token(shop.environment, purpose=purpose)[1] for purpose in others]
        KEEPER.refresh()

        for raw in tokens:
            assert [shop.send(path=path, token=raw).status for path in (ALERTMANAGER, GRAFANA)] == [403, 403]

    def test_body_of_the_wrong_form__is_a_parse_error(self, shop: Shop) -> None:
        for body in (b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"x": 4}', b"[" * 100_000, b'{"a":' * 50_000, b"\0"):
            for answer in (shop.send_raw(body), shop.send_raw(body, path=GRAFANA), shop.sign(body)):
                assert (answer.status, answer.json()["errorCode"]) == (400, "PARSE_ERROR"), body[:20]

    def test_unknown_version__is_refused_by_name(self, shop: Shop) -> None:
        answer = shop.send(alert_item(started_at=_ago(5)), version="5")

        assert (answer.status, answer.json()["errorCode"]) == (400, "UNSUPPORTED_VERSION")

    def test_ten_megabytes__is_too_large_declared_or_not(self, shop: Shop) -> None:
        large, parts = b" " * 10_000_000, [b" " * 100_000] * 100
        headers = sentry_headers(large, secret=shop.secret, now=clock.now())
        for body in (large, parts):
            answers = [shop.send_raw(body, path=path) for path in (ALERTMANAGER, GRAFANA)]
            answers.append(ask(SENTRY, method="POST", headers=headers, body=body))

            assert [answer.status for answer in answers] == [413] * 3

    def test_body_that_does_not_come__is_408_and_takes_no_place(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hooks, "DEADLINE_SECONDS", 0.05)
        answers = []
        for path in (ALERTMANAGER, GRAFANA, SENTRY):
            given = sentry_headers(b"", secret=shop.secret, now=clock.now()) | {"authorization": f"Bearer {shop.raw}"}
            headers = [(name.encode(), value.encode()) for name, value in given.items()]
            scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}
            route = next(route for route in hooks.LEAN_ROUTES if route.path == path)

            async def never() -> Any:
                await asyncio.Event().wait()

            answers.append(asyncio.run(route.endpoint(Request(scope, never))))

        assert [answer.status_code for answer in answers] == [408] * 3
        assert hooks.DESK.busy == 0

    def test_a_thousand_alerts__are_taken_and_one_more_is_not(self, shop: Shop) -> None:
        thousand = [alert_item(started_at=_ago(5), annotations={}) for _ in range(1_000)]

        assert shop.send(*thousand).json()["accepted"] == 1_000
        assert shop.send(*thousand, alert_item(started_at=_ago(5))).status == 413

    def test_another_method__is_405_and_names_the_one_it_takes(self) -> None:
        for path in (ALERTMANAGER, GRAFANA, SENTRY):
            for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
                answer = ask(path, method=method)

                assert (answer.status, answer.headers["allow"]) == (405, "POST")

    def test_database_away__is_503_and_says_when_to_come_again(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(**_: object) -> int:
            raise OperationalError("the server closed the connection unexpectedly")

        monkeypatch.setattr(hooks, "record_alerts", fail)
        monkeypatch.setattr(hooks, "record_sentry_alert", fail)

        answers = [shop.send(alert_item(started_at=_ago(5))), shop.sign(event_alert(at=_ago(5)))]

        assert [(answer.status, answer.headers["retry-after"]) for answer in answers] == [(503, "5")] * 2

    def test_flood__is_503_beyond_the_places_and_gives_them_back(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        item = alert_item(started_at=_ago(5))
        monkeypatch.setattr(hooks.DESK, "limit", 0)

        answers = [shop.send(item), shop.send(item, path=GRAFANA), shop.sign(event_alert(at=_ago(5)))]

        assert [(answer.status, answer.headers["retry-after"]) for answer in answers] == [(503, "1")] * 3
        monkeypatch.setattr(hooks.DESK, "limit", 1)
        assert shop.send_raw(b"{").status == 400
        assert shop.send(item).status == 202
        assert hooks.DESK.busy == 0

    def test_before_the_first_snapshot__says_when_to_come_again(self, shop: Shop) -> None:
        KEEPER.clear()

        answer = shop.send(alert_item(started_at=_ago(5)))

        assert (answer.status, answer.headers["retry-after"].isdigit()) == (503, True)


class TestSentry:
    """Known by its signature over the raw body."""

    def test_event__is_stored_in_the_environment_of_the_secret(self, shop: Shop) -> None:
        other = make_environment()
        _hook, secret = make_sentry_hook(other)

        assert shop.sign(event_alert(at=_ago(5))).json() == {"accepted": 1, "duplicates": 0}
        assert shop.sign(event_alert(at=_ago(5)), secret=secret).status == 202

        alert = Alert.objects.get(environment=shop.environment)
        assert (alert.flag, alert.site, alert.release) == (shop.flag, shop.site, "1.3.0")
        assert (alert.origin, alert.name, alert.severity) == ("sentry", "Tills cannot sell", "critical")
        assert Alert.objects.get(environment=other).pk != alert.pk

    def test_same_issue_within_the_hour__is_the_same_record_and_lasts_longer(self, shop: Shop) -> None:
        shop.sign(event_alert(at=_ago(50)))
        shop.sign(event_alert(at=_ago(5)))
        shop.sign(event_alert(at=_ago(40)))

        alert = Alert.objects.get()
        assert alert.times_received == 3
        assert alert.ended_at is not None
        assert timedelta(minutes=105) <= alert.ended_at - alert.started_at < timedelta(minutes=110)

    def test_same_issue_long_after__is_another_record(self, shop: Shop) -> None:
        shop.sign(event_alert(at=_ago(90)))
        shop.sign(event_alert(at=_ago(5)))

        assert Alert.objects.count() == 2

    def test_metric__rises_and_ends_in_one_record(self, shop: Shop) -> None:
        began = _ago(9)
        shop.sign(metric_alert("warning", at=began), resource="metric_alert")
        shop.sign(metric_alert("critical", at=began), resource="metric_alert")
        risen = Alert.objects.get()
        shop.sign(metric_alert("resolved", at=began, closed_at=_ago(1)), resource="metric_alert")
        late = shop.sign(metric_alert("critical", at=began, status=2), resource="metric_alert")

        ended = Alert.objects.get()
        assert (risen.severity, risen.ended_at, risen.flag) == ("critical", None, shop.flag)
        assert (ended.severity, ended.ended_at is not None, late.json()["accepted"]) == ("critical", True, 1)

    @pytest.mark.parametrize("again", [{"request-id": "another"}, {"sentry-hook-timestamp": ""}])
    def test_replay__changes_nothing(self, shop: Shop, again: dict[str, str]) -> None:
        """Neither stamp nor Request-ID is signed: what was signed is what makes it the same."""
        body = as_body(event_alert(at=_ago(5)))
        shop.sign(body)
        headers = (
            {"sentry-hook-timestamp": str(int(clock.now().timestamp()) + 9)} if "request-id" not in again else again
        )

        answer = shop.sign(body, **headers)

        assert answer.json() == {"accepted": 0, "duplicates": 1}
        assert Alert.objects.get().times_received == 1

    def test_same_request_id__is_taken_once(self, shop: Shop) -> None:
        shop.sign(event_alert(at=_ago(5)), **{"request-id": "one"})

        assert shop.sign(event_alert(at=_ago(5)), **{"request-id": "one"}).json()["duplicates"] == 1

    def test_same_message_at_once__is_taken_once(self, shop: Shop) -> None:
        body = as_body(event_alert(at=_ago(5)))

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _turn: shop.sign(body), range(4)))

        assert sorted(answer.json()["accepted"] for answer in answers) == [0, 0, 0, 1]
        assert SentryReceipt.objects.count() == 1

    def test_forged_or_stale__is_401_and_leaves_nothing(self, shop: Shop) -> None:
        for headers, code in [
            ({"sentry-hook-signature": ""}, "UNAUTHORIZED"),
            ({"sentry-hook-signature": "0" * 64}, "UNAUTHORIZED"),
            ({"sentry-hook-signature": "é" * 64}, "UNAUTHORIZED"),
            ({"secret": "0" * 64}, "UNAUTHORIZED"),
            ({"sentry-hook-timestamp": "1"}, "STALE_TIMESTAMP"),
            ({"sentry-hook-timestamp": ""}, "STALE_TIMESTAMP"),
            ({"sentry-hook-timestamp": "soon"}, "STALE_TIMESTAMP"),
        ]:
            answer = shop.sign(event_alert(at=_ago(5)), **headers)

            assert (answer.status, answer.json()["errorCode"]) == (401, code), headers
        assert not Alert.objects.exists()
        assert not SentryReceipt.objects.exists()

    def test_body_that_was_changed_by_a_space__is_401(self, shop: Shop) -> None:
        body = as_body(event_alert(at=_ago(5)))
        headers = sentry_headers(body, secret=shop.secret, now=clock.now())

        assert ask(SENTRY, method="POST", headers=headers, body=body + b" ").status == 401

    def test_secret__replaced_or_switched_off__signs_nothing_any_more(self, shop: Shop) -> None:
        new = "f" * 64
        replace_sentry_secret(hook_id=shop.hook.pk, secret=new, actor=DEMO, reason="it leaked", now=clock.now())
        old_answer = shop.sign(event_alert(at=_ago(5)))
        new_answer = shop.sign(event_alert(at=_ago(5)), secret=new)
        disconnect_sentry(hook_id=shop.hook.pk, actor=DEMO, reason="gone", now=clock.now())

        assert (old_answer.status, new_answer.status) == (401, 202)
        assert shop.sign(event_alert(at=_ago(5)), secret=new).status == 401

    def test_portals_own_key_changed__is_401_and_said_in_the_log(
        self, shop: Shop, caplog: pytest.LogCaptureFixture, settings: Any
    ) -> None:
        settings.SECRET_KEY = "another"

        assert shop.sign(event_alert(at=_ago(5))).status == 401
        assert "does not open" in caplog.text

    def test_another_resource__is_taken_and_says_nothing_but_that_sentry_is_there(self, shop: Shop) -> None:
        for resource in ("installation", "issue", "comment", ""):
            answer = shop.sign({"action": "created", "data": {"of": resource}}, resource=resource)

            assert (answer.status, answer.json()) == (202, {"accepted": 0, "duplicates": 0})
        assert AlertSource.objects.get().origin == "sentry"
        assert not Alert.objects.exists()

    def test_event__is_answered_well_within_a_second(self, shop: Shop) -> None:
        """The contract's own limit, with an event near the largest; usually a few hundredths of it."""
        body = as_body(event_alert(at=_ago(5), breadcrumbs=["x" * 1_000] * 1_900))

        before = clock.now()
        assert shop.sign(body).status == 202
        assert clock.now() - before < timedelta(seconds=1)
