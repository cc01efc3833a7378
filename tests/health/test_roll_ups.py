"""Samples are summed up, each exactly once, whatever comes late, twice, at once or dies in between."""

import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, Min, Sum

from flags.models import Environment, Flag, Site
from health import rollup_transitions, tasks
from health.domain.histogram import count_all, find_quantile
from health.domain.samples import SampleValue
from health.models import FlagMinute, LatencyHour, LatencyMinute, Sample, SampleBatch, SiteMinute, TillMinute
from health.rollup_queries import read_latency
from health.rollup_transitions import roll_up_counts, roll_up_latency
from health.sample_transitions import make_days, record_samples
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_site
from tests.factories.health import make_value
from tests.waiting import wait_for_lock, wait_until

SECOND = timedelta(seconds=1)
#: A process that has rolled up, has not committed, and waits to be killed.
HALFWAY = """
import django, sys
django.setup()
from django.db import transaction
from health.rollup_transitions import {name}
with transaction.atomic():
    print({name}(), flush=True)
    sys.stdin.read()
"""
LATENCY = {"bounds": [100, 200, 400], "counts": [2, 6, 2, 0]}


class Fleet:
    """An environment with two sites and a flag."""

    def __init__(self) -> None:
        self.environment: Environment = make_environment()
        self.sites: list[Site] = [make_site(), make_site()]
        self.flag: Flag = make_flag()

    def value(self, *, now: datetime = NOW, **given: Any) -> SampleValue:
        return make_value(now=now, **({"site": self.sites[0].key, "till": "t1"} | given))

    def record(self, *values: SampleValue, now: datetime = NOW, source: str = "token:1") -> int:
        return record_samples(source=source, environment_id=self.environment.pk, values=values, now=now)


@pytest.fixture
def fleet(transactional_db: None) -> Fleet:
    # Whoever makes a day holds the others up until it is committed.
    make_days(today=NOW.date())
    return Fleet()


def _total() -> int:
    """Return the requests of all tills' minutes, which are those of all sites'."""
    [tills, sites] = (
        model._default_manager.aggregate(n=Sum("requests"))["n"] or 0 for model in (TillMinute, SiteMinute)
    )
    assert tills == sites
    return int(tills)


def test_roll_up__random_samples__gives_what_summing_them_gives(fleet: Fleet) -> None:
    chance = random.Random(6)
    for batch in range(12):
        now = NOW + batch * 20 * SECOND
        values = [
            fleet.value(
                now=now,
                site=chance.choice(fleet.sites).key,
                till=chance.choice(["t1", "t2", ""]) or None,
                flag=chance.choice([fleet.flag.key, None]),
                requests=chance.randrange(5, 20),
                errors=chance.choice([0, 0, 0, 2, 5]),
            )
            for _ in range(15)
        ]
        fleet.record(*values, now=now)
        if batch % 3:
            roll_up_counts()
    roll_up_counts()

    places: dict[Any, list[Sample]] = {}
    for sample in Sample.objects.all():
        minute = sample.received_at.replace(second=0, microsecond=0)
        places.setdefault((sample.flag_id, sample.site_id, minute), []).append(sample)
    rows = {(row.flag_id, row.site_id, row.minute): row for row in SiteMinute.objects.all()}
    assert rows.keys() == places.keys()
    for place, samples in places.items():
        row = rows[place]
        tills: dict[str, list[int]] = {}
        for sample in samples:
            sums = tills.setdefault(sample.till, [0, 0])
            sums[0] += sample.requests
            sums[1] += sample.errors
        assert (row.requests, row.errors) == tuple(map(sum, zip(*tills.values(), strict=True)))
        assert row.spread_errors == sum(errors > 0 for _, errors in tills.values())
        wanted = sum(n if not errors else (n - errors) / (errors + 1) for n, errors in tills.values())
        assert row.spread_requests == pytest.approx(wanted)
        assert row.first_start_at == min(sample.start_at for sample in samples)
        assert row.last_ends_at == max(sample.ends_at for sample in samples)
        assert row.last_received_at == max(sample.received_at for sample in samples)
    _assert_flags_are_sums_of_sites()


