"""Real receivers of webhooks on loopback, each with a bad habit of its own; they count what they were sent."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TEN_MEGABYTES = 10_000_000
#: Longer than any test waits for an answer.
HANG_SECONDS = 30.0


@dataclass
class Received:
    """One request: its headers in small letters, and its body."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """What a server answers next; `answers` are used up first, one a request: status, headers, body, and a habit."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    habit: str = ""
    answers: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    let_go: threading.Event = field(default_factory=threading.Event)

    def take(self, request: Received) -> int:
        self.received.append(request)
        return self.answers.pop(0) if self.answers else self.status


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            request = Received({k.lower(): v for k, v in self.headers.items()}, self.rfile.read(length))
            status = receiver.take(request)
            if receiver.habit == "hangs":
                receiver.let_go.wait(HANG_SECONDS)
                self.connection.close()
                return
            if receiver.habit == "closes":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            body = b"x" * TEN_MEGABYTES if receiver.habit == "endless" else receiver.body
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) + (1_000 if receiver.habit == "half" else 0)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                return
            if receiver.habit == "half":
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def receiving(**given: Any) -> Iterator[Receiver]:
    """Run a receiver while the block lasts."""
    receiver = Receiver(**given)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver))
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hooks/T0P-S3CRET-PATH"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join()
