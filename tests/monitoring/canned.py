"""A server that answers what a sound Prometheus never does: half answers, other clocks, silence."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Canned:
    """Answers `time()` by its clock and everything else with one body; keeps the headers and parameters it was sent."""

    def __init__(
        self, body: str, *, status: int = 200, skew: float = 0.0, headers: dict[str, str] | None = None
    ) -> None:
        self.body = body
        self.status = status
        self.skew = skew
        self.headers = headers or {}
        self.seen: list[dict[str, str]] = []
        self.asked: list[dict[str, list[str]]] = []
        self.url = ""

    def answer(self, query: str) -> tuple[int, str]:
        if query == "time()":
            now = time.time() + self.skew
            told = f'{{"status":"success","data":{{"resultType":"scalar","result":[{now},"{now}"]}}}}'
            return 200, told
        return self.status, self.body


@contextmanager
def serve(canned: Canned) -> Iterator[Canned]:
    """Run the server while a test asks it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            canned.seen.append({name.lower(): value for name, value in self.headers.items()})
            canned.asked.append(parse_qs(urlsplit(self.path).query))
            [query] = canned.asked[-1].get("query", [""])
            status, body = canned.answer(query)
            self.send_response(status)
            for name, value in canned.headers.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    canned.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield canned
    finally:
        server.shutdown()
        server.server_close()


MOST_PIECES = 1_200


@contextmanager
def listen_and_say(piece: bytes) -> Iterator[str]:
    """A port that takes connections and sends a byte or nothing now and then, for a minute: longer than any limit."""
    stopped = threading.Event()
    taken: list[socket.socket] = []

    def drip(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            for _ in range(MOST_PIECES):
                if stopped.wait(0.05):
                    break
                if piece:
                    connection.sendall(piece)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                taken.append(connection)
                threading.Thread(target=drip, args=[connection], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stopped.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for connection in taken:
                connection.close()
