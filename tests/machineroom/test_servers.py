"""The embedded servers below `up`: what they leave, what they survive."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from releaseportal.addresses import BASE_DIR, read_keys
from releaseportal.embedded import account, keys, lock, postgres, server
from releaseportal.embedded.faults import EmbeddedError

PARENT = """
import signal, sys, time
from pathlib import Path
from releaseportal.embedded.server import Server, start_server
child = Server("child", (sys.executable, "-c", "import time; time.sleep(600)"), Path("."), signal.SIGTERM)
print(start_server(child, log=Path(sys.argv[1])).pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data directory that every account can reach, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="releaseportal-tests-"))
    folder.chmod(0o711)
    yield folder
    postgres.remove_cluster(folder)
    shutil.rmtree(folder)


@pytest.fixture
def stranger() -> Iterator[psutil.Process]:
    """A process that has nothing to do with us."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield psutil.Process(process.pid)
        process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent has ended")
def test_child__of_a_killed_parent__ends(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "log")]
    with subprocess.Popen(command, cwd=BASE_DIR, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))

        parent.kill()

        child.wait(5)


def test_postgres__with_a_stale_lock_of_a_living_stranger__starts(data_dir: Path, stranger: psutil.Process) -> None:
    prepared = postgres.prepare_postgres(data_dir, throw_away=True)
    home = Path(read_keys(data_dir)["postgres_home"])
    (home / "data" / "postmaster.pid").write_text(f"{stranger.pid}\n{home / 'data'}\n0\n1\n\n\n")

    process = server.start_server(prepared, log=data_dir / "log")

    try:
        postgres.wait_for_postgres(read_keys(data_dir)["database_url"], log=data_dir / "log")
    finally:
        server.stop_server(process, stop_signal=prepared.stop_signal)
    assert stranger.is_running()


def test_postgres__left_by_a_killed_supervisor__is_ended_before_the_next(data_dir: Path) -> None:
    prepared = postgres.prepare_postgres(data_dir, throw_away=True)
    url = read_keys(data_dir)["database_url"]
    left = server.start_server(prepared, log=data_dir / "log")
    postgres.wait_for_postgres(url, log=data_dir / "log")

    again = postgres.prepare_postgres(data_dir, throw_away=True)
    process = server.start_server(again, log=data_dir / "log")

    try:
        assert left.wait(20) == 0
        postgres.wait_for_postgres(url, log=data_dir / "log")
    finally:
        server.stop_server(process, stop_signal=again.stop_signal)


def test_postgres__whose_passwords_are_lost__says_what_to_restore(data_dir: Path) -> None:
    postgres.prepare_postgres(data_dir, throw_away=True)
    home = read_keys(data_dir)["postgres_home"]
    (data_dir / "keys.json").unlink()
    keys.remember(data_dir, postgres_home=home)

    with pytest.raises(EmbeddedError, match=r"keys\.json"):
        postgres.prepare_postgres(data_dir, throw_away=True)


def test_till__let_into_a_cluster_that_is_there__makes_databases_and_sees_no_other(data_dir: Path) -> None:
    postgres.prepare_postgres(data_dir, throw_away=True)
    assert "till_url" not in read_keys(data_dir)

    postgres.prepare_postgres(data_dir, throw_away=True, has_till=True)
    first = read_keys(data_dir)["till_url"]
    prepared = postgres.prepare_postgres(data_dir, throw_away=True, has_till=True)

    assert read_keys(data_dir)["till_url"] == first
    running = server.start_server(prepared, log=data_dir / "log")
    try:
        found = read_keys(data_dir)
        postgres.wait_for_postgres(found["database_url"], log=data_dir / "log")
        with psycopg.connect(first.removesuffix("till") + "postgres", autocommit=True) as session:
            session.execute("CREATE DATABASE till TEMPLATE template0")
        with psycopg.connect(first) as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("SELECT * FROM pg_authid")
        with pytest.raises(psycopg.OperationalError, match="pg_hba"):
            psycopg.connect(first.removesuffix("till") + postgres.DATABASE)
    finally:
        running.terminate()
        running.wait(30)


def test_keys__in_any_data_directory__are_private_and_its_own(data_dir: Path) -> None:
    first = keys.remember(data_dir)
    (data_dir / "other").mkdir()
    second = keys.remember(data_dir / "other")

    assert (data_dir / "keys.json").stat().st_mode & 0o777 == 0o600
    assert first["secret_key"] != second["secret_key"]


def test_reach__below_a_private_home__is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    nobody = account.Account(uid=65534, gid=65534)

    assert not account.can_reach(home / "data", account=nobody)


def test_lock__held_by_up__is_refused_at_once_and_free_after_it(data_dir: Path) -> None:
    with lock.hold_servers(data_dir, what=lock.UP, patience_seconds=0):
        holder = lock.find_holder(data_dir)
        with (
            pytest.raises(EmbeddedError, match="already runs"),
            lock.hold_servers(data_dir, what="manage.py tick", patience_seconds=60),
        ):
            pass

    assert holder == lock.Holder(os.getpid(), lock.UP)
    assert lock.find_holder(data_dir) is None
