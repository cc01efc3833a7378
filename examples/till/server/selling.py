"""Tickets: what a cashier may write, and what is read of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from server.database import Session

MOST_LINES = 100
MOST_CENTS = 1_000_000
MOST_LETTERS = 60
PAYMENTS = ("cash", "card", "cheque")
#: A day of the shop begins there, wherever its server stands.
ZONE = "Europe/Paris"
TICKET_FIELDS = frozenset({"id", "lines", "payment"})
LINE_FIELDS = frozenset({"article", "cents"})


class SaleRefused(ValueError):
    """What was sent is no ticket; the message says why, for whoever wrote the page."""


class SaleDiffers(Exception):
    """Another sale of this id is kept: `number` is its receipt."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclass(frozen=True)
class Line:
    article: str
    cents: int


@dataclass(frozen=True)
class Sale:
    lines: tuple[Line, ...]
    payment: str
    sale_id: UUID | None = None

    @property
    def cents(self) -> int:
        return sum(line.cents for line in self.lines)


def read_sale(given: Any) -> Sale:
    """Return the sale that a decoded JSON value describes; raises SaleRefused."""
    if not isinstance(given, Mapping):
        raise SaleRefused("A ticket is an object with lines.")
    _check_fields(given, known=TICKET_FIELDS)
    lines = given.get("lines")
    if not isinstance(lines, list) or not 1 <= len(lines) <= MOST_LINES:
        raise SaleRefused(f"A ticket has 1 to {MOST_LINES} lines.")
    payment = given.get("payment", PAYMENTS[0])
    if payment not in PAYMENTS:
        raise SaleRefused(f"payment is one of {', '.join(PAYMENTS)}.")
    return Sale(tuple(_read_line(line) for line in lines), payment, _read_id(given.get("id")))


def _check_fields(given: Mapping[str, Any], *, known: frozenset[str]) -> None:
    """Refuse what nobody knows: a word spelt wrong would be sold as if it were not there."""
    unknown = given.keys() - known
    if unknown:
        raise SaleRefused(f"Nobody knows {min(unknown)[:MOST_LETTERS]}: {', '.join(sorted(known))}.")


def _read_id(given: Any) -> UUID | None:
    if given is None:
        return None
    try:
        return UUID(given)
    except (ValueError, AttributeError, TypeError):
        raise SaleRefused("id is a UUID.") from None


def _read_line(given: Any) -> Line:
    if not isinstance(given, Mapping):
        raise SaleRefused("A line is an object with article and cents.")
    _check_fields(given, known=LINE_FIELDS)
    article, cents = given.get("article"), given.get("cents")
    # PostgreSQL keeps no zero byte and no half of a character: neither is printable.
    if not isinstance(article, str) or not 1 <= len(article) <= MOST_LETTERS or not article.isprintable():
        raise SaleRefused("article is the code of an article.")
    if not isinstance(cents, int) or isinstance(cents, bool) or not 0 <= cents <= MOST_CENTS:
        raise SaleRefused(f"cents is a whole number from 0 to {MOST_CENTS}.")
    return Line(article, cents)


def sell(session: Session, sale: Sale, *, with_payments: bool, number: int | None = None) -> int:
    """Write a ticket and return its receipt number; all of it counts, or nothing does. Sent again, it has the same.

    `number`: instead of the next one, for a ticket that is taken back: a number that was drawn would leave a gap.
    Raises SaleRefused, and SaleDiffers where its id is that of another sale.
    """
    with session.transaction():
        wanted = {line.article for line in sale.lines}
        known = session.execute("SELECT code FROM articles WHERE code = ANY(%s)", [list(wanted)]).fetchall()
        missing = wanted - {code for (code,) in known}
        if missing:
            raise SaleRefused(f"There is no article {min(missing)}.")
        if sale.sale_id is not None:
            # Sent twice at once, the second one waits for the first, and draws no number.
            session.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [str(sale.sale_id)])
            kept = _find_number(session, sale, with_payments=with_payments)
            if kept is not None:
                return kept
        made = session.execute(
            "INSERT INTO tickets (number, sale_id, cents) VALUES (coalesce(%s, nextval('receipt_number')), %s, %s)"
            " RETURNING id, number",
            [number, sale.sale_id, sale.cents],
        ).fetchone()
        ticket, given = made or (0, 0)
        for position, line in enumerate(sale.lines, start=1):
            session.execute(
                "INSERT INTO ticket_lines (ticket_id, position, article, cents) VALUES (%s, %s, %s, %s)",
                [ticket, position, line.article, line.cents],
            )
        if with_payments:
            session.execute(
                "INSERT INTO payments (ticket_id, kind, cents) VALUES (%s, %s, %s)", [ticket, sale.payment, sale.cents]
            )
    return int(given)


def _find_number(session: Session, sale: Sale, *, with_payments: bool) -> int | None:
    """Return the receipt number of a sale that is kept, None where it is not; raises SaleDiffers."""
    found = session.execute("SELECT id, number FROM tickets WHERE sale_id = %s", [sale.sale_id]).fetchone()
    if found is None:
        return None
    ticket, number = found
    rows = session.execute("SELECT article, cents FROM ticket_lines WHERE ticket_id = %s ORDER BY position", [ticket])
    is_same = [Line(article, cents) for article, cents in rows] == list(sale.lines)
    if with_payments and is_same:
        # A version before wrote none: then nothing is known of it.
        paid = session.execute("SELECT kind FROM payments WHERE ticket_id = %s", [ticket]).fetchone()
        is_same = paid is None or paid[0] == sale.payment
    if not is_same:
        raise SaleDiffers(int(number))
    return int(number)


def fill(session: Session, count: int, *, with_payments: bool) -> None:
    """Sell many tickets of one line at once, for demonstrations and measurements."""
    with session.transaction():
        session.execute(
            "WITH sold AS (INSERT INTO tickets (cents) SELECT 100 + i %% 900 FROM generate_series(1, %s) AS i"
            " RETURNING id, cents)"
            " INSERT INTO ticket_lines (ticket_id, position, article, cents)"
            " SELECT id, 1, 'vaisselle', cents FROM sold",
            [count],
        )
        if with_payments:
            session.execute(
                "INSERT INTO payments SELECT id, 'cash', cents FROM tickets AS t"
                " WHERE NOT EXISTS (SELECT FROM payments AS p WHERE p.ticket_id = t.id)"
            )


def list_articles(session: Session) -> list[dict[str, Any]]:
    """Return what can be sold."""
    rows = session.execute("SELECT code, label, cents FROM articles ORDER BY label")
    return [{"code": code, "label": label, "cents": cents} for code, label, cents in rows]


def list_tickets(session: Session, *, last: int) -> list[dict[str, Any]]:
    """Return the newest tickets, the last one first."""
    rows = session.execute("SELECT number, sold_at, cents FROM tickets ORDER BY id DESC LIMIT %s", [last])
    return [{"number": number, "sold_at": _say(sold_at), "cents": cents} for number, sold_at, cents in rows]


def sum_day(session: Session) -> dict[str, int]:
    """Return how many tickets there are of the shop's today, and their sum in cents."""
    found = session.execute(
        "SELECT count(*), coalesce(sum(cents), 0) FROM tickets WHERE sold_at >= date_trunc('day', now(), %s)", [ZONE]
    ).fetchone()
    count, cents = found or (0, 0)
    return {"tickets": int(count), "cents": int(cents)}


def _say(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
