"""Reads a target's address from where it says: a variable of the environment or a file of the folder of secrets."""

import os
from pathlib import Path

from django.conf import settings

from recovery.domain.addresses import Address, AddressWrong, is_source, parse_address
from recovery.errors import Failure
from recovery.models import Target


def read_address(target: Target) -> Address:
    """Return where a target's database is; raises Failure where that cannot be read, or is the portal's own."""
    address = _read(target.database)
    own = settings.DATABASES["default"]
    if (address.host, address.port, address.name) == (own["HOST"], int(own["PORT"] or 5432), own["NAME"]):
        raise Failure("database_is_the_portals")
    return address


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
