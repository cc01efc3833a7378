"""Which variables of a command lead to a database, and what they say where it works on a copy instead. Pure."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import quote, unquote

from recovery.domain.addresses import Address

_URL = re.compile(
    r"(?P<scheme>postgres(?:ql)?(?:\+\w+)?://)(?:[^/?#]*@)?(?P<host>[^/?#@]*)/(?P<name>[^/?#]*)(?P<rest>.*)", re.DOTALL
)
#: Variables that hold a database's bare name.
_BARE = re.compile(r"(?:.*_)?(?:PGDATABASE|DBNAME|DB|DATABASE|DB_NAME|DATABASE_NAME)")
#: Other ways to say which database: drivers of other languages, and keys with values.
_OTHER_URL = re.compile(r"(?:postgres|pgsql)[\w+.-]*://[^?#\s]*/(?P<name>[^/?#\s]*)", re.IGNORECASE)
_KEYED = re.compile(
    r"(?:^|[\s;?&])(?:dbname|database|initial catalog)\s*=\s*[\"']?(?P<name>[^\s;&\"']+)", re.IGNORECASE
)


class NotRedirected(ValueError):
    """A variable that leads to the live database in a form that cannot be turned to the copy."""

    def __init__(self, variable: str) -> None:
        super().__init__(variable)
        self.variable = variable


def may_be_same(ours: Address, theirs: Address) -> bool:
    """Tell whether a container's address may be the database that we know by ours.

    A container may know the server by another name or port: only what both give as plain numbers can be told apart.
    """
    if ours.name != theirs.name:
        return False
    if ours.host == theirs.host:
        return ours.port == theirs.port
    return not (_is_number_elsewhere(ours.host) and _is_number_elsewhere(theirs.host))


def redirect(environment: Mapping[str, str], *, live: Address, copy: Address) -> dict[str, str]:
    """Return what each variable that leads to the live database says to lead to its copy on the same server.

    The server stays as the container knows it, the login is ours. Raises NotRedirected.
    """
    turned: dict[str, str] = {}
    login = ":".join(quote(part, safe="") for part in (copy.user, copy.password) if part)
    for variable, value in environment.items():
        url = _URL.fullmatch(value.strip())
        if url is not None and unquote(url["name"]) == live.name and not _leads_there(url["rest"], live):
            turned[variable] = f"{url['scheme']}{login}@{url['host']}/{quote(copy.name, safe='')}{url['rest']}"
        elif _BARE.fullmatch(variable.upper()) and value.strip() == live.name:
            turned[variable] = copy.name
        elif _leads_there(value, live):
            raise NotRedirected(variable)
    return turned


def _leads_there(text: str, live: Address) -> bool:
    found = [*_OTHER_URL.finditer(text), *_KEYED.finditer(text)]
    return any(unquote(one["name"]) == live.name for one in found)


def _is_number_elsewhere(host: str) -> bool:
    """Tell whether a host is given as a number, and is not whoever asks: a container's loopback may be its own."""
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return False
