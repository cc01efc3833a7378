"""How an admin opens an environment and a release manager plans a rehearsal there, and what became of it."""

import re
from collections.abc import Sequence
from typing import Any

from releaseportal.demo.catalogue import RELEASE_VERSION, TESTERS_KEY, list_pilots
from tests.scenarios.people import Person
from tests.scenarios.stage import Stage

WHY = "Rehearse 1.3 before the shops see it"
SHOWN_ONCE = re.compile(r"<code>(rp_[^<]+)</code>")


def open_environment(stage: Stage, key: str, *purposes: str) -> list[str]:
    """Make an environment where nothing else happens; return a token for each purpose."""
    with stage.sign_in("admin") as admin:
        values = {
            "key": key,
            "name": key.capitalize(),
            "position": "9",
            "required_approvals": "0",
            "allowed_origins": "",
            "reason": WHY,
        }
        admin.send("/new-environment/", values)
        wanted = {"name": key, "environment": key, "reason": WHY}
        pages = [admin.send("/tokens/", {**wanted, "purpose": purpose}).text for purpose in purposes]
    found = [SHOWN_ONCE.search(page) for page in pages]
    assert all(found), pages
    return [one.group(1) for one in found if one]


def plan_rehearsal(stage: Stage, manager: Person, *, env: str, sites: Sequence[str], day_seconds: int) -> int:
    """Preview, confirm and schedule a rehearsal from now; return its id."""
    values: dict[str, str | list[str]] = {
        "release": _key(stage, "SELECT id FROM rollouts_release WHERE version = %s", RELEASE_VERSION),
        "environment": _key(stage, "SELECT id FROM flags_environment WHERE key = %s", env),
        "testers": _key(stage, "SELECT id FROM flags_segment WHERE key = %s", TESTERS_KEY),
        "pilots": list(list_pilots()),
        "sites": list(sites),
        "promotion_time": "06:00",
        "is_rehearsal": "on",
        "day_seconds": str(day_seconds),
    }
    preview = manager.send("/rollouts/plan/", {**values, "preview": ""})
    assert all(site in preview.text for site in sites)
    planned = manager.send("/rollouts/plan/", {**values, "confirm": "1", "reason": WHY})
    rollout_id = int(planned.url.rstrip("/").rsplit("/", 1)[1])
    manager.send(f"/rollouts/{rollout_id}/schedule/", {"reason": WHY}, seen_on=f"/rollouts/{rollout_id}/")
    return rollout_id


def get_rollout(stage: Stage, rollout_id: int) -> dict[str, Any]:
    """Return the rollout's row."""
    [row] = stage.ask("SELECT status, held_code, epoch FROM rollouts_rollout WHERE id = %s", rollout_id)
    return row


def list_steps(stage: Stage, rollout_id: int, *, status: str) -> list[dict[str, Any]]:
    """Return the rollout's steps of a status, in the plan's order."""
    return stage.ask(
        "SELECT s.id, s.position, s.done_at, s.due_at, f.key AS flag, f.id AS flag_id, p.kind AS phase, t.key AS site"
        " FROM rollouts_step s JOIN flags_flag f ON f.id = s.flag_id JOIN rollouts_phase p ON p.id = s.phase_id"
        " LEFT JOIN flags_site t ON t.id = s.site_id WHERE s.rollout_id = %s AND s.status = %s ORDER BY s.position",
        rollout_id,
        status,
    )


def _key(stage: Stage, statement: str, value: str) -> str:
    [row] = stage.ask(statement, value)
    return str(row["id"])
