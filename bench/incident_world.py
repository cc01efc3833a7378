"""Years of incidents, timelines and complaints, written in bulk: as many as are promised, and the same words each time.

Triggers are not asked: what closes an incident or joins two rows is checked by the tests. Indexes of words are made
when the rows are there, as an upgrade of a grown portal makes them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.owner import as_owner

#: Said at the till, in the war room and afterwards; a quarter of it in English.
WHAT = (
    "la caisse reste bloquée",
    "impossible de changer le prix",
    "l’imprimante de tickets n’a plus de papier",
    "le total est faux avec la remise",
    "l’écran est gelé",
    "le tiroir ne s’ouvre pas",
    "la TVA des vêtements est fausse",
    "la pesée affiche zéro",
    "les catégories ont disparu",
    "le bon d’achat est refusé",
    "la carte bancaire est refusée",
    "le ticket sort en double",
    "la clôture du soir échoue",
    "les raccourcis clavier ne répondent plus",
    "the till is frozen",
    "the drawer stays shut",
    "the printer is out of paper",
    "prices of books are wrong",
    "the scanner beeps twice",
    "totals do not add up",
)
WHEN = (
    "depuis ce matin",
    "après la mise à jour",
    "quand un client paie en espèces",
    "au moment de fermer",
    "une fois sur trois",
    "pour les livres et les disques",
    "sur la deuxième caisse",
    "à chaque remise",
    "depuis l’ouverture",
    "with every voucher",
    "since the update",
    "when two people wait",
)
THEN = (
    "on redémarre et ça revient",
    "la file s’allonge",
    "le responsable est prévenu",
    "on note sur un cahier",
    "les bénévoles ne savent pas quoi faire",
    "le fournisseur confirme une panne",
    "rien dans les journaux",
    "retour à la version précédente demandé",
    "we restarted it and it came back",
    "the provider confirms an outage",
    "nothing in the logs",
    "support looks into it",
)
#: Stands in one text of every few thousand.
RARE = "zéphyr"

#: What a text says is drawn from a few thousand sentences, whose words are read once each.
_TEXT = """
CREATE OR REPLACE FUNCTION pg_temp.pick(n bigint, salt int, many int) RETURNS int LANGUAGE sql IMMUTABLE
RETURN abs(hashint8(n * 31 + salt)) %% many;
CREATE OR REPLACE FUNCTION pg_temp.place(n bigint, salt int) RETURNS int LANGUAGE sql IMMUTABLE
RETURN pg_temp.pick(n, salt, cardinality(%(what)s::text[])) * 10000
    + pg_temp.pick(n, salt + 1, cardinality(%(when)s::text[])) * 100
    + pg_temp.pick(n, salt + 2, cardinality(%(then)s::text[]));
DROP TABLE IF EXISTS bench_said;
CREATE TABLE bench_said AS
SELECT (a - 1) * 10000 + (b - 1) * 100 + c - 1 AS place, said, core_words(said) AS words
FROM unnest(%(what)s::text[]) WITH ORDINALITY AS what(x, a), unnest(%(when)s::text[]) WITH ORDINALITY AS later(y, b),
    unnest(%(then)s::text[]) WITH ORDINALITY AS further(z, c),
    LATERAL (SELECT x || ' ' || y || ', ' || z AS said) AS one;
ALTER TABLE bench_said ADD PRIMARY KEY (place);
ANALYZE bench_said;
CREATE OR REPLACE FUNCTION pg_temp.rare(n bigint) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN n %% 4001 = 0;
CREATE OR REPLACE FUNCTION pg_temp.say(n bigint, salt int) RETURNS text LANGUAGE sql STABLE
RETURN (
    SELECT said || ' réf ' || n || CASE WHEN pg_temp.rare(n) THEN ' %(rare)s' ELSE '' END
    FROM bench_said WHERE place = pg_temp.place(n, salt)
);
CREATE OR REPLACE FUNCTION pg_temp.words(n bigint, salt int) RETURNS tsvector LANGUAGE sql STABLE
RETURN (
    SELECT words || array_to_tsvector(ARRAY['ref', n::text] || CASE WHEN pg_temp.rare(n) THEN ARRAY['zephyr'] END)
    FROM bench_said WHERE place = pg_temp.place(n, salt)
);
"""
_INCIDENTS = """
INSERT INTO incidents_incident (title, tier, highest_tier, status, flag_keys, site_keys, is_rehearsal, detected_at,
    opened_at, acknowledged_at, mitigated_at, restored_at, commander_id, restored_by_id, environment_id, merge_gains,
    request_hash, request_id, found_by)
