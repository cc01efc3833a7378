"""What a data point adds to its series: nothing twice, nothing negative, nothing of long ago."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from health.domain.histograms import Explicit
from health.domain.samples import MAX_COUNT, BadSample
from health.domain.series import Origin, Point, Seen, check_times, drop_idle, follow

BEGAN = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SECOND = 10**9
START = int(BEGAN.timestamp()) * SECOND
ORIGIN = Origin("lyon", "t1", None, "1.3", "/sale", is_error=False)


def point(seconds: float, count: int, **given: Any) -> Point:
    """A cumulative point so many seconds after its process began."""
    wanted: dict[str, Any] = {"origin": ORIGIN, "is_cumulative": True, "start_ns": START, "buckets": None}
    return Point(key="k", time_ns=START + int(seconds * SECOND), count=count, **(wanted | given))


def play(*points: Point) -> list[int]:
    """Return the requests of the samples that points make one after the other."""
    seen, counted = None, []
    for one in points:
        step = follow(seen, one)
        seen = step.seen
        counted += [step.sample.requests] if step.sample else []
    return counted


def test_series__first_point_of_a_young_process__counts_whole() -> None:
    step = follow(None, point(60, 7))

    assert step.sample is not None
    assert (step.sample.requests, step.sample.seconds, step.sample.start_at) == (7, 60, BEGAN)


def test_series__first_point_of_an_old_process__is_where_counting_begins() -> None:
    assert play(point(86_400, 1_000_000), point(86_460, 1_000_012)) == [12]


def test_series__cumulative__counts_the_difference() -> None:
    assert play(point(60, 7), point(120, 9), point(180, 9)) == [7, 2, 0]


def test_series__same_point_again__counts_once() -> None:
    assert play(point(60, 7), point(60, 7), point(120, 9), point(120, 9)) == [7, 2]


def test_series__overtaken_point__is_held_in_the_newer_one() -> None:
    assert play(point(60, 7), point(180, 20), point(120, 9), point(240, 22)) == [7, 13, 2]


def test_series__count_that_falls__counts_from_zero() -> None:
    assert play(point(60, 70), point(120, 5), point(180, 8)) == [70, 5, 3]


def test_series__clock_set_back__counts_on_from_there() -> None:
    assert play(point(200, 70), point(120, 90), point(180, 93)) == [70, 3]


def test_series__long_silence__says_nothing_of_now() -> None:
    step = follow(Seen(START, 7, None), point(301, 5_000))

    assert step.sample is None
    assert step.fault is not None
    assert step.fault.code == "INTERVAL_TOO_LONG"
    assert play(point(60, 7), point(400, 5_000), point(460, 5_003)) == [7, 3]


def test_series__absurd_growth__is_refused_and_where_counting_begins() -> None:
    assert play(point(60, 7), point(120, MAX_COUNT + 8), point(180, MAX_COUNT + 9)) == [7, 1]


def test_series__histogram__counts_bucket_by_bucket() -> None:
    first = point(60, 3, buckets=Explicit((100.0,), (2, 1)))
    second = point(120, 7, buckets=Explicit((100.0,), (3, 4)))

    step = follow(follow(None, first).seen, second)

    assert step.sample is not None
    assert step.sample.latency == {"bounds": [100], "counts": [1, 3]}


def test_series__bucket_that_falls__is_a_new_beginning() -> None:
    first = point(60, 3, buckets=Explicit((100.0,), (2, 1)))
    second = point(120, 4, buckets=Explicit((100.0,), (4, 0)))

    step = follow(follow(None, first).seen, second)

    assert step.sample is not None
    assert (step.sample.requests, step.sample.latency) == (4, {"bounds": [100], "counts": [4, 0]})


def test_series__other_buckets_than_before__count_without_durations() -> None:
    first = point(60, 3, buckets=Explicit((100.0,), (2, 1)))
    second = point(120, 5, buckets=Explicit((50.0,), (5, 0)))

    step = follow(follow(None, first).seen, second)

    assert step.sample is not None
    assert (step.sample.requests, step.sample.latency) == (2, None)


def test_series__delta__is_what_it_says_and_asks_nothing_of_before() -> None:
    step = follow(None, point(30, 4, is_cumulative=False))

    assert step.seen is None
    assert step.sample is not None
    assert (step.sample.requests, step.sample.seconds) == (4, 30)


def test_series__delta_over_a_quarter_of_an_hour__is_refused() -> None:
    assert follow(None, point(900, 4, is_cumulative=False)).fault is not None


def test_series__errors__are_all_of_the_requests_of_a_failed_series() -> None:
    step = follow(None, point(30, 4, origin=Origin("lyon", "t1", None, "", "", is_error=True)))

    assert step.sample is not None
    assert (step.sample.requests, step.sample.errors) == (4, 4)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"start_ns": 0}, "INVALID_TIME"),
        ({"start_ns": START + 61 * SECOND}, "INVALID_TIME"),
        ({"time_ns": 0}, "INVALID_TIME"),
        ({"time_ns": START + 3_600 * SECOND}, "START_IN_FUTURE"),
        ({"time_ns": 2**63 - 1}, "START_IN_FUTURE"),
        ({"time_ns": START - 8 * 86_400 * SECOND, "start_ns": 1}, "START_TOO_OLD"),
    ],
)
def test_series__clock_that_cannot_be_right__is_refused(given: dict[str, Any], code: str) -> None:
    wanted: dict[str, Any] = {"key": "k", "origin": ORIGIN, "is_cumulative": True, "count": 1, "buckets": None}
    times: dict[str, Any] = {"start_ns": START, "time_ns": START + 60 * SECOND} | given

    with pytest.raises(BadSample) as caught:
        check_times(Point(**wanted, **times), now=BEGAN + timedelta(minutes=2))

    assert caught.value.code == code


def test_idle__no_request_anywhere_at_a_till__leaves_one_sign_of_life() -> None:
    samples = [follow(None, point(60, 0)).sample, follow(None, point(60, 0)).sample]

    kept = drop_idle([one for one in samples if one])

    assert [one.requests for one in kept] == [0]


def test_idle__beside_requests_of_the_same_till__is_left_out() -> None:
    samples = [follow(None, point(60, count)).sample for count in (0, 3, 0)]

    assert [one.requests for one in drop_idle([one for one in samples if one])] == [3]
