"""Runs the portal's processes, starts again what dies, and leaves nothing behind (ADR 0009).

One thread, one loop: children are started by the main thread only, so that Linux's parent-death
signal means the supervisor's own end.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import psycopg

from flags.domain.variables import PREFIX as VARIABLE
from releaseportal.addresses import Addresses, find_addresses
from releaseportal.embedded.faults import EmbeddedError
from releaseportal.embedded.keys import remember
from releaseportal.embedded.portalfile import read_demo, remove_portal_file, write_portal_file
from releaseportal.embedded.postgres import prepare_postgres, wait_for_postgres
from releaseportal.embedded.programs import TILL, Plan, list_programs, manage_step
from releaseportal.embedded.server import Server, read_tail, start_server
from releaseportal.embedded.valkey import prepare_valkey, wait_for_valkey

#: A child that lived shorter is started again only after a pause, which doubles up to the longest.
SHORT_LIFE_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 5.0
POLL_SECONDS = 0.1
PATIENCE_SECONDS = 10.0
READY_PATIENCE_SECONDS = 120.0
#: The till's first start fetches packages: a slow registry must not keep the portal waiting.
TILL_PATIENCE_SECONDS = 15.0
LOG_LIMIT_BYTES = 5_000_000


class StopRequested(Exception):
    """Ctrl-C, SIGTERM, or the terminal went away."""


@dataclass
class Child:
    """A program and the process that runs it at present."""

    server: Server
    log: Path
    process: "subprocess.Popen[bytes]"
    started_at: float
    short_lives: int = 0
    again_at: float | None = None


@dataclass
class Supervisor:
    plan: Plan
    say: Callable[[str], None]
    children: dict[str, Child] = field(default_factory=dict)
    _stop: bool = False
    _is_ready: bool = False

    def run(self) -> None:
        """Start everything, keep it running until a signal, stop everything."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            addresses = self._start_servers()
            self._set_up(addresses)
            self._start_programs(addresses)
            while True:
                self.look_after_children()
        except StopRequested:
            self.say("Stopping ...")
        finally:
            self._stop_everything()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop = True

    def _start_servers(self) -> Addresses:
        """Start PostgreSQL and Valkey unless given; return the addresses in force."""
        data_dir = self.plan.data_dir
        # A killed supervisor has left its file: whoever waits for it must not read the old one.
        remove_portal_file(data_dir)
        remember(data_dir)
        if self.plan.own_database:
            self.start(prepare_postgres(data_dir, has_till=self.plan.till_port is not None))
        if self.plan.own_broker:
            self.start(prepare_valkey(data_dir))
        found = find_addresses(data_dir, environment=os.environ)
        if self.plan.own_database:
            wait_for_postgres(found.database_url, log=self.children["postgres"].log)
        if self.plan.own_broker:
            wait_for_valkey(found.redis_url, log=self.children["valkey"].log)
        return found

    def _set_up(self, addresses: Addresses) -> None:
        """Migrate, and load the demo into an empty database."""
        self.say("Preparing the database (a new one takes some seconds) ...")
        self._run_step("migrate", "--no-input")
        if self.plan.demo and is_empty(addresses.database_url):
            self.say("Loading the demo ...")
            self._run_step("load_demo")
            self.say("The demo is loaded.")
        if any(name.startswith(VARIABLE) for name in os.environ):
            self._run_step("check_variables")
        told = read_demo(self.plan.data_dir).get("tokens", {})
        if self.plan.till_port and lacks_origin(addresses.database_url, keys=[*told], origin=self.plan.till_origin):
            self._run_step("allow_till", self.plan.till_origin)
        if self.plan.has_till_database and told:
            # Each time: its port may be another one than the last.
            try:
                self._run_step("load_till")
            except EmbeddedError as fault:
                # Its database may be in the middle of a rollback, which only a running portal ends.
                self.say(f"The till's database is not ready, and the portal goes on without it: {fault}")

    def _run_step(self, *arguments: str) -> None:
        log = self._log_of("setup")
        process = start_server(manage_step(self.plan, arguments), log=log)
        self.children["setup"] = Child(manage_step(self.plan, arguments), log, process, time.monotonic())
        while process.poll() is None:
            self._check_stop()
            time.sleep(POLL_SECONDS)
        del self.children["setup"]
        if process.returncode:
            raise EmbeddedError(f"`{arguments[0]}` failed; {log} ends: {read_tail(log, lines=1)}")

    def _start_programs(self, addresses: Addresses) -> None:
        for server in list_programs(self.plan):
            self.start(server)
        self._wait_until_ready()
        # Only now: whoever waits for the file may use what it names.
        self._is_ready = True
        self._write_portal_file(addresses)
        self._wait_for_till()
        self.say(self.plan.greeting(has_till=TILL in self.children))

    def _wait_until_ready(self) -> None:
        limit = time.monotonic() + READY_PATIENCE_SECONDS
        while missing := find_missing_parts(self.plan.host, self.plan.port):
            if time.monotonic() > limit:
                log = self.children["web"].log
                raise EmbeddedError(
                    f"The portal is not ready ({', '.join(missing)}); the log {log} ends: {read_tail(log, lines=1)}"
                )
            self.look_after_children()

    def _wait_for_till(self) -> None:
        limit = time.monotonic() + TILL_PATIENCE_SECONDS
        while TILL in self.children and time.monotonic() < limit and not is_listening(self.plan.till_port or 0):
            self.look_after_children()

    def start(self, server: Server) -> None:
        """Start a program that is looked after from here on."""
        log = self._log_of(server.name)
        self.children[server.name] = Child(server, log, start_server(server, log=log), time.monotonic())

    def _log_of(self, name: str) -> Path:
        folder = self.plan.data_dir / "logs"
        folder.mkdir(mode=0o700, exist_ok=True)
        log = folder / f"{name}.log"
        if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(".log.1"))
        return log

    def look_after_children(self) -> None:
        """Look once at every child; start again those that died and whose pause is over."""
        self._check_stop()
        now = time.monotonic()
        for child in list(self.children.values()):
            if child.process.poll() is None:
                continue
            if child.server.may_give_up and child.process.returncode == 1:
                self._let_go(child)
                continue
            if child.again_at is None:
                self._plan_restart(child, now=now)
            if child.again_at is not None and now >= child.again_at:
                child.process = start_server(child.server, log=self._log_of(child.server.name))
                child.started_at, child.again_at = time.monotonic(), None
                self._write_portal_file(find_addresses(self.plan.data_dir, environment=os.environ))
        time.sleep(POLL_SECONDS)

    def _let_go(self, child: Child) -> None:
        del self.children[child.server.name]
        said = read_tail(child.log, lines=1)
        self.say(f"The {child.server.name} is not started, and the portal goes on without it: {said}")
        self._write_portal_file(find_addresses(self.plan.data_dir, environment=os.environ))

    def _plan_restart(self, child: Child, *, now: float) -> None:
        lived = now - child.started_at
        child.short_lives = child.short_lives + 1 if lived < SHORT_LIFE_SECONDS else 0
        pause = 0.0 if child.short_lives == 0 else min(0.25 * 2**child.short_lives, LONGEST_PAUSE_SECONDS)
        child.again_at = now + pause
        # One line for a death, and silence while it keeps dying: its log has the rest.
        if child.short_lives < 2:
            self.say(f"{child.server.name} ended ({describe_end(child.process.returncode)}) and is started again.")

    def _write_portal_file(self, addresses: Addresses) -> None:
        if not self._is_ready:
            return
        pids = {name: child.process.pid for name, child in self.children.items()}
        write_portal_file(self.plan.data_dir, url=self.plan.url, addresses=addresses, pids=pids)

    def _check_stop(self) -> None:
        if self._stop:
            raise StopRequested

    def _stop_everything(self) -> None:
        """Stop what works first and what it works with last; nothing is left when this returns."""
        servers = ("valkey", "postgres")
        stop_together([child for name, child in self.children.items() if name not in servers])
        stop_together([self.children[name] for name in servers if name in self.children])
        remove_portal_file(self.plan.data_dir)


