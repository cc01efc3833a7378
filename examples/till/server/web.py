"""The till over HTTP: its page, its API, and how it is."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
from psycopg import errors

from server.database import Pool
from server.migrating import find_head
from server.selling import SaleRefused, list_articles, list_tickets, read_sale, sell, sum_day
from server.versions import HEADS, knows_payments

MOST_BYTES = 16_384
MOST_TICKETS = 100
RETRY_SECONDS = 2
KINDS = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css"}
PAGES = {"/": "index.html"} | {f"/{name}": name for name in ("till.js", "signs.js", "notices.js", "till.css")}


@dataclass(frozen=True)
class Answer:
    status: HTTPStatus
    body: Mapping[str, Any]


class TillServer(ThreadingHTTPServer):
    """Serves one version of the till with one database. `page`: the folder of its page, None without one."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], *, pool: Pool, version: str, page: Path | None) -> None:
        super().__init__(address, Handler)
        self.pool, self.version, self.page = pool, version, page


class Handler(BaseHTTPRequestHandler):
    """One request. Whatever goes wrong is an answer in JSON."""

    server: TillServer
    protocol_version = "HTTP/1.1"
    timeout = 20

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        routes: Mapping[str, Callable[[], Answer]] = {
            "/health": self._tell_health,
            "/api/articles": lambda: self._read("articles", list_articles),
            "/api/day": lambda: self._read("day", sum_day),
            "/api/tickets": self._list_tickets,
        }
        if path in routes:
            self._answer(routes[path])
        elif path in PAGES and self.server.page is not None:
            self._send_page(self.server.page / PAGES[path])
        else:
            self._answer(lambda: Answer(HTTPStatus.NOT_FOUND, {"error": "There is nothing here."}))

    def do_POST(self) -> None:
        if urlsplit(self.path).path == "/api/tickets":
            self._answer(self._sell)
        else:
            self._answer(lambda: Answer(HTTPStatus.NOT_FOUND, {"error": "There is nothing here."}))

    def log_message(self, *_given: Any) -> None:
        """Say nothing: the database keeps what was sold."""

    def _sell(self) -> Answer:
        sale = read_sale(self._read_body())
        with self.server.pool.lend() as session:
            number = sell(session, sale, with_payments=knows_payments(self.server.version))
        return Answer(HTTPStatus.CREATED, {"number": number, "cents": sale.cents})

    def _list_tickets(self) -> Answer:
        last = parse_qs(urlsplit(self.path).query).get("last", ["20"])[0]
        if not (last.isascii() and last.isdecimal() and 1 <= int(last[:6]) <= MOST_TICKETS):
            raise SaleRefused(f"last is a number from 1 to {MOST_TICKETS}.")
        return self._read("tickets", lambda session: list_tickets(session, last=int(last)))

    def _read(self, name: str, read: Callable[[Any], Any]) -> Answer:
        with self.server.pool.lend() as session:
            return Answer(HTTPStatus.OK, {name: read(session)})

    def _tell_health(self) -> Answer:
        with self.server.pool.lend() as session:
            head = find_head(session)
        is_well = head >= HEADS[self.server.version] and head[0].isdigit()
        status = HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE
        return Answer(status, {"version": self.server.version, "schema": head})

    def _read_body(self) -> Any:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()) or int(length[:9]) > MOST_BYTES:
            self.close_connection = True
            raise SaleRefused(f"Send JSON of at most {MOST_BYTES} bytes, with its length.")
        try:
            return json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            raise SaleRefused("What was sent is no JSON.") from None

    def _answer(self, act: Callable[[], Answer]) -> None:
        try:
            answer = act()
        except SaleRefused as refusal:
            answer = Answer(HTTPStatus.BAD_REQUEST, {"error": str(refusal)})
        except errors.ReadOnlySqlTransaction:
            answer = Answer(HTTPStatus.SERVICE_UNAVAILABLE, {"error": "The till only reads for a moment."})
        except psycopg.Error:
            answer = Answer(HTTPStatus.SERVICE_UNAVAILABLE, {"error": "The database does not answer as it should."})
        self._send(answer.status, json.dumps(answer.body).encode(), "application/json")

    def _send_page(self, file: Path) -> None:
        try:
            body = file.read_bytes()
        except OSError:
            self._answer(lambda: Answer(HTTPStatus.NOT_FOUND, {"error": "There is nothing here."}))
            return
        self._send(HTTPStatus.OK, body, KINDS[file.suffix])

    def _send(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.send_header("Retry-After", str(RETRY_SECONDS))
        self.end_headers()
        self.wfile.write(body)
