"""The words that complaints are found by. Adding them rewrites the table of words, once: about three minutes a million."""

from django.db import migrations

FORWARD = """
ALTER TABLE health_complainttext ADD COLUMN found_by tsvector GENERATED ALWAYS AS (core_words(text)) STORED;
CREATE INDEX health_complaint_found_by ON health_complainttext USING gin (found_by);
"""
BACKWARD = "ALTER TABLE health_complainttext DROP COLUMN found_by;"


class Migration(migrations.Migration):
    dependencies = [("core", "0006_words_in_two_languages"), ("health", "0020_forgotten_sources")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
