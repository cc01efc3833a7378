"""What is checked before `up` starts anything; each fault is one line with the way to mend it."""

import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

import psycopg
import redis

from releaseportal.embedded.faults import EmbeddedError

POSTGRES_SCHEMES = frozenset({"postgres", "postgresql", "psql", "pgsql"})


def read_port(environment: Mapping[str, str]) -> int:
    """Return PORT, 8000 when not given."""
    given = environment.get("PORT") or "8000"
    if not given.isascii() or not given.isdecimal() or not 0 < int(given) < 65536:
        raise EmbeddedError(f"PORT is {given!r}: give a number from 1 to 65535.")
    return int(given)


def check_port(host: str, port: int) -> None:
    """Refuse a port that somebody listens on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as fault:
            raise EmbeddedError(
                f"Port {port} on {host} cannot be used ({fault.strerror}): stop what uses it, "
                f"or choose another, for example PORT={port + 1 if port < 65535 else 8000}."
            ) from None


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
