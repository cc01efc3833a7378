"""Apprise, where it is installed (the extra `apprise`) and as far as its services are allowed.

It opens its connections itself: what keeps it from addresses inside is the list of services, each of which
speaks with hosts of its own.
"""

import logging
from typing import Any

from django.conf import settings

from notifications.domain.messages import Message, shorten

#: What services take at most, roughly; apprise itself cuts to each one's bound.
BODY_CHARACTERS = 1_000


def is_installed() -> bool:
    """Tell whether the extra is there."""
    return _load() is not None


def scheme_of(address: str) -> str:
    """Return the service that an address names, such as `twilio`."""
    return address.partition("://")[0].strip().lower()


def is_address(address: str) -> bool:
    """Tell whether apprise can make sense of an address of an allowed service."""
    return scheme_of(address) in settings.APPRISE_SCHEMES and _open(address) is not None


def notify(address: str, message: Message) -> bool | None:
    """Send one message; None where nothing can be sent by this address (any more)."""
    opened = _open(address) if scheme_of(address) in settings.APPRISE_SCHEMES else None
    if opened is None:
        return None
    words = "\n\n".join(part for part in (message.body, message.next, message.url) if part)
    module = _load()
    return bool(
        opened.notify(title=message.subject, body=shorten(words, BODY_CHARACTERS), body_format=module.NotifyFormat.TEXT)
    )


def _open(address: str) -> Any:
    module = _load()
    return None if module is None else module.Apprise.instantiate(address, suppress_exceptions=True)


def _load() -> Any:
    try:
        import apprise  # noqa: PLC0415  # an extra: it may be absent
    except ImportError:
        return None
    # Its log lines hold addresses, and with them secrets.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    return apprise
