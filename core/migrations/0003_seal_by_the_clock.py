"""A seal bears the time of day: no empty or infinite time, none more than an hour off the server's clock.

Whoever holds the application's login calls `core_seal_history` with a time of their choice; a link
dated falsely, or one that no client can read, could be neither mended nor taken out again.
"""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("core.migrations.0002_roles_and_cache").SEAL_HISTORY

SEAL_HISTORY = """
CREATE OR REPLACE FUNCTION core_seal_history(sealed timestamptz, at_most integer) RETURNS integer LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    entry core_auditentry;
    last_seq bigint;
    last_hash text;
    new_hash text;
    sealed_count integer := 0;
BEGIN
    IF sealed IS NULL OR NOT isfinite(sealed)
        OR sealed NOT BETWEEN clock_timestamp() - interval '1 hour' AND clock_timestamp() + interval '1 hour'
    THEN
        RAISE EXCEPTION 'history is not sealed at %: more than an hour off the clock of the database', sealed
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Set the clocks of the portal and of the database right.';
    END IF;
    PERFORM pg_advisory_xact_lock(7140123);
    SELECT seq, hash INTO last_seq, last_hash FROM core_auditlink ORDER BY seq DESC LIMIT 1;
    last_seq := coalesce(last_seq, 0);
    last_hash := coalesce(last_hash, repeat('0', 64));
    FOR entry IN
        SELECT * FROM core_auditentry
        WHERE transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        ORDER BY id LIMIT at_most
    LOOP
        last_seq := last_seq + 1;
        new_hash := encode(sha256(convert_to(concat_ws(E'\\n', last_hash, last_seq::text, entry.table_name,
            entry.history_id::text, to_char(sealed, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), entry.payload), 'UTF8')), 'hex');
        INSERT INTO core_auditlink (seq, table_name, history_id, payload, sealed_at, previous_hash, hash)
        VALUES (last_seq, entry.table_name, entry.history_id, entry.payload, sealed, last_hash, new_hash);
        DELETE FROM core_auditentry WHERE id = entry.id;
        last_hash := new_hash;
        sealed_count := sealed_count + 1;
    END LOOP;
    RETURN sealed_count;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0002_roles_and_cache")]

    operations = [
        migrations.RunSQL(SEAL_HISTORY, BEFORE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")),
    ]
