"""A client of the pages with somebody signed in, and what a form it opened carries hidden."""

import re

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import clock
from core.actors import SCHEDULER
from core.models import User
from core.people import create_person
from core.roles import Role


def sign_in(*roles: Role) -> Client:
    """Return a client signed in as a new person with these roles, a release manager without any."""
    wanted = list(roles) or [Role.RELEASE_MANAGER]
    names = "-".join(role.name.lower() for role in wanted)
    user = create_person(username=f"a-{names}", roles=wanted, actor=SCHEDULER, reason="a test", now=clock.now())
    return sign_in_as(user)


def sign_in_as(user: User, *, language: str = "") -> Client:
    """Return a client signed in as somebody, whose browser asks for a language where one is given."""
    client = Client(headers={"accept-language": language} if language else {})
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def read_version(client: Client, path: str) -> str:
    """Return the version of what the form at a path edits, as its page says."""
    found = re.search(r'name="version"\s+value="(\d+)"', client.get(path).content.decode())
    assert found, f"{path} has no version"
    return found[1]


def count_queries(client: Client, path: str) -> int:
    """Return how many queries a page asks, once all that is remembered between requests is."""
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)
