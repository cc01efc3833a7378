"""What a person can get wrong at the shell: one clear line, an exit code, and no traceback."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from releaseportal.addresses import BASE_DIR, find_data_dir, read_keys
from releaseportal.commandline import describe_lost_database
from releaseportal.embedded import postgres, server
from releaseportal.embedded.faults import EmbeddedError
from releaseportal.embedded.preflight import check_environment, check_port, is_on
from releaseportal.embedded.valkey import quote
from tests.machineroom.portal import Portal, assert_one_line, find_free_port, make_environment, run_manage


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "-1"),
        ("PORT", "８０００"),
        ("TILL_PORT", "next door"),
        ("DEBUG", "perhaps"),
        ("DEMO", "2"),
        ("FLEET", "never"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("TIME_ZONE", "Europe"),
        ("TIME_ZONE", "/etc/passwd"),
        ("LOG_LEVEL", "LOUD"),
        ("EMAIL_URL", "mail.example.org"),
        ("EMAIL_URL", "pigeon://loft"),
        ("PUBLIC_URL", "releases.example.org"),
        ("PUBLIC_URL", "ftp://releases.example.org"),
        ("PUBLIC_URL", "http://host:port"),
    ],
)
def test_setting__that_is_none__is_named_in_one_line(name: str, value: str) -> None:
    with pytest.raises(EmbeddedError) as refused:
        check_environment({name: value})

    assert_one_line(str(refused.value), name)


def test_settings__left_empty__count_as_not_given() -> None:
    names = ("PORT", "TILL_PORT", "DEBUG", "DEMO", "FLEET", "TIME_ZONE", "LOG_LEVEL", "EMAIL_URL", "PUBLIC_URL")

    check_environment(dict.fromkeys(names, ""))


@pytest.mark.parametrize(("given", "on"), [("", True), ("1", True), ("yes", True), ("0", False), ("off", False)])
def test_switch__on_by_default__is_read_alike_everywhere(given: str, on: bool) -> None:
    assert is_on("DEMO", {"DEMO": given}) is on


def test_data_dir__below_the_home_of_nobody__is_refused() -> None:
    with pytest.raises(EmbeddedError, match="DATA_DIR"):
        find_data_dir({"DATA_DIR": "~no-such-account-here/data"})


def test_data_dir__relative__is_made_absolute_and_empty_is_the_default() -> None:
    assert find_data_dir({"DATA_DIR": "here"}) == Path.cwd() / "here"
    assert find_data_dir({"DATA_DIR": ""}) == (BASE_DIR / ".data").resolve()


def test_host__that_is_not_ours__is_named_instead_of_the_port() -> None:
    with pytest.raises(EmbeddedError, match=r"HOST is '192\.0\.2\.1'"):
        check_port("192.0.2.1", find_free_port())


def test_valkey_path__with_quotes_and_spaces__is_one_word() -> None:
    assert quote(Path('/a b/"c"\\d')) == '"/a b/\\"c\\"\\\\d"'


def test_keys__of_another_account__are_said_to_be_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keys.json").write_text("{}")
    monkeypatch.setattr(os, "access", lambda path, mode: False)

    line = describe_lost_database({"DATA_DIR": str(tmp_path)})

    assert_one_line(line, "another account", str(tmp_path))


class TestCommands:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["brew"], ["brew", "manage.py help"]),
            (["tick"], ["make up"]),
            (["flag", "show", "x", "--env", "prod"], ["make up"]),
            (["simulate_fleet"], ["make up"]),
            (["simulate_fleet", "--clear"], ["make up"]),
            (["simulate_fleet", "--fault", "price_buttons_v1_3:error_rate=7"], ["error_rate"]),
            (["simulate_fleet", "--fault", "price_buttons_v1_3:sideways"], ["critical"]),
            (["simulate_fleet", "--fault", "no_such_flag:critical"], ["no_such_flag"]),
            (["simulate_fleet", "--env", "moon", "--fault", "price_buttons_v1_3:critical"], ["moon"]),
        ],
        ids=" ".join,
    )
    def test_command__on_a_fresh_data_dir__is_one_line(
        self, tmp_path: Path, arguments: list[str], words: list[str]
    ) -> None:
        done = run_manage(*arguments, environment=make_environment(tmp_path / "data"))

        assert done.returncode != 0
        assert_one_line(done.stderr, *words)

    def test_up__on_a_data_dir_that_is_a_file__is_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "data").touch()

        done = run_manage("up", environment=make_environment(tmp_path / "data", PORT=str(find_free_port())))

        assert done.returncode != 0
        assert_one_line(done.stderr, "DATA_DIR")


@dataclass(frozen=True)
class External:
    """A PostgreSQL that is nobody's DATA_DIR: what an administrator gives by URL."""

    app_url: str
    owner_url: str

    def with_password(self, password: str) -> str:
        return self.app_url.replace(str(urlsplit(self.app_url).password), password)


@pytest.fixture(scope="module")
def external() -> Iterator[External]:
    folder = Path(tempfile.mkdtemp(prefix="releaseportal-tests-"))
    folder.chmod(0o711)
    prepared = postgres.prepare_postgres(folder, throw_away=True)
    process = server.start_server(prepared, log=folder / "log")
    try:
        keys = read_keys(folder)
        postgres.wait_for_postgres(keys["database_url"], log=folder / "log")
        yield External(keys["database_url"], keys["database_owner_url"])
    finally:
        server.stop_server(process, stop_signal=prepared.stop_signal)
        postgres.remove_cluster(folder)
        shutil.rmtree(folder)


class TestGivenDatabase:
    @pytest.mark.parametrize("command", ["up", "verify_history", "tick"])
    def test_command__with_a_wrong_password__is_one_line_without_it(
        self, tmp_path: Path, external: External, command: str
    ) -> None:
        url = external.with_password("open-sesame")

        done = run_manage(
            command, environment=make_environment(tmp_path / "data", DATABASE_URL=url, PORT=str(find_free_port()))
        )

        assert done.returncode != 0
        assert_one_line(done.stderr, "DATABASE_URL")
        assert "open-sesame" not in done.stderr

    def test_tick__on_a_database_without_tables__names_migrate(self, tmp_path: Path, external: External) -> None:
        url = external.owner_url.rsplit("/", 1)[0] + "/template1"

        done = run_manage("tick", environment=make_environment(tmp_path / "data", DATABASE_URL=url))

        assert done.returncode != 0
        assert_one_line(done.stderr, "manage.py migrate")

    def test_up__without_the_owner__says_what_right_is_missing(self, tmp_path: Path, external: External) -> None:
        url = external.app_url.rsplit("/", 1)[0] + "/postgres"

        done = run_manage(
            "up", environment=make_environment(tmp_path / "data", DATABASE_URL=url, PORT=str(find_free_port()))
        )

        assert done.returncode != 0
        assert_one_line(done.stderr, "DATABASE_OWNER_URL")

    def test_up__with_a_given_database__uses_it_and_starts_none(self, tmp_path: Path, external: External) -> None:
        portal = Portal(tmp_path / "data", DATABASE_URL=external.app_url, DATABASE_OWNER_URL=external.owner_url)
        try:
            found = portal.wait_until_ready().read()
        finally:
            code = portal.stop(signal.SIGTERM)

        assert found["database_url"] == external.app_url
        assert "postgres" not in found["servers"]
        assert not (tmp_path / "data" / "postgres").exists()
        assert code == 0
        assert portal.find_left(seconds=0.5) == []
