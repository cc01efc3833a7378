"""The OpenFeature server SDK of JavaScript with its OFREP provider, unmodified, against a whole portal."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients.packages import NODE
from tests.scenarios.stage import PATIENCE_SECONDS, Stage


def _ask(stage: Stage, packages: Path, flag: str, *, token: str = "", fallback: bool = False) -> dict[str, Any]:
    shown = stage.tell("demo", "rollout")
    question = {
        "url": stage.tell("url"),
        "token": token or stage.tell("demo", "tokens", shown["environment"], "server"),
        "flags": [flag],
        "context": {"targetingKey": "someone-there", "site": shown["site"]},
        "fallback": fallback,
    }
    done = subprocess.run(
        [NODE, "server.mjs"],
        cwd=packages,
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    details: dict[str, Any] = json.loads(done.stdout)[flag]
    return details


def test_flag__on_at_the_site__has_value_variant_reason_and_metadata(stage: Stage, packages: Path) -> None:
    shown = stage.tell("demo", "rollout")

    details = _ask(stage, packages, shown["flag"])

    assert (details["value"], details["variant"], details["reason"]) == (True, "on", "TARGETING_MATCH")
    assert "errorCode" not in details
    metadata = details["flagMetadata"]
    assert (metadata["layer"], metadata["site"]) == ("rule", shown["site"])
    assert metadata["phase"]


@pytest.mark.parametrize("fallback", [True, False])
def test_flag__unknown__is_the_default_and_flag_not_found(stage: Stage, packages: Path, fallback: bool) -> None:
    details = _ask(stage, packages, "no_such_flag", fallback=fallback)

    assert details["value"] is fallback
    assert (details["reason"], details["errorCode"]) == ("ERROR", "FLAG_NOT_FOUND")


@pytest.mark.parametrize("fallback", [True, False])
def test_token__wrong__is_the_default_and_an_error(stage: Stage, packages: Path, fallback: bool) -> None:
    flag = stage.tell("demo", "rollout", "flag")

    details = _ask(stage, packages, flag, token="rp_wrong", fallback=fallback)

    assert details["value"] is fallback
    assert (details["reason"], details["errorCode"]) == ("ERROR", "GENERAL")
