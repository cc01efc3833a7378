"""`manage.py up` as a person meets it: real processes, real signals."""

import os
import shutil
import signal
import socket
import stat
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from releaseportal.embedded.postgres import remove_cluster
from tests.machineroom.portal import Portal, assert_one_line, find_free_port, make_environment, run_manage
from tests.scenarios.stage import Stage


@pytest.fixture
def portal(stage: Stage) -> Iterator[Portal]:
    """The shared portal, which a test leaves running."""
    yield stage.portal
    stage.wait(stage.is_ready)


@pytest.fixture(scope="module")
def module_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory whose cluster is made once: every start after the first finds it."""
    data_dir = tmp_path_factory.mktemp("portal") / "data"
    yield data_dir
    remove(data_dir)


@pytest.fixture
def start(module_dir: Path) -> Iterator[Callable[[], Portal]]:
    """Starts portals on one data directory, which have ended after the test."""
    started: list[Portal] = []

    def start_one() -> Portal:
        started.append(Portal(module_dir))
        return started[-1].wait_until_ready()

    yield start_one
    for one in started:
        one.stop()


def remove(data_dir: Path) -> None:
    """Delete a data directory, also the part that lies where PostgreSQL's account reaches it."""
    remove_cluster(data_dir)
    shutil.rmtree(data_dir, ignore_errors=True)


class TestPortalFile:
    def test_portal_file__while_up__can_be_read_by_its_owner_only(self, portal: Portal) -> None:
        mode = (portal.data_dir / "portal.json").stat().st_mode

        assert stat.S_IMODE(mode) == 0o600

    def test_portal_file__while_up__names_what_answers(self, portal: Portal) -> None:
        found = portal.read()

        assert found["url"] == f"http://127.0.0.1:{portal.port}"
        assert urllib.request.urlopen(f"{found['url']}/healthz", timeout=10).status == 200
        assert set(found["pids"]) == {"web", "worker", "beat"}
        assert all(psutil.pid_exists(pid) for pid in found["pids"].values())
        with psycopg.connect(found["database_url"]) as connection:
            row = connection.execute("SELECT current_user, to_regclass('django_migrations') IS NOT NULL").fetchone()
        assert row == ("portal_app", True)
        broker = redis.Redis.from_url(found["redis_url"])
        assert broker.ping()
        broker.close()

    def test_broker__without_its_password__refuses(self, portal: Portal) -> None:
        port = int(portal.read()["redis_url"].rsplit(":", 1)[1].split("/")[0])

        with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()


class TestRestart:
    @pytest.mark.parametrize("name", ["web", "worker", "beat"])
    def test_child__killed__comes_back_with_a_new_pid(self, portal: Portal, name: str) -> None:
        before = portal.read()["pids"][name]

        os.kill(before, signal.SIGKILL)

        portal.wait(lambda: portal.read()["pids"][name] != before)
        assert psutil.pid_exists(portal.read()["pids"][name])

    def test_database__killed__comes_back_at_its_address(self, portal: Portal) -> None:
        found = portal.read()
        before = found["servers"]["postgres"]

        os.kill(before, signal.SIGKILL)

        portal.wait(lambda: portal.read()["servers"]["postgres"] != before)
        portal.wait(lambda: connects(found["database_url"]))


def connects(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


class TestStop:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_up__asked_to_stop__leaves_no_process(self, start: Callable[[], Portal], number: signal.Signals) -> None:
        portal = start()

        code = portal.stop(number)

        assert code == 0
        assert portal.seen
        assert portal.find_left(seconds=0.5) == []
        assert not (portal.data_dir / "portal.json").exists()

    def test_up__killed__takes_its_children_along_and_starts_again(self, start: Callable[[], Portal]) -> None:
        first = start()

        first.stop(signal.SIGKILL)
        second = start()

        assert first.find_left() == []
        assert second.read()["pids"]

    def test_up__a_second_time__keeps_the_data(self, start: Callable[[], Portal]) -> None:
        first = start()
        with psycopg.connect(first.read()["database_url"]) as connection:
            connection.execute("INSERT INTO core_cache VALUES ('kept', 'yes', now() + interval '1 day')")
        keys = (first.data_dir / "keys.json").read_text()
        first.stop()

        second = start()

        with psycopg.connect(second.read()["database_url"]) as connection:
            row = connection.execute("SELECT value FROM core_cache WHERE cache_key = 'kept'").fetchone()
        assert row == ("yes",)
        assert (second.data_dir / "keys.json").read_text() == keys

    def test_command__with_the_supervisor_down__starts_the_database_for_itself(
        self, start: Callable[[], Portal]
    ) -> None:
        portal = start()
        portal.stop()

        done = run_manage("migrate", "--check", environment=make_environment(portal.data_dir))

        assert done.returncode == 0, done.stderr
        assert not [one for one in psutil.process_iter(["cmdline"]) if str(portal.data_dir) in str(one.info["cmdline"])]


class TestRefusals:
    def test_up__on_a_busy_port__says_so_in_one_line(self, tmp_path: Path) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]

            done = run_manage("up", environment=make_environment(tmp_path / "data", PORT=str(port)))

        assert done.returncode != 0
        assert_one_line(done.stderr, str(port), "PORT=")

    def test_up__with_a_database_that_is_not_there__says_so_in_one_line(self, tmp_path: Path) -> None:
        url = f"postgres://me:secret@127.0.0.1:{find_free_port()}/nothing"

        done = run_manage(
            "up", environment=make_environment(tmp_path / "data", PORT=str(find_free_port()), DATABASE_URL=url)
        )

        assert done.returncode != 0
        assert_one_line(done.stderr, "DATABASE_URL")
        assert "secret" not in done.stderr

    @pytest.mark.parametrize("command", ["up", "tick"])
    def test_command__with_a_database_url_that_is_none__says_so_in_one_line(self, tmp_path: Path, command: str) -> None:
        done = run_manage(command, environment=make_environment(tmp_path / "data", DATABASE_URL="nonsense"))

        assert done.returncode != 0
        assert_one_line(done.stderr, "DATABASE_URL", "postgres://")

    def test_up__with_a_data_dir_that_cannot_be_made__says_so_in_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()

        done = run_manage("up", environment=make_environment(tmp_path / "file" / "data", PORT=str(find_free_port())))

        assert done.returncode != 0
        assert_one_line(done.stderr, "DATA_DIR")

    def test_up__beside_another_on_the_same_data__says_so_in_one_line(self, portal: Portal) -> None:
        done = run_manage("up", environment=make_environment(portal.data_dir, PORT=str(find_free_port())))

        assert done.returncode != 0
        assert_one_line(done.stderr, "already runs", "DATA_DIR")

    @pytest.mark.parametrize("port", ["eighty", "0", "70000"])
    def test_up__with_a_port_that_is_none__says_so_in_one_line(self, tmp_path: Path, port: str) -> None:
        done = run_manage("up", environment=make_environment(tmp_path / "data", PORT=port))

        assert done.returncode != 0
        assert_one_line(done.stderr, "PORT")

    def test_command__on_a_data_dir_without_a_database__names_make_up(self, tmp_path: Path) -> None:
        done = run_manage("verify_history", environment=make_environment(tmp_path / "data"))

        assert done.returncode != 0
        assert_one_line(done.stderr, "make up")
