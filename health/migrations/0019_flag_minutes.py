"""What a flag's minute was at all sites together, made from those of its sites as far as they are kept."""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE SEQUENCE health_flagminute_id_seq;
CREATE TABLE health_flagminute (
    id bigint NOT NULL DEFAULT nextval('health_flagminute_id_seq'),
    environment_id bigint NOT NULL,
    flag_id bigint NOT NULL,
    minute timestamptz NOT NULL,
    requests bigint NOT NULL,
    errors bigint NOT NULL,
    critical_errors bigint NOT NULL,
    integrity_errors bigint NOT NULL,
    first_start_at timestamptz NOT NULL,
    last_ends_at timestamptz NOT NULL,
    last_received_at timestamptz NOT NULL,
    spread_requests double precision NOT NULL,
    spread_errors integer NOT NULL
) PARTITION BY RANGE (minute);
ALTER SEQUENCE health_flagminute_id_seq OWNED BY health_flagminute.id;
ALTER TABLE health_flagminute ADD CONSTRAINT health_flag_minute_once UNIQUE (environment_id, flag_id, minute);
DO $$ BEGIN
    PERFORM health_add_day('health_flagminute', to_date(right(c.relname, 8), 'YYYYMMDD'))
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'health_siteminute'::regclass;
END $$;
INSERT INTO health_flagminute (environment_id, flag_id, minute, requests, errors, critical_errors, integrity_errors,
    spread_requests, spread_errors, first_start_at, last_ends_at, last_received_at)
SELECT environment_id, flag_id, minute, sum(requests), sum(errors), sum(critical_errors), sum(integrity_errors),
    sum(spread_requests), sum(spread_errors), min(first_start_at), max(last_ends_at), max(last_received_at)
FROM health_siteminute WHERE flag_id IS NOT NULL
GROUP BY environment_id, flag_id, minute;
"""


def _refer(to):
    return models.ForeignKey(
        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=to
    )


class Migration(migrations.Migration):
    dependencies = [("flags", "0009_note_pictures"), ("health", "0018_queries_of_ones_own")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(FORWARD, "DROP TABLE health_flagminute")],
            state_operations=[
                migrations.CreateModel(
                    name="FlagMinute",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("environment", _refer("flags.environment")),
                        ("flag", _refer("flags.flag")),
                        ("minute", models.DateTimeField()),
                        *(
                            (name, models.BigIntegerField())
                            for name in ("requests", "errors", "critical_errors", "integrity_errors")
                        ),
                        *(
                            (name, models.DateTimeField())
                            for name in ("first_start_at", "last_ends_at", "last_received_at")
                        ),
                        ("spread_requests", models.FloatField()),
                        ("spread_errors", models.IntegerField()),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=["environment", "flag", "minute"], name="health_flag_minute_once"
                            )
                        ]
                    },
                )
            ],
        ),
    ]
