"""The example till beside the portal: where it cannot be, one line says why and the portal goes on."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from releaseportal.addresses import BASE_DIR
from releaseportal.embedded.faults import EmbeddedError
from releaseportal.embedded.preflight import read_till_port
from releaseportal.embedded.programs import Plan, list_programs
from releaseportal.embedded.server import Server
from releaseportal.embedded.supervisor import Supervisor
from tests.machineroom.portal import find_free_port

TILL = BASE_DIR / "examples" / "till"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The till's folder without its packages."""
    return shutil.copytree(TILL, tmp_path / "till", ignore=shutil.ignore_patterns("node_modules"))


def serve(folder: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "serve.py", *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def make_plan(data_dir: Path, *, till_port: int | None) -> Plan:
    (data_dir / "logs").mkdir()
    host, port = "127.0.0.1", 8000
    return Plan(
        base_dir=BASE_DIR,
        data_dir=data_dir,
        host=host,
        port=port,
        url=f"http://{host}:{port}",
        own_database=True,
        own_broker=True,
        demo=True,
        fleet=False,
        till_port=till_port,
    )


def test_till__registry_out_of_reach__ends_with_one_line_that_says_so(copy: Path) -> None:
    # Nobody listens on port 1, and what an earlier run has fetched must not help.
    offline = {"npm_config_registry": "http://127.0.0.1:1/", "npm_config_cache": str(copy / "cache")}

    done = serve(copy, "--install", **offline)

    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("npm could not install the till's packages (ECONNREFUSED)")
    assert "registry" in last


def test_till__port_in_use__names_the_setting(copy: Path) -> None:
    (copy / "node_modules").mkdir()
    (copy / "node_modules" / ".package-lock.json").touch()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        done = serve(copy, "--port", str(other.getsockname()[1]))

    assert done.returncode == 1
    assert "TILL_PORT" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_till__asked_for_heads__sends_no_body(copy: Path) -> None:
    (copy / "node_modules").mkdir()
    (copy / "node_modules" / ".package-lock.json").touch()
    port = find_free_port()
    command = [sys.executable, "serve.py", "--port", str(port)]
    with subprocess.Popen(command, cwd=copy, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        server.stdout.readline()
        answers = [ask_heads(port, path) for path in ("/", "/till.js", "/config.json", "/nothing")]
        server.terminate()

    assert [head.split()[1] for head, _body in answers] == [b"200", b"200", b"503", b"404"]
    assert {body for _head, body in answers} == {b""}


def ask_heads(port: int, path: str) -> tuple[bytes, bytes]:
    """Return head and body of what HEAD is answered, as it comes over the line."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(f"HEAD {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head, _, body = b"".join(iter(lambda: connection.recv(65_536), b"")).partition(b"\r\n\r\n")
    return head, body


def test_supervisor__till_gives_up__says_why_once_and_goes_on(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(make_plan(tmp_path, till_port=8001), say=said.append)
    command = (sys.executable, "-c", "import sys; sys.exit('no npm on this machine')")
    supervisor.start(Server("till", command, tmp_path, signal.SIGTERM, may_give_up=True))
    supervisor.children["till"].process.wait(60)

    supervisor.look_after_children()
    supervisor.look_after_children()

    assert supervisor.children == {}
    assert said == ["The till is not started, and the portal goes on without it: no npm on this machine"]


@pytest.mark.parametrize(("demo", "there"), [("{}", False), ('{"tokens": {"dev": {}}}', True)])
def test_programs__with_the_till__only_where_the_demo_is_loaded(tmp_path: Path, demo: str, there: bool) -> None:
    (tmp_path / "demo.json").write_text(demo)

    names = [one.name for one in list_programs(make_plan(tmp_path, till_port=8001))]

    assert ("till" in names) is there


@pytest.mark.parametrize(
    ("given", "port", "till"), [("", 8000, 8001), ("", 65535, 65534), ("0", 8000, None), ("9000", 8000, 9000)]
)
def test_till_port__given_or_not__is_beside_the_portals(given: str, port: int, till: int | None) -> None:
    assert read_till_port({"TILL_PORT": given}, port=port) == till


@pytest.mark.parametrize("given", ["eighty", "-1", "65536", "8000", "８００１"])
def test_till_port__that_is_none__is_refused(given: str) -> None:
    with pytest.raises(EmbeddedError, match="TILL_PORT"):
        read_till_port({"TILL_PORT": given}, port=8000)
