"""The process of its own in which recovery is measured: bare programs first, then the portal's operations."""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import django

django.setup()

from psycopg import sql

from bench.recovery import RTO_SECONDS, Line
from core import clock
from core.actors import DEMO
from flags.models import Environment
from recovery.commands.tools import run_tool
from recovery.databases.sessions import open_maintenance, open_session
from recovery.domain.addresses import Address, parse_address
from recovery.domain.lifecycle import Kind
from recovery.driving import drive
from recovery.models import Operation, RestorePoint
from recovery.storage import find_work_folder
from recovery.transitions.asking import ask_operation
from recovery.transitions.targeting import TargetWish, create_target

WHY: dict[str, Any] = {"actor": DEMO, "reason": "measured"}
#: Rows of tickets added at a time, until the database has its size.
BATCH = 200_000
SOLD_SINCE = 500
SECONDS = 3_600.0
SCHEMA = """
CREATE SEQUENCE public.receipt_number;
CREATE TABLE public.tickets (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number bigint NOT NULL UNIQUE DEFAULT nextval('public.receipt_number'),
    sold_at timestamptz NOT NULL DEFAULT now(),
    cents integer NOT NULL,
    note text NOT NULL
);
CREATE TABLE public.ticket_lines (
    ticket_id bigint NOT NULL REFERENCES public.tickets,
    position integer NOT NULL,
    article text NOT NULL,
    cents integer NOT NULL,
    PRIMARY KEY (ticket_id, position)
);
"""
SELL = """
WITH sold AS (
    INSERT INTO public.tickets (cents, note) SELECT i, md5(random()::text) FROM generate_series(1, %s) AS i
    RETURNING id, cents
)
INSERT INTO public.ticket_lines SELECT id, line, md5(id::text), cents FROM sold, generate_series(1, 2) AS line
"""
#: The steps that run a bare program, and do nothing else that takes time.
COMPARED = {"dump": "pg_dump", "restore": "pg_restore"}


def _main(megabytes: int) -> None:
    shop = parse_address(os.environ["TARGET_BENCH_URL"])
    size = _make_shop(shop, megabytes=megabytes)
    bare = _measure_bare(shop)
    _tell(Line(f"bare pg_dump of {size >> 20} MB", bare["pg_dump"]))
    _tell(Line("bare pg_restore into a new database, ANALYZE", bare["pg_restore"]))
    wish = TargetWish(
        name="Bench",
        environment_id=Environment.objects.earliest("position").pk,
        database="env:TARGET_BENCH_URL",
        receipts="tickets.number",
    )
    target = create_target(key="bench", wish=wish, now=clock.now(), **WHY)
    taken = _do(target.pk, Kind.TAKE, {})
    _tell_steps("restore point", taken, bare)
    _sell(shop, SOLD_SINCE)
    point = RestorePoint.objects.get(operation=taken)
    begun = time.perf_counter()
    rolled = _do(target.pk, Kind.ROLL_BACK, {"restore_point": point.pk, "accepts_losses": True})
    whole = time.perf_counter() - begun
    _tell_steps("rollback", rolled, bare)
    _tell(Line("rollback, from the press to the end", whole, limit=RTO_SECONDS))
    if rolled.state["losses"]["rows"] != 3 * SOLD_SINCE:
        sys.exit(f"lost rows miscounted: {rolled.state['losses']}")


def _make_shop(shop: Address, *, megabytes: int) -> int:
    with open_maintenance(shop) as session:
        session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(shop.name)))
    with open_session(shop) as session:
        session.execute(SCHEMA)
        while True:
            session.execute(SELL, [BATCH])
            found = session.execute("SELECT pg_database_size(current_database())").fetchone()
            if found and found[0] >= megabytes << 20:
                break
        session.execute("VACUUM ANALYZE")
    return int(found[0])


def _sell(shop: Address, count: int) -> None:
    with open_session(shop) as session:
        session.execute(SELL, [count])


def _measure_bare(shop: Address) -> dict[str, float]:
    file, copy = find_work_folder() / "bare.dump", shop.of("bare_copy")
    dump = _time(lambda: run_tool("pg_dump", "--format=custom", f"--file={file}", seconds=SECONDS, address=shop))
    with open_maintenance(shop) as session:
        session.execute("CREATE DATABASE bare_copy TEMPLATE template0")
    restore = _time(lambda: _restore_bare(file, copy))
    with open_maintenance(shop) as session:
        session.execute("DROP DATABASE bare_copy WITH (FORCE)")
    file.unlink()
    return {"pg_dump": dump, "pg_restore": restore}


def _restore_bare(file: Path, copy: Address) -> None:
    run_tool("pg_restore", "--jobs=2", f"--dbname={copy.name}", str(file), seconds=SECONDS, address=copy)
    with open_session(copy) as session:
        session.execute("ANALYZE")


def _do(target_id: int, kind: Kind, wish: dict[str, Any]) -> Operation:
    operation = ask_operation(kind=kind, target_id=target_id, wish=wish, now=clock.now(), **WHY)
    drive(operation.pk)
    operation.refresh_from_db()
    if operation.status != "succeeded":
        sys.exit(f"{kind}: {operation.status} {operation.failure}")
    return operation


def _tell_steps(name: str, operation: Operation, bare: dict[str, float]) -> None:
    for step in operation.state["steps"]:
        seconds = step["seconds"] or 0.0
        if "pg_dump_seconds" in step["proof"]:
            own = step["proof"]["pg_dump_seconds"]
            _tell(Line(f"{name}: counted for verification", seconds - own))
            seconds = own
        program = COMPARED.get(step["code"], "")
        _tell(Line(f"{name}: {step['code']}", seconds, bare=bare.get(program, 0.0)))


def _time(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _tell(line: Line) -> None:
    print(json.dumps(asdict(line)), flush=True)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
