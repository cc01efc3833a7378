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
#: The one block of IPv6 from which public addresses are given out (RFC 4291); `is_global` calls many others so.
GIVEN_OUT = ipaddress.IPv6Network("2000::/3")
#: Behind these a gateway or the kernel goes on to the IPv4 address in the last four bytes: mapped,
#: translated (RFC 2765), compatible (RFC 4291) and NAT64 (RFC 6052).
CARRIES_IPV4 = tuple(map(ipaddress.IPv6Network, ("::ffff:0:0/96", "::ffff:0:0:0/96", "::/96", "64:ff9b::/96")))


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
    request = _Request("GET", {"Accept": "application/json", **headers})
    return _call(address, request, seconds=seconds, limit=_Limit(limit_bytes, is_all_wanted=True))


def post(address: Address, *, body: bytes, headers: Mapping[str, str], seconds: float, limit_bytes: int) -> Answer:
    """Return what an address answers to a body within a time; of a longer answer its beginning; raises OutboundFault.

    The status says whether it was taken: what comes after `limit_bytes` is not read. Codes: as `get`'s but the last.
    """
    request = _Request("POST", dict(headers), body)
    return _call(address, request, seconds=seconds, limit=_Limit(limit_bytes, is_all_wanted=False))


@dataclass(frozen=True)
class _Request:
    method: str
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(frozen=True)
class _Limit:
    size: int
    is_all_wanted: bool


def _call(address: Address, request: _Request, *, seconds: float, limit: _Limit) -> Answer:
    if not is_web_address(address.url):
        raise OutboundFault("address_refused", "no web address")
    end = time.monotonic() + seconds
    with _telling_faults():
        connection = _Guarded(address, seconds=seconds)
        connection.connect()
        with _ended_at(connection.sock, end):
            try:
                answer = _exchange(connection, address.url, request, limit=limit)
            except (OSError, http.client.HTTPException):
                _check_time(end)
                raise
            finally:
                connection.close()
            if limit.is_all_wanted:
                # A body of no said length that was broken off looks like one that ended.
                _check_time(end)
            return answer


def _check_time(end: float) -> None:
    if time.monotonic() >= end:
        raise TimeoutError from None


def _exchange(connection: http.client.HTTPConnection, url: str, request: _Request, *, limit: _Limit) -> Answer:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request(request.method, path, body=request.body, headers={"Connection": "close", **request.headers})
    # With `Connection: close` the response holds the socket, not the connection.
    with connection.getresponse() as response:
        try:
            body = _read_body(response, limit=limit)
        except (OSError, http.client.HTTPException):
            if limit.is_all_wanted:
                raise
            # The status is there: whatever became of the words below it, the body was taken or refused.
            body = b""
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


def _read_body(response: http.client.HTTPResponse, *, limit: _Limit) -> bytes:
    body = bytearray()
    while piece := response.read(PIECE_BYTES):
        body += piece
        if len(body) > limit.size:
            if limit.is_all_wanted:
                raise OutboundFault("too_large", f"more than {limit.size} bytes")
            return bytes(body[: limit.size])
    if response.length:
        raise http.client.IncompleteRead(bytes(body), response.length)
    return bytes(body)


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
    if any(one in network for network in networks if network.version == one.version):
        return True
    if isinstance(one, ipaddress.IPv4Address):
        return one.is_global and not one.is_multicast
    within = _find_ipv4(one)
    if within is not None:
        return is_reachable(str(within), networks=networks)
    return one in GIVEN_OUT and one.is_global


def _find_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that one of IPv6 leads to, None where it is one of its own."""
    if address.sixtofour is not None:
        return address.sixtofour
    if any(address in network for network in CARRIES_IPV4) and int(address) > 1:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


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
