"""What is asked of the till and what it answers; without its database, so that a page alone needs no driver."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, BinaryIO

RETRY_SECONDS = 2
#: Whoever keeps a connection and says nothing is let go.
IDLE_SECONDS = 20
HEALTH = "/health"
PREFIX = "/api/"
#: What the page asks for first.
CONFIG = "/config.json"
PAGES = {"/": "index.html"} | {f"/{name}": name for name in ("till.js", "signs.js", "till.css")}


@dataclass(frozen=True)
class Request:
    """`length`: as its header says, empty without one; `body`: where it is read from."""

    method: str
    target: str
    length: str = ""
    body: BinaryIO | None = None

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


@dataclass(frozen=True)
class Answer:
    status: HTTPStatus
    body: Mapping[str, Any]

    @property
    def headers(self) -> dict[str, str]:
        """Return what goes with it, its length included."""
        headers = {"Content-Type": "application/json", "Content-Length": str(len(self.encoded))}
        if self.status == HTTPStatus.SERVICE_UNAVAILABLE:
            headers["Retry-After"] = str(RETRY_SECONDS)
        return headers

    @property
    def encoded(self) -> bytes:
        return json.dumps(self.body).encode()


NOT_FOUND = Answer(HTTPStatus.NOT_FOUND, {"error": "There is nothing here."})
FOREIGN = Answer(HTTPStatus.FORBIDDEN, {"error": "Another site's page must not sell here."})


def is_ours(path: str) -> bool:
    """Tell whether a path belongs to the API."""
    return path in {HEALTH, CONFIG} or path.startswith(PREFIX)
