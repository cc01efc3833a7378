"""The account pages × hostile input, for strangers and for people signed in."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from core import clock
from core.actors import SCHEDULER
from core.models import User
from core.people import create_person
from core.roles import Role
from tests.digest import name_changes, take_digest
from tests.test_hostile_input import HOSTILE

pytestmark = pytest.mark.django_db

PASSWORD = "correct-horse-7"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
FIELDS = (
    *("login", "password", "remember", "email", "oldpassword", "password1", "password2", "code", "next"),
    *("username", "action", "action_send", "action_remove", "csrfmiddlewaretoken"),
)
#: A press of the button is all that they ask for: nothing hostile can be put in.
PRESSES = {"mfa_generate_recovery_codes"}


@pytest.fixture(autouse=True)
def _no_limit_left_over(settings: Any) -> Iterator[None]:
    """Limits would answer in place of the pages; test_accounts.py holds that they do."""
    settings.ACCOUNT_RATE_LIMITS = False
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def mia() -> User:
    return create_person(
        username="mia",
        email="mia@example.org",
        roles=[Role.SUPPORT],
        password=PASSWORD,
        actor=SCHEDULER,
        reason="test",
        now=clock.now(),
    )


def _list_patterns(resolver: URLResolver, start: str) -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            # Our own pages have namespaces, and a test of their own: test_hostile_input.py.
            if not entry.namespace:
                yield from _list_patterns(entry, start + str(entry.pattern))
        else:
            yield start + str(entry.pattern), entry


def _list_paths() -> list[str]:
    found = []
    for route, pattern in _list_patterns(get_resolver(), ""):
        if not route.startswith("account/") or pattern.name in PRESSES:
            continue
        if pattern.name == "account_reset_password_from_key":
            found += ["/account/password/reset/key/1-set-password/", "/account/password/reset/key/zz-a-b/"]
        elif pattern.name == "account_confirm_email":
            found.append("/account/confirm-email/abc/")
        elif pattern.name:
            found.append(reverse(pattern.name))
        else:
            found.append("/" + route.replace("<path:key>", "abc"))
    return sorted(set(found))


def test_paths__of_the_library__are_those_of_accounts_and_second_factors() -> None:
    paths = _list_paths()

    assert {"/account/login/", "/account/password/reset/", "/account/2fa/totp/activate/"} <= set(paths)


@pytest.mark.parametrize("who", ["stranger", "signed in", "signed in just now"])
@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_account_pages__hostile__are_answered_and_change_nothing(mia: User, who: str, value: str) -> None:
    client, body, faults = Client(), dict.fromkeys(FIELDS, value), []
    before = take_digest(but=frozenset({"core.User"}))

    for path in _list_paths():
        if who != "stranger":
            client.force_login(mia, backend=BACKEND)
        if who == "signed in just now":
            client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
        answer = client.post(path, body)
        after = take_digest(but=frozenset({"core.User"}))
        if answer.status_code >= 500 or b"<script>alert" in answer.content or after != before:
            faults.append(f"{path}: {answer.status_code}, changed {name_changes(before, after)}")

    mia.refresh_from_db()
    assert faults == []
    assert mia.check_password(PASSWORD)
