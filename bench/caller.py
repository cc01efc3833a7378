"""One kept-alive connection to a portal."""

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

EVERY_FLAG = "/ofrep/v1/evaluate/flags"


class Caller:
    """Asks as a till's back end does: one connection, one token."""

    def __init__(self, url: str, token: str) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, str]:
        """Return status, body and ETag of one request."""
        content = None if body is None else json.dumps(body)
        self.connection.request(method, path, content, {**self.headers, **(headers or {})})
        answer = self.connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("ETag", "")
