"""What the war room's page shows, in words."""

from datetime import datetime
from typing import Any

from incidents.domain.lifecycle import RUNNING
from incidents.models import Incident
from incidents.room_labels import ITEMS, WORD_STATUSES
from incidents.room_queries import read_room
from incidents.say_now_queries import draw_say_now
from incidents.timeline_views import read_pinned


def read_room_page(incident: Incident, *, now: datetime) -> dict[str, Any]:
    """Return what the part of the page that refreshes itself shows beside the clock."""
    room = read_room(incident, now=now)
    return {
        "room": room,
        "checks": [(check, ITEMS[check.item]) for check in room.checks],
        "word_status": WORD_STATUSES[room.last.status] if room.last else "",
        "pinned": read_pinned(room.board),
        "say_now": draw_say_now([incident], now=now) if incident.status in RUNNING else [],
    }
