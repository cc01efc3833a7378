"""What tests of messages share."""

from collections.abc import Iterator

import pytest

from tests.notifications.mail_server import Server, serving
from tests.notifications.receivers import Receiver, receiving


@pytest.fixture
def server() -> Iterator[Server]:
    """A mail server that takes what the portal sends."""
    with serving() as one:
        yield one


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A program or a chat that takes what the portal posts."""
    with receiving() as one:
        yield one
