"""A real mail server on loopback, with the answers that a test gives it."""

import re
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.controller import Controller
from django.test import override_settings


class Server:
    """A mail server's answers; keeps what it took."""

    def __init__(self) -> None:
        self.to_recipient = "250 OK"
        self.unknown: set[str] = set()
        self.to_data = "250 OK"
        self.taken: list[Any] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802  # aiosmtpd
        if address in self.unknown:
            return "550 5.1.1 No such box"
        if self.to_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd
        if self.to_data.startswith("250"):
            self.taken.append(envelope)
        return self.to_data


def smtp(port: int, **more: Any) -> override_settings:
    """Return the settings that send mails to this port."""
    return override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        EMAIL_HOST_USER="",
        EMAIL_HOST_PASSWORD="",
        EMAIL_USE_TLS=False,
        EMAIL_USE_SSL=False,
        **more,
    )


@contextmanager
def serving() -> Iterator[Server]:
    """Run a mail server that the portal sends to, while the block lasts."""
    handler = Server()
    controller = Controller(handler, hostname="127.0.0.1", port=0)
    # The controller's own probe asks the port it was given: choose a free one first.
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        controller.port = free.getsockname()[1]
    controller.start()
    try:
        with smtp(controller.port):
            yield handler
    finally:
        controller.stop()


def read_link(server: Server, path: str) -> str:
    """Return the link below a path that stands in the newest mail, without its host."""
    message: Any = message_from_bytes(server.taken[-1].content, policy=policy.default)
    found = re.search(rf"{path}[^/\s]+/", message.get_body(("plain",)).get_content())
    assert found, path
    return found[0]
