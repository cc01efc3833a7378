"""What people set for themselves."""

from datetime import datetime

from django.db import transaction

from core.actors import person
from core.history import recorded
from core.models import User


@transaction.atomic
def set_language(*, user_id: int, language: str, now: datetime) -> None:
    """Keep the language a person reads: mails use it too."""
    user = User.objects.select_for_update(of=("self",)).get(pk=user_id)
    if user.language == language:
        return
    user.language = language
    with recorded(actor=person(user), reason="Language chosen", now=now):
        user.save(update_fields=["language"])
