"""A shop's own database on the tests' PostgreSQL: tickets, lines, articles; made anew for each test."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

from django.conf import settings
from psycopg import sql

from recovery.databases.sessions import Session, open_maintenance, open_session
from recovery.domain.addresses import Address

SCHEMA = """
CREATE TABLE schema_migrations (number text PRIMARY KEY);
INSERT INTO schema_migrations VALUES ('0001'), ('0002');
CREATE SEQUENCE receipt_number;
CREATE TABLE articles (code text PRIMARY KEY, label text NOT NULL);
CREATE TABLE tickets (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number bigint NOT NULL UNIQUE DEFAULT nextval('receipt_number'),
    sold_at timestamptz NOT NULL DEFAULT now(),
    cents integer NOT NULL
);
CREATE TABLE ticket_lines (
    ticket_id bigint NOT NULL REFERENCES tickets,
    position integer NOT NULL,
    article text NOT NULL REFERENCES articles,
    cents integer NOT NULL,
    PRIMARY KEY (ticket_id, position)
);
CREATE TABLE notes (text text NOT NULL);
INSERT INTO articles VALUES ('cup', 'Tasse'), ('book', 'Livre');
"""
SELL = """
WITH sold AS (INSERT INTO tickets (cents) SELECT 100 + i FROM generate_series(1, %s) AS i RETURNING id, cents)
INSERT INTO ticket_lines SELECT id, 1, 'cup', cents FROM sold
"""


@contextmanager
def open_empty() -> Iterator[Address]:
    """Make an empty database; it goes afterwards, with whatever was made beside it."""
    owner = settings.DATABASE_OWNER or settings.DATABASES["default"]
    server = Address(owner["HOST"], int(owner["PORT"]), owner["USER"], owner["PASSWORD"], owner["NAME"])
    live = server.of(f"shop_{secrets.token_hex(5)}")
    with open_maintenance(server) as session:
        session.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(live.name)))
    try:
        yield live
    finally:
        with open_maintenance(server) as session:
            for name in list_beside(session, live):
                session.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def open_shop(*, tickets: int = 20) -> Iterator[Address]:
    """Make a shop's database with some tickets; it goes afterwards, with whatever was made beside it."""
    with open_empty() as live:
        run_in(live, SCHEMA)
        sell(live, tickets)
        yield live


def list_beside(session: Session, live: Address) -> list[str]:
    """Return the shop's database and those that were made beside it, by name."""
    query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY 1"
    return [name for (name,) in session.execute(query, [live.name])]


def sell(live: Address, count: int) -> None:
    """Sell tickets."""
    run_in(live, SELL, count)


def run_in(live: Address, statement: LiteralString, *values: object) -> None:
    """Run a statement in the shop's database."""
    with open_session(live) as session:
        session.execute("SET search_path = public, pg_catalog")
        session.execute(statement, values or None)


def ask(live: Address, query: LiteralString) -> object:
    """Return the one value that a query of the shop's database gives."""
    with open_session(live) as session:
        session.execute("SET search_path = public, pg_catalog")
        found = session.execute(query).fetchone()
    return found[0] if found else None
