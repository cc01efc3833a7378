"""What a real Prometheus holds of the minutes before, and what it comes to as samples."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.conf import LazySettings

from health.domain.counters import Known
from health.domain.pulling import plan_windows
from health.models import PrometheusSource
from health.prometheus import ask_prometheus
from health.pulling import Outcome, fetch, weigh
from tests.factories.sources import VALUES, write_history
from tests.monitoring.prometheus import PrometheusServer

#: The last scrape; what comes after it is silence.
END = int(time.time()) // 60 * 60 - 60
NOW = datetime.fromtimestamp(END + 20, UTC)
KNOWN = Known({"lyon", "lille"}, {"buttons"})
#: Seconds before the end of the scrapes that most series have.
TIMES = range(-240, 1, 15)


def steady(labels: str, *, by: float = 3, start: float = 100) -> dict[str, list[tuple[float, float | str]]]:
    """A counter that grows by so much at each scrape."""
    return {labels: [(END + at, start + by * (at + 240) / 15) for at in TIMES]}


def story(labels: str, *scrapes: tuple[float, float | str]) -> dict[str, list[tuple[float, float | str]]]:
    return {labels: [(END + at, value) for at, value in scrapes]}


HISTORY: dict[str, Any] = {
    **steady('good_count{site="lyon",status="200",instance="a"}'),
    **story('good_count{site="lyon",status="500",instance="a"}', (-30, 1), (-15, 1), (0, 3)),
    **steady('good_bucket{site="lyon",le="0.1",instance="a"}', by=2, start=50),
    **steady('good_bucket{site="lyon",le="+Inf",instance="a"}'),
    **story('reset_count{site="lyon",status="200"}', (-75, 900), (-60, 905), (-45, 2), (-30, 4), (-15, 4), (0, 6)),
    **story('gap_count{site="lyon",status="200"}', (-600, 10), (-15, 90_000), (0, 90_005)),
    **story('ended_count{site="lyon",status="200"}', (-600, 10), (-585, 20)),
    **story('nan_count{site="lyon",status="200"}', (-75, 1), (-60, 2), (-45, "NaN"), (-30, "+Inf"), (-15, 4), (0, 5)),
    **steady('mixed_count{site="lyon",status="200"}'),
    **story('mixed_count{site="lille",status="200"}', (-120, 10), (-105, 20)),
    **steady('mixed_count{site="atlantis",status="200"}'),
    **story("half_gauge", (0, 0.5)),
    **story("no_number", (0, "NaN")),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    with PrometheusServer(tmp_path_factory.mktemp("prometheus"), history=write_history(HISTORY)) as one:
        yield one


def look(url: str, metric: str, *, errors: str = "", **given: Any) -> Outcome:
    """Return what the last minute of a metric comes to."""
    queries = {
        "requests_query": f"{metric}_count",
        "errors_query": errors or f'{metric}_count{{status=~"5.."}}',
    }
    source = PrometheusSource(pk=1, **(VALUES | queries | {"url": url, "interval_seconds": 60} | given))
    plan = plan_windows(pulled_until=NOW - timedelta(seconds=80), interval_seconds=60, now=NOW)
    assert [window.end_ms for window in plan.windows] == [END * 1_000]
    return weigh(source, plan, fetch(source, plan), known=KNOWN, now=NOW)


def told(outcome: Outcome) -> list[tuple[str, int, int]]:
    return [(one.site_key, one.requests, one.errors) for one in outcome.counted.samples]


def code(outcome: Outcome) -> str:
    return outcome.fault.code if outcome.fault else ""


def test_prometheus__steady_counters__are_whole_numbers_with_errors_and_durations(server: PrometheusServer) -> None:
    outcome = look(server.url, "good", latency_query="good_bucket")

    assert (told(outcome), code(outcome)) == ([("lyon", 13, 1)], "")


def test_prometheus__durations_of_the_same_scrapes__are_in_the_sample(server: PrometheusServer) -> None:
    outcome = look(server.url, "good", requests_query='good_count{status="200"}', latency_query="good_bucket")

    assert outcome.counted.samples[0].latency == {"bounds": [100], "counts": [8, 4]}


def test_prometheus__same_window_again__has_the_same_id(server: PrometheusServer) -> None:
    first, second = look(server.url, "good"), look(server.url, "good")

    assert first.counted.samples == second.counted.samples


def test_prometheus__counter_reset__counts_from_zero(server: PrometheusServer) -> None:
    assert told(look(server.url, "reset")) == [("lyon", 9, 0)]


def test_prometheus__restarted_after_a_gap__is_no_spike(server: PrometheusServer) -> None:
    assert told(look(server.url, "gap")) == []


def test_prometheus__data_that_ended__is_no_data_and_no_sample(server: PrometheusServer) -> None:
    outcome = look(server.url, "ended")

    assert (told(outcome), code(outcome), outcome.done) == ([], "no_data", None)


def test_prometheus__metric_that_is_not_there__is_no_data(server: PrometheusServer) -> None:
    assert (told(look(server.url, "nothing")), code(look(server.url, "nothing"))) == ([], "no_data")


def test_prometheus__nan_and_inf__are_no_sample(server: PrometheusServer) -> None:
    outcome = look(server.url, "nan")

    assert (told(outcome), code(outcome)) == ([], "not_a_number")


def test_prometheus__site_that_stopped_and_one_that_is_none__leave_the_others(server: PrometheusServer) -> None:
    outcome = look(server.url, "mixed")

    assert (told(outcome), outcome.counted.unknown_sites) == ([("lyon", 12, 0)], {"atlantis"})


def test_prometheus__errors_under_a_name_that_is_not_there__are_not_taken_for_none(server: PrometheusServer) -> None:
    outcome = look(server.url, "good", errors="sale_errors_total")

    assert (told(outcome), code(outcome)) == ([], "errors_absent")


def test_prometheus__expression_instead_of_a_selector__is_refused_in_its_own_words(server: PrometheusServer) -> None:
    outcome = look(server.url, "good", requests_query="sum by (site) (good_count)")

    assert outcome.fault is not None
    assert (told(outcome), outcome.fault.code, outcome.fault.data["status"]) == ([], "refused", 400)
    assert "ranges only allowed for vector selectors" in str(outcome.fault.data["details"])


def test_prometheus__before_the_network_was_let_in__is_not_asked(
    server: PrometheusServer, settings: LazySettings
) -> None:
    settings.OUTBOUND_NETWORKS = [ip_network("10.0.0.0/8")]

    assert code(look(server.url, "good")) == "address_refused"


@pytest.mark.parametrize(
    ("query", "value", "reason"),
    [
        ("half_gauge", 0.5, ""),
        ("scalar(half_gauge)", 0.5, ""),
        ("vector(0)", 0.0, ""),
        ("no_number", None, "not_a_number"),
        ("vector(1) / 0", None, "not_a_number"),
        ("nothing_at_all", None, "no_data"),
        ("mixed_count", None, "many_series"),
        ("half_gauge[5m]", None, "refused"),
        ("half_gauge{", None, "refused"),
        ('"text"', None, "refused"),
    ],
)
def test_ask__query_of_somebodys_own__is_one_number_or_a_reason(
    server: PrometheusServer, query: str, value: float | None, reason: str
) -> None:
    source = PrometheusSource(**(VALUES | {"url": server.url}))
    at = datetime.fromtimestamp(END, UTC)

    reading = ask_prometheus(source, query, at=at, timeout_seconds=10)

    assert (reading.value, reading.code) == (value, reason)
