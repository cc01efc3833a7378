"""The till's commands: `python -m server serve|migrate|showmigrations|smoke|fill`."""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import psycopg

from server.api import Api, find_number
from server.database import Pool, connect, get_address
from server.migrating import MigrationRefused, find_head, is_enough, list_applied, list_known, migrate
from server.selling import Line, Sale, fill, list_articles, sell
from server.versions import HEADS, get_version, knows_payments
from server.web import TillServer

#: Less than the engine waits before it kills: docker-compose.yml's stop_grace_period.
FINISH_SECONDS = 3
MOST_FILLED = 10_000_000


class SmokeFailed(Exception):
    """The version does not work with this database; the message says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; what goes wrong is one line."""
    options = _make_parser().parse_args(arguments)
    try:
        return int(options.run(options, get_version(), get_address()))
    except (ValueError, MigrationRefused, SmokeFailed) as fault:
        print(fault, file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
    except OSError as fault:
        print(f"It cannot listen there: {fault.strerror}", file=sys.stderr)
    except psycopg.Error as fault:
        print(f"The database refuses or does not answer: {' '.join(str(fault).split())}", file=sys.stderr)
    return 1


def _serve(options: argparse.Namespace, version: str, address: str) -> int:
    pool = Pool(address)
    server = TillServer((options.host, options.port), api=Api(pool, version), page=options.page)
    # Not in this thread: shutdown waits for the loop that it ends.
    signal.signal(signal.SIGTERM, lambda *_given: threading.Thread(target=server.shutdown).start())
    print(f"till {version} on http://{options.host}:{server.server_port}", flush=True)
    try:
        server.serve_forever(poll_interval=0.1)
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
        server.wait_idle(seconds=FINISH_SECONDS)
        pool.close()
    return 0


def _migrate(options: argparse.Namespace, version: str, address: str) -> int:
    with connect(address) as session:
        done = migrate(session, version, to=options.name)
        for line in done:
            print(line)
        print(f"schema {find_head(session)}")
    return 0


def _show(options: argparse.Namespace, version: str, address: str) -> int:
    with connect(address) as session:
        applied = list_applied(session)
    rows = [
        {"name": one.name, "applied": one.name in applied, "reversible": one.back is not None}
        for one in list_known(version)
    ]
    if options.json:
        print(json.dumps(rows))
        return 0
    for row in rows:
        print(f"[{'x' if row['applied'] else ' '}] {row['name']}{'' if row['reversible'] else ' (no way back)'}")
    return 0


def _smoke(_options: argparse.Namespace, version: str, address: str) -> int:
    with connect(address) as session:
        head = find_head(session)
        if not is_enough(head, version):
            raise SmokeFailed(f"{version} needs the schema {HEADS[version]}; this is {head}.")
        if not list_articles(session):
            raise SmokeFailed("There is nothing to sell.")
        with session.transaction(force_rollback=True):
            sell(session, Sale((Line("vaisselle", 150),), "cash"), with_payments=knows_payments(version), number=0)
    print(f"{version} sells on {head}: a ticket was written and taken back")
    return 0


def _fill(options: argparse.Namespace, version: str, address: str) -> int:
    with connect(address) as session:
        session.execute("SET statement_timeout = 0")
        fill(session, options.tickets, with_payments=knows_payments(version))
    print(f"{options.tickets} tickets sold")
    return 0


def _read_port(text: str) -> int:
    return _read_number(text, most=65_535)


def _read_count(text: str) -> int:
    return _read_number(text, most=MOST_FILLED)


def _read_number(text: str, *, most: int) -> int:
    number = find_number(text, most=most)
    if not number:
        raise argparse.ArgumentTypeError(f"it is a number from 1 to {most}")
    return number


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="server", description=__doc__)
    commands = parser.add_subparsers(required=True)
    serving = commands.add_parser("serve", help="serve the till over HTTP")
    serving.add_argument("--host", default="127.0.0.1")
    serving.add_argument("--port", type=_read_port, required=True)
    serving.add_argument("--page", type=Path, help="the folder of the till's page")
    serving.set_defaults(run=_serve)
    migrating = commands.add_parser("migrate", help="go forward to the newest migration, or to one, forward or back")
    migrating.add_argument("name", nargs="?", default="")
    migrating.set_defaults(run=_migrate)
    showing = commands.add_parser("showmigrations", help="list the migrations of this version")
    showing.add_argument("--json", action="store_true")
    showing.set_defaults(run=_show)
    smoking = commands.add_parser("smoke", help="sell a ticket and take it back")
    smoking.set_defaults(run=_smoke)
    filling = commands.add_parser("fill", help="sell many tickets at once, for demonstrations")
    filling.add_argument("--tickets", type=_read_count, default=1_000)
    filling.set_defaults(run=_fill)
    return parser


if __name__ == "__main__":
    sys.exit(main())
