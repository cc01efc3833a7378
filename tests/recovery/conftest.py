"""A shop's database on the tests' server, and its target in the portal."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from recovery.domain.addresses import Address
from recovery.models import Target
from tests.factories.flags import make_environment
from tests.recovery.operations import VARIABLE, make_target, url_of
from tests.recovery.shop import open_shop


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
