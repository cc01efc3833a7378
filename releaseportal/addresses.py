"""Where the servers and keys are: given URLs win, else what `manage.py up` wrote to DATA_DIR.

Imports nothing of Django: settings are made from this.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from releaseportal.embedded.faults import EmbeddedError

BASE_DIR = Path(__file__).resolve().parent.parent
#: Written by the embedded servers' first start, mode 0600: secret key, ports, passwords.
KEYS_FILE = "keys.json"
#: Written while the portal runs: where it is.
PORTAL_FILE = "portal.json"


@dataclass(frozen=True)
class Addresses:
    """URLs as django-environ reads them; `database_owner_url` is empty where one role does both."""

    secret_key: str
    database_url: str
    database_owner_url: str
    redis_url: str


def find_data_dir(environment: Mapping[str, str]) -> Path:
    """Return DATA_DIR, `.data` beside manage.py when not given."""
    given = environment.get("DATA_DIR")
    try:
        return Path(given or BASE_DIR / ".data").expanduser().resolve()
    except (RuntimeError, ValueError, OSError) as fault:
        raise EmbeddedError(f"DATA_DIR {given!r} is no folder ({fault}): set DATA_DIR to a folder you own.") from None


def read_keys(data_dir: Path) -> dict[str, str]:
    """Return what KEYS_FILE holds, an empty dict where there is none or it cannot be read."""
    try:
        found = json.loads((data_dir / KEYS_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def find_running_url(data_dir: Path) -> str:
    """Return the address of the portal that runs on a data directory, an empty text where none does."""
    try:
        return str(json.loads((data_dir / PORTAL_FILE).read_text())["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def find_addresses(data_dir: Path, *, environment: Mapping[str, str]) -> Addresses:
    """Return the addresses in force for a data directory and the process's environment."""
    keys = read_keys(data_dir)
    given = environment.get("DATABASE_URL", "")
    return Addresses(
        # Without any key a command gets one for its own duration: it can sign nothing that lasts.
        secret_key=environment.get("SECRET_KEY") or keys.get("secret_key") or secrets.token_urlsafe(48),
        database_url=given or keys.get("database_url") or "postgres://portal_app@127.0.0.1:1/releaseportal",
        database_owner_url=environment.get("DATABASE_OWNER_URL", "")
        or ("" if given else keys.get("database_owner_url", "")),
        redis_url=environment.get("REDIS_URL", "") or keys.get("redis_url") or "redis://127.0.0.1:1/0",
    )
