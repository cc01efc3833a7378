"""Reads a target's address from where it says: a variable of the environment or a file of the folder of secrets."""

import os
from pathlib import Path

from django.conf import settings

from recovery.domain.addresses import Address, AddressWrong, is_source, parse_address
from recovery.errors import Failure
from recovery.models import Target

#: Names of this machine itself.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def read_address(target: Target) -> Address:
    """Return where a target's database is; raises Failure where that cannot be read, or is the portal's own.

    By its text alone: `recovery.databases.identity.check_not_ours` asks the server.
    """
    address = _read(target.database)
    own = settings.DATABASES["default"]
    if (address.host, address.port, address.name) == (own["HOST"], int(own["PORT"] or 5432), own["NAME"]):
        raise Failure("database_is_the_portals")
    return address


def find_place(source: str) -> tuple[str, int, str] | None:
    """Return (host, port, name) of a database, None where its address cannot be read here."""
    try:
        address = _read(source)
    except Failure:
        return None
    host = address.host.lower()
    return ("localhost" if host in LOOPBACK else host, address.port, address.name)


def _read(source: str) -> Address:
    if not is_source(source):
        raise Failure("address_missing", source=source)
    kind, _colon, name = source.partition(":")
    try:
        text = os.environ[name] if kind == "env" else Path(settings.RECOVERY_SECRETS_DIR, name).read_text()
    except (KeyError, OSError):
        raise Failure("address_missing", source=source) from None
    try:
        return parse_address(text)
    except AddressWrong:
        raise Failure("address_wrong", source=source) from None
