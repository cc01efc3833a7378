"""The till over HTTP: its page, its API, and how it is."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO, cast

from server.api import Api
from server.calls import FOREIGN, IDLE_SECONDS, NOT_FOUND, PAGES, Answer, Request, is_ours

KINDS = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css"}


class TillServer(ThreadingHTTPServer):
    """Serves the API of a till, and its page. `page`: the folder of its page, None without one."""

    daemon_threads = True
    #: Whoever comes while all are busy waits, and is not sent away.
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], *, api: Api, page: Path | None) -> None:
        super().__init__(address, Handler)
        self.api, self.page = api, page
        self._answered = threading.Condition()
        self._busy = 0

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Count a request as long as it is being answered."""
        with self._answered:
            self._busy += 1
        try:
            yield
        finally:
            with self._answered:
                self._busy -= 1
                self._answered.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a caller who has gone; whatever else is a fault of ours, and is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def wait_idle(self, *, seconds: float) -> bool:
        """Wait for what is being answered; tell whether all of it was."""
        with self._answered:
            return self._answered.wait_for(lambda: not self._busy, timeout=seconds)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: TillServer
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        with self.server.answering():
            self._get()

    def do_POST(self) -> None:
        with self.server.answering():
            self._post()

    def log_message(self, *_given: Any) -> None:
        """Say nothing: the database keeps what was sold."""

    def _get(self) -> None:
        # A body that nobody reads would be taken for the next request.
        if self._is_chunked() or self.headers.get("Content-Length", "0") != "0":
            self.close_connection = True
        request = Request("GET", self.path)
        if is_ours(request.path):
            self._answer(self.server.api.answer(request))
        elif request.path in PAGES and self.server.page is not None:
            self._send_page(self.server.page / PAGES[request.path])
        else:
            self._answer(NOT_FOUND)

    def _post(self) -> None:
        origin = self.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != self.headers.get("Host"):
            self.close_connection = True
            self._answer(FOREIGN)
            return
        length = "" if self._is_chunked() else self.headers.get("Content-Length", "")
        answer = self.server.api.answer(Request("POST", self.path, length, cast("BinaryIO", self.rfile)))
        # What was refused may not have been read to its end.
        if answer.status != HTTPStatus.CREATED:
            self.close_connection = True
        self._answer(answer)

    def _is_chunked(self) -> bool:
        return "Transfer-Encoding" in self.headers

    def _answer(self, answer: Answer) -> None:
        self._send(answer.status, answer.headers, answer.encoded)

    def _send_page(self, file: Path) -> None:
        try:
            body = file.read_bytes()
        except OSError:
            self._answer(NOT_FOUND)
            return
        headers = {"Content-Type": KINDS[file.suffix], "Content-Length": str(len(body))}
        self._send(HTTPStatus.OK, headers, body)

    def _send(self, status: HTTPStatus, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
