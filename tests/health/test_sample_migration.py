"""Samples of before are moved into their days, are rolled up, and come back whole."""

from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import Sum

from health import tasks
from health.models import LatencyHour, Sample, SampleBatch, SiteMinute, TillMinute
from health.sample_transitions import record_samples
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_site, make_token
from tests.factories.health import make_value
from tests.migrating import migrate_to

#: The migration before the samples went into days.
[BEFORE] = import_module("health.migrations.0010_samples_by_day").Migration.dependencies
COLUMNS = "client_id, site_id, flag_id, till, received_at, start_at, ends_at, requests, errors"
#: Bounds and counts, as they are stored now and were before.
LATENCY = "nullif(latency, '')::jsonb"
LATENCY_BEFORE = "CASE WHEN latency IS NOT NULL THEN jsonb_build_array(latency -> 'bounds', latency -> 'counts') END"


@pytest.fixture
def _migrated_again(transactional_db: None) -> Iterator[None]:
    """Whatever happens, leave the newest tables."""
    yield
    migrate_to()


def _read(latency: str = LATENCY) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS}, {latency} FROM health_sample ORDER BY received_at, client_id")
        return list(cursor.fetchall())


@pytest.mark.proof
@pytest.mark.usefixtures("_migrated_again")
def test_migrations__backward_and_forward_again__keep_every_sample_of_a_token() -> None:
    token, site, flag = make_token(make_environment())[0], make_site(), make_flag()
    for days in range(3):
        now = NOW - timedelta(days=days)
        latency = {"bounds": [100], "counts": [9, 1]}
        values = [
            make_value(site=site.key, flag=flag.key, now=now, errors=1, latency_ms=latency),
            *(make_value(site=site.key, now=now, till="t1") for _ in range(1_200)),
        ]
        record_samples(source=f"token:{token.pk}", environment_id=token.environment_id, values=values, now=now)
    kept = _read()
    record_samples(
        source="prometheus:1",
        environment_id=token.environment_id,
        values=[make_value(site=site.key, now=NOW)],
        now=NOW,
    )

    migrate_to(*BEFORE)
    assert _read(LATENCY_BEFORE) == kept
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT token_id FROM health_sample")
        assert cursor.fetchall() == [(token.pk,)]

    migrate_to()
    assert _read() == kept
    assert set(Sample.objects.values_list("source", flat=True)) == {f"token:{token.pk}"}
    assert SampleBatch.objects.count() == 6
    for task in (tasks.roll_up_samples, tasks.roll_up_latencies):
        task()
    total = len(kept) * 10
    assert SiteMinute.objects.aggregate(n=Sum("requests"))["n"] == total
    assert TillMinute.objects.aggregate(n=Sum("requests"))["n"] == total
    assert LatencyHour.objects.aggregate(n=Sum("requests"))["n"] == 30
    # New batches do not take the numbers of those that were moved.
    again = make_value(site=site.key, now=NOW)
    assert record_samples(source="token:1", environment_id=token.environment_id, values=[again], now=NOW) == 1
    assert tasks.roll_up_samples() == 1
    assert SiteMinute.objects.aggregate(n=Sum("requests"))["n"] == total + 10


@pytest.mark.proof
@pytest.mark.usefixtures("_migrated_again")
def test_migrations__of_an_empty_table__go_back_and_forward() -> None:
    migrate_to(*BEFORE)
    migrate_to()

    assert not Sample.objects.exists()
    if settings.DATABASE_OWNER:
        with connection.cursor() as cursor:
            cursor.execute("SELECT has_table_privilege(current_user, 'health_siteminute', 'DELETE')")
            assert cursor.fetchone() == (True,)
