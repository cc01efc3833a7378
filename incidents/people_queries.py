"""Who may be asked to handle incidents, and to do or verify a measure."""

from django.db.models import Q, QuerySet

from core.models import User
from core.roles import CAPABILITIES, Capability


def list_handlers() -> QuerySet[User]:
    """Return the people who may handle incidents, by name."""
    roles = [str(role) for role, held in CAPABILITIES.items() if Capability.HANDLE_INCIDENTS in held]
    people = User.objects.filter(Q(groups__name__in=roles) | Q(is_superuser=True), is_active=True).distinct()
    return people.order_by("last_name", "first_name", "username")
