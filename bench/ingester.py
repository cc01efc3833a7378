"""The process of its own that furnishes the ingestion bench, and stores and reads at several sizes.

Prints the world it made as one line of JSON, waits for a line, and prints a line for each size.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import django

django.setup()

from django.db import connection, transaction

from core import clock
from core.actors import DEMO
from flags.domain.purposes import Purpose
from flags.models import Environment, Site
from flags.transitions import create_environment, create_flag, create_site, create_token
from health.domain.exposure import Exposure
from health.domain.samples import SampleValue
from health.queries import figures_by_flag, judge_critical_lane
from health.rollup_queries import Scope, list_reporting_sites, sum_flag_minutes, sum_overall_minutes
from health.rollup_transitions import roll_up_counts
from health.sample_transitions import record_samples

SIZES = (10, 100, 1_000)
FLAGS = 8
TILLS = 2
MINUTES = 15
ROUNDS = 5
LATENCY = {"bounds": [50, 100, 200, 400], "counts": [2, 4, 3, 1, 0]}


def _main() -> None:
    sites = int(sys.argv[1])
    environment, site_keys, flags, token = _furnish("intake", sites)
    world = {
        "environment_id": environment.pk,
        "token": token,
        "sites": site_keys,
        "flags": flags,
    }
    print(json.dumps(world), flush=True)
    sys.stdin.readline()
    for number, size in enumerate(SIZES):
        # A day of its own for each size: what it takes on disk is what its partitions take.
        print(_measure_size(size, now=clock.now() - timedelta(days=number + 1)), flush=True)


def _furnish(name: str, sites: int) -> tuple[Environment, list[str], list[str], str]:
    by: dict[str, Any] = {"actor": DEMO, "reason": "measured", "now": clock.now()}
    environment = create_environment(key=name, name=name, position=90, is_production=False, **by)
    site_keys = [f"{name}-{number}" for number in range(sites)]
    for key in site_keys:
        create_site(key=key, name=key, city="—", **by)
    flags = [f"{name}-flag-{number}" for number in range(FLAGS)]
    for key in flags:
        create_flag(key=key, name=key, **by)
    _token, text = create_token(environment_id=environment.pk, purpose=Purpose.TELEMETRY, name=name, **by)
    return environment, site_keys, flags, text


def _measure_size(size: int, *, now: datetime) -> str:
    environment, sites, flags, _ = _furnish(f"size-{size}", size)
    now = now.replace(second=30)
    count, spent = 0, 0.0
    for minute in range(MINUTES):
        at = now - timedelta(minutes=MINUTES - minute)
        values = _report(sites, flags, now=at)
        # In one transaction, so that the portal's own worker does not roll them up before.
        with transaction.atomic():
            record_samples(source="token:0", environment_id=environment.pk, values=values, now=at)
            spent += _time_roll_up()
        count += len(values)
    window: dict[str, Any] = {"environment_key": environment.key, "since": now - timedelta(minutes=15), "until": now}
    half = [frozenset(Site.objects.filter(key__in=sites[: size // 2]).values_list("pk", flat=True))]
    exposures = [
        Exposure(flag, environment.key, now - timedelta(hours=1), True, frozenset(), "bench", 1) for flag in flags
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_total_relation_size(i.inhrelid))::bigint FROM pg_inherits i"
            " JOIN pg_class c ON c.oid = i.inhrelid WHERE c.relname = %s",
            [f"health_sample_d{now:%Y%m%d}"],
        )
        raw = cursor.fetchone()[0]
        cursor.execute(
            "SELECT sum(pg_total_relation_size(i.inhrelid))::bigint FROM pg_inherits i"
            " JOIN pg_class c ON c.oid = i.inhrelid WHERE c.relname LIKE %s"
            " AND c.relname NOT LIKE 'health\\_sample\\_%%'",
            [f"health\\_%\\_d{now:%Y%m%d}"],
        )
        sums = cursor.fetchone()[0]
    reads: dict[str, Callable[[], object]] = {
        "one flag": lambda: sum_flag_minutes(scopes=[Scope(flags[0])], **window),
        "all flags": lambda: sum_flag_minutes(scopes=[Scope(flag) for flag in flags], **window),
        "no flag at half the sites": lambda: sum_overall_minutes(site_sets=half, **window),
        "reporting sites": lambda: list_reporting_sites(
            environment_key=environment.key, flag_keys=flags, since=now - timedelta(minutes=3)
        ),
        "critical lane": lambda: judge_critical_lane(exposures=exposures, now=now),
        "figures": lambda: figures_by_flag(**window),
    }
    told = "   ".join(f"{name} {1_000 * _least(read):7.1f} ms" for name, read in reads.items())
    return (
        f"{size:>6} sites {count:>8,} samples   {raw / count:5.0f} + {sums / count:4.0f} bytes each (raw + sums)"
        f"   rolled up in {1e6 * spent / count:5.1f} µs each   reading 15 min: {told}"
    )


def _report(sites: list[str], flags: list[str], *, now: datetime) -> list[SampleValue]:
    """Return what every till says of one minute: all of its requests, and those with each flag."""
    return [
        SampleValue(
            client_id=f"{site}-{till}-{flag}-{now:%H%M}",
            site_key=site,
            till=f"{site}-{till}",
            flag_key=flag,
            release="1.3.0",
            transaction="validate-sale",
            start_at=now - timedelta(seconds=60),
            seconds=60,
            requests=10,
            errors=0,
            critical_errors=0,
            integrity_errors=0,
            latency=LATENCY if flag is None else None,
        )
        for site in sites
        for till in range(TILLS)
        for flag in (None, *flags)
    ]


def _time_roll_up() -> float:
    """Return the seconds of a roll-up, as soon as nobody else is at one."""
    while True:
        began = time.perf_counter()
        if roll_up_counts():
            return time.perf_counter() - began
        time.sleep(0.01)


def _least(act: Callable[[], object]) -> float:
    found = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        act()
        found.append(time.perf_counter() - began)
    return min(found)


if __name__ == "__main__":
    _main()