SELECT left(pg_temp.say(n, 1), 200), tier, tier, CASE WHEN is_open THEN 'open' ELSE 'closed' END,
    ARRAY[(%(flags)s::text[])[1 + n %% cardinality(%(flags)s::text[])]],
    ARRAY[(%(site_keys)s::text[])[1 + n %% cardinality(%(site_keys)s::text[])]], n %% 20 = 0, at, at + interval '1 min',
    at + interval '5 min', CASE WHEN NOT is_open THEN at + (20 + n %% 60) * interval '1 min' END,
    CASE WHEN NOT is_open THEN at + (30 + n %% 400) * interval '1 min' END, %(user)s,
    CASE WHEN NOT is_open THEN %(user)s END, (%(environments)s::bigint[])[1 + (n %% 10 = 0)::int], '{}', '', '',
    pg_temp.words(n, 1)
FROM (
    SELECT n, (ARRAY['critical', 'important', 'important', 'minor', 'minor'])[1 + n %% 5] AS tier,
        n > %(incidents)s - 20 AS is_open,
        %(now)s - (%(incidents)s - n + 1) * (interval '3 years' / %(incidents)s) - interval '1 h' AS at
    FROM generate_series(1, %(incidents)s) n
) wanted
ORDER BY n
"""
_LEARNT = """
INSERT INTO incidents_postmortem (incident_id, root_cause, impact, detection, went_well, went_badly, lucky,
    documentation_updates, public_title, public_text, whys, is_wanted, status, visibility, submitted_at, approved_at,
    approved_by_id, published_at, evidence, found_by)
SELECT id, pg_temp.say(id, 11), pg_temp.say(id, 12), pg_temp.say(id, 13), pg_temp.say(id, 14), pg_temp.say(id, 15),
    pg_temp.say(id, 16), '', '', '', '{}', false, CASE WHEN is_draft THEN 'draft' ELSE 'published' END, 'internal',
    CASE WHEN NOT is_draft THEN detected_at + interval '1 day' END,
    CASE WHEN NOT is_draft THEN detected_at + interval '2 days' END, CASE WHEN NOT is_draft THEN %(user)s END,
    CASE WHEN NOT is_draft THEN detected_at + interval '3 days' END, CASE WHEN NOT is_draft THEN '{}'::jsonb END,
    pg_temp.words(id, 11) || pg_temp.words(id, 12) || pg_temp.words(id, 13) || pg_temp.words(id, 14)
    || pg_temp.words(id, 15) || pg_temp.words(id, 16)
FROM incidents_incident CROSS JOIN LATERAL (SELECT status = 'open' OR id = %(incidents)s / 2 AS is_draft) stage
"""
_MEASURES = """
INSERT INTO incidents_actionitem (post_mortem_id, kind, title, owner_id, due_on, status, proof, done_at, done_by_id,
    checked, verified_at, verified_by_id, drop_reason, found_by)
SELECT p.id, 'preventive', left(pg_temp.say(p.id, 21), 300), %(user)s, (i.detected_at + interval '30 days')::date,
    CASE WHEN is_open THEN 'open' ELSE 'verified' END, CASE WHEN is_open THEN '' ELSE pg_temp.say(p.id, 22) END,
    CASE WHEN NOT is_open THEN i.detected_at END, CASE WHEN NOT is_open THEN %(user)s END,
    CASE WHEN is_open THEN '' ELSE pg_temp.say(p.id, 23) END, CASE WHEN NOT is_open THEN i.detected_at END,
    CASE WHEN NOT is_open THEN %(other)s END, '', pg_temp.words(p.id, 21) || pg_temp.words(p.id, 22)
FROM incidents_postmortem p JOIN incidents_incident i ON i.id = p.incident_id
    CROSS JOIN LATERAL (SELECT p.id %% 10 = 0 AS is_open) stage
"""
_WORDS = """
INSERT INTO incidents_incidentupdate (incident_id, status, text_fr, text_en, one_language_reason, at, by_id, found_by)
SELECT id, 'investigating', pg_temp.say(id, 31), pg_temp.say(id, 32), '', opened_at, %(user)s,
    pg_temp.words(id, 31) || pg_temp.words(id, 32)
