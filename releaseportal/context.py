"""What the frame around every page shows."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.roles import Capability, can
from flags.current import get_current_environment, list_environments
from flags.models import Environment
from notifications.queries import count_unread

#: Address name, words, the capability it asks for: in the order of the rail.
RAIL: tuple[tuple[str, str | Promise, Capability], ...] = (
    ("dashboard", _("Dashboard"), Capability.VIEW),
    ("rollouts:list", _("Rollouts"), Capability.VIEW),
    ("flags:list", _("Flags"), Capability.VIEW),
    ("health:complaints", _("Complaints"), Capability.VIEW),
    ("health:overview", _("Health"), Capability.VIEW),
    ("incidents:list", _("Incidents"), Capability.VIEW),
    ("recovery:list", _("Recovery"), Capability.VIEW),
    ("announcements:list", _("Announcements"), Capability.VIEW),
    ("rollouts:calendar", _("Calendar"), Capability.VIEW),
    ("flags:sites", _("Sites"), Capability.VIEW),
    ("flags:tokens", _("Tokens"), Capability.MANAGE_TOKENS),
    ("admin:index", _("Audit"), Capability.READ_ADMIN),
)

#: The picture of each in static/icons.svg.
ICONS = {
    "dashboard": "dashboard",
    "rollouts:list": "rollouts",
    "flags:list": "flags",
    "health:complaints": "complaints",
    "health:overview": "health",
    "incidents:list": "incidents",
    "recovery:list": "recovery",
    "announcements:list": "announcements",
    "rollouts:calendar": "calendar",
    "flags:sites": "sites",
    "flags:tokens": "tokens",
    "admin:index": "audit",
}

#: What stands in the bottom bar of a phone, by the first capability of these that a person holds.
ON_PHONES: tuple[tuple[Capability, frozenset[str]], ...] = (
    (Capability.DRIVE_ROLLOUTS, frozenset({"dashboard", "rollouts:list", "recovery:list", "incidents:list"})),
    (Capability.LOG_COMPLAINTS, frozenset({"dashboard", "health:complaints", "flags:sites", "incidents:list"})),
    (Capability.VIEW, frozenset({"dashboard", "rollouts:list", "incidents:list", "admin:index"})),
)


#: Where else a person is in a part of the portal, by the page that stands for it.
ELSEWHERE = {
    "rollouts:list": ("/releases/", "/plan-templates/", "/freezes/", "/support/", "/agenda/"),
    "recovery:list": ("/procedures/",),
    "announcements:list": ("/notices/", "/told/", "/broadcasts/", "/channels/", "/status-page/"),
}


@dataclass(frozen=True)
class RailItem:
    label: str | Promise
    url: str
    icon: str
    is_current: bool
    is_for_phones: bool


@dataclass(frozen=True)
class Frame:
    environments: list[Environment]
    environment: Environment | None
    rail: list[RailItem]
    unread: int


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the frame of a signed-in person's page, nothing for strangers: two queries."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"frame": None}
    rail = []
    for_phones = next((names for capability, names in ON_PHONES if can(user, capability)), frozenset[str]())
    for name, label, capability in RAIL:
        if can(user, capability):
            url = reverse(name)
            places = (url, *ELSEWHERE.get(name, ()))
            current = request.path == url if url == "/" else request.path.startswith(places)
            rail.append(RailItem(label, url, ICONS[name], current, name in for_phones))
    return {"frame": Frame(list_environments(), get_current_environment(request), rail, count_unread(user.pk))}
