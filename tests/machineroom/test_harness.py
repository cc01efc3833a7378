"""The harness itself: what it promises to every other test."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import ProgrammingError, connection
from django.template import Context, engines
from pytest_socket import SocketConnectBlockedError

from core import clock
from core.actors import DEMO
from core.history import recorded
from core.models import User
from core.roles import Role
from releaseportal.addresses import BASE_DIR
from rollouts.domain.templates import BUILT_IN_KEY
from rollouts.models import PlanTemplate
from tests.conftest import UndefinedVariable
from tests.migrated import reach

SESSION = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:django", "-p", "tests.strictness")


@pytest.mark.django_db
def test_database__in_a_test__is_spoken_to_as_the_app_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_database()")
        user, database = cursor.fetchone()

    assert user == settings.DATABASES["default"]["USER"]
    assert database.startswith("test_releaseportal_")


@pytest.mark.django_db
@pytest.mark.skipif(settings.DATABASE_OWNER is None, reason="needs two roles: give DATABASE_OWNER_URL as well")
def test_database__in_a_test__refuses_the_app_role_a_truncate() -> None:
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), connection.cursor() as cursor:
        cursor.execute("TRUNCATE core_user CASCADE")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("run", [1, 2])
def test_database__after_a_transaction_test__is_as_a_migrated_one_again(run: int) -> None:
    assert not User.objects.exists()
    assert not User.history.exists()
    assert {group.name for group in Group.objects.all()} == set(Role)
    assert PlanTemplate.objects.filter(key=BUILT_IN_KEY).exists()
    assert Permission.objects.filter(content_type__model="user").exists()

    with recorded(actor=DEMO, reason="test", now=clock.now()):
        User.objects.create(username=f"person-{run}")


@pytest.mark.filterwarnings("ignore:A test tried to use socket:UserWarning")
def test_socket__beyond_loopback__is_refused() -> None:
    with socket.socket() as beyond, pytest.raises(SocketConnectBlockedError):
        beyond.connect(("192.0.2.1", 80))


def test_template__with_an_undefined_variable__fails() -> None:
    template = engines.all()[0].from_string("{{ nobody_gave_this }}").template  # type: ignore[attr-defined]  # Django's
    assert isinstance(template.engine.string_if_invalid, UndefinedVariable)

    with pytest.raises(pytest.fail.Exception, match="nobody_gave_this"):
        template.render(Context({}))


def test_digest__of_a_migrated_database__is_of_what_migrations_reach() -> None:
    migrations = list(BASE_DIR.glob("*/migrations/*.py"))

    reached = {str(file.relative_to(BASE_DIR)) for file in reach(migrations)}

    assert {str(file.relative_to(BASE_DIR)) for file in migrations} < reached
    assert {"core/roles.py", "flags/models/keys.py", "rollouts/domain/risks.py"} < reached
    assert not [name for name in reached if name.endswith("views.py")]


def test_session__with_a_skip_in_ci__fails(pytester_folder: str) -> None:
    environment = {**os.environ, "PORTAL_CI": "1", "PYTHONPATH": str(Path.cwd())}
    environment.pop("DJANGO_SETTINGS_MODULE", None)

    done = subprocess.run(
        [*SESSION, pytester_folder],
        env=environment,
        cwd=pytester_folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1, done.stdout + done.stderr
    assert "skipped, so failed" in done.stdout


@pytest.fixture
def pytester_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("session")
    (folder / "test_one.py").write_text("import pytest\n\ndef test_one():\n    pytest.skip('no browser')\n")
    return str(folder)
