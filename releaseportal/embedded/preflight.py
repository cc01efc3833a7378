"""What is checked before `up` starts anything; each fault is one line with the way to mend it."""

import errno
import logging
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psycopg
import redis

from releaseportal.embedded.faults import EmbeddedError

POSTGRES_SCHEMES = frozenset({"postgres", "postgresql", "psql", "pgsql"})


SWITCHES = frozenset({"1", "0", "true", "false", "yes", "no", "on", "off"})
MAIL_SCHEMES = frozenset(
    {"smtp", "smtps", "smtp+tls", "smtp+ssl", "consolemail", "filemail", "memorymail", "dummymail"}
)


def check_environment(environment: Mapping[str, str]) -> None:
    """Refuse settings that are none; an empty one counts as not given."""
    given = {name: value for name, value in environment.items() if value}
    read_till_port(given, port=read_port(given))
    for name in ("DEBUG", "DEMO", "FLEET"):
        if given.get(name, "0").lower() not in SWITCHES:
            raise EmbeddedError(f"{name} is {given[name]!r}: write 1 or 0.")
    if "TIME_ZONE" in given:
        _check_zone(given["TIME_ZONE"])
    if given.get("LOG_LEVEL", "INFO") not in logging.getLevelNamesMapping():
        raise EmbeddedError(f"LOG_LEVEL is {given['LOG_LEVEL']!r}: write DEBUG, INFO, WARNING or ERROR.")
    if "PUBLIC_URL" in given:
        _check_public_url(given["PUBLIC_URL"])
    scheme, colon, _ = given.get("EMAIL_URL", "smtp:").partition(":")
    if not colon or scheme not in MAIL_SCHEMES:
        raise EmbeddedError("EMAIL_URL is no address of a mail server: write smtp://USER:PASSWORD@HOST:PORT.")


def is_on(name: str, environment: Mapping[str, str]) -> bool:
    """Return whether a switch that is on by default has been left on."""
    return (environment.get(name) or "1").lower() not in {"0", "false", "no", "off"}


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise EmbeddedError(f"TIME_ZONE is {name!r}: write a name such as Europe/Paris.") from None


def _check_public_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in {"http", "https"} and parts.hostname
        _ = parts.port
    except ValueError:
        whole = None
    if not whole:
        raise EmbeddedError(f"PUBLIC_URL is {url!r}: write a whole address such as https://releases.example.org.")


def read_port(environment: Mapping[str, str]) -> int:
    """Return PORT, 8000 when not given."""
    given = environment.get("PORT") or "8000"
    if not given.isascii() or not given.isdecimal() or not 0 < int(given) < 65536:
        raise EmbeddedError(f"PORT is {given!r}: give a number from 1 to 65535.")
    return int(given)


def read_till_port(environment: Mapping[str, str], *, port: int) -> int | None:
    """Return TILL_PORT, the one after the portal's when not given; None for 0: no till."""
    given = environment.get("TILL_PORT") or str(port + 1 if port < 65535 else port - 1)
    if not given.isascii() or not given.isdecimal() or int(given) > 65535 or int(given) == port:
        raise EmbeddedError(f"TILL_PORT is {given!r}: give a number from 1 to 65535 other than PORT, or 0 for no till.")
    return int(given) or None


def check_port(host: str, port: int) -> None:
    """Refuse a port that somebody listens on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, UnicodeError) as fault:
            raise EmbeddedError(_describe_unusable(fault, host=host, port=port)) from None


def _describe_unusable(fault: OSError | UnicodeError, *, host: str, port: int) -> str:
    number = fault.errno if isinstance(fault, OSError) else None
    if number == errno.EACCES:
        return f"Port {port} needs rights that this account lacks: choose one above 1023, for example PORT=8000."
    if number != errno.EADDRINUSE:
        return f"HOST is {host!r}, which is no address of this machine: write 127.0.0.1, 0.0.0.0 or one of its own."
    other = port + 1 if port < 65535 else 8000
    return f"Port {port} on {host} is in use: stop what uses it, or choose another, for example PORT={other}."


def check_database_url(name: str, url: str) -> None:
    """Refuse an address that is none, without connecting."""
    try:
        parts = urlsplit(url)
        whole = parts.scheme in POSTGRES_SCHEMES and parts.hostname and parts.path.strip("/")
        _ = parts.port
    except ValueError:
        whole = None
    if not whole:
        raise EmbeddedError(
            f"{name} is not an address of PostgreSQL: write postgres://USER:PASSWORD@HOST:PORT/DATABASE, "
            "or unset it for the embedded server."
        )


def check_database(name: str, url: str) -> None:
    """Refuse a database that takes no connection."""
    check_database_url(name, url)
    parts = urlsplit(url)
    try:
        psycopg.connect(parts._replace(scheme="postgresql").geturl(), connect_timeout=5).close()
    except psycopg.Error as fault:
        said = " ".join(str(fault).split())
        where = f"{parts.hostname}:{parts.port or 5432}{parts.path}"
        raise EmbeddedError(
            f"{name} ({where}) takes no connection: {said}. Correct it, or unset it for the embedded server."
        ) from None


def check_broker(url: str) -> None:
    """Refuse a broker that does not answer."""
    try:
        client = redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5)
        client.ping()
        client.close()
    except (redis.RedisError, ValueError) as fault:
        raise EmbeddedError(
            f"REDIS_URL does not answer: {fault}. Correct it, or unset it for the embedded server."
        ) from None
