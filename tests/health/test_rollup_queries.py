"""What is read of the sums, each in one query however many flags and sites there are."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from flags.models import Environment, Flag, Site
from health.domain.histogram import count_all
from health.domain.sequential import Minute
from health.queries import count_reporting_tills, figures_by_flag, last_reports
from health.rollup_queries import (
    Scope,
    find_newest_receipt,
    list_reporting_sites,
    pool_latency,
    read_latency,
    sum_flag_minutes,
    sum_overall_minutes,
    trace_by_flag,
    trace_by_site,
)
from health.rollup_transitions import roll_up_counts, roll_up_latency
from health.sample_transitions import record_samples
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_site
from tests.factories.health import make_value

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
SINCE, UNTIL = NOW - 15 * MINUTE, NOW + MINUTE
LATENCY = {"bounds": [100, 200], "counts": [4, 4, 2]}


class Fleet:
    """Two sites with a flag each, in an environment; a third site has none."""

    def __init__(self) -> None:
        self.environment: Environment = make_environment()
        self.sites: list[Site] = [make_site(key=key) for key in ("brest", "lyon", "metz")]
        self.flags: list[Flag] = [make_flag(key=key) for key in ("buttons", "tickets")]
        self.window: dict[str, Any] = {"environment_key": self.environment.key, "since": SINCE, "until": UNTIL}

    def report(self, site: int, flag: int | None, *, minutes: int = 0, **given: Any) -> None:
        now = NOW - minutes * MINUTE
        key = None if flag is None else self.flags[flag].key
        value = make_value(site=self.sites[site].key, flag=key, now=now, **given)
        record_samples(source="token:1", environment_id=self.environment.pk, values=[value], now=now)


@pytest.fixture
def fleet() -> Fleet:
    one = Fleet()
    one.report(0, 0, errors=2, till="t1")
    one.report(1, 0, minutes=3, till="t2")
    one.report(1, 1, minutes=3, till="t2", transaction="pay", latency_ms=LATENCY)
    one.report(2, None, minutes=1, till="t3", transaction="pay", latency_ms=LATENCY)
    one.report(0, 0, minutes=20, till="t1")
    elsewhere = make_environment()
    record_samples(source="token:1", environment_id=elsewhere.pk, values=[make_value(site="brest", now=NOW)], now=NOW)
    while roll_up_counts() or roll_up_latency():
        pass
    return one


def test_sum_overall_minutes__each_set_of_sites__is_pooled_apart(
    fleet: Fleet, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    fleet.report(1, None, errors=4, till="t2", minutes=1)
    roll_up_counts()
    brest, lyon, metz = (site.pk for site in fleet.sites)
    sets = [frozenset({lyon, metz}), frozenset({metz, brest}), frozenset({brest}), frozenset[int]()]

    with django_assert_num_queries(1):
        found = sum_overall_minutes(site_sets=sets, **fleet.window)

    at = NOW - MINUTE
    assert found == {
        sets[0]: {at: Minute(20, 4, 10 + 6 / 5, 1)},
        sets[1]: {at: Minute(10, 0, 10.0, 0)},
        sets[2]: {},
    }


def test_list_reporting_sites__of_each_flag__are_those_since_a_moment(
    fleet: Fleet, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    flags = ["buttons", "tickets", "unknown"]
    brest, lyon, _metz = (site.pk for site in fleet.sites)

    with django_assert_num_queries(1):
        found = list_reporting_sites(environment_key=fleet.environment.key, flag_keys=flags, since=SINCE)

    assert found == {"buttons": {brest, lyon}, "tickets": {lyon}}
    late = list_reporting_sites(environment_key=fleet.environment.key, flag_keys=flags, since=NOW - MINUTE)
    assert late == {"buttons": {brest}, "tickets": set()}


def test_sum_flag_minutes__each_in_its_scope__is_pooled_over_sites(
    fleet: Fleet, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    fleet.report(2, 0, errors=1)
    roll_up_counts()
    scopes = [Scope("buttons"), Scope("tickets", site_keys=["brest"]), Scope("unknown")]

    with django_assert_num_queries(1):
        rows = sum_flag_minutes(scopes=scopes, **fleet.window)

    assert [(row.flag_key, row.minute, row.requests, row.errors) for row in rows] == [
        ("buttons", NOW - 3 * MINUTE, 10, 0),
        ("buttons", NOW, 20, 3),
    ]
    assert rows[1].spread_errors == 2
    late = sum_flag_minutes(scopes=[Scope("buttons", start_after=NOW - MINUTE)], **fleet.window)
    assert [row.minute for row in late] == [NOW]


def test_sum_flag_minutes__one_site_tells_of_the_time_before__the_others_of_that_minute_count(fleet: Fleet) -> None:
    fleet.report(2, 0, errors=1, start=NOW - 5 * MINUTE)
    roll_up_counts()

    [both] = sum_flag_minutes(scopes=[Scope("buttons")], **fleet.window | {"since": NOW})
    [late] = sum_flag_minutes(scopes=[Scope("buttons", start_after=NOW - 2 * MINUTE)], **fleet.window | {"since": NOW})

    assert (both.requests, both.errors) == (20, 3)
    assert (late.requests, late.errors, late.first_start_at >= NOW - 2 * MINUTE) == (10, 2, True)


def test_sum_flag_minutes__of_nothing__is_nothing(fleet: Fleet) -> None:
    assert sum_flag_minutes(scopes=[], **fleet.window) == []


def test_find_newest_receipt__by_flag__and_of_no_flag(
    fleet: Fleet, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        found = find_newest_receipt(flag_keys=["buttons", "tickets"], **fleet.window)

    assert found == {"buttons": NOW, "tickets": NOW - 3 * MINUTE, None: NOW - MINUTE}


def test_read_latency__pooled__is_what_was_sent(
    fleet: Fleet, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for by_hour in (False, True):
        with django_assert_num_queries(1):
            rows = read_latency(flag_keys=["tickets"], by_hour=by_hour, transaction="pay", **fleet.window)
        pooled = pool_latency(rows)
        assert {key: count_all(histogram) for key, histogram in pooled.items()} == {
            ("tickets", "pay"): pytest.approx(10),
            (None, "pay"): pytest.approx(10),
        }
    assert read_latency(flag_keys=["tickets"], site_keys=["brest"], **fleet.window) == []


def test_traces__by_site_and_by_flag__are_one_query_each(
    fleet: Fleet, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        sites, flags = trace_by_site(**fleet.window), trace_by_flag(step="hour", **fleet.window)

    assert [(point.key, point.requests) for point in sites] == [("metz", 10)]
    assert sorted((point.key, point.requests, point.errors) for point in flags) == [
        ("buttons", 20, 2),
        ("tickets", 10, 0),
    ]


def test_figures_and_reports__of_the_window__come_from_the_sums(
    fleet: Fleet, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        figures = figures_by_flag(**fleet.window)
    with django_assert_num_queries(2):
        reports = last_reports(**fleet.window)
    with django_assert_num_queries(1):
        tills = count_reporting_tills(
            environment_key=fleet.environment.key, till_keys=["t1", "t2", "t9"], since=NOW - 2 * MINUTE
        )

    assert sorted((one.flag_key, one.requests, one.errors) for one in figures) == [
        ("buttons", 10, 0),
        ("buttons", 10, 2),
        ("tickets", 10, 0),
    ]
    assert sorted((one.last_at, one.tills) for one in reports if one.last_at) == [
        (NOW - 3 * MINUTE, 1),
        (NOW - MINUTE, 1),
        (NOW, 1),
    ]
    assert tills == 1
