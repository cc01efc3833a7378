"""A till's page as strict as one can be, with the portal's script in it; and a portal that never answers."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

#: Counts sales and what the portal's script tells; knows nothing else.
SHOP = """
let sold = 0;
const flags = document.getElementById("flags");
document.getElementById("sell").addEventListener("click", () => {
  document.getElementById("sold").textContent = String(++sold);
});
document.addEventListener("releaseportal:flags", () => (flags.textContent = String(Number(flags.textContent) + 1)));
document.addEventListener("keydown", (event) => (document.body.dataset.keys = event.key));
"""
PAGE = """<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><title>Caisse</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width, initial-scale=1">
<script async src="{script}" data-portal="{portal}" data-site="{site}" data-token="{token}" data-till="till-3"
  data-language="{language}"></script>
<script defer src="/shop.js"></script></head>
<body><main><h1>Caisse</h1><label>Prix <input id="price"></label> <button id="sell">Valider</button>
<output id="sold">0</output><p id="flags">0</p></main></body></html>"""


class _Handler(BaseHTTPRequestHandler):
    script = b""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/shop.js":
            self._send(SHOP.encode(), "text/javascript")
        elif parts.path == "/releaseportal.js":
            self._send(self.script, "text/javascript")
        else:
            self._send(PAGE.format(**given).encode(), "text/html; charset=utf-8", portal=given.get("portal", ""))

    def _send(self, body: bytes, kind: str, *, portal: str = "") -> None:
        self.send_response(200)
        policy = f"default-src 'none'; script-src 'self' {portal}; connect-src {portal or 'none'}; img-src blob: data:"
        self.send_header("Content-Security-Policy", f"{policy}; base-uri 'none'; form-action 'none'")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
        """Log nothing."""


@contextmanager
def open_shop(script: bytes) -> Iterator[str]:
    """Serve the page; yield its origin. `script`: what it serves as its own copy of the portal's script."""
    handler = type("Handler", (_Handler,), {"script": script})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def hang() -> Iterator[str]:
    """Yield the address of a portal that takes every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
