"""What tests of the status page's readers share."""

from tests.notifications.conftest import server

__all__ = ["server"]
