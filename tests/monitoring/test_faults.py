"""What goes wrong at a source is a fault with a name, within the time limit, and never a sample."""

import json
from typing import Any

import pytest

from core.sealing import seal
from health.domain.counters import Known
from health.domain.pulling import plan_windows
from health.models import PrometheusSource
from health.prometheus import SourceFault, ask_prometheus
from health.pulling import fetch, weigh
from health.source_models import SEALED_FOR
from tests.factories.core import NOW
from tests.factories.sources import VALUES
from tests.machineroom.portal import find_free_port
from tests.monitoring.canned import Canned, listen_and_say, serve

EMPTY = '{"status":"success","data":{"resultType":"matrix","result":[]}}'


def find_fault(url: str, **given: Any) -> SourceFault:
    """Return the fault of a pull that must make no sample."""
    source = PrometheusSource(pk=1, **(VALUES | {"url": url} | given))
    plan = plan_windows(pulled_until=None, interval_seconds=15, now=NOW)
    outcome = weigh(source, plan, fetch(source, plan), known=Known({"lyon"}, set()), now=NOW)
    assert (outcome.counted.samples, outcome.done) == ([], None)
    assert outcome.fault is not None
    return outcome.fault


@pytest.mark.parametrize("piece", [b"", b"H"])
def test_source__that_never_ends_its_answer__is_given_up_at_its_time_limit(piece: bytes) -> None:
    with listen_and_say(piece) as url:
        fault = find_fault(url, timeout_seconds=1)

    assert fault.code == "timed_out"


@pytest.mark.parametrize("length", [b"Content-Length: 100000\r\n", b""])
def test_source__body_that_drips__is_given_up_at_its_time_limit(length: bytes) -> None:
    with listen_and_say(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n {") as url:
        assert find_fault(url, timeout_seconds=1).code == "timed_out"


def test_source__nobody_listens__is_unreachable() -> None:
    assert find_fault(f"http://127.0.0.1:{find_free_port()}").code == "unreachable"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://169.254.169.254", "address_refused"),
        ("http://10.1.2.3", "address_refused"),
        ("http://[::1]:9090", "address_refused"),
        ("http://[::ffff:10.0.0.1]", "address_refused"),
        ("file:///etc/passwd", "address_refused"),
        ("http://no-such-name.invalid", "unreachable"),
    ],
)
def test_source__where_it_may_not_go__is_not_asked(url: str, code: str) -> None:
    assert find_fault(url).code == code


@pytest.mark.parametrize("skew", [-45.0, 45.0])
def test_source__clock_that_is_off__is_a_fault_of_its_own(skew: float) -> None:
    with serve(Canned(EMPTY, skew=skew)) as canned:
        fault = find_fault(canned.url)

    assert fault.code == "clock_skew"
    assert abs(int(str(fault.data["seconds"])) - skew) <= 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (EMPTY, 200, "no_data"),
        ('{"status":"success","warnings":["store gone"],"data":{"resultType":"matrix","result":[]}}', 200, "partial"),
        ('{"status":"error","errorType":"timeout","error":"query timed out"}', 503, "timed_out"),
        ('{"status":"error","errorType":"bad_data","error":"parse error"}', 400, "refused"),
        ('{"status":"error","errorType":"internal","error":"boom"}', 200, "refused"),
        ("<html>Bad gateway</html>", 502, "refused"),
        ("no org id", 401, "refused"),
        ("", 302, "refused"),
        ("<html>Sign in</html>", 200, "malformed"),
        ("[" * 100_000, 200, "malformed"),
        ('{"status":"success"}', 200, "malformed"),
        ('{"status":"success","data":{"resultType":"vector","result":[]}}', 200, "malformed"),
        ('{"status":"success","data":{"resultType":"matrix","result":[3]}}', 200, "malformed"),
        (
            '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{}, "values":[[1]]}]}}',
            200,
            "malformed",
        ),
        ('{"status":"success","data":{"resultType":"matrix","result":[{"metric":[], "values":[]}]}}', 200, "malformed"),
        (" " * (17 * 1_048_576), 200, "too_large"),
    ],
)
def test_source__answer_that_is_not_whole_and_sound__is_a_fault(body: str, status: int, code: str) -> None:
    with serve(Canned(body, status=status)) as canned:
        assert find_fault(canned.url).code == code


def test_source__redirect__is_not_followed() -> None:
    with serve(Canned("", status=302, headers={"Location": "http://127.0.0.1:1/"})) as canned:
        assert find_fault(canned.url).data["status"] == 302


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {}),
        ({"auth": "bearer", "sealed_secret": "s3cret"}, {"authorization": "Bearer s3cret"}),
        ({"auth": "basic", "username": "mia", "sealed_secret": "s3cret"}, {"authorization": "Basic bWlhOnMzY3JldA=="}),
        ({"tenant": "shops"}, {"x-scope-orgid": "shops"}),
    ],
)
def test_source__how_it_is_asked__is_what_was_said(given: dict[str, str], expected: dict[str, str]) -> None:
    sealed = dict(given)
    if "sealed_secret" in sealed:
        sealed["sealed_secret"] = seal(sealed["sealed_secret"], purpose=SEALED_FOR)

    with serve(Canned(EMPTY)) as canned:
        find_fault(canned.url, **sealed)

    sent = canned.seen[-1]
    assert {name: sent[name] for name in ("authorization", "x-scope-orgid") if name in sent} == expected


def test_source__secret_of_another_key__is_asked_for_again() -> None:
    assert find_fault("http://127.0.0.1:1", auth="bearer", sealed_secret="gAAAAABn").code == "secret_unreadable"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"status":"success","warnings":["x"],"data":{"resultType":"vector","result":[]}}', "partial"),
        ('{"status":"error","errorType":"timeout","error":"x"}', "timed_out"),
        ('{"status":"success","data":{"resultType":"vector","result":[{"metric":{}}]}}', "refused"),
        (json.dumps({"status": "success", "data": {"resultType": "scalar", "result": [1, "x"]}}), "refused"),
    ],
)
def test_ask__answer_that_is_not_whole__is_a_reason(body: str, reason: str) -> None:
    with serve(Canned(body)) as canned:
        reading = ask_prometheus(PrometheusSource(**(VALUES | {"url": canned.url})), "x", at=NOW, timeout_seconds=5)

    assert (reading.value, reading.code) == (None, reason)


def test_ask__port_that_never_answers__is_given_up_in_time() -> None:
    with listen_and_say(b"") as url:
        reading = ask_prometheus(PrometheusSource(**(VALUES | {"url": url})), "x", at=NOW, timeout_seconds=0.5)

    assert (reading.value, reading.code) == (None, "timed_out")
