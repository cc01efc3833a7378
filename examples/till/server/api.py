"""What the till answers programs, its page among them: JSON, whatever goes wrong."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

import psycopg
from psycopg import errors

from server.calls import CONFIG, HEALTH, NOT_FOUND, Answer, Request
from server.database import Pool
from server.migrating import find_head, is_enough
from server.selling import SaleDiffers, SaleRefused, list_articles, list_tickets, read_sale, sell, sum_day
from server.versions import knows_payments

MOST_BYTES = 16_384
MOST_TICKETS = 100


def find_number(text: str, *, most: int) -> int | None:
    """Return the number that plain digits say, None for anything else and for more than `most`."""
    # Looked at before it is read: a number of thousands of digits cannot be.
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(most)) or int(text) > most:
        return None
    return int(text)


class Api:
    """One version of the till with one database."""

    def __init__(self, pool: Pool, version: str) -> None:
        self._pool, self._version = pool, version

    def answer(self, request: Request) -> Answer:
        """Answer a request; nothing is raised."""
        routes: Mapping[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", HEALTH): self._tell_health,
            ("GET", CONFIG): lambda _request: Answer(HTTPStatus.OK, {"backend": True}),
            ("GET", "/api/articles"): lambda _request: self._read("articles", list_articles),
            ("GET", "/api/day"): lambda _request: self._read("day", sum_day),
            ("GET", "/api/tickets"): self._list_tickets,
            ("POST", "/api/tickets"): self._sell,
        }
        route = routes.get((request.method, request.path))
        if route is None:
            return NOT_FOUND
        try:
            return route(request)
        except SaleRefused as refusal:
            return Answer(HTTPStatus.BAD_REQUEST, {"error": str(refusal)})
        except SaleDiffers as other:
            return Answer(HTTPStatus.CONFLICT, {"error": f"Ticket {other.number} has this id and is another sale."})
        except errors.ReadOnlySqlTransaction:
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, {"error": "The till only reads for a moment."})
        except psycopg.Error:
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, {"error": "The database does not answer as it should."})

    def _sell(self, request: Request) -> Answer:
        sale = read_sale(_read_body(request))
        with self._pool.lend() as session:
            number = sell(session, sale, with_payments=knows_payments(self._version))
        return Answer(HTTPStatus.CREATED, {"number": number, "cents": sale.cents})

    def _list_tickets(self, request: Request) -> Answer:
        given = parse_qs(request.query, keep_blank_values=True).get("last", ["20"])[0]
        last = find_number(given, most=MOST_TICKETS)
        if not last:
            raise SaleRefused(f"last is a number from 1 to {MOST_TICKETS}.")
        return self._read("tickets", lambda session: list_tickets(session, last=last))

    def _read(self, name: str, read: Callable[[Any], Any]) -> Answer:
        with self._pool.lend() as session:
            return Answer(HTTPStatus.OK, {name: read(session)})

    def _tell_health(self, _request: Request) -> Answer:
        with self._pool.lend() as session:
            head = find_head(session)
        status = HTTPStatus.OK if is_enough(head, self._version) else HTTPStatus.SERVICE_UNAVAILABLE
        return Answer(status, {"version": self._version, "schema": head})


def _read_body(request: Request) -> Any:
    length = find_number(request.length, most=MOST_BYTES)
    if request.body is None or length is None:
        raise SaleRefused(f"Send JSON of at most {MOST_BYTES} bytes, with its length.")
    try:
        return json.loads(request.body.read(length))
    except TimeoutError:
        raise SaleRefused("Less came than was announced.") from None
    except (ValueError, RecursionError):
        raise SaleRefused("What was sent is no JSON.") from None
