"""People, made by the real transitions."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

from core.actors import DEMO
from core.models import User
from core.people import create_person
from core.roles import Role

#: A Wednesday morning in winter, far from any change of the clocks.
NOW = datetime(2026, 11, 4, 9, 30, tzinfo=UTC)
_numbers = count(1)


def make_person(*roles: Role, **given: Any) -> User:
    """Return an active person with these roles and a name of their own."""
    number = next(_numbers)
    wanted: dict[str, Any] = {
        "username": f"person{number}",
        "full_name": f"Person {number}",
        "email": f"person{number}@example.org",
        "roles": roles,
        "actor": DEMO,
        "reason": "needed by a test",
        "now": NOW,
    }
    return create_person(**(wanted | given))
