"""What samples are rolled up to: minutes of tills and sites, latency by minute and hour, in partitions by day.

What was received before comes through the queue, as everything does. None of these keys has an index
of its own: rows are found by what they are of.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

_SUMS = """
    requests bigint NOT NULL,
    errors bigint NOT NULL,
    critical_errors bigint NOT NULL,
    integrity_errors bigint NOT NULL,
    first_start_at timestamptz NOT NULL,
    last_ends_at timestamptz NOT NULL,
    last_received_at timestamptz NOT NULL"""
_LATENCY = """
    requests bigint NOT NULL,
    bins smallint[] NOT NULL,
    counts double precision[] NOT NULL,
    transaction varchar(100) NOT NULL"""


def _write_table(name, once, *, time, columns, key):
    return f"""
CREATE SEQUENCE {name}_id_seq;
CREATE TABLE {name} (
    id bigint NOT NULL DEFAULT nextval('{name}_id_seq'),
    environment_id bigint NOT NULL,
    flag_id bigint,
    site_id bigint NOT NULL,
    {time} timestamptz NOT NULL,{columns}
) PARTITION BY RANGE ({time});
ALTER SEQUENCE {name}_id_seq OWNED BY {name}.id;
ALTER TABLE {name} ADD CONSTRAINT {once} UNIQUE NULLS NOT DISTINCT ({key});
"""


FORWARD = (
    _write_table(
        "health_tillminute",
        "health_till_minute_once",
        time="minute",
        columns=_SUMS + ",\n    till varchar(100) NOT NULL",
        key="environment_id, minute, site_id, flag_id, till",
    )
    + _write_table(
        "health_siteminute",
        "health_site_minute_once",
        time="minute",
        columns=_SUMS + ",\n    spread_requests double precision NOT NULL,\n    spread_errors integer NOT NULL",
        key="environment_id, flag_id, minute, site_id",
    )
    + _write_table(
        "health_latencyminute",
        "health_latency_minute_once",
        time="minute",
        columns=_LATENCY,
        key="environment_id, flag_id, minute, site_id, transaction",
    )
    + _write_table(
        "health_latencyhour",
        "health_latency_hour_once",
        time="hour",
        columns=_LATENCY,
        key="environment_id, flag_id, hour, site_id, transaction",
    )
    # The days that samples have, for these tables as well.
    + """
DO $$ BEGIN
    PERFORM health_add_day(parent, to_date(right(c.relname, 8), 'YYYYMMDD'))
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid,
         unnest(ARRAY['health_tillminute', 'health_siteminute', 'health_latencyminute', 'health_latencyhour']) AS parent
    WHERE i.inhparent = 'health_sample'::regclass;
END $$;
"""
)
BACKWARD = "DROP TABLE health_tillminute, health_siteminute, health_latencyminute, health_latencyhour"


def _refer(to, **given):
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=to,
        **given,
    )


def _make_model(name, *fields, once, key):
    return migrations.CreateModel(
        name=name,
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("environment", _refer("flags.environment")),
            ("flag", _refer("flags.flag", null=True)),
            ("site", _refer("flags.site")),
            *fields,
        ],
        options={"constraints": [models.UniqueConstraint(fields=key, name=once, nulls_distinct=False)]},
    )


def _sums():
    return [
        ("minute", models.DateTimeField()),
        *((name, models.BigIntegerField()) for name in ("requests", "errors", "critical_errors", "integrity_errors")),
        *((name, models.DateTimeField()) for name in ("first_start_at", "last_ends_at", "last_received_at")),
    ]


def _latency(time):
    return [
        ("transaction", models.CharField(blank=True, max_length=100)),
        ("requests", models.BigIntegerField()),
        ("bins", django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), size=None)),
        ("counts", django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None)),
        (time, models.DateTimeField()),
    ]


class Migration(migrations.Migration):
    dependencies = [("flags", "0009_note_pictures"), ("health", "0010_samples_by_day")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(FORWARD, BACKWARD)],
            state_operations=[
                _make_model(
                    "TillMinute",
                    *_sums(),
                    ("till", models.CharField(blank=True, max_length=100)),
                    once="health_till_minute_once",
                    key=("environment", "minute", "site", "flag", "till"),
                ),
                _make_model(
                    "SiteMinute",
                    *_sums(),
                    ("spread_requests", models.FloatField()),
                    ("spread_errors", models.IntegerField()),
                    once="health_site_minute_once",
                    key=("environment", "flag", "minute", "site"),
                ),
                _make_model(
                    "LatencyMinute",
                    *_latency("minute"),
                    once="health_latency_minute_once",
                    key=("environment", "flag", "minute", "site", "transaction"),
                ),
                _make_model(
                    "LatencyHour",
                    *_latency("hour"),
                    once="health_latency_hour_once",
                    key=("environment", "flag", "hour", "site", "transaction"),
                ),
            ],
        ),
    ]
