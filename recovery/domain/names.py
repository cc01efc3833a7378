"""What people may write as names of hosts, folders, services, images: checked before any program sees them. Pure."""

import re
import shlex
from urllib.parse import urlsplit

MOST_CHARACTERS = 300
_HOST = re.compile(
    r"ssh://((?P<user>[A-Za-z_][A-Za-z0-9_-]{0,31})@)?(?P<name>[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)"
    r"(:(?P<port>[0-9]{1,5}))?"
)
_FOLDER = re.compile(r"/[A-Za-z0-9._ +@-]+(/[A-Za-z0-9._ +@-]+)*/?")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.ya?ml")
_PROJECT = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,59}")
_RECEIPTS = re.compile(r"([a-z_][a-z0-9_]{0,62}\.)?[a-z_][a-z0-9_]{0,62}\.[a-z_][a-z0-9_]{0,62}")
_IMAGE = re.compile(r"[a-z0-9][A-Za-z0-9._:/-]{0,200}@sha256:[0-9a-f]{64}")


def is_host(text: str) -> bool:
    """Tell whether a text is empty, for this machine, or `ssh://user@host:port`."""
    found = _HOST.fullmatch(text)
    return not text or (found is not None and int(found["port"] or "22") <= 65_535)


def split_host(text: str) -> tuple[str, str, int]:
    """Return (user, name, port) of an address that `is_host`; an empty user is ssh's own choice."""
    found = _HOST.fullmatch(text)
    if found is None:
        raise ValueError("no host")
    return found["user"] or "", found["name"], int(found["port"] or 22)


def is_folder(text: str) -> bool:
    """Tell whether a text is an absolute folder without steps up."""
    return _FOLDER.fullmatch(text) is not None and ".." not in text.split("/") and len(text) <= MOST_CHARACTERS


def is_compose_file(text: str) -> bool:
    """Tell whether a text is the plain name of a YAML file."""
    return _FILE.fullmatch(text) is not None


def is_project(text: str) -> bool:
    """Tell whether compose takes a text for a project's name."""
    return _PROJECT.fullmatch(text) is not None


def is_service(text: str) -> bool:
    """Tell whether compose takes a text for a service's name."""
    return _SERVICE.fullmatch(text) is not None


def is_variable(text: str) -> bool:
    """Tell whether a text is the name of a variable of the environment."""
    return _VARIABLE.fullmatch(text) is not None


def is_receipts(text: str) -> bool:
    """Tell whether a text is `table.column` or `schema.table.column`."""
    return _RECEIPTS.fullmatch(text) is not None


def is_image(text: str) -> bool:
    """Tell whether a text names an image by its digest: a tag can mean another image tomorrow."""
    return _IMAGE.fullmatch(text) is not None


def is_health_url(text: str) -> bool:
    """Tell whether a text is an http or https address without credentials."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    plain = text.isascii() and text.isprintable() and " " not in text
    return plain and parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None and port != 0


def split_command(text: str) -> list[str]:
    """Return a command's words as a shell would read them; no shell ever runs them. Raises ValueError."""
    words = shlex.split(text)
    if any(not word.isprintable() for word in words):
        raise ValueError("unprintable")
    return words
