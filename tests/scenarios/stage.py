"""A whole portal in processes, with a mail server beside it, as the scenarios play on it."""

import email
import email.policy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psycopg
import requests
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from psycopg.rows import dict_row

from releaseportal.addresses import BASE_DIR
from releaseportal.embedded.postgres import remove_cluster
from tests.machineroom.portal import Portal, find_free_port, make_environment, run_manage
from tests.migrated import furnish
from tests.scenarios.people import Person

#: A bound far above what anything here takes, also on a machine that does other things.
PATIENCE_SECONDS = 120.0


@dataclass
class Mailbox:
    """Keeps what a real SMTP conversation delivered."""

    received: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        message = email.message_from_bytes(_bytes(envelope), policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.received.append(message)
        return "250 Kept"

    def find(self, *, to: str, words: str) -> EmailMessage | None:
        """Return the newest mail to an address whose subject holds the words."""
        fits = [one for one in self.received if to in str(one["To"]) and words in str(one["Subject"])]
        return fits[-1] if fits else None


def _bytes(envelope: Envelope) -> bytes:
    assert isinstance(envelope.content, bytes)
    return envelope.content


@dataclass
class Stage:
    """The portal under test: what it says of itself, its people, its database for a look."""

    portal: Portal
    mailbox: Mailbox
    smtp_port: int
    fleets: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def tell(self, *path: str) -> Any:
        """Return what portal.json says at a path of keys."""
        found: Any = self.portal.read()
        for key in path:
            found = found[key]
        return found

    def sign_in(self, name: str) -> Person:
        """Return one of the demo's people, signed in."""
        account = self.tell("demo", "users", name)
        return Person(self.tell("url"), username=account["username"]).sign_in(account["password"])

    def ask(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Return rows of the portal's database; a query only."""
        with closing(self.connect()) as connection:
            connection.read_only = True
            return connection.cursor(row_factory=dict_row).execute(statement, values).fetchall()

    def connect(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self.tell("database_url"), connect_timeout=10)

    def wait(self, condition: Callable[[], object], *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until something holds; the portal must stay up meanwhile."""
        self.portal.wait(lambda: bool(condition()), seconds=seconds)

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of manage.py against this portal, as a person at the shell does."""
        return run_manage(*arguments, environment=make_environment(self.portal.data_dir))

    def start_fleet(self, *, env: str) -> None:
        """Let the simulated tills play in one environment."""
        command = [sys.executable, "manage.py", "simulate_fleet", "--env", env]
        environment = make_environment(self.portal.data_dir)
        self.fleets.append(subprocess.Popen(command, cwd=BASE_DIR, env=environment, start_new_session=True))

    def is_ready(self) -> bool:
        """Return whether the portal calls itself ready."""
        try:
            return requests.get(f"{self.tell('url')}/readyz", timeout=5).ok
        except requests.RequestException:
            return False

    def stop(self) -> None:
        for fleet in self.fleets:
            fleet.terminate()
        for fleet in self.fleets:
            fleet.wait(30)
        self.portal.stop()


@contextmanager
def raise_curtain(data_dir: Path, *, migrated: Path | None = None) -> Iterator[Stage]:
    """Start mail server and portal with the demo, and end them whatever happens; leave no file.

    `migrated`: a folder from which it has its tables, see `tests.migrated`; without, it makes them itself.
    """
    mailbox = Mailbox()
    port = find_free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    stage = None
    try:
        if migrated is not None:
            furnish(data_dir, folder=migrated)
        portal = Portal(data_dir, DEMO="1", FLEET="0", EMAIL_URL=f"smtp://127.0.0.1:{port}")
        stage = Stage(portal, mailbox, port)
        portal.wait_until_ready()
        stage.wait(stage.is_ready)
        yield stage
    finally:
        if stage is not None:
            stage.stop()
        controller.stop()
        remove_cluster(data_dir)
        shutil.rmtree(data_dir, ignore_errors=True)


def list_phases(stage: Stage, rollout_id: int) -> Sequence[str]:
    """Return the kinds of the phases that have begun, in order."""
    rows = stage.ask(
        "SELECT kind FROM rollouts_phase WHERE rollout_id = %s AND status <> 'pending' ORDER BY position", rollout_id
    )
    return [row["kind"] for row in rows]
