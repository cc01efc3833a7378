"""A portal for each scenario: they kill parts of it, and must not meet each other's traces."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from releaseportal.embedded.postgres import remove_cluster
from tests.scenarios.stage import Stage, raise_curtain


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    data_dir = tmp_path / "data"
    try:
        with raise_curtain(data_dir) as one:
            yield one
    finally:
        remove_cluster(data_dir)
        shutil.rmtree(data_dir, ignore_errors=True)
