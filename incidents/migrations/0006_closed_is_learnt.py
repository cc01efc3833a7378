"""Refuses in the database, too, to close or publish what is not learnt from, and an author's own approval."""

from django.db import migrations

FORWARD = r"""
CREATE FUNCTION incidents_list_gaps(incident bigint, is_closing boolean) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(gap, ', ') FROM incidents_incident AS i
    LEFT JOIN incidents_postmortem AS p ON p.incident_id = i.id
    CROSS JOIN LATERAL (VALUES
        ('root_cause', COALESCE(p.root_cause, '') ~ '\S'),
        ('documentation', COALESCE(p.documentation_updates, '') ~ '\S' OR EXISTS (
            SELECT FROM incidents_actionitem AS a
            WHERE a.post_mortem_id = p.id AND a.kind = 'documentation' AND a.status <> 'dropped')),
        ('measures', EXISTS (
            SELECT FROM incidents_actionitem AS a
            WHERE a.post_mortem_id = p.id AND a.kind = 'preventive' AND a.status <> 'dropped')),
        ('restoration', i.restored_at IS NOT NULL),
        ('publication', NOT is_closing OR p.status = 'published' OR NOT (
            COALESCE(p.is_wanted, false) OR (i.highest_tier IN ('critical', 'important') AND NOT i.is_rehearsal)))
    ) AS asked (gap, is_there)
    WHERE i.id = incident AND NOT COALESCE(is_there, false)
$$;

CREATE FUNCTION incidents_check_closed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE gaps text := incidents_list_gaps(NEW.id, true);
BEGIN
    IF gaps IS NOT NULL THEN
        RAISE EXCEPTION 'incident % cannot be closed, it lacks: %', NEW.id, gaps
            USING ERRCODE = 'check_violation', CONSTRAINT = 'incidents_closed_is_learnt';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION incidents_check_post_mortem() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE gaps text;
BEGIN
    IF NEW.status = 'published' AND (TG_OP = 'INSERT' OR OLD.status <> 'published') THEN
        gaps := incidents_list_gaps(NEW.incident_id, false);
        IF gaps IS NOT NULL THEN
            RAISE EXCEPTION 'post-mortem of % cannot be published, it lacks: %', NEW.incident_id, gaps
                USING ERRCODE = 'check_violation', CONSTRAINT = 'incidents_published_is_whole';
        END IF;
    END IF;
    IF NEW.approved_by_id IS NOT NULL AND EXISTS (
        SELECT FROM incidents_postmortemauthor WHERE post_mortem_id = NEW.id AND user_id = NEW.approved_by_id
    ) THEN
        RAISE EXCEPTION 'post-mortem % is approved by one of its authors', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'incidents_approved_by_another';
    END IF;
    IF TG_OP = 'UPDATE' AND EXISTS (
        SELECT FROM incidents_incident WHERE id = NEW.incident_id AND status = 'closed'
    ) AND (NEW.root_cause !~ '\S' OR (OLD.status = 'published' AND NEW.status <> 'published')) THEN
        RAISE EXCEPTION 'incident % is closed: its post-mortem stays', NEW.incident_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'incidents_closed_stays_learnt';
    END IF;
    RETURN NULL;
END $$;

-- After the row, so that the lists above see what it says now.
CREATE TRIGGER incidents_closed AFTER INSERT OR UPDATE OF status ON incidents_incident
    FOR EACH ROW WHEN (NEW.status = 'closed') EXECUTE FUNCTION incidents_check_closed();
CREATE TRIGGER incidents_post_mortem AFTER INSERT OR UPDATE ON incidents_postmortem
    FOR EACH ROW EXECUTE FUNCTION incidents_check_post_mortem();
"""
BACKWARD = """
DROP TRIGGER incidents_post_mortem ON incidents_postmortem;
DROP TRIGGER incidents_closed ON incidents_incident;
DROP FUNCTION incidents_check_post_mortem();
DROP FUNCTION incidents_check_closed();
DROP FUNCTION incidents_list_gaps(bigint, boolean);
"""


class Migration(migrations.Migration):
    dependencies = [("incidents", "0005_reviewed_and_verified")]
    operations = [migrations.RunSQL(FORWARD, reverse_sql=BACKWARD)]
