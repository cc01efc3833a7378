"""The days that samples lie in: made ahead or when needed, and what the application's role may."""

from datetime import UTC, date, timedelta

import psycopg
import pytest
from django.db import ProgrammingError, connection, transaction

from core import clock
from health import tasks
from health.models import Sample
from health.sample_transitions import DAYS_AHEAD, make_days, record_samples
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_site
from tests.factories.health import make_value

pytestmark = pytest.mark.django_db

TABLES = ("sample", "tillminute", "siteminute", "flagminute", "latencyminute", "latencyhour")


def _list_days(table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT right(c.relname, 8) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = %s::regclass",
            [f"health_{table}"],
        )
        return {name for (name,) in cursor.fetchall()}


def test_make_sample_days__the_task__makes_those_ahead_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(days=400))
    tasks.make_sample_days()
    tasks.make_sample_days()

    ahead = {f"{NOW + timedelta(days=400 + days):%Y%m%d}" for days in range(DAYS_AHEAD + 1)}
    for table in TABLES:
        assert ahead <= _list_days(table)


def test_record__a_day_that_nobody_made__is_made() -> None:
    environment, site = make_environment(), make_site()
    now = NOW + timedelta(days=500)

    stored = record_samples(
        source="token:1", environment_id=environment.pk, values=[make_value(site=site.key, now=now)], now=now
    )

    assert stored == 1
    assert f"{now:%Y%m%d}" in _list_days("latencyhour")


def test_record__at_the_edges_of_a_day__lies_in_it() -> None:
    environment, site = make_environment(), make_site()
    midnight = NOW.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for now in (midnight - timedelta(microseconds=1), midnight):
        record_samples(
            source="token:1", environment_id=environment.pk, values=[make_value(site=site.key, now=now)], now=now
        )

    with connection.cursor() as cursor:
        cursor.execute("SELECT right(tableoid::regclass::text, 8) FROM health_sample ORDER BY received_at")
        assert [name for (name,) in cursor.fetchall()] == [
            f"{midnight - timedelta(days=1):%Y%m%d}",
            f"{midnight:%Y%m%d}",
        ]


def test_samples__sent_again_in_a_day__are_refused_by_the_database_itself() -> None:
    environment, site = make_environment(), make_site()
    record_samples(
        source="token:1", environment_id=environment.pk, values=[make_value(site=site.key, now=NOW)], now=NOW
    )
    sample = Sample.objects.get()
    sample.pk += 1

    with pytest.raises(Exception, match="_once"), transaction.atomic():
        sample.save(force_insert=True)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE health_sample",
        "SELECT health_add_day('health_sample', '2030-01-01')",
        "CREATE TABLE health_mine (at timestamptz) PARTITION BY RANGE (at)",
        "TRUNCATE health_sample",
    ],
)
def test_role__of_the_application__may_only_add_and_drop_days(statement: str) -> None:
    with pytest.raises(ProgrammingError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert isinstance(refused.value.__cause__, psycopg.errors.InsufficientPrivilege)


@pytest.mark.parametrize("table", ["core_auditlink", "flags_site", "health_complaint", "health_storedverdict"])
def test_drop_days__of_what_does_not_lie_in_days__drops_nothing(table: str) -> None:
    make_days(today=date(2030, 1, 1))
    with connection.cursor() as cursor:
        cursor.execute("SELECT health_drop_days(%s, '2031-01-01')", [table])
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT to_regclass(%s)", [table])
        assert cursor.fetchone() == (table,)
