"""What an evaluation costs beside the leanest answer of the same process."""

import http.client
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bench.figures import Figures

REQUESTS = 1_000
WARM_UP = 50
EVERY_FLAG = "/ofrep/v1/evaluate/flags"
CONTEXT = {"context": {"targetingKey": "till-bench", "site": "lyon"}}


class Caller:
    """One kept-alive connection to the portal, as a till's back end holds it."""

    def __init__(self, url: str, token: str) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, str]:
        """Return status, body and ETag of one request."""
        content = None if body is None else json.dumps(body)
        self.connection.request(method, path, content, {**self.headers, **(headers or {})})
        answer = self.connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("ETag", "")


@dataclass(frozen=True)
class Request:
    """A request and the status that answers it."""

    method: str
    path: str
    status: int = 200
    body: Any = None
    headers: Mapping[str, str] | None = None


def list_flags_on(url: str, *, token: str) -> list[str]:
    """Return the keys of the boolean flags that are on for this bench's person."""
    _status, content, _etag = Caller(url, token).call("POST", EVERY_FLAG, CONTEXT)
    return [flag["key"] for flag in json.loads(content)["flags"] if flag["value"] is True]


def measure(url: str, *, token: str, flag: str) -> Iterator[Figures]:
    """Yield figures of each hot route, each compared with `/healthz` of the same run."""
    caller = Caller(url, token)
    seconds = _repeat(caller, Request("GET", "/healthz"))
    yield (base := Figures("GET /healthz", seconds))
    etag = caller.call("POST", EVERY_FLAG, CONTEXT)[2]
    requests = {
        "OFREP, one flag": Request("POST", f"{EVERY_FLAG}/{flag}", body=CONTEXT),
        "OFREP, all flags": Request("POST", EVERY_FLAG, body=CONTEXT),
        "OFREP, all flags, unchanged": Request("POST", EVERY_FLAG, 304, CONTEXT, {"If-None-Match": etag}),
    }
    for name, request in requests.items():
        yield Figures(name, _repeat(caller, request), base.percentile(0.5))


def _repeat(caller: Caller, request: Request) -> list[float]:
    seconds: list[float] = []
    for number in range(WARM_UP + REQUESTS):
        began = time.perf_counter()
        status, content, _etag = caller.call(request.method, request.path, request.body, request.headers)
        if status != request.status:
            raise SystemExit(f"{request.method} {request.path} answered {status}: {content[:200]!r}")
        if number >= WARM_UP:
            seconds.append(time.perf_counter() - began)
    return seconds
