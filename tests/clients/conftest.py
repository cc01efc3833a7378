"""One portal with the demo for all clients, and the packages that read flags from it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from releaseportal.embedded.postgres import remove_cluster
from tests.clients.packages import install_packages
from tests.scenarios.stage import Stage, raise_curtain

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def packages() -> Path:
    """The folder of the scripts, its packages installed."""
    return install_packages(HERE)


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    data_dir = tmp_path_factory.mktemp("clients") / "data"
    try:
        with raise_curtain(data_dir) as one:
            yield one
    finally:
        remove_cluster(data_dir)
        shutil.rmtree(data_dir, ignore_errors=True)
