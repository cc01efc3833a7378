"""A database beside the live one, into which a restore point is restored and judged before anybody uses it."""

import time
from collections.abc import Callable
from pathlib import Path

from psycopg import errors, sql

from recovery.commands.tools import run_tool
from recovery.databases.figures import list_tables
from recovery.databases.sessions import Session, open_maintenance, open_session
from recovery.databases.swapping import READ_ONLY
from recovery.domain.addresses import Address
from recovery.errors import Failure

#: Left where a database of ours is found without one: nothing else is ever dropped.
OURS = "release portal:"
MARK = f"{OURS} scratch"
JOBS = 2
#: How long the server may take over what a killed worker had asked of it.
PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.2


def make_scratch(live: Address, *, name: str) -> Address:
    """Make an empty database that has the live one's encoding, locale, owner, settings and rights.

    One of the same name that an interrupted attempt left goes first, if it bears our mark.
    """
    with open_maintenance(live) as session:
        statement = _write_creation(session, live=live.name, name=name)
        limit = time.monotonic() + PATIENCE_SECONDS
        while True:
            drop_scratch(live, name=name)
            try:
                session.execute(statement)
                break
            except (errors.UniqueViolation, errors.DuplicateDatabase, errors.ObjectInUse):
                # The server still makes the one that a killed worker asked for: nobody sees it before it is done.
                if time.monotonic() > limit:
                    raise
                time.sleep(PAUSE_SECONDS)
        session.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(MARK)))
        _copy_rights(session, live=live.name, name=name)
        _copy_settings(session, live=live.name, name=name)
    return live.of(name)


def _write_creation(session: Session, *, live: str, name: str) -> sql.Composed:
    encoding, provider, collate, ctype, locale, owner = _describe(session, live)
    made = "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LOCALE_PROVIDER {} LC_COLLATE {} LC_CTYPE {}"
    named, chosen = sql.Identifier(name), map(sql.Literal, (collate, ctype))
    words = [sql.SQL(made).format(named, sql.Literal(encoding), sql.SQL(provider), *chosen)]
    if locale:
        kind = "BUILTIN_LOCALE" if provider == "builtin" else "ICU_LOCALE"
        words.append(sql.SQL(kind + " {}").format(sql.Literal(locale)))
    words.append(sql.SQL("OWNER {}").format(sql.Identifier(owner)))
    return sql.SQL(" ").join(words)


def restore(file: Path, *, into: Address, seconds: float, on_output: Callable[[str], None] | None = None) -> None:
    """Restore a dump into an empty database and have its statistics gathered; the first error ends it."""
    run_tool(
        "pg_restore",
        *("--exit-on-error", "--no-password", "--verbose", f"--jobs={JOBS}", f"--dbname={into.name}", str(file)),
        seconds=seconds,
        address=into,
        on_output=on_output,
    )
    with open_session(into) as session:
        session.execute("ANALYZE")


def drop_scratch(live: Address, *, name: str) -> bool:
    """Drop a scratch or kept database of ours, with whoever is in it; True where there was one.

    Anything else is refused, but for an empty one: an attempt that was killed before it left its mark.
    """
    with open_maintenance(live) as session:
        mark = find_mark(session, name)
        if mark is None:
            return False
        if not mark.startswith(OURS):
            with open_session(live.of(name)) as inside:
                if list_tables(inside):
                    raise Failure("database_not_ours", database=name)
        session.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    return True


def find_mark(session: Session, name: str) -> str | None:
    """Return the comment of a database, where we leave our mark; None where there is no such database."""
    found = session.execute(
        "SELECT pg_catalog.shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]
    ).fetchone()
    return None if found is None else str(found[0] or "")


def _describe(session: Session, name: str) -> tuple[str, str, str, str, str, str]:
    found = session.execute(
        "SELECT pg_encoding_to_char(encoding),"
        " CASE datlocprovider WHEN 'b' THEN 'builtin' WHEN 'i' THEN 'icu' ELSE 'libc' END,"
        " datcollate, datctype, coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', ''),"
        " pg_get_userbyid(datdba) FROM pg_database AS d WHERE datname = %s",
        [name],
    ).fetchone()
    if found is None:
        raise Failure("database_missing", database=name)
    return found


def _copy_rights(session: Session, *, live: str, name: str) -> None:
    """Give the same roles the same rights on the database itself: a dump of its content does not hold them."""
    query = (
        "SELECT CASE WHEN a.grantee = 0 THEN NULL ELSE pg_get_userbyid(a.grantee) END, a.privilege_type"
        " FROM pg_database AS d, aclexplode(d.datacl) AS a WHERE d.datname = %s"
    )
    rights = session.execute(query, [live]).fetchall()
    if not rights:
        return
    database = sql.Identifier(name)
    session.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    for grantee, right in rights:
        who = sql.SQL("PUBLIC") if grantee is None else sql.Identifier(grantee)
        session.execute(sql.SQL("GRANT {} ON DATABASE {} TO {}").format(sql.SQL(right), database, who))


def _copy_settings(session: Session, *, live: str, name: str) -> None:
    query = (
        "SELECT pg_get_userbyid(nullif(setrole, 0)), unnest(setconfig) FROM pg_db_role_setting"
        " WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = %s)"
    )
    for role, setting in session.execute(query, [live]).fetchall():
        key, _equals, value = setting.partition("=")
        if key == READ_ONLY:
            continue
        whose = sql.SQL("") if role is None else sql.SQL("ROLE {} IN ").format(sql.Identifier(role))
        session.execute(
            sql.SQL("ALTER {}DATABASE {} SET {} = {}").format(
                whose, sql.Identifier(name), sql.Identifier(*key.split(".")), sql.Literal(value)
            )
        )