FROM incidents_incident
"""
#: A line in four is somebody's note; the newest incident is a war room of 2,000 lines.
_LINES = """
INSERT INTO incidents_timelineentry (incident_id, at, code, data, note, actor_label, source, picture_alt,
    found_by)
SELECT incident, at, CASE WHEN k %% 4 = 0 THEN 'note' ELSE 'flag_rolled_back' END, '{}',
    CASE WHEN k %% 4 = 0 THEN pg_temp.say(incident * 50 + k, 41) ELSE '' END, 'support',
    CASE WHEN k %% 4 = 0 THEN '' ELSE 'bench:' || k END, '',
    CASE WHEN k %% 4 = 0 THEN pg_temp.words(incident * 50 + k, 41) END
FROM (
    SELECT i.id AS incident, k, i.opened_at + k * interval '10 s' AS at
    FROM incidents_incident i CROSS JOIN generate_series(1, %(lines)s) k
    UNION ALL
    SELECT (SELECT max(id) FROM incidents_incident), k, %(now)s - (4000 - k) * interval '1 s'
    FROM generate_series(101, 2100) k
) wanted
ORDER BY at
"""
_COMPLAINTS = """
INSERT INTO health_complaint (environment_id, site_id, flag_id, severity, status, request_id, logged_at, logged_by_id)
SELECT (%(environments)s::bigint[])[1 + (n %% 10 = 0)::int],
    (%(sites)s::bigint[])[1 + abs(hashint8(n)) %% cardinality(%(sites)s::bigint[])],
    CASE WHEN n %% 3 = 0 THEN (%(flag_ids)s::bigint[])[1 + n %% cardinality(%(flag_ids)s::bigint[])] END,
    (ARRAY['annoying', 'annoying', 'blocking', 'cosmetic'])[1 + n %% 4],
    CASE WHEN n %% 17 = 0 THEN 'spam' ELSE 'new' END, '',
    %(now)s - (%(complaints)s - n) * (interval '3 years' / %(complaints)s), %(user)s
FROM generate_series(1, %(complaints)s) n
ORDER BY n
"""
_TEXTS = """
INSERT INTO health_complainttext (complaint_id, text, reporter, found_by)
SELECT id, pg_temp.say(id, 51), 'Personne ' || id %% 5000, pg_temp.words(id, 51) FROM health_complaint ORDER BY id
"""
_TABLES = (
    *("incidents_actionitem", "incidents_postmortem", "incidents_incidentupdate", "incidents_timelineentry"),
    *("incidents_incident", "health_complainttext", "health_complaint"),
)


@dataclass(frozen=True)
class Size:
    """So many incidents, timeline entries for each of them, complaints."""

    incidents: int
    lines: int
    complaints: int


def fill(size: Size, *, now: datetime, **given: Any) -> None:
    """Write the world anew in a size; `given` are the environments, sites, flags and the person it is about."""
    asked = given | {"now": now, "incidents": size.incidents, "lines": size.lines, "complaints": size.complaints}
    with as_owner("default") as owner, owner.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute("TRUNCATE " + ", ".join(_TABLES) + " RESTART IDENTITY CASCADE")
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE %s AND tablename = ANY(%s)",
            ["%found_by", list(_TABLES)],
        )
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f"DROP INDEX {name}")
        for table in _TABLES[:-1]:
            # The words of a sentence are read once, not a million times.
            cursor.execute(f"ALTER TABLE {table} ALTER COLUMN found_by DROP EXPRESSION IF EXISTS")
        texts = {"what": list(WHAT), "when": list(WHEN), "then": list(THEN)}
        cursor.execute(_TEXT.replace("%(rare)s", RARE), texts)
        for statement in (_INCIDENTS, _LEARNT, _MEASURES, _WORDS, _LINES, _COMPLAINTS, _TEXTS):
            cursor.execute(statement, asked)
        for _name, definition in indexes:
            cursor.execute(definition)
        cursor.execute("VACUUM ANALYZE")
        # A session does all of its work itself, so that it can be measured.
        cursor.execute("SELECT current_database()")
        cursor.execute(f'ALTER DATABASE "{cursor.fetchone()[0]}" SET max_parallel_workers_per_gather = 0')
