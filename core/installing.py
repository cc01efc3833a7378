"""What every database holds from the start. Apps add their part when they are ready; each is safe to repeat."""

from datetime import datetime
from typing import Protocol

from core import clock


class Install(Protocol):
    """Make sure that something is there."""

    def __call__(self, *, now: datetime) -> None: ...


_INSTALLS: list[Install] = []


def register(install: Install) -> Install:
    """Run this too from now on, in the order of registration."""
    _INSTALLS.append(install)
    return install


def install_all() -> None:
    """Bring a migrated database to what every one holds."""
    for install in _INSTALLS:
        install(now=clock.now())
