"""Which addresses a call may go to, in each form in which one can be written."""

import socket
from ipaddress import ip_network

import pytest

from core.outbound import Address, OutboundFault, get, is_reachable, post


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # an address to refuse
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "fec0::1",
        "ff02::1",
        "5f00::1",
        "64:ff9b:1::a00:1",
    ],
)
def test_address__not_public__is_not_reachable(address: str) -> None:
    assert not is_reachable(address, networks=[])


@pytest.mark.parametrize(
    "form", ["::ffff:{}", "::ffff:0:{}", "::{}", "64:ff9b::{}", "2002:{}::1"], ids=lambda form: form[:9]
)
@pytest.mark.parametrize(
    ("ipv4", "is_public"), [("127.0.0.1", False), ("10.0.0.1", False), ("169.254.169.254", False), ("9.9.9.9", True)]
)
def test_ipv6__that_carries_an_ipv4_address__is_reachable_as_that_is(form: str, ipv4: str, is_public: bool) -> None:
    first, second, third, fourth = map(int, ipv4.split("."))
    carried = f"{first:02x}{second:02x}:{third:02x}{fourth:02x}"

    assert is_reachable(form.format(carried), networks=[]) is is_public


@pytest.mark.parametrize("address", ["9.9.9.9", "2620:fe::fe", "2a01:e0a::1"])
def test_address__public__is_reachable(address: str) -> None:
    assert is_reachable(address, networks=[])


@pytest.mark.parametrize("address", ["10.20.0.7", "::ffff:10.20.0.7", "64:ff9b::10.20.0.7", "fd00::7"])
def test_address__of_a_network_let_in__is_reachable(address: str) -> None:
    networks = [ip_network("10.20.0.0/16"), ip_network("fd00::/8")]

    assert is_reachable(address, networks=networks)
    assert not is_reachable(address, networks=[])


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """A resolver of the test's own: by name, the addresses that it gives one after the other."""
    answers: dict[str, list[str]] = {}

    def resolve(host: str, port: int, **_given: object) -> list[tuple[object, ...]]:
        found = answers[host].pop(0) if len(answers[host]) > 1 else answers[host][0]
        family = socket.AF_INET6 if ":" in found else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (found, port, 0, 0) if ":" in found else (found, port))]

    def connect(_self: object, place: tuple[object, ...]) -> None:
        raise OSError(f"asked {place[0]}")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "connect", connect)
    return answers


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "169.254.169.254",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.0.9",
        "::1",
        "fe80::1",
        "fd12::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::1",
    ],
)
@pytest.mark.parametrize("call", ["get", "post"])
def test_call__name_that_leads_inside__is_refused_before_it_connects(
    resolver: dict[str, list[str]], address: str, call: str
) -> None:
    resolver["innocent.example"] = [address]

    with pytest.raises(OutboundFault) as refused:
        _call(call, "https://innocent.example/hook")

    assert refused.value.code == "address_refused"


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "[::1]", "localhost."])
def test_call__address_written_otherwise__is_judged_by_where_it_leads(host: str) -> None:
    """The real resolver reads these as addresses of this machine."""
    with pytest.raises(OutboundFault) as refused:
        _call("post", f"http://{host}:9/hook")

    assert refused.value.code in {"address_refused", "unreachable"}


def test_call__name_that_answers_anew__is_resolved_once_and_that_address_is_connected_to(
    resolver: dict[str, list[str]],
) -> None:
    resolver["rebinding.example"] = ["9.9.9.9", "127.0.0.1"]

    with pytest.raises(OutboundFault) as fault:
        _call("post", "http://rebinding.example/hook")

    assert fault.value.details == "asked 9.9.9.9"


def _call(call: str, url: str) -> None:
    address = Address(url)
    if call == "get":
        get(address, headers={}, seconds=5, limit_bytes=1_000)
    else:
        post(address, body=b"{}", headers={}, seconds=5, limit_bytes=1_000)
