"""Calls to addresses that people typed in: only where they may go, never longer or larger than said.

The guard stands at the connect: a name is resolved once, each address it has is looked at, and that very
address is connected to, so that a name which answers differently the second time leads nowhere else.
Nothing is followed: no redirect, no proxy of the environment.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
PIECE_BYTES = 65_536


class OutboundFault(Exception):
    """A call that gave no answer: a stable code, and what the network said of it."""

    def __init__(self, code: str, details: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.details = details


@dataclass(frozen=True)
class Address:
    """Where a call goes. `networks`: private ones that may be reached; anything public may."""

    url: str
    networks: Sequence[Network] = ()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def is_web_address(url: str) -> bool:
    """Tell whether a text is the address of a web server, without a password in it."""
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and " " not in url
    return (
        plain and port_fits and parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    )


def get(address: Address, *, headers: Mapping[str, str], seconds: float, limit_bytes: int) -> Answer:
    """Return what an address answers within a time, all in all; raises OutboundFault.

    Codes: `address_refused`, `unreachable`, `timed_out`, `too_large`.
    """
    if not is_web_address(address.url):
        raise OutboundFault("address_refused", "no web address")
    end = time.monotonic() + seconds
    with _telling_faults():
        connection = _Guarded(address, seconds=seconds)
        connection.connect()
        with _ended_at(connection.sock, end):
            try:
                answer = _exchange(connection, address.url, headers=headers, limit_bytes=limit_bytes)
            except (OSError, http.client.HTTPException):
                _check_time(end)
                raise
            finally:
                connection.close()
            # A body of no said length that was broken off looks like one that ended.
            _check_time(end)
            return answer


def _check_time(end: float) -> None:
    if time.monotonic() >= end:
        raise TimeoutError from None


def _exchange(
    connection: http.client.HTTPConnection, url: str, *, headers: Mapping[str, str], limit_bytes: int
) -> Answer:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("GET", path, headers={"Accept": "application/json", "Connection": "close", **headers})
    # With `Connection: close` the response holds the socket, not the connection.
    with connection.getresponse() as response:
        body = bytearray()
        while piece := response.read(PIECE_BYTES):
            body += piece
            if len(body) > limit_bytes:
                raise OutboundFault("too_large", f"more than {limit_bytes} bytes")
        if response.length:
            raise http.client.IncompleteRead(bytes(body), response.length)
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, bytes(body))


class _Guarded(http.client.HTTPConnection):
    """A connection to an address that was looked at."""

    def __init__(self, address: Address, *, seconds: float) -> None:
        parts = urlsplit(address.url)
        self._is_secure = parts.scheme == "https"
        self._networks = address.networks
        super().__init__(parts.hostname or "", parts.port or (443 if self._is_secure else 80), timeout=seconds)

    def connect(self) -> None:
        """Connect to the first address of the name that may be reached and answers."""
        end = time.monotonic() + float(self.timeout or 0)
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        allowed = [entry for entry in found if is_reachable(str(entry[4][0]), networks=self._networks)]
        if not allowed:
            raise OutboundFault("address_refused", " → ".join(dict.fromkeys([self.host, str(found[0][4][0])])))
        fault: OSError | None = None
        for family, kind, protocol, _name, place in allowed:
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(max(0.05, end - time.monotonic()))
                sock.connect(place)
                self.sock = self._secure(sock)
            except OSError as error:
                sock.close()
                fault = error
            else:
                return
        raise fault or TimeoutError

    def _secure(self, sock: socket.socket) -> socket.socket:
        return ssl.create_default_context().wrap_socket(sock, server_hostname=self.host) if self._is_secure else sock


def is_reachable(address: str, *, networks: Sequence[Network]) -> bool:
    """Tell whether an IP address may be connected to: public, or in a network that was let in."""
    one = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(one, ipaddress.IPv6Address) and one.ipv4_mapped is not None:
        one = one.ipv4_mapped
    if any(one in network for network in networks if network.version == one.version):
        return True
    return one.is_global and not one.is_multicast


@contextmanager
def _ended_at(sock: socket.socket, end: float) -> Iterator[None]:
    """Break a connection off at a moment: who sends a byte now and then would else keep it for ever."""

    def break_off() -> None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(max(0.0, end - time.monotonic()), break_off)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


@contextmanager
def _telling_faults() -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise OutboundFault("timed_out") from None
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise OutboundFault("unreachable", str(error)[:200] or type(error).__name__) from None
