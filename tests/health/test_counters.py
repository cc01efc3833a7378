"""Raw counters to samples: resets, gaps, new series, and what makes no sense."""

from math import inf, nan

import pytest

from health.domain.counters import (
    Counted,
    Known,
    LabelNames,
    Raw,
    RawSeries,
    Window,
    count_windows,
    errors_may_be_none,
)

T = 1_800_000_000_000
MINUTE = Window(T, T + 60_000)
NAMES = LabelNames("site", "flag", "till", "route")
KNOWN = Known({"lyon", "lille"}, {"buttons"})


def series(*scrapes: tuple[float, float], **labels: str) -> RawSeries:
    """A series of Lyon; scrapes in seconds after the window's beginning."""
    given = {"__name__": "sales_total", "site": "lyon", "job": "tills", "instance": "a"} | labels
    return RawSeries(given, tuple((T + round(at * 1_000), value) for at, value in scrapes))


def count(*requests: RawSeries, errors: tuple[RawSeries, ...] = (), latency: tuple[RawSeries, ...] = ()) -> Counted:
    return count_windows(Raw(requests, errors, latency), [MINUTE], names=NAMES, known=KNOWN)


def told(counted: Counted) -> list[tuple[str, int, int]]:
    return [(one.site_key, one.requests, one.errors) for one in counted.samples]


def test_counters__scrapes_of_a_window__count_from_the_one_before_it() -> None:
    counted = count(series((-15, 100), (0, 103), (30, 110), (60, 500)))

    [sample] = counted.samples
    assert (sample.requests, sample.start_at.timestamp(), sample.seconds) == (10, T / 1_000 - 15, 45)


def test_counters__two_windows__share_no_scrape_and_lose_none() -> None:
    windows = [Window(T - 60_000, T), MINUTE]
    raw = Raw([series((-70, 100), (-40, 104), (-10, 107), (20, 112), (50, 113))], [])

    counted = count_windows(raw, windows, names=NAMES, known=KNOWN)

    assert [one.requests for one in counted.samples] == [7, 6]
    assert len({one.client_id for one in counted.samples}) == 2


def test_counters__value_that_falls__counts_from_zero() -> None:
    assert told(count(series((-15, 1_000), (0, 1_004), (15, 3), (30, 5)))) == [("lyon", 9, 0)]


def test_counters__nothing_scraped_in_the_window__is_no_sample() -> None:
    assert told(count(series((-15, 1_000), (75, 1_004)))) == []


def test_counters__gap_before_the_window__is_where_counting_begins() -> None:
    assert told(count(series((-200, 1_000), (10, 9_000)))) == []
    assert told(count(series((-200, 1_000), (10, 9_000), (25, 9_002)))) == [("lyon", 2, 0)]


def test_counters__first_error_ever__counts_though_its_series_is_new() -> None:
    requests = series((-15, 100), (15, 109), status="200")
    first = series((15, 1), status="500")

    assert told(count(requests, first, errors=(first,))) == [("lyon", 10, 1)]


def test_counters__first_error_in_the_first_window_of_a_target__counts_too() -> None:
    requests = series((0, 100), (15, 109), (30, 110), status="200")
    first = series((15, 2), (30, 2), status="500")

    assert told(count(requests, first, errors=(first,))) == [("lyon", 12, 2)]


def test_counters__series_of_a_target_that_is_new_itself__is_no_spike() -> None:
    known, stranger = series((-15, 100), (15, 109)), series((15, 500_000), instance="b")

    assert told(count(known, stranger)) == [("lyon", 9, 0)]


def test_counters__instances_of_a_site__are_added_up() -> None:
    both = series((-15, 5), (15, 7)), series((-15, 50), (15, 80), instance="b")

    assert told(count(*both)) == [("lyon", 32, 0)]


def test_counters__site_that_stopped__has_no_sample_beside_one_that_goes_on() -> None:
    stopped = series((-15, 5), site="lille", instance="b")

    assert told(count(series((-15, 5), (15, 7)), stopped)) == [("lyon", 2, 0)]


@pytest.mark.parametrize(
    ("value", "fault"), [(nan, "not_a_number"), (inf, "not_a_number"), (-1.0, "not_a_number"), (5.5, "not_whole")]
)
def test_counters__value_that_no_counter_has__takes_its_site_out_and_no_other(value: float, fault: str) -> None:
    good = series((-15, 5), (15, 7), site="lille", instance="b")

    counted = count(series((-15, 1), (15, value)), good)

    assert (told(counted), counted.faults) == ([("lille", 2, 0)], {fault})


def test_counters__errors_that_make_no_sense__do_not_leave_the_requests_healthy() -> None:
    failed = series((-15, 1), (15, nan), status="500")

    assert told(count(series((-15, 5), (15, 7)), errors=(failed,))) == []


def test_counters__more_errors_than_requests__are_no_sample() -> None:
    counted = count(series((-15, 5), (15, 7)), errors=(series((-15, 5), (15, 9)),))

    assert (told(counted), counted.faults) == ([], {"more_errors_than_requests"})


def test_counters__unknown_labels__are_named_and_not_counted() -> None:
    counted = count(
        series((-15, 1), (15, 2), site="atlantis"),
        series((-15, 1), (15, 2), flag="nothing"),
        series((-15, 1), (15, 3), flag="buttons"),
    )

    assert (counted.unknown_sites, counted.unknown_flags) == ({"atlantis"}, {"nothing"})
    assert [(one.flag_key, one.requests) for one in counted.samples] == [("buttons", 2)]


def test_counters__buckets__become_a_histogram_in_milliseconds() -> None:
    name = "sale_duration_seconds_bucket"
    buckets = tuple(
        series((-15, start), (15, start + grown), le=bound, __name__=name)
        for bound, start, grown in (("0.05", 3, 2), ("0.5", 4, 5), ("+Inf", 9, 6))
    )

    [sample] = count(series((-15, 9), (15, 15)), latency=buckets).samples

    assert sample.latency == {"bounds": [50, 500], "counts": [2, 3, 1]}


def test_counters__buckets_that_do_not_add_up__leave_the_durations_out() -> None:
    name = "sale_duration_seconds_bucket"
    buckets = (
        series((-15, 3), (15, 8), le="0.05", __name__=name),
        series((-15, 9), (15, 13), le="+Inf", __name__=name),
    )

    [sample] = count(series((-15, 9), (15, 13)), latency=buckets).samples

    assert (sample.requests, sample.latency) == (4, None)


@pytest.mark.parametrize(
    ("query", "may"),
    [
        ('sales_total{status=~"5.."}', True),
        ('sales_total{ status =~ "5.." , job="tills"}', True),
        ('sales_total{code=~"5.."}', False),
        ("sale_errors_total", False),
        ("{status='500'}", False),
    ],
)
def test_errors__no_series_of_them__is_no_error_only_where_it_can_be_told(query: str, may: bool) -> None:
    assert errors_may_be_none(query, [series((-15, 5), status="200")]) is may
