"""The words that incidents are found by: title, notes, public words, post-mortem, measures.

Adding them rewrites the tables, once; of a timeline only notes have words.
"""

from django.db import migrations

POST_MORTEM = " || E'\\n' || ".join(
    [
        *("root_cause", "impact", "detection", "went_well", "went_badly", "lucky", "documentation_updates"),
        *("public_title", "public_text"),
        *(f"COALESCE(whys[{number}], '')" for number in range(1, 6)),
    ]
)
#: Table, its texts, the rows that have any, the index.
TABLES = (
    ("incidents_incident", "title", "", "incidents_found_by"),
    ("incidents_timelineentry", "note", "note <> ''", "incidents_entry_found_by"),
    ("incidents_incidentupdate", "text_fr || E'\\n' || text_en", "", "incidents_update_found_by"),
    ("incidents_postmortem", POST_MORTEM, "", "incidents_post_mortem_found_by"),
    (
        "incidents_actionitem",
        "title || E'\\n' || proof || E'\\n' || checked || E'\\n' || drop_reason",
        "",
        "incidents_measure_found_by",
    ),
)


def _add(table: str, texts: str, condition: str, index: str) -> str:
    words = f"CASE WHEN {condition} THEN core_words({texts}) END" if condition else f"core_words({texts})"
    where = f" WHERE {condition}" if condition else ""
    return (
        f"ALTER TABLE {table} ADD COLUMN found_by tsvector GENERATED ALWAYS AS ({words}) STORED;\n"
        f"CREATE INDEX {index} ON {table} USING gin (found_by){where};\n"
    )


class Migration(migrations.Migration):
    dependencies = [("health", "0021_full_text"), ("incidents", "0013_dossiers")]

    operations = [migrations.RunSQL(_add(*one), f"ALTER TABLE {one[0]} DROP COLUMN found_by;") for one in TABLES]