def _assert_flags_are_sums_of_sites() -> None:
    """Hold that each flag's minute is what its sites' minutes come to."""
    names = ("requests", "errors", "critical_errors", "integrity_errors", "spread_requests", "spread_errors")
    sums = SiteMinute.objects.exclude(flag=None).order_by("flag_id", "minute").values("flag_id", "minute")
    wanted: Any = sums.annotate(
        **{f"{name}_sum": Sum(name) for name in names},
        first=Min("first_start_at"),
        last=Max("last_ends_at"),
        received=Max("last_received_at"),
    )
    rows = FlagMinute.objects.order_by("flag_id", "minute")
    assert rows
    for row, want in zip(rows, wanted, strict=True):
        assert (row.flag_id, row.minute) == (want["flag_id"], want["minute"])
        assert [getattr(row, name) for name in names] == pytest.approx([want[f"{name}_sum"] for name in names])
        known = (row.first_start_at, row.last_ends_at, row.last_received_at)
        assert known == (want["first"], want["last"], want["received"])


def test_roll_up__a_tills_minute_that_grows__is_right_at_every_moment(fleet: Fleet) -> None:
    fleet.record(fleet.value(requests=10))
    roll_up_counts()
    assert SiteMinute.objects.values_list("spread_requests", "spread_errors").get() == (10.0, 0)

    fleet.record(fleet.value(requests=10, errors=3, now=NOW + SECOND), now=NOW + SECOND)
    roll_up_counts()

    assert SiteMinute.objects.values_list("spread_requests", "spread_errors").get() == (17 / 4, 1)


def test_roll_up__twice__adds_nothing_again(fleet: Fleet) -> None:
    fleet.record(fleet.value(), fleet.value())

    assert [roll_up_counts(), roll_up_counts()] == [1, 0]
    assert _total() == 20
    assert not SampleBatch.objects.exists()


def test_roll_up__a_duplicate__counts_once(fleet: Fleet) -> None:
    value = fleet.value()
    fleet.record(value)
    roll_up_counts()

    assert fleet.record(value, now=NOW + SECOND) == 0
    roll_up_counts()

    assert _total() == 10


def test_roll_up__more_than_one_piece__is_worked_off_by_the_task(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup_transitions, "BATCHES", 2)
    for _ in range(5):
        fleet.record(fleet.value())

    assert tasks.roll_up_samples() == 5
    assert _total() == 50


def test_roll_up__late_and_fast_clocks__count_in_the_minute_of_receipt(fleet: Fleet) -> None:
    late, fast = NOW - timedelta(days=6), NOW + timedelta(minutes=4)
    fleet.record(fleet.value(start=late), fleet.value(start=fast))
    roll_up_counts()

    row = SiteMinute.objects.get()
    assert (row.minute, row.requests) == (NOW.replace(second=0, microsecond=0), 20)
    assert (row.first_start_at, row.last_ends_at) == (late, fast + timedelta(seconds=30))


def test_roll_up__a_transaction_that_commits_late__is_neither_missed_nor_doubled(fleet: Fleet) -> None:
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            fleet.record(fleet.value())

            def others() -> int:
                try:
                    fleet.record(fleet.value(till="t2"), now=NOW + SECOND)
                    return roll_up_counts()
                finally:
                    connection.close()

            assert pool.submit(others).result() == 1
        assert _total() == 10
    assert roll_up_counts() == 1
    assert _total() == 20


def test_roll_up__two_at_once__one_does_it(fleet: Fleet) -> None:
    fleet.record(fleet.value())

    def other() -> int:
        try:
            return roll_up_counts()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        assert roll_up_counts() == 1
        assert pool.submit(other).result() == 0
    assert roll_up_counts() == 0
    assert _total() == 10