def stop_together(children: Iterable[Child]) -> None:
    """Ask all to stop, wait, then end by force what still runs."""
    running = [child for child in children if child.process.poll() is None]
    for child in running:
        child.process.send_signal(child.server.stop_signal)
    limit = time.monotonic() + PATIENCE_SECONDS
    for child in running:
        try:
            child.process.wait(max(limit - time.monotonic(), 0.01))
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()


def is_empty(database_url: str) -> bool:
    """Return whether a migrated database holds no person and no environment yet."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT NOT EXISTS (SELECT 1 FROM core_user) AND NOT EXISTS (SELECT 1 FROM flags_environment)"
        ).fetchone()
    return bool(row and row[0])


def lacks_origin(database_url: str, *, keys: Sequence[str], origin: str) -> bool:
    """Return whether one of these environments does not allow the pages of an origin."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT EXISTS (SELECT 1 FROM flags_environment WHERE key = ANY(%s) AND NOT %s = ANY(allowed_origins))",
            [list(keys), origin],
        ).fetchone()
    return bool(row and row[0])


def is_listening(port: int) -> bool:
    """Return whether somebody answers on a loopback port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def find_missing_parts(host: str, port: int) -> list[str]:
    """Return what `/readyz` there misses, "web" where nobody answers; empty when all is ready."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asked, not bound
    connection = http.client.HTTPConnection(reachable, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        parts = json.loads(connection.getresponse().read())["parts"]
    except (OSError, http.client.HTTPException, ValueError, LookupError):
        return ["web"]
    finally:
        connection.close()
    return [name for name, is_there in parts.items() if not is_there]


def describe_end(returncode: int) -> str:
    """Return how a process ended, for a line on the screen."""
    if returncode >= 0:
        return f"exit code {returncode}"
    return signal.Signals(-returncode).name if -returncode in set(signal.Signals) else f"signal {-returncode}"


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
