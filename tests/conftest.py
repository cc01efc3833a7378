"""The harness: two database roles, no undefined template variable, one portal in processes for all who may share it."""

import gc
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.template.base import Node
from django.test import TransactionTestCase, override_settings
from django.utils import translation
from psycopg import sql
from pytest_django.plugin import DjangoDbBlocker
from whitenoise.middleware import WhiteNoiseMiddleware

from tests import plugin_servers
from tests.emptying import empty_database, remember_database
from tests.migrated import migrate
from tests.scenarios.stage import Stage, raise_curtain

# Hypothesis times each example and each draw; on a shared machine that says nothing about our code.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")

RIGHTS = (
    "ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
    "ALTER DEFAULT PRIVILEGES GRANT USAGE, SELECT ON SEQUENCES TO {role}",
)


BROWSER = Path(__file__).parent / "browser"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring what shares the portal in processes to the end, the browser's tests last.

    The portal's own clock takes a part of the machine from every test beside it, also from those with a portal of
    their own. And Playwright keeps
    an event loop alive in this thread until the session is over, beside which Django refuses its
    database to every other test.
    """
    items.sort(key=lambda item: (item.path.is_relative_to(BROWSER), _shares_portal(item)))


def _shares_portal(item: pytest.Item) -> bool:
    """Tell whether a test uses the session's portal; a module may have one of its own by the same name."""
    info: Any = getattr(item, "_fixtureinfo", None)
    return info is not None and any(one.scope == "session" for one in info.name2fixturedefs.get("stage", ())[-1:])


def pytest_collection_finish() -> None:
    """Let the collector of garbage pass over what stays for the whole run: modules, models, tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker, pytestconfig: pytest.Config
) -> Iterator[None]:
    """Make a database as the OWNER role, migrate it as such, and run the tests as the APP role.

    Its name is new for each run, so that runs beside each other do not meet.
    """
    default = settings.DATABASES["default"]
    owner = dict(settings.DATABASE_OWNER or default)
    name = f"test_releaseportal_{secrets.token_hex(6)}"
    with django_db_blocker.unblock():
        _execute(owner, "CREATE DATABASE {name}", name=name)
        try:
            if settings.DATABASE_OWNER:
                for statement in RIGHTS:
                    _execute(owner | {"NAME": name}, statement, role=default["USER"])
                settings.DATABASE_OWNER["NAME"] = name
            default["NAME"] = name
            connections["default"].settings_dict["NAME"] = name
            if plugin_servers.has_own_database():
                migrate(owner | {"NAME": name}, folder=pytestconfig.cache.mkdir("migrated"))
            else:
                call_command("migrate", verbosity=0, interactive=False)
            remember_database()
            yield
        finally:
            with pytest.MonkeyPatch.context() as patch:
                # Playwright's loop may still be alive in this thread; nothing else uses these connections by now.
                patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
                connections.close_all()
            # A thread's forgotten connection: each role may end its own backends only.
            for role in (default, owner):
                _end_connections(dict(role) | {"NAME": owner["NAME"]}, database=name)
            _execute(owner, "DROP DATABASE {name} WITH (FORCE)", name=name)


def _execute(address: dict[str, Any], statement: str, **names: str) -> None:
    with _connect(address) as connection:
        connection.execute(sql.SQL(statement).format(**{k: sql.Identifier(v) for k, v in names.items()}))


def _end_connections(address: dict[str, Any], *, database: str) -> None:
    """End what the address's own role still has open to a database."""
    statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = current_user"
    with _connect(address) as connection:
        connection.execute(statement, [database])


def _connect(address: dict[str, Any]) -> "psycopg.Connection[Any]":
    return psycopg.connect(
        dbname=address["NAME"],
        user=address["USER"],
        password=address["PASSWORD"],
        host=address["HOST"],
        port=address["PORT"],
        autocommit=True,
    )


class UndefinedVariable(str):
    """Django's string_if_invalid that fails the test where the template is one of ours."""

    __slots__ = ()

    def __contains__(self, part: object) -> bool:
        return part == "%s"

    def __mod__(self, variable: object) -> str:
        template, line = _find_template()
        if "site-packages" not in template:
            pytest.fail(f"Undefined template variable {{{{ {variable} }}}} in {template}, line {line}", pytrace=False)
        return ""


def _find_template() -> tuple[str, int]:
    frame = sys._getframe(2)
    while frame is not None:
        node = frame.f_locals.get("self")
        if isinstance(node, Node) and getattr(node, "origin", None) is not None:
            return str(node.origin.name), (node.token.lineno if node.token else 0) or 0
        if frame.f_back is None:
            break
        frame = frame.f_back
    return "a template", 0


@pytest.fixture(autouse=True, scope="session")
def _undefined_template_variable_fails(django_test_environment: None) -> None:
    options: dict[str, object] = settings.TEMPLATES[0]["OPTIONS"]  # type: ignore[assignment]  # of many types
    options["string_if_invalid"] = UndefinedVariable("undefined")


@pytest.fixture(autouse=True, scope="session")
def _passwords_cost_nothing(django_test_environment: None) -> Iterator[None]:
    """A password's hash takes a third of a second by design; the portals in processes keep it so."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(autouse=True, scope="session")
def _static_files_are_listed_once() -> Iterator[None]:
    """Each test's client builds its middleware anew, and WhiteNoise would look at two hundred files each time."""
    listed: dict[str, Any] = {}
    look = WhiteNoiseMiddleware.add_files_from_finders

    def add_files(middleware: WhiteNoiseMiddleware) -> None:
        if not listed:
            look(middleware)
            listed.update(middleware.files)
        middleware.files.update(listed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add_files)
        yield


@pytest.fixture(autouse=True, scope="session")
def _tests_that_commit_are_cheaply_cleaned_after() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_database)
        yield


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Stage]:
    """One portal in processes with the demo, its tills quiet, for every test that can share it.

    A test that kills a part of it waits until it is ready again; one that plans, plans in an
    environment of its own (`tests.scenarios.planning.open_environment`).
    """
    folder = pytestconfig.cache.mkdir("migrated")
    with raise_curtain(tmp_path_factory.mktemp("stage") / "data", migrated=folder) as one:
        yield one


@pytest.fixture(autouse=True)
def _everybody_begins_in_english() -> None:
    """A page asked for in French leaves its language in force for whatever comes next in this thread."""
    translation.activate("en")
