"""Serves the till page on loopback, with what it needs to know of the portal that runs beside it.

    python examples/till/serve.py --data-dir .data --port 8001

Standard library only. The page's configuration, with its client token, comes from
DATA_DIR/portal.json at each request, so a new portal needs no restart of this server.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGES = {"/": "index.html", "/till.js": "till.js", "/signs.js": "signs.js", "/till.css": "till.css"}
MODULES = "/node_modules/@openfeature/"
DEFAULT_ENVIRONMENT = "prod"


def make_config(portal: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the page may know: client tokens only; None where the portal holds no demo."""
    demo = portal.get("demo") or {}
    tokens = {key: found["client"] for key, found in (demo.get("tokens") or {}).items() if "client" in found}
    if not tokens:
        return None
    shown = demo.get("rollout") or {}
    first = {"targetingKey": shown.get("targeting_key", ""), "site": shown.get("site", ""), "till": ""}
    tills = [
        {"targetingKey": one["targeting_key"], "site": one["site"], "till": one["till"]}
        for one in demo.get("tills") or []
    ]
    return {
        "portal": portal["url"],
        "tokens": tokens,
        "environment": DEFAULT_ENVIRONMENT if DEFAULT_ENVIRONMENT in tokens else next(iter(tokens)),
        "cashier": first["targetingKey"],
        "cashiers": tills or [first],
    }


def read_config(data_dir: Path) -> dict[str, Any] | None:
    """Return the configuration, None while no portal with a demo runs."""
    try:
        return make_config(json.loads((data_dir / "portal.json").read_text()))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def hash_import_map(page: str) -> str:
    """Return the Content-Security-Policy source of the page's import map, its one inline script."""
    found = re.search(r'<script type="importmap">(.*?)</script>', page, re.DOTALL)
    digest = hashlib.sha256((found.group(1) if found else "").encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


class TillHandler(SimpleHTTPRequestHandler):
    """Four files, four packages, one configuration; nothing else of the folder."""

    def __init__(self, *arguments: Any, data_dir: Path, **named: Any) -> None:
        self.data_dir = data_dir
        super().__init__(*arguments, directory=str(HERE), **named)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        # A foreign name that was made to point here must not read the token.
        if self.headers.get("Host", "").partition(":")[0] not in {"127.0.0.1", "localhost"}:
            self.send_error(HTTPStatus.FORBIDDEN)
        elif path == "/config.json":
            self._send_config()
        elif path in PAGES:
            self.path = f"/{PAGES[path]}"
            super().do_GET()
        elif path.startswith(MODULES) and path.endswith(".js") and ".." not in path and "%" not in path:
            super().do_GET()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _send_config(self) -> None:
        config = read_config(self.data_dir)
        body = json.dumps(config or {}).encode()
        self.send_response(HTTPStatus.OK if config else HTTPStatus.SERVICE_UNAVAILABLE)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def end_headers(self) -> None:
        portal = (read_config(self.data_dir) or {}).get("portal", "")
        inline = hash_import_map((HERE / "index.html").read_text(encoding="utf-8"))
        policy = f"default-src 'none'; script-src 'self' {inline}; style-src 'self'; img-src 'self' data:; "
        policy += f"connect-src 'self' {portal}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        self.send_header("Content-Security-Policy", policy)
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name
        """Log nothing of what goes well."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the till page on 127.0.0.1.")
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    parser.add_argument("--port", type=int, default=8001)
    given = parser.parse_args()
    if not (HERE / "node_modules").is_dir():
        sys.exit(f"The packages are not there: run npm ci --ignore-scripts in {HERE}.")
    try:
        server = ThreadingHTTPServer(("127.0.0.1", given.port), partial(TillHandler, data_dir=given.data_dir))
    except OSError as fault:
        sys.exit(f"Port {given.port} cannot be used ({fault.strerror}): choose another with --port.")
    sys.stdout.write(f"The till is at http://127.0.0.1:{given.port}/\n")
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
