"""DATA_DIR/fleet.json: the faults that the playing fleet shows."""

import json
import math
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from releaseportal.embedded.keys import write_private_json

FLEET_FILE = "fleet.json"
ALL = "all"
CRITICAL, ERROR_RATE, LATENCY = "critical", "error_rate", "latency"
#: Two tills are enough to breach with one sample each.
DEFAULT_CRITICAL = 2
MOST_CRITICAL = 1_000
MOST_LATENCY = 100.0
FORMS = "KEY:critical, KEY:critical=N, KEY:error_rate=0.2 or KEY:latency=2"


class BadFault(ValueError):
    """A fault that cannot be played; the text is for the person at the shell."""


@dataclass(frozen=True)
class Fault:
    """What is wrong wherever the flag is on.

    critical: so many critical errors in each sample; error_rate: that share of requests fails;
    latency: so many times as slow.
    """

    flag: str
    kind: str
    value: float
    env: str = ALL


def parse_fault(text: str, *, env: str, flag_keys: Collection[str], env_keys: Collection[str]) -> Fault:
    """Return the fault that a command line asks for."""
    if env != ALL and env not in env_keys:
        raise BadFault(f"The fleet does not play in '{env}': choose {', '.join([*env_keys, ALL])}.")
    flag, colon, rest = text.partition(":")
    if not flag or not colon:
        raise BadFault(f"'{text}' is no fault: write {FORMS}.")
    if flag not in flag_keys:
        raise BadFault(f"The fleet reads no flag '{flag}': choose one of {', '.join(flag_keys)}.")
    kind, equals, number = rest.partition("=")
    if kind == CRITICAL and not equals:
        return Fault(flag, CRITICAL, DEFAULT_CRITICAL, env)
    return Fault(flag, kind, _read_number(text, kind, number), env)


def _read_number(text: str, kind: str, number: str) -> float:
    try:
        value = float(number)
    except ValueError:
        raise BadFault(f"'{text}' is no fault: write {FORMS}.") from None
    right = {
        CRITICAL: value.is_integer() and 1 <= value <= MOST_CRITICAL,
        ERROR_RATE: 0 <= value <= 1,
        LATENCY: 0 < value <= MOST_LATENCY,
    }
    if kind not in right:
        raise BadFault(f"'{text}' is no fault: write {FORMS}.")
    if not math.isfinite(value) or not right[kind]:
        raise BadFault(
            f"'{number}' is wrong: critical is a whole number from 1 to {MOST_CRITICAL}, "
            f"error_rate from 0 to 1, latency a factor up to {MOST_LATENCY:g}."
        )
    return value


def merge(before: Sequence[Fault], new: Sequence[Fault]) -> list[Fault]:
    """Return all faults; a new one replaces the same kind on the same flag and environment."""
    by_name = {(fault.flag, fault.kind, fault.env): fault for fault in [*before, *new]}
    return list(by_name.values())


def write_faults(data_dir: Path, faults: Sequence[Fault]) -> None:
    """Replace the file at once."""
    write_private_json(data_dir / FLEET_FILE, {"faults": [asdict(fault) for fault in faults]})


def read_faults(data_dir: Path) -> list[Fault]:
    """Return the faults in force; none where there is no file."""
    try:
        rows = json.loads((data_dir / FLEET_FILE).read_text())["faults"]
        return [Fault(str(row["flag"]), str(row["kind"]), float(row["value"]), str(row["env"])) for row in rows]
    except (OSError, ValueError, LookupError, TypeError):
        return []
