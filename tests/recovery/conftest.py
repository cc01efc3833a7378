"""A shop's database on the tests' server, and its target in the portal."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from recovery.commands.compose import Project
from recovery.commands.hosts import LocalHost
from recovery.domain.addresses import Address, make_url
from recovery.models import Target
from tests.factories.flags import make_environment
from tests.recovery.engine import FOLDERS, Engine, find_missing, find_port, start_engine, write_project
from tests.recovery.operations import VARIABLE, make_target, url_of
from tests.recovery.shop import open_empty, open_shop
from tests.recovery.till_calls import call
from tests.recovery.till_image import TILL, push_till, write_till_project


@pytest.fixture
def shop() -> Iterator[Address]:
    with open_shop() as live:
        yield live


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Path]:
    """Keep dumps and restore points of a test in its own folder."""
    storages = settings.STORAGES | {
        "restore_points": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "points"), "file_permissions_mode": 0o600},
        }
    }
    with override_settings(STORAGES=storages, RECOVERY_WORK_DIR=tmp_path / "work"):
        yield tmp_path


@pytest.fixture
def target(db: None, shop: Address, folders: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    monkeypatch.setenv(VARIABLE, url_of(shop))
    return make_target(make_environment(key="prod"), receipts="tickets.number")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own with one mebibyte."""
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", str(place)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("Only root may mount a small disk: run as root, in a sandbox that lets it.")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A container engine and a registry, started once for all tests that need them."""
    missing = find_missing()
    if missing:
        pytest.skip(missing)
    # Not among the tests' folders: what an engine leaves there only it can remove in peace.
    folder = Path(tempfile.mkdtemp(prefix="releaseportal-engine-"))
    try:
        with start_engine(folder) as one:
            yield one
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def images(engine: Engine) -> dict[str, str]:
    """Two versions of the till, held by the registry alone: by version, the name with its digest."""
    return {version: engine.push(version) for version in ("1.2.0", "1.3.0")}


@pytest.fixture
def project(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A compose project of its own on the engine."""
    monkeypatch.setenv("PATH", f"{FOLDERS}:{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    port = find_port()
    folder = tmp_path / "project"
    write_project(folder, port=port)
    name = f"till{port}"
    yield Project(LocalHost(), str(folder), "docker-compose.yml", name, "till", "TILL_IMAGE", "once")
    engine.remove_project(name)


@pytest.fixture(scope="session")
def tills(engine: Engine) -> dict[str, str]:
    """Both versions of the real till, held by the registry alone: by version, the name with its digest."""
    return {version: push_till(engine, version) for version in ("1.2.0", "1.3.0")}


@pytest.fixture
def database() -> Iterator[Address]:
    with open_empty() as live:
        call(live, "migrate", version="1.2.0")
        call(live, "fill", "--tickets", "20", version="1.2.0")
        yield live


@pytest.fixture
def till(
    engine: Engine, database: Address, folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Target]:
    """The till's target; nothing runs there yet."""
    monkeypatch.setenv("PATH", f"{FOLDERS}:{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    monkeypatch.setenv(VARIABLE, url_of(database))
    port = find_port()
    folder, name = tmp_path / "project", f"realtill{port}"
    write_till_project(folder, port=port, url=make_url(database))
    yield make_target(
        make_environment(key="prod"),
        folder=str(folder),
        project=name,
        service="till",
        command_service="once",
        image_variable="TILL_IMAGE",
        migrate=["migrate"],
        reverse=["migrate", "{name}"],
        smoke=["smoke"],
        database_variable="DATABASE_URL",
        checks_folder=str(TILL / "server" / "checks"),
        health_url=f"http://127.0.0.1:{port}/health",
        receipts="tickets.number",
    )
    engine.remove_project(name)
