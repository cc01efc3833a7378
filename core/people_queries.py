"""Reads of people."""

from core.models import User
from core.roles import Role


def list_names(role: Role, *, limit: int) -> list[str]:
    """Return the names of people with a role, as far as a line holds them: one query."""
    people = User.objects.filter(groups__name=str(role), is_active=True).order_by("last_name", "first_name", "username")
    return [str(person) for person in people[:limit]]
