"""This machine and another one over a real SSH server."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from django.test import override_settings

from recovery.commands import compose
from recovery.commands.compose import Project
from recovery.commands.hosts import Host, LocalHost, open_host
from recovery.commands.probing import watch
from recovery.domain.names import is_host
from recovery.errors import Failure
from tests.recovery.engine import Engine, find_missing, find_port, write_project
from tests.recovery.ssh import SSHD, SshServer, make_key, path_for_sessions, start_ssh
from tests.waiting import wait_until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    if not SSHD.exists():
        pytest.skip("No SSH server: apt-get install --no-install-recommends openssh-server openssh-client")
    if find_missing():
        pytest.skip(find_missing())
    folder = tmp_path / "ssh"
    folder.mkdir()
    with (
        start_ssh(folder, environment={"PATH": path_for_sessions()}) as one,
        override_settings(RECOVERY_SSH_KEY=str(one.key), RECOVERY_SSH_KNOWN_HOSTS=str(one.known_hosts)),
    ):
        yield one


@pytest.fixture(params=["here", "over ssh"])
def host(request: pytest.FixtureRequest) -> Host:
    return LocalHost() if request.param == "here" else open_host(request.getfixturevalue("server").address)


def test_run__a_program__gives_its_code_and_output(host: Host, tmp_path: Path) -> None:
    assert host.run(["sh", "-c", "echo well; exit 3"], seconds=20).code == 3
    assert host.run(["pwd"], seconds=20, folder=str(tmp_path)).last_line == str(tmp_path)


def test_run__shell_characters__are_plain_text(host: Host) -> None:
    words = "$(id) `id` ; 'x' \" && | > y"

    assert host.run(["printf", "%s", words], seconds=20).output == words


def test_run__variables__reach_the_program_and_no_argument(host: Host, tmp_path: Path) -> None:
    # A secret that no other run has, and a program that lives until its arguments were looked at.
    token, go_on = f"it's s3cret {os.getpid()} {tmp_path.name}", tmp_path / "go-on"
    # The end of what came is held back while it might be the beginning of a secret: it says more than one is long.
    script = f'echo begun {"." * 300}; while [ ! -e {go_on} ]; do sleep 0.05; done; echo "got $TOKEN"'
    seen: list[list[str]] = []

    def look(_text: str) -> None:
        seen.extend(one.info["cmdline"] or [] for one in psutil.process_iter(["cmdline"]))
        go_on.touch()

    outcome = host.run(["sh", "-c", script], seconds=20, environment={"TOKEN": token}, secrets=(token,), on_output=look)

    # Only the whole value, to the letter, is scrubbed like this.
    assert outcome.last_line == "got •••"
    assert any(script in word for command in seen for word in command)
    assert not any(token in word for command in seen for word in command)


def test_files__written_and_read__whole_and_private(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "release.env"
    assert host.read_text(str(path)) is None

    host.write_text(str(path), "IMAGE=a\n")
    host.write_text(str(path), "IMAGE=b\n")

    assert host.read_text(str(path)) == "IMAGE=b\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.glob("release*")] == ["release.env"]


def test_files__there_and_unreadable__is_told_and_is_not_missing(host: Host, tmp_path: Path) -> None:
    (tmp_path / "release.env").mkdir()

    with pytest.raises(Failure) as caught:
        host.read_text(str(tmp_path / "release.env"))

    assert (caught.value.code, caught.value.output) == ("file_failed", "Is a directory")
    assert host.read_text(str(tmp_path / "nowhere" / "release.env")) is None


def test_files__no_such_folder__is_told(host: Host, tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        host.write_text(str(tmp_path / "nowhere" / "x"), "y")

    assert caught.value.code == "file_failed"


def test_ssh__a_program_that_hangs__ends_at_its_time(server: SshServer) -> None:
    # A length that no other run has: its processes are looked for by their arguments.
    sleeping = ["sleep", f"300.{os.getpid()}"]
    script = f"{sleeping[0]} {sleeping[1]} & {sleeping[0]} {sleeping[1]}"

    assert open_host(server.address).run(["sh", "-c", script], seconds=3).is_timed_out

    wait_until(lambda: not any(p.info["cmdline"] == sleeping for p in psutil.process_iter(["cmdline"])))


def test_ssh__the_hosts_key_changed__nothing_is_sent(server: SshServer, tmp_path: Path) -> None:
    server.know(make_key(tmp_path / "other"))

    with pytest.raises(Failure) as caught:
        open_host(server.address).run(["touch", str(tmp_path / "sent")], seconds=20)

    assert caught.value.code == "host_key_changed"
    assert not caught.value.is_passing
    assert not (tmp_path / "sent").exists()


def test_ssh__a_host_nobody_knows__is_not_taken(server: SshServer) -> None:
    server.known_hosts.write_text("")

    with pytest.raises(Failure) as caught:
        open_host(server.address).run(["true"], seconds=20)

    assert caught.value.code == "host_key_unknown"


def test_ssh__a_key_that_is_not_allowed__is_told(server: SshServer, tmp_path: Path) -> None:
    with (
        override_settings(RECOVERY_SSH_KEY=str(make_key(tmp_path / "stranger"))),
        pytest.raises(Failure) as caught,
    ):
        open_host(server.address).run(["true"], seconds=20)

    assert caught.value.code == "host_refused"


def test_ssh__nobody_there__passes(server: SshServer) -> None:
    with pytest.raises(Failure) as caught:
        open_host(f"ssh://root@127.0.0.1:{find_port()}").run(["true"], seconds=20)

    assert caught.value.code == "host_unreachable"
    assert caught.value.is_passing


def test_ssh__a_compose_project_there__runs_the_image(engine: Engine, images: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "ssh"
    folder.mkdir()
    port = find_port()
    write_project(tmp_path / "project", port=port)
    with (
        start_ssh(folder, environment={"PATH": path_for_sessions(), "DOCKER_HOST": engine.host}) as server,
        override_settings(RECOVERY_SSH_KEY=str(server.key), RECOVERY_SSH_KNOWN_HOSTS=str(server.known_hosts)),
    ):
        project = Project(
            open_host(server.address),
            str(tmp_path / "project"),
            "docker-compose.yml",
            f"till{port}",
            "till",
            "TILL_IMAGE",
            "once",
        )
        for version in ("1.3.0", "1.2.0"):
            wanted = compose.pull_image(project.host, images[version])
            compose.bring_up(project, images[version])
            answer = watch(f"http://127.0.0.1:{port}/health", times=1, seconds=30, say=lambda _: None)
            assert answer is not None
            assert answer.body == version
            assert compose.find_running_image(project) == wanted
        variable = {"DATABASE_URL": "host=h password='it is s3cret'"}
        said = compose.run_once(project, images["1.3.0"], ["env"], name="once", seconds=60, environment=variable)
        assert "DATABASE_URL=host=h password='it is s3cret'" in said.output


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("", True),
        ("ssh://till@shop.example:22", True),
        ("ssh://shop", True),
        ("ssh://-oProxyCommand=touch", False),
        ("ssh://root@-x", False),
        ("ssh://a b", False),
        ("ssh://shop:99999", False),
        ("ssh://shop/path", False),
        ("http://shop", False),
        ("ssh://shop\n", False),
        ("ssh://root;id@shop", False),
    ],
)
def test_host_address__what_ssh_could_misread__is_none(text: str, is_one: bool) -> None:
    assert is_host(text) is is_one
