"""Raise an environment's revision at commit, whichever path wrote what its clients see.

Row triggers note the touched environments under the transaction's id; a deferred trigger on that
note raises their revisions, in the order of environment keys so that two transactions never wait
for each other crosswise, and notifies. Functions run as their owner, so that a role which may not
write a revision itself raises it all the same.
"""

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION flags_note_change(touched bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO flags_pendingchange (transaction, environment_id)
    SELECT pg_current_xact_id()::text, id FROM flags_environment WHERE touched IS NULL OR id = touched
    ON CONFLICT DO NOTHING;
$$;

CREATE FUNCTION flags_note_environment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN RETURN NULL; END IF;
    INSERT INTO flags_environmentrevision (environment_id, revision, changed_at)
    VALUES (NEW.id, 0, clock_timestamp()) ON CONFLICT DO NOTHING;
    PERFORM flags_note_change(NEW.id);
    RETURN NULL;
END $$;

CREATE FUNCTION flags_note_own_environment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN PERFORM flags_note_change(OLD.environment_id); END IF;
    IF TG_OP <> 'DELETE' THEN PERFORM flags_note_change(NEW.environment_id); END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION flags_note_rule() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM flags_note_change(environment_id) FROM flags_flagstate
    WHERE id IN (CASE WHEN TG_OP <> 'INSERT' THEN OLD.state_id END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.state_id END);
    RETURN NULL;
END $$;

CREATE FUNCTION flags_note_everywhere() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM flags_note_change(NULL);
    RETURN NULL;
END $$;

CREATE FUNCTION flags_raise_revision() RETURNS trigger
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

CREATE FUNCTION flags_refuse_lower_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.revision <= OLD.revision THEN
        RAISE EXCEPTION 'a revision is never lowered (% to %)', OLD.revision, NEW.revision;
    END IF;
    RETURN NEW;
END $$;

CREATE CONSTRAINT TRIGGER flags_raise_revision AFTER INSERT ON flags_pendingchange
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION flags_raise_revision();
CREATE TRIGGER flags_refuse_lower_revision BEFORE UPDATE ON flags_environmentrevision
    FOR EACH ROW EXECUTE FUNCTION flags_refuse_lower_revision();
CREATE TRIGGER flags_note_change AFTER INSERT OR UPDATE ON flags_environment
    FOR EACH ROW EXECUTE FUNCTION flags_note_environment();
"""

#: table → which function notes its environments.
NOTED = {
    "flags_flagstate": "flags_note_own_environment",
    "flags_apitoken": "flags_note_own_environment",
    "flags_rule": "flags_note_rule",
    "flags_flag": "flags_note_everywhere",
    "flags_site": "flags_note_everywhere",
    "flags_segment": "flags_note_everywhere",
    "flags_segmentmember": "flags_note_everywhere",
}

TRIGGERS = "".join(
    f"CREATE TRIGGER flags_note_change AFTER INSERT OR UPDATE OR DELETE ON {table} "
    f"FOR EACH ROW EXECUTE FUNCTION {function}();\n"
    for table, function in NOTED.items()
)

UNDO = (
    "".join(f"DROP TRIGGER flags_note_change ON {table};\n" for table in [*NOTED, "flags_environment"])
    + """
DROP TRIGGER flags_refuse_lower_revision ON flags_environmentrevision;
DROP TRIGGER flags_raise_revision ON flags_pendingchange;
DROP FUNCTION flags_refuse_lower_revision, flags_raise_revision, flags_note_everywhere, flags_note_rule,
    flags_note_own_environment, flags_note_environment, flags_note_change(bigint);
"""
)


class Migration(migrations.Migration):
    dependencies = [("flags", "0001_initial")]

    operations = [migrations.RunSQL(FUNCTIONS + TRIGGERS, reverse_sql=UNDO)]