@pytest.mark.parametrize("name", ["roll_up_counts", "roll_up_latency"])
def test_roll_up__its_process_killed_before_the_commit__is_done_again_once(fleet: Fleet, name: str) -> None:
    fleet.record(fleet.value(latency_ms=LATENCY))
    if name == "roll_up_latency":
        roll_up_counts()

    with subprocess.Popen(
        [sys.executable, "-c", HALFWAY.format(name=name)],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": _write_url()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        assert not LatencyMinute.objects.exists()
        process.kill()

    # The server lets go of the dead session's lock in its own time.
    wait_until(lambda: getattr(rollup_transitions, name)() == 1)
    roll_up_latency()
    assert _total() == 10
    assert LatencyMinute.objects.get().requests == LatencyHour.objects.get().requests == 10


def _write_url() -> str:
    given = settings.DATABASES["default"]
    return f"postgres://{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{given['PORT']}/{given['NAME']}"


def test_record__the_same_from_two_connections_at_once__is_counted_once(fleet: Fleet) -> None:
    value = fleet.value()

    def other() -> int:
        try:
            return fleet.record(value)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert fleet.record(value) == 1
            waiting = pool.submit(other)
            wait_for_lock(waiting)
        assert waiting.result() == 0
    roll_up_counts()
    assert _total() == 10


@pytest.mark.parametrize("days", [1, 3, 7])
def test_record__the_same_on_another_day__is_counted_once(fleet: Fleet, days: int) -> None:
    value = fleet.value()
    fleet.record(value)

    assert fleet.record(value, now=NOW + timedelta(days=days)) == 0
    assert fleet.record(value, now=NOW + timedelta(days=days), source="token:2") == 1


def test_record__the_same_on_both_sides_of_midnight_at_once__is_counted_once(fleet: Fleet) -> None:
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    value = fleet.value(now=midnight)

    def other() -> int:
        try:
            return fleet.record(value, now=midnight - SECOND)
        finally:
            connection.close()

    make_days(today=(midnight - SECOND).date())
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert fleet.record(value, now=midnight + SECOND) == 1
            waiting = pool.submit(other)
            wait_for_lock(waiting)
        assert waiting.result() == 0
    assert Sample.objects.count() == 1


def test_record__more_than_a_batch__is_stored_whole(fleet: Fleet) -> None:
    values = [fleet.value() for _ in range(Sample.BATCH_SIZE + 1)]

    assert fleet.record(*values) == len(values)
    assert SampleBatch.objects.count() == 2
    assert Sample.objects.values("id").distinct().count() == len(values)


def test_record__texts_with_quotes_and_the_like__are_stored_as_they_came(fleet: Fleet) -> None:
    tills = ['"', "\\", 'a","b', '\\"', "NULL", "{}", "é, ü", " "]
    fleet.record(*(fleet.value(till=till) for till in tills))
    fleet.record(fleet.value(till='only"one', transaction="\\"), source="token:2")

    assert set(Sample.objects.values_list("till", flat=True)) == {*tills, 'only"one'}
    assert Sample.objects.get(source="token:2").transaction == "\\"


def test_record__moments_to_the_microsecond__are_stored_exactly(fleet: Fleet) -> None:
    start = NOW - timedelta(seconds=30, microseconds=1)
    fleet.record(fleet.value(start=start))

    assert Sample.objects.get().start_at == start


def test_roll_up_latency__several_samples_and_passes__add_up_by_minute_and_hour(fleet: Fleet) -> None:
    given: dict[str, Any] = {"transaction": "pay", "latency_ms": LATENCY}
    for seconds in (0, 1, 61, 3_700):
        now = NOW + seconds * SECOND
        fleet.record(fleet.value(now=now, **given), fleet.value(now=now, flag=fleet.flag.key, **given), now=now)
        tasks.roll_up_samples()
        tasks.roll_up_latencies()

    key, until = fleet.environment.key, NOW + timedelta(hours=3)
    hours = read_latency(environment_key=key, flag_keys=[fleet.flag.key], since=NOW, until=until, by_hour=True)
    minutes = read_latency(environment_key=key, flag_keys=[fleet.flag.key], since=NOW, until=until)
    for flag_key in (fleet.flag.key, None):
        assert [one.requests for one in hours if one.flag_key == flag_key] == [30, 10]
        assert [one.requests for one in minutes if one.flag_key == flag_key] == [20, 10, 10]
    assert all(count_all(one.histogram) == pytest.approx(one.requests) for one in [*hours, *minutes])
    assert find_quantile(hours[0].histogram, 0.5) == pytest.approx(150)
    assert not SampleBatch.objects.exists()


def test_roll_up_latency__samples_not_yet_counted__wait(fleet: Fleet) -> None:
    fleet.record(fleet.value(latency_ms=LATENCY))

    assert roll_up_latency() == 0
    roll_up_counts()
    assert roll_up_latency() == 1
