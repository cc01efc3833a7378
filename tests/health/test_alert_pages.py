"""The pages of alerts, and how Sentry is connected."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from core import clock
from core.actors import DEMO
from core.errors import InvalidInput, NotFound, Refusal
from core.roles import Role
from flags.models import Environment
from health.alert_models import Alert, AlertSource, ForgottenSource, SentryHook
from health.alert_queries import judge_alert_lane
from health.alert_transitions import forget_source, record_alerts
from health.domain.alerts import Origin
from health.domain.exposure import Exposure
from health.domain.webhook_alerts import read_alerts
from health.sentry_queries import open_secrets
from health.sentry_transitions import connect_sentry, disconnect_sentry, replace_sentry_secret
from tests.factories.alerts import alert_item, alertmanager_body, make_sentry_hook
from tests.factories.flags import make_environment, make_flag, make_site
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db

LIST, CONNECT = "/health/alerts/", "/health/alerts/connect/"


def _record(environment: Environment, *items: dict[str, Any], **more: Any) -> None:
    body = alertmanager_body(*items)
    reading = read_alerts(body, list(items), now=clock.now())
    assert reading.rejected == []
    record_alerts(
        environment_id=environment.pk, origin=Origin.ALERTMANAGER, values=reading.accepted, now=clock.now(), **more
    )


def _item(**given: Any) -> dict[str, Any]:
    return alert_item(started_at=clock.now() - timedelta(minutes=5), **given)


def _read(client: Client, path: str = LIST) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


class TestList:
    def test_nothing_yet__says_how_to_connect(self) -> None:
        make_environment()

        page = _read(sign_in())

        assert CONNECT in page
        assert "No monitoring system has sent anything here." in page

    def test_alert__is_shown_with_what_it_is_about(self) -> None:
        environment = make_environment()
        make_flag(key="buttons", name="Price buttons")
        make_site(key="lyon", name="Lyon Centre")
        _record(environment, _item(labels={"flag": "buttons", "site": "lyon", "release": "1.3.0"}), left_out=2)

        page = _read(sign_in())

        for words in ("TillsFail", "Price buttons", "Lyon Centre", "1.3.0", "fires", "2 alerts did not come through"):
            assert words in page
        assert 'href="http://prometheus.example:9090/graph?g0.expr=up" rel="noreferrer noopener"' in page

    def test_hostile_texts__are_shown_as_texts_and_bad_links_not_at_all(self) -> None:
        script = "<script>alert(1)</script>"
        _record(
            make_environment(),
            _item(
                labels={"alertname": script, "flag": script, "site": script, "x": script},
                annotations={"summary": script},
                generatorURL="javascript:alert(1)",
            ),
        )

        page = _read(sign_in())

        assert script not in page
        assert "javascript:" not in page

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("", {"A", "B", "C"}),
            ("?state=firing", {"A", "B"}),
            ("?state=resolved", {"C"}),
            ("?origin=alertmanager", {"A", "B", "C"}),
            ("?origin=sentry", set()),
            ("?severity=warning", {"B"}),
            ("?flag=buttons", {"A"}),
            ("?site=lyon", {"C"}),
            ("?site=atlantis", set()),
            ("?state=odd", set()),
        ],
    )
    def test_filters__in_the_address__narrow(self, query: str, names: set[str]) -> None:
        environment, now = make_environment(), clock.now()
        make_flag(key="buttons")
        make_site(key="lyon")
        _record(
            environment,
            _item(labels={"alertname": "A", "flag": "buttons"}),
            _item(labels={"alertname": "B", "severity": "warning"}),
            _item(labels={"alertname": "C", "site": "lyon"}, status="resolved", endsAt=now.isoformat()),
        )

        page = _read(sign_in(), LIST + query)

        assert set(re.findall(r"<b>([ABC])</b>", page)) == names

    def test_other_environments__are_not_shown(self) -> None:
        other, _looked_at = make_environment(), make_environment()
        _record(other, _item())

        assert "TillsFail" not in _read(sign_in())

    def test_queries__are_as_many_at_two_rows_as_at_twenty(self, django_assert_max_num_queries: Any) -> None:
        environment, client = make_environment(), sign_in()
        make_flag(key="buttons")
        make_site(key="lyon")
        counts = []
        for number in (2, 18):
            _record(environment, *[_item(labels={"flag": "buttons", "site": "lyon"}) for _ in range(number)])
            with django_assert_max_num_queries(40) as captured:
                _read(client)
            counts.append(len(captured))

        assert counts[0] == counts[1]

    def test_watchdog_that_ended__is_told(self) -> None:
        environment = make_environment()
        dog = _item(labels={"alertname": "Watchdog"})
        _record(environment, dog)
        _record(environment, dog | {"status": "resolved"})

        assert "its watchdog has ended" in _read(sign_in())

    def test_watchdog_not_heard_for_long__is_told_and_old_gaps_are_not(self) -> None:
        environment, client = make_environment(), sign_in()
        _record(environment, _item(labels={"alertname": "Watchdog"}), left_out=1)
        fresh = _read(client)
        AlertSource.objects.update(
            watchdog_at=clock.now() - timedelta(minutes=16), left_out_at=clock.now() - timedelta(minutes=61)
        )

        stale = _read(client)

        assert ("its watchdog is silent" in fresh, "did not come through" in fresh) == (False, True)
        assert ("its watchdog is silent" in stale, "did not come through" in stale) == (True, False)

    def test_overview__leads_to_the_alerts(self) -> None:
        assert LIST in _read(sign_in(), "/health/")

    @pytest.mark.parametrize("role", list(Role))
    def test_pages__everybody_may_see__in_french_too(self, role: Role) -> None:
        _record(make_environment(), _item())
        client = sign_in(role)
        client.cookies["django_language"] = "fr"

        for path in (LIST, CONNECT):
            assert client.get(path, headers={"accept-language": "fr"}).status_code == 200


class TestForget:
    def _age(self, hours: float) -> AlertSource:
        AlertSource.objects.update(
            first_received_at=clock.now() - timedelta(days=9), last_received_at=clock.now() - timedelta(hours=hours)
        )
        return AlertSource.objects.get()

    def test_source__that_is_gone__is_forgotten_with_a_reason_and_its_alerts_are_over(self) -> None:
        _record(make_environment(), _item(), _item(labels={"alertname": "Watchdog"}))
        source, client = self._age(2), sign_in()
        path = f"{LIST}sources/{source.pk}/forget/"
        assert path in _read(client)
        assert client.post(path, {"reason": " "}).status_code == 400

        client.post(path, {"reason": "Moved to Grafana"})

        forgotten = ForgottenSource.objects.get()
        assert (forgotten.reason, forgotten.alerts_ended, forgotten.forgotten_by) == (
            "Moved to Grafana",
            1,
            "a-release_manager",
        )
        assert not AlertSource.objects.exists()
        assert Alert.objects.get().ended_at is not None
        assert "is forgotten" in _read(client)

    def test_source__that_speaks_again__is_back(self) -> None:
        environment = make_environment()
        _record(environment, _item())
        source = self._age(2)
        by: dict[str, Any] = {"actor": DEMO, "reason": "Gone", "now": clock.now()}
        forget_source(source_id=source.pk, environment_id=environment.pk, **by)

        _record(environment, _item())

        assert AlertSource.objects.get().pk != source.pk

    def test_source__heard_lately_or_of_another_environment__is_not_forgotten(self) -> None:
        environment = make_environment()
        _record(environment, _item())
        client = sign_in()
        by: dict[str, Any] = {"actor": DEMO, "reason": "Gone", "now": clock.now()}
        source = self._age(0.5)
        assert "/forget/" not in _read(client)
        with pytest.raises(Refusal, match="alert_source_alive"):
            forget_source(source_id=source.pk, environment_id=environment.pk, **by)
        source = self._age(2)
        with pytest.raises(NotFound):
            forget_source(source_id=source.pk, environment_id=make_environment(key="other").pk, **by)

        assert AlertSource.objects.exists()
        assert not ForgottenSource.objects.exists()
        assert "/forget/" not in _read(sign_in(Role.SUPPORT))

    def test_lane__silent_because_of_a_source_that_is_gone__passes_once_it_is_forgotten(self) -> None:
        environment = make_environment()
        _record(environment, _item(labels={"alertname": "Watchdog"}))
        source = self._age(2)
        AlertSource.objects.update(watchdog_at=clock.now() - timedelta(hours=2))
        dog = _item(labels={"alertname": "Watchdog"})
        reading = read_alerts(alertmanager_body(dog), [dog], now=clock.now())
        record_alerts(environment_id=environment.pk, origin=Origin.GRAFANA, values=reading.accepted, now=clock.now())
        exposure = Exposure(
            flag_key="buttons",
            environment_key=environment.key,
            since=clock.now() - timedelta(hours=1),
            everyone=True,
            site_keys=frozenset(),
            subject="rollout:1",
            epoch=1,
        )
        [before] = judge_alert_lane(exposures=[exposure], now=clock.now())

        forget_source(source_id=source.pk, environment_id=environment.pk, actor=DEMO, reason="Gone", now=clock.now())

        [after] = judge_alert_lane(exposures=[exposure], now=clock.now())
        assert (before.code, after.code) == ("alert_source_silent", "no_alert_firing")


class TestSentry:
    def test_connected__in_the_page__is_sealed_masked_and_in_history(self) -> None:
        environment, client = make_environment(), sign_in()
        secret = "5eb3" * 16

        answer = client.post(CONNECT, {"name": "Shop", "secret": f" {secret} ", "reason": "Errors count too"})

        hook = SentryHook.objects.get()
        page = _read(client, CONNECT)
        assert (answer.status_code, hook.environment) == (302, environment)
        assert secret not in hook.sealed_secret
        assert open_secrets() == {hook.pk: (environment.pk, secret)}
        assert "••••5eb3" in page
        assert secret not in page
        line = hook.history.get()
        assert line.history_change_reason == "Errors count too"
        assert not hasattr(line, "sealed_secret")

    def test_secret__replaced_and_switched_off__with_reasons(self) -> None:
        client = sign_in()
        hook, _secret = make_sentry_hook(make_environment())

        client.post(CONNECT, {"replace": hook.pk, "secret": "f00d" * 16, "reason": "It leaked"})
        assert [secret for _environment, secret in open_secrets().values()] == ["f00d" * 16]
        client.post(CONNECT, {"off": hook.pk, "reason": "Sentry goes"})

        hook.refresh_from_db()
        assert (hook.sealed_secret, hook.off_at is None, open_secrets()) == ("", False, {})
        assert [line.history_change_reason for line in hook.history.all()][:2] == ["Sentry goes", "It leaked"]

    @pytest.mark.parametrize(
        "data",
        [
            {"name": "", "secret": "a" * 64, "reason": "x"},
            {"name": "Shop", "secret": "tooshort-5eb3", "reason": "x"},
            {"name": "Shop", "secret": "a b" * 16, "reason": "x"},
            {"name": "Shop", "secret": "a" * 201, "reason": "x"},
            {"name": "Shop", "secret": "a" * 64, "reason": ""},
        ],
    )
    def test_wrong_input__is_said_beside_the_form_and_the_secret_not_repeated(self, data: dict[str, str]) -> None:
        make_environment()

        answer = sign_in().post(CONNECT, data)

        assert answer.status_code == 400
        assert data["secret"] not in answer.content.decode()
        assert not SentryHook.objects.exists()

    @pytest.mark.parametrize("role", [Role.SUPPORT, Role.AUDITOR])
    def test_who_does_not_drive__reads_and_changes_nothing(self, role: Role) -> None:
        hook, _secret = make_sentry_hook(make_environment())
        client = sign_in(role)

        for data in (
            {"name": "Shop", "secret": "a" * 64, "reason": "x"},
            {"replace": hook.pk, "secret": "a" * 64, "reason": "x"},
            {"off": hook.pk, "reason": "x"},
        ):
            assert client.post(CONNECT, data).status_code == 403
        assert 'name="secret"' not in _read(client, CONNECT)
        assert SentryHook.objects.get().off_at is None

    def test_secret_of_another_integration__is_refused(self) -> None:
        first, secret = make_sentry_hook(make_environment())
        other = make_environment()
        given: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": clock.now()}

        with pytest.raises(Refusal, match="sentry_secret_taken"):
            connect_sentry(environment_id=other.pk, name="Shop", secret=secret, **given)
        replace_sentry_secret(hook_id=first.pk, secret=secret, **given)
        disconnect_sentry(hook_id=first.pk, **given)
        assert connect_sentry(environment_id=other.pk, name="Shop", secret=secret, **given).environment == other

    def test_what_is_off_or_unknown__is_refused(self) -> None:
        hook, _secret = make_sentry_hook(make_environment())
        given: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": clock.now()}
        disconnect_sentry(hook_id=hook.pk, **given)

        with pytest.raises(Refusal, match="sentry_is_off"):
            disconnect_sentry(hook_id=hook.pk, **given)
        with pytest.raises(Refusal, match="sentry_is_off"):
            replace_sentry_secret(hook_id=hook.pk, secret="a" * 64, **given)
        with pytest.raises(InvalidInput, match="sentry_unknown"):
            disconnect_sentry(hook_id=0, **given)

    def test_records__show_no_secret(self) -> None:
        hook, _secret = make_sentry_hook(make_environment())
        client = sign_in(Role.AUDITOR)

        for path in (f"/admin/health/sentryhook/{hook.pk}/change/", f"/admin/health/sentryhook/{hook.pk}/history/"):
            assert hook.sealed_secret not in _read(client, path)


def test_records_of_alerts__are_there_to_read() -> None:
    _record(make_environment(), _item())
    client = sign_in(Role.AUDITOR)

    for path in (
        "/admin/health/alert/",
        f"/admin/health/alert/{Alert.objects.get().pk}/change/",
        "/admin/health/alertsource/",
        f"/admin/health/alertsource/{AlertSource.objects.get().pk}/change/",
    ):
        assert client.get(path).status_code == 200
