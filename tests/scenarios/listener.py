"""The unmodified OpenFeature web client of one person, which hears of changes over the stream alone."""

import json
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from tests.clients.packages import NODE

#: The client's own bound: far above what any scenario takes.
SECONDS = 3_600


class Listener(threading.Thread):
    """Keeps what the client says: its flags at the start and after each change."""

    def __init__(self, packages: Path, *, url: str, token: str, who: str, site: str, keys: Sequence[str]) -> None:
        super().__init__(name=f"listener {who}", daemon=True)
        self.said: list[dict[str, Any]] = []
        pipe = subprocess.PIPE
        self._client = subprocess.Popen([NODE, "web.mjs"], cwd=packages, stdin=pipe, stdout=pipe, text=True)
        question = {"url": url, "token": token, "flags": [*keys], "context": {"targetingKey": who, "site": site}}
        assert self._client.stdin
        self._client.stdin.write(json.dumps({**question, "fallback": False, "seconds": SECONDS}) + "\n")
        self._client.stdin.flush()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._client.kill()
        self._client.wait()
        self.join()
        for pipe in (self._client.stdin, self._client.stdout):
            if pipe:
                pipe.close()

    def run(self) -> None:
        for line in self._client.stdout or ():
            self.said.append(json.loads(line))

    def list_on(self) -> list[str]:
        """Return the flags that are on by the newest word."""
        said = list(self.said)
        return [key for key, found in said[-1]["details"].items() if found["value"] is True] if said else []

    def list_disabled(self) -> list[str]:
        """Return the flags that somebody has switched off, by the newest word."""
        said = list(self.said)
        return [key for key, found in said[-1]["details"].items() if found["reason"] == "DISABLED"] if said else []
