"""Tell every web process at commit that notices changed, whichever path wrote them (ADR 57)."""

from django.db import migrations

TABLES = ("notices_notice", "notices_noticesite", "notices_noticeflag")

FUNCTION = """
CREATE FUNCTION notices_tell() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_notify('notices_changed', '');
    RETURN NULL;
END $$;
"""
TRIGGER = """
CREATE TRIGGER notices_tell AFTER INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION notices_tell();
"""
UNDO = "".join(f"DROP TRIGGER notices_tell ON {table};\n" for table in TABLES) + "DROP FUNCTION notices_tell();"


class Migration(migrations.Migration):
    dependencies = [("notices", "0001_initial")]

    operations = [
        migrations.RunSQL(FUNCTION + "".join(TRIGGER.format(table=table) for table in TABLES), UNDO),
    ]
