"""The till over HTTP: its page, its API, and how it is."""

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO, cast

from server.api import FOREIGN, MOST_BYTES, NOT_FOUND, Answer, Api, Request, is_ours

KINDS = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css"}
PAGES = {"/": "index.html"} | {f"/{name}": name for name in ("till.js", "signs.js", "notices.js", "till.css")}


class TillServer(ThreadingHTTPServer):
    """Serves the API of a till, and its page. `page`: the folder of its page, None without one."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], *, api: Api, page: Path | None) -> None:
        super().__init__(address, Handler)
        self.api, self.page = api, page


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: TillServer
    protocol_version = "HTTP/1.1"
    timeout = 20

    def do_GET(self) -> None:
        request = Request("GET", self.path)
        if is_ours(request.path):
            self._answer(self.server.api.answer(request))
        elif request.path in PAGES and self.server.page is not None:
            self._send_page(self.server.page / PAGES[request.path])
        else:
            self._answer(NOT_FOUND)

    def do_POST(self) -> None:
        origin = self.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != self.headers.get("Host"):
            self.close_connection = True
            self._answer(FOREIGN)
            return
        length = self.headers.get("Content-Length", "")
        # What is too long is not read: the connection cannot be used again.
        self.close_connection = not length.isdecimal() or int(length[:9]) > MOST_BYTES
        self._answer(self.server.api.answer(Request("POST", self.path, length, cast("BinaryIO", self.rfile))))

    def log_message(self, *_given: Any) -> None:
        """Say nothing: the database keeps what was sold."""

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
        self.end_headers()
        self.wfile.write(body)
