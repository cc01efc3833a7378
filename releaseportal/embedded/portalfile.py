"""DATA_DIR/portal.json: where the running portal is, mode 0600 (docs/reference)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from releaseportal.addresses import PORTAL_FILE, Addresses
from releaseportal.embedded.keys import write_private_json

#: Written by the demo's loader: accounts, tokens, the standing rollout.
DEMO_FILE = "demo.json"
PUBLIC_PIDS = ("web", "worker", "beat")


def write_portal_file(data_dir: Path, *, url: str, addresses: Addresses, pids: Mapping[str, int]) -> None:
    """Write the file anew; `pids` of all children, the servers' own under "servers"."""
    content = {
        "url": url,
        "database_url": addresses.database_url,
        "redis_url": addresses.redis_url,
        "pids": {name: pids[name] for name in PUBLIC_PIDS if name in pids},
        "servers": {name: pid for name, pid in pids.items() if name not in PUBLIC_PIDS},
        "demo": read_demo(data_dir),
    }
    write_private_json(data_dir / PORTAL_FILE, content)


def remove_portal_file(data_dir: Path) -> None:
    """Take the file away: nothing runs any more."""
    (data_dir / PORTAL_FILE).unlink(missing_ok=True)


def read_demo(data_dir: Path) -> dict[str, Any]:
    """Return what the demo's loader wrote, an empty dict without a demo."""
    try:
        found = json.loads((data_dir / DEMO_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
