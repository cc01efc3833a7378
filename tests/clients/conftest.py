"""The packages that read flags from the shared portal."""

from pathlib import Path

import pytest

from tests.clients.packages import install_packages

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def packages() -> Path:
    """The folder of the scripts, its packages installed."""
    return install_packages(HERE)
