"""What sign-in may and may not do here."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from core import clock
from core.actors import person
from core.models import User
from core.people import set_password


class ClosedSignupAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # the library has no types
    """Accounts are made by admins; a changed password is recorded."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def set_password(self, user: User, password: str) -> Any:
        changed = set_password(
            user_id=user.pk,
            password=password,
            actor=person(user),
            reason="Password changed by its owner",
            now=clock.now(),
        )
        # The library binds the session to this object's password: the old one would sign the person out.
        user.password = changed.password
        return changed
