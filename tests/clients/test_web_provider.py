"""The OpenFeature web SDK with its OFREP provider, unmodified, against a whole portal and its stream."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tests.clients.flag_desk import ENV, serve_to_everyone, switch
from tests.clients.packages import NODE
from tests.scenarios.stage import PATIENCE_SECONDS, Stage

MOVED = "visual_signals_v1_3"


@contextmanager
def _listen(packages: Path, **question: Any) -> Iterator[IO[str]]:
    """Yield what the client says, a line at a time; it ends with the block."""
    command = [str(NODE), "web.mjs"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=packages, stdin=pipe, stdout=pipe, text=True) as client:
        assert client.stdin
        assert client.stdout
        client.stdin.write(json.dumps({"fallback": False, "seconds": PATIENCE_SECONDS} | question) + "\n")
        client.stdin.flush()
        yield client.stdout


def _read(said: IO[str]) -> dict[str, Any]:
    line = said.readline()
    assert line, "in vain: the client has ended"
    found: dict[str, Any] = json.loads(line)
    return found


def _read_until(said: IO[str], flag: str, *, value: bool) -> dict[str, Any]:
    """Return the first change after which a flag has a value."""
    while (found := _read(said))["details"][flag]["value"] is not value:
        assert found["event"] == "changed"
    return found


def test_flags__at_the_start__have_value_variant_reason_and_metadata(stage: Stage, packages: Path) -> None:
    shown = stage.tell("demo", "rollout")
    question = {
        "url": stage.tell("url"),
        "token": stage.tell("demo", "tokens", shown["environment"], "client"),
        "flags": [shown["flag"], "no_such_flag"],
        "context": {"targetingKey": "someone-there", "site": shown["site"]},
    }

    with _listen(packages, **question) as said:
        found = _read(said)

    details, unknown = found["details"][shown["flag"]], found["details"]["no_such_flag"]
    assert found["event"] == "ready"
    assert (details["value"], details["variant"], details["reason"]) == (True, "on", "TARGETING_MATCH")
    assert (details["flagMetadata"]["layer"], details["flagMetadata"]["site"]) == ("rule", shown["site"])
    assert (unknown["value"], unknown["reason"], unknown["errorCode"]) == (False, "ERROR", "FLAG_NOT_FOUND")


def test_change__while_it_listens__arrives_over_the_stream(stage: Stage, packages: Path) -> None:
    serve_to_everyone(stage, MOVED)
    question = {
        "url": stage.tell("url"),
        "token": stage.tell("demo", "tokens", ENV, "client"),
        "flags": [MOVED],
        "context": {"targetingKey": "cashier-1"},
    }

    with _listen(packages, **question) as said:
        first = _read(said)
        switch(stage, MOVED, to="off")
        off = _read_until(said, MOVED, value=False)
        switch(stage, MOVED, to="on")
        on = _read_until(said, MOVED, value=True)

    assert (first["event"], first["details"][MOVED]["value"]) == ("ready", True)
    assert (off["event"], off["details"][MOVED]["reason"]) == ("changed", "DISABLED")
    assert (on["event"], on["details"][MOVED]["reason"]) == ("changed", "STATIC")


def test_token__wrong__is_fatal_and_every_flag_its_default(stage: Stage, packages: Path) -> None:
    flag = stage.tell("demo", "rollout", "flag")
    question = {"url": stage.tell("url"), "token": "rp_wrong", "flags": [flag], "context": {}, "fallback": True}

    with _listen(packages, **question) as said:
        found = _read(said)

    assert (found["event"], found["error"]) == ("failed", "PROVIDER_FATAL")
    assert found["details"][flag]["value"] is True
