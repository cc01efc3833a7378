"""Who has fetched what: tills' last fetches, and the revision each flag's state last changed with."""

import django.db.models.deletion
from django.db import migrations, models

# The functions of 0002 with what is new: touched states are noted beside their environments.
FORWARD = """
CREATE FUNCTION flags_note_state() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN PERFORM flags_note_change(OLD.environment_id); END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM flags_note_change(NEW.environment_id);
        INSERT INTO flags_pendingstate (transaction, state_id)
        VALUES (pg_current_xact_id()::text, NEW.id) ON CONFLICT DO NOTHING;
    ELSE
        DELETE FROM flags_staterevision WHERE state_id = OLD.id;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION flags_note_rule() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    touched bigint[] := ARRAY[
        CASE WHEN TG_OP <> 'INSERT' THEN OLD.state_id END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.state_id END
    ];
BEGIN
    PERFORM flags_note_change(environment_id) FROM flags_flagstate WHERE id = ANY (touched);
    INSERT INTO flags_pendingstate (transaction, state_id)
    SELECT pg_current_xact_id()::text, id FROM flags_flagstate WHERE id = ANY (touched) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION flags_raise_revision() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT e.id, e.key FROM flags_pendingchange p JOIN flags_environment e ON e.id = p.environment_id
        WHERE p.transaction = pg_current_xact_id()::text ORDER BY e.key
    LOOP
        UPDATE flags_environmentrevision SET revision = revision + 1, changed_at = clock_timestamp()
        WHERE environment_id = one.id;
        INSERT INTO flags_staterevision (state_id, revision, changed_at)
        SELECT s.id, r.revision, r.changed_at FROM flags_pendingstate p
        JOIN flags_flagstate s ON s.id = p.state_id AND s.environment_id = one.id
        JOIN flags_environmentrevision r ON r.environment_id = one.id
        WHERE p.transaction = pg_current_xact_id()::text
        ON CONFLICT (state_id) DO UPDATE SET revision = excluded.revision, changed_at = excluded.changed_at;
        PERFORM pg_notify('flags_revision', one.key);
    END LOOP;
    DELETE FROM flags_pendingchange WHERE transaction = pg_current_xact_id()::text;
    DELETE FROM flags_pendingstate WHERE transaction = pg_current_xact_id()::text;
    RETURN NULL;
END $$;

DROP TRIGGER flags_note_change ON flags_flagstate;
CREATE TRIGGER flags_note_change AFTER INSERT OR UPDATE OR DELETE ON flags_flagstate
    FOR EACH ROW EXECUTE FUNCTION flags_note_state();
"""

BACKWARD = """
DROP TRIGGER flags_note_change ON flags_flagstate;
CREATE TRIGGER flags_note_change AFTER INSERT OR UPDATE OR DELETE ON flags_flagstate
    FOR EACH ROW EXECUTE FUNCTION flags_note_own_environment();
DROP FUNCTION flags_note_state;

CREATE OR REPLACE FUNCTION flags_note_rule() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM flags_note_change(environment_id) FROM flags_flagstate
    WHERE id IN (CASE WHEN TG_OP <> 'INSERT' THEN OLD.state_id END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.state_id END);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION flags_raise_revision() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT e.id, e.key FROM flags_pendingchange p JOIN flags_environment e ON e.id = p.environment_id
        WHERE p.transaction = pg_current_xact_id()::text ORDER BY e.key
    LOOP
        UPDATE flags_environmentrevision SET revision = revision + 1, changed_at = clock_timestamp()
        WHERE environment_id = one.id;
        PERFORM pg_notify('flags_revision', one.key);
    END LOOP;
    DELETE FROM flags_pendingchange WHERE transaction = pg_current_xact_id()::text;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("flags", "0002_revision_triggers")]

    operations = [
        migrations.CreateModel(
            name="PendingState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("transaction", models.CharField(max_length=32)),
                ("state_id", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("transaction", "state_id"), name="flags_pending_state_once")
                ]
            },
        ),
        migrations.CreateModel(
            name="StateRevision",
            fields=[
                (
                    "state",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="counter",
                        serialize=False,
                        to="flags.flagstate",
                    ),
                ),
                ("revision", models.BigIntegerField()),
                ("changed_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="TillContact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("revision", models.BigIntegerField()),
                ("seen_at", models.DateTimeField()),
                (
                    "environment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="flags.environment"
                    ),
                ),
                (
                    "till",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="contacts", to="flags.till"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("environment", "till"), name="flags_contact_once")]
            },
        ),
        migrations.RunSQL(FORWARD, reverse_sql=BACKWARD),
    ]
