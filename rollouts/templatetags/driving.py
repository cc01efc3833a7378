"""Whom to ask, on the pages of rollouts: `{% only_looks request.user %}`."""

from typing import Any

from django import template

from core.labels import ROLES
from core.people_queries import list_names
from core.roles import Role

register = template.Library()

#: How many people to ask are named.
MOST_NAMES = 4


@register.inclusion_tag("rollouts/_only_looks.html")
def only_looks(user: Any) -> dict[str, Any]:
    """Say why somebody who drives no rollouts finds no buttons, and whom to ask."""
    roles = [ROLES[role] for role in sorted(user.roles)]
    return {"roles": roles, "names": list_names(Role.RELEASE_MANAGER, limit=MOST_NAMES)}
