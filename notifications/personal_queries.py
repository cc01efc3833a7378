"""Reads of what people chose of how they are told."""

from collections.abc import Collection, Sequence

from django.db.models import Q

from core.models import User
from core.roles import Role
from notifications.domain.digest import Preferences
from notifications.domain.due import Person
from notifications.models import PersonalSettings


def find_settings(user_id: int) -> PersonalSettings:
    """Return a person's settings, those of a new person where they chose nothing: one query."""
    found = PersonalSettings.objects.filter(user=user_id).first()
    return PersonalSettings(user_id=user_id) if found is None else found


def map_preferences(user_ids: Collection[int]) -> dict[int, Preferences]:
    """Return what each of these people chose, also of those who chose nothing: one query."""
    chosen = {row.user_id: row for row in PersonalSettings.objects.filter(user__in=user_ids)}
    return {pk: (chosen.get(pk) or PersonalSettings(user_id=pk)).preferences for pk in user_ids}


def list_everybody() -> list[User]:
    """Return all active people with a role, by name, their roles at hand: two queries."""
    has_role = Q(groups__name__in=[str(role) for role in Role]) | Q(is_superuser=True)
    rows = User.objects.filter(has_role, is_active=True).distinct().prefetch_related("groups")
    return list(rows.order_by("last_name", "first_name", "username"))


def as_persons(users: Sequence[User]) -> list[Person]:
    """Return people as the rules see them."""
    return [Person(user.pk, frozenset(user.roles)) for user in users]
