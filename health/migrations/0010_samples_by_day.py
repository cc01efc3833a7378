"""Samples in partitions by day of receipt (UTC), with a queue of what is not rolled up yet.

Django has no words for partitions: it is told of the columns, the tables are made here. The
functions run as their owner, since the application's role may make no table; all they do for it is
to add an empty day, and to drop a whole one. On the way back samples that no telemetry token sent
are left out: the table of before cannot hold them.
"""

import django.db.models.deletion
from django.db import migrations, models

# ATTACH instead of PARTITION OF: nobody who writes to another day waits for it. A sender's number is
# unique in a day; the intake looks through the days before (health/sample_transitions.py). Bytes are
# compared, not words.
FUNCTIONS = """
CREATE FUNCTION health_name_day(parent text, day date) RETURNS text
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT parent || '_d' || to_char(day, 'YYYYMMDD')
$$;

CREATE FUNCTION health_add_day(parent text, day date) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    part text := health_name_day(parent, day);
BEGIN
    IF to_regclass(part) IS NOT NULL THEN RETURN; END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS) WITH (fillfactor = %s)',
                   part, parent, CASE WHEN parent LIKE '%minute' THEN 80 ELSE 100 END);
    IF parent = 'health_sample' THEN
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (client_id COLLATE "C", source COLLATE "C")',
                       part || '_once', part);
    END IF;
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   parent, part, day::timestamptz, (day + 1)::timestamptz);
END $$;

CREATE FUNCTION health_make_day(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    parent text;
BEGIN
    IF to_regclass(health_name_day('health_sample', day)) IS NOT NULL THEN RETURN; END IF;
    PERFORM pg_advisory_xact_lock(7140131);
    FOR parent IN
        SELECT c.relname FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'p' AND c.relname LIKE 'health\\_%'
        ORDER BY c.relname = 'health_sample', c.relname
    LOOP
        PERFORM health_add_day(parent, day);
    END LOOP;
END $$;

CREATE FUNCTION health_drop_days(wanted text, before date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    part text;
    dropped integer := 0;
BEGIN
    FOR part IN
        SELECT c.relname FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid
        JOIN pg_class p ON p.oid = i.inhparent
        WHERE p.relnamespace = 'public'::regnamespace AND p.relname = wanted AND p.relname LIKE 'health\\_%'
          AND c.relname < health_name_day(wanted, before)
        ORDER BY c.relname
    LOOP
        EXECUTE format('DROP TABLE %I', part);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
"""
UNDO_FUNCTIONS = """
DROP FUNCTION health_drop_days(text, date);
DROP FUNCTION health_make_day(date);
DROP FUNCTION health_add_day(text, date);
DROP FUNCTION health_name_day(text, date);
"""

TABLE = """
ALTER TABLE health_sample RENAME TO health_sample_before;
CREATE TABLE health_sample (
    id bigint NOT NULL,
    source varchar(50) NOT NULL,
    client_id varchar(200) NOT NULL,
    environment_id bigint NOT NULL,
    site_id bigint NOT NULL,
    flag_id bigint,
    till varchar(100) NOT NULL,
    release varchar(50) NOT NULL,
    transaction varchar(100) NOT NULL,
    received_at timestamptz NOT NULL,
    start_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    requests integer NOT NULL,
    errors integer NOT NULL,
    critical_errors integer NOT NULL,
    integrity_errors integer NOT NULL,
    latency text NOT NULL,
    CONSTRAINT health_sample_counts CHECK (
        requests >= 0 AND errors >= 0 AND critical_errors >= 0 AND integrity_errors >= 0
        AND errors <= requests AND critical_errors <= errors AND integrity_errors <= errors
    ),
    CONSTRAINT health_sample_forward CHECK (ends_at > start_at)
) PARTITION BY RANGE (received_at);
CREATE INDEX health_sample_batch ON health_sample (id);
CREATE INDEX health_sample_weighs ON health_sample (environment_id, received_at)
    WHERE critical_errors > 0 OR integrity_errors > 0;
CREATE INDEX health_sample_times ON health_sample USING brin (received_at, start_at)
    WITH (pages_per_range = 32, autosummarize = on);
"""

# One batch for what one call stored, as the intake numbers them now: the queue rolls them up.
MOVE = """
DO $$ BEGIN
    PERFORM health_make_day(day) FROM (
        SELECT DISTINCT (received_at AT TIME ZONE 'UTC')::date AS day FROM health_sample_before
    ) AS days ORDER BY day;
END $$;
INSERT INTO health_sample
SELECT dense_rank() OVER (ORDER BY received_at, nth / 1000) * 1000 + nth % 1000, 'token:' || token_id, client_id,
       environment_id, site_id, flag_id, till, release, transaction, received_at, start_at, ends_at,
       requests, errors, critical_errors, integrity_errors,
       CASE WHEN latency IS NULL THEN '' ELSE jsonb_build_array(latency -> 'bounds', latency -> 'counts')::text END
FROM (
    SELECT *, row_number() OVER (PARTITION BY received_at ORDER BY id) - 1 AS nth FROM health_sample_before
) AS before;
INSERT INTO health_samplebatch (id, received_at, has_latency, is_counted)
SELECT id / 1000, min(received_at), bool_or(latency <> ''), false FROM health_sample GROUP BY id / 1000;
SELECT setval(pg_get_serial_sequence('health_samplebatch', 'id'), greatest(max(id) / 1000, 1)) FROM health_sample;
DROP TABLE health_sample_before;
"""

