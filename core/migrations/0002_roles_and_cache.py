"""The four roles, the table of Django's cache, and the database's own part in keeping history."""

from django.core.management import call_command
from django.db import migrations

from core.roles import Role

REFUSE_CHANGE = """
CREATE FUNCTION core_refuse_history_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$
"""

# SECURITY DEFINER: the application's role may not write the chain itself; pg_temp last, so that no
# temporary table of its own takes the place of ours. The time zone is fixed
# because jsonb shows a timestamptz in the session's. TG_ARGV[0] is the primary key's column.
ENTER_HISTORY = """
CREATE FUNCTION core_enter_history() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    content jsonb := to_jsonb(NEW);
BEGIN
    INSERT INTO core_auditentry (table_name, history_id, payload, transaction_id)
    VALUES (TG_TABLE_NAME, (content ->> TG_ARGV[0])::bigint, content::text,
            pg_current_xact_id()::text::bigint);
    RETURN NULL;
END
$$
"""

# Only entries of transactions older than any that still runs are sealed: their order is final.
# The lock makes two workers seal one after the other; its number is arbitrary and used nowhere else.
SEAL_HISTORY = """
CREATE FUNCTION core_seal_history(sealed timestamptz, at_most integer) RETURNS integer LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    entry core_auditentry;
    last_seq bigint;
    last_hash text;
    new_hash text;
    sealed_count integer := 0;
BEGIN
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


def make_groups(apps, schema_editor):
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    for role in Role:
        groups.get_or_create(name=role.value)


def make_cache_table(_apps, schema_editor):
    call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        # Groups stay on the way back: people may hold them.
        migrations.RunPython(make_groups, migrations.RunPython.noop),
        migrations.RunPython(make_cache_table, migrations.RunPython.noop),
        migrations.RunSQL(REFUSE_CHANGE, "DROP FUNCTION core_refuse_history_change CASCADE"),
        migrations.RunSQL(ENTER_HISTORY, "DROP FUNCTION core_enter_history CASCADE"),
        migrations.RunSQL(SEAL_HISTORY, "DROP FUNCTION core_seal_history"),
    ]
