"""Where a target's database is, and where its address may be read from. Pure."""

import re
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

#: A variable of the environment, or a file of secrets: the address itself is never stored.
SOURCE = re.compile(r"env:TARGET_[A-Z0-9_]{1,80}|file:[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
#: PostgreSQL cuts longer names off, and two of them could then be one.
MOST_NAME_BYTES = 63
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]*")


class AddressWrong(ValueError):
    """An address that is none; its message never holds the address, which holds a password."""


@dataclass(frozen=True)
class Address:
    """One database of a server. Never shown whole: `str()` leaves the password out."""

    host: str
    port: int
    user: str
    password: str
    name: str

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}/{self.name}"

    def __repr__(self) -> str:
        return f"Address({self})"

    def of(self, name: str) -> "Address":
        """Return the address of another database of the same server."""
        return replace(self, name=name)


def is_source(text: str) -> bool:
    """Tell whether a text names a variable `TARGET_…` or a plain file name of the folder of secrets."""
    return SOURCE.fullmatch(text) is not None


def is_database_name(text: str) -> bool:
    """Tell whether a text can be a database's name, also in an argument list and beside a suffix of ours."""
    return _NAME.fullmatch(text) is not None and len(text.encode()) <= MOST_NAME_BYTES


def parse_address(text: str) -> Address:
    """Return the address that a `postgres://user:password@host:port/name` URL gives; raises AddressWrong."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port or 5432
    except ValueError:
        raise AddressWrong("unreadable") from None
    host, user, name = parts.hostname or "", unquote(parts.username or ""), unquote(parts.path.lstrip("/"))
    if parts.scheme not in {"postgres", "postgresql"} or not user or parts.query or parts.fragment:
        raise AddressWrong("unreadable")
    if _HOST.fullmatch(host) is None or not is_database_name(name):
        raise AddressWrong("unreadable")
    return Address(host, port, user, unquote(parts.password or ""), name)


def make_url(address: Address) -> str:
    """Return an address as programs read it, password and all: for their environment alone."""
    login = ":".join(quote(part, safe="") for part in (address.user, address.password) if part)
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"postgresql://{login}@{host}:{address.port}/{address.name}"


def name_beside(name: str, *, purpose: str, number: int) -> str:
    """Return the name of a database beside another one: `till_scratch_12`, cut so that it stays a name."""
    suffix = f"_{purpose}_{number}"
    return name.encode()[: MOST_NAME_BYTES - len(suffix)].decode(errors="ignore") + suffix