UNDO_TABLE = """
SET CONSTRAINTS ALL IMMEDIATE;
CREATE TABLE health_sample_before (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    client_id varchar(200) NOT NULL,
    till varchar(100) NOT NULL,
    release varchar(50) NOT NULL,
    transaction varchar(100) NOT NULL,
    received_at timestamptz NOT NULL,
    start_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    requests integer NOT NULL CHECK (requests >= 0),
    errors integer NOT NULL CHECK (errors >= 0),
    critical_errors integer NOT NULL CHECK (critical_errors >= 0),
    integrity_errors integer NOT NULL CHECK (integrity_errors >= 0),
    latency jsonb,
    environment_id bigint NOT NULL REFERENCES flags_environment DEFERRABLE INITIALLY DEFERRED,
    flag_id bigint REFERENCES flags_flag DEFERRABLE INITIALLY DEFERRED,
    site_id bigint NOT NULL REFERENCES flags_site DEFERRABLE INITIALLY DEFERRED,
    token_id bigint NOT NULL REFERENCES flags_apitoken DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT health_sample_counts CHECK (
        errors <= requests AND critical_errors <= errors AND integrity_errors <= errors
    ),
    CONSTRAINT health_sample_forward CHECK (ends_at > start_at)
);
INSERT INTO health_sample_before (client_id, till, release, transaction, received_at, start_at, ends_at, requests,
    errors, critical_errors, integrity_errors, latency, environment_id, flag_id, site_id, token_id)
SELECT client_id, till, release, transaction, received_at, start_at, ends_at, requests,
    errors, critical_errors, integrity_errors,
    CASE WHEN latency <> '' THEN
        jsonb_build_object('bounds', latency::jsonb -> 0, 'counts', latency::jsonb -> 1)
    END,
    environment_id, flag_id, site_id, substr(source, 7)::bigint
FROM health_sample WHERE source ~ '^token:[0-9]+$' ORDER BY received_at, id;
DROP TABLE health_sample;
ALTER TABLE health_sample_before RENAME TO health_sample;
ALTER INDEX health_sample_before_pkey RENAME TO health_sample_pkey;
ALTER SEQUENCE health_sample_before_id_seq RENAME TO health_sample_id_seq;
ALTER TABLE health_sample ADD CONSTRAINT health_sample_once UNIQUE (token_id, client_id);
CREATE INDEX health_sample_window ON health_sample (environment_id, received_at);
CREATE INDEX health_sample_series ON health_sample (environment_id, start_at);
CREATE INDEX health_sample_environment_id ON health_sample (environment_id);
CREATE INDEX health_sample_flag_id ON health_sample (flag_id);
CREATE INDEX health_sample_site_id ON health_sample (site_id);
CREATE INDEX health_sample_token_id ON health_sample (token_id);
SET CONSTRAINTS ALL DEFERRED;
"""


def _refer(to, **given):
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=to,
        **given,
    )


class Migration(migrations.Migration):
    dependencies = [("health", "0003_known_values")]

    operations = [
        migrations.CreateModel(
            name="SampleBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("received_at", models.DateTimeField()),
                ("has_latency", models.BooleanField()),
                ("is_counted", models.BooleanField(default=False)),
            ],
        ),
        migrations.RunSQL(FUNCTIONS, UNDO_FUNCTIONS),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(TABLE, UNDO_TABLE),
                migrations.RunSQL(MOVE, migrations.RunSQL.noop),
            ],
            state_operations=[
                migrations.RemoveConstraint(model_name="sample", name="health_sample_once"),
                migrations.RemoveIndex(model_name="sample", name="health_sample_window"),
                migrations.RemoveIndex(model_name="sample", name="health_sample_series"),
                migrations.RemoveField(model_name="sample", name="token"),
                migrations.AddField(
                    model_name="sample",
                    name="source",
                    field=models.CharField(default="", max_length=50),
                    preserve_default=False,
                ),
                migrations.AlterField(
                    model_name="sample", name="id", field=models.BigIntegerField(primary_key=True, serialize=False)
                ),
                migrations.AlterField(model_name="sample", name="environment", field=_refer("flags.environment")),
                migrations.AlterField(model_name="sample", name="flag", field=_refer("flags.flag", null=True)),
                migrations.AlterField(model_name="sample", name="site", field=_refer("flags.site")),
                migrations.AlterField(model_name="sample", name="latency", field=models.TextField(blank=True)),
                migrations.AddIndex(model_name="sample", index=models.Index(fields=["id"], name="health_sample_batch")),
                migrations.AddIndex(
                    model_name="sample",
                    index=models.Index(
                        condition=models.Q(("critical_errors__gt", 0), ("integrity_errors__gt", 0), _connector="OR"),
                        fields=["environment", "received_at"],
                        name="health_sample_weighs",
                    ),
                ),
            ],
        ),
    ]
