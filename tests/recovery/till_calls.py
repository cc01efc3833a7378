"""The demo's till as tests call it: its commands as processes, its API over HTTP."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from recovery.domain.addresses import Address, make_url
from tests.recovery.till_image import TILL

NEWEST = "1.3.0"


def call(
    database: Address,
    *words: str,
    version: str = NEWEST,
    folder: Path = TILL,
    variables: Mapping[str, str] | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run one of the till's commands to its end."""
    return subprocess.run(
        [sys.executable, "-m", "server", *words],
        cwd=folder,
        env=environment_of(database, version) | dict(variables or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def environment_of(database: Address, version: str) -> dict[str, str]:
    return {"PATH": os.defpath, "DATABASE_URL": make_url(database), "TILL_VERSION": version}


def request(port: int, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Ask the till, and return (status, what its JSON says)."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection.request(method, path, sent)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def sell(port: int, **values: object) -> tuple[int, Any]:
    """Sell a plate."""
    return request(port, "POST", "/api/tickets", {"lines": [{"article": "vaisselle", "cents": 150}]} | values)
