"""From accepted critical errors to the flag being off for a client that asks again."""

import json
import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from bench.caller import EVERY_FLAG, Caller

ASK_EVERY_SECONDS = 0.02
PATIENCE_SECONDS = 60.0
CRITICAL_ERRORS = 3
CONTEXT = {"context": {"targetingKey": "till-bench", "site": "lyon"}}
#: One till alone may be the one that is broken.
TILLS = ("till-bench-1", "till-bench-2")


def measure_one(url: str, *, telemetry: str, server: str, flag: str) -> float:
    """Break one flag at two tills; return the seconds from the 202 to the client reading it as disabled."""
    client = Caller(url, server)
    if _is_off(client, flag):
        raise SystemExit(f"{flag} is off before anything broke")
    accepted = break_flag(Caller(url, telemetry), flag)
    while not _is_off(client, flag):
        if time.perf_counter() - accepted > PATIENCE_SECONDS:
            raise SystemExit(f"{flag} was still on after {PATIENCE_SECONDS:.0f} s")
        time.sleep(ASK_EVERY_SECONDS)
    return time.perf_counter() - accepted


def break_flag(telemetry: Caller, flag: str) -> float:
    """Report critical errors of a flag from two tills; return when they were accepted, on `perf_counter`."""
    samples = [_make_sample(flag, till=till) for till in TILLS]
    status, content, _etag = telemetry.call("POST", "/telemetry/v1/samples", {"samples": samples})
    accepted = time.perf_counter()
    if status != 202 or json.loads(content)["accepted"] != len(samples):
        raise SystemExit(f"the samples were answered {status}: {content[:200]!r}")
    return accepted


def _make_sample(flag: str, *, till: str) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "site": "lyon",
        "till": till,
        "flag": flag,
        "start": datetime.now(UTC).isoformat(),
        "seconds": 1,
        "requests": 10,
        "errors": CRITICAL_ERRORS,
        "critical_errors": CRITICAL_ERRORS,
    }


def _is_off(client: Caller, flag: str) -> bool:
    _status, content, _etag = client.call("POST", f"{EVERY_FLAG}/{flag}", CONTEXT)
    return bool(json.loads(content).get("reason") == "DISABLED")


def list_flags_on(url: str, *, token: str) -> list[str]:
    """Return the keys of the boolean flags that are on for this bench's person."""
    _status, content, _etag = Caller(url, token).call("POST", EVERY_FLAG, CONTEXT)
    return [flag["key"] for flag in json.loads(content)["flags"] if flag["value"] is True]
