"""What sign-in may and may not do here."""

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.utils import translation

from core import clock
from core.actors import person
from core.models import User
from core.people import set_password


class ClosedSignupAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # the library has no types
    """Accounts are made by admins; a changed password is recorded."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send an account's mail in its owner's language and the portal's own name, whatever the request says."""
        host = urlsplit(settings.PUBLIC_URL).netloc
        named = context | {"current_site": SimpleNamespace(name=host, domain=host)}
        owner = context.get("user") or User.objects.filter(email__iexact=email).order_by("pk").first()
        with translation.override(owner.language if owner else translation.get_language()):
            super().send_mail(template_prefix, email, named)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the mailed link: at the portal's own address, whatever host the request named."""
        path = urlsplit(super().get_reset_password_from_key_url(key)).path
        return f"{settings.PUBLIC_URL}{path}"

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
