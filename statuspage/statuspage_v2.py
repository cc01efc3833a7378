"""The JSON of Statuspage v2, as its clients read it."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from statuspage.page import Component, Incident, Maintenance, Page, Update

#: Of a page there is one here; clients want it to have a number.
PAGE_ID = "releaseportal"
NEWEST = 50


def write_answers(page: Page) -> dict[str, bytes]:
    """Return every answer by its path below `api/v2/`."""
    status = {"indicator": page.facts.indicator, "description": page.description}
    components = [_component(one, page) for one in page.components]
    incidents = [_incident(one, page) for one in page.incidents[:NEWEST]]
    unresolved = [_incident(one, page) for one in page.unresolved]
    upcoming, active = ([_maintenance(one, page) for one in group] for group in (page.upcoming, page.active))
    newest = sorted(page.maintenances, key=lambda one: one.facts.starts_at, reverse=True)[:NEWEST]
    parts: dict[str, dict[str, Any]] = {
        "status": {},
        "summary": {
            "components": components,
            "incidents": unresolved,
            "scheduled_maintenances": [*active, *upcoming],
        },
        "components": {"components": components},
        "incidents": {"incidents": incidents},
        "incidents/unresolved": {"incidents": unresolved},
        "scheduled-maintenances": {"scheduled_maintenances": [_maintenance(one, page) for one in newest]},
        "scheduled-maintenances/upcoming": {"scheduled_maintenances": upcoming},
        "scheduled-maintenances/active": {"scheduled_maintenances": active},
    }
    head = {"page": _page(page)}
    return {f"{name}.json": _write(head | part | {"status": status}) for name, part in parts.items()}


def _write(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def _page(page: Page) -> dict[str, Any]:
    return {
        "id": PAGE_ID,
        "name": page.name,
        "url": page.base.rstrip("/"),
        "time_zone": page.facts.zone,
        "updated_at": _time(page.facts.updated_at, page),
    }


def _time(moment: datetime | None, page: Page) -> str | None:
    """Return a moment by RFC 3339 in the page's zone, with milliseconds as Statuspage writes them."""
    if moment is None:
        return None
    return moment.astimezone(ZoneInfo(page.facts.zone)).isoformat(timespec="milliseconds")


def _component(one: Component, page: Page) -> dict[str, Any]:
    facts = one.facts
    return {
        "id": str(facts.id),
        "name": one.name,
        "status": facts.state,
        "created_at": _time(facts.created_at, page),
        "updated_at": _time(facts.updated_at, page),
        "position": facts.position,
        "description": one.description or None,
        "showcase": True,
        "start_date": facts.counted_from.isoformat(),
        "group_id": None,
        "page_id": PAGE_ID,
        "group": False,
        "only_show_if_degraded": False,
    }


def _components(found: Iterable[Component], page: Page) -> list[dict[str, Any]]:
    return [_component(one, page) for one in found]


def _incident(one: Incident, page: Page) -> dict[str, Any]:
    facts = one.facts
    return {
        "id": str(facts.id),
        "name": one.name,
        "status": facts.said,
        "created_at": _time(facts.created_at, page),
        "updated_at": _time(facts.updated_at, page),
        "monitoring_at": _time(facts.monitoring_at, page),
        "resolved_at": _time(facts.resolved_at, page),
        "impact": facts.impact,
        "shortlink": one.link,
        "started_at": _time(facts.started_at, page),
        "page_id": PAGE_ID,
        "incident_updates": [_update(update, one, page) for update in one.updates],
        "components": _components(one.components, page),
    }


def _update(update: Update, incident: Incident, page: Page) -> dict[str, Any]:
    at = _time(update.at, page)
    return {
        "id": update.id,
        "status": update.said,
        "body": update.body,
        "incident_id": str(incident.facts.id),
        "created_at": at,
        "updated_at": at,
        "display_at": at,
        "affected_components": _affected(incident.components),
        "deliver_notifications": True,
    }


def _affected(components: Iterable[Component]) -> list[dict[str, Any]] | None:
    """Return which components an update is about, None where it names none, as Statuspage does.

    How a component stood then is not kept; it is given as it stands now.
    """
    return [
        {"code": str(one.facts.id), "name": one.name, "old_status": one.facts.state, "new_status": one.facts.state}
        for one in components
    ] or None


def _maintenance(one: Maintenance, page: Page) -> dict[str, Any]:
    facts = one.facts
    at = _time(facts.updated_at, page)
    update = {
        "id": f"{facts.id}-{facts.status}",
        "status": facts.status,
        "body": one.body,
        "incident_id": facts.id,
        "created_at": at,
        "updated_at": at,
        "display_at": at,
        "affected_components": _affected(one.components),
        "deliver_notifications": False,
    }
    return {
        "id": facts.id,
        "name": one.name,
        "status": facts.status,
        "created_at": _time(facts.created_at, page),
        "updated_at": at,
        "monitoring_at": None,
        "resolved_at": _time(facts.resolved_at, page),
        "impact": "maintenance",
        "shortlink": one.link,
        "started_at": _time(facts.starts_at, page),
        "page_id": PAGE_ID,
        "incident_updates": [update],
        "components": _components(one.components, page),
        "scheduled_for": _time(facts.starts_at, page),
        "scheduled_until": _time(facts.ends_at, page),
    }
