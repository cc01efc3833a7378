"""The process of its own in which recovery is measured: bare programs first, then the portal's operations."""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import django

django.setup()

from psycopg import sql

from bench.recovery import APPLICATION, DATABASE, RTO_SECONDS, Line
from core import clock
from core.actors import DEMO
from flags.models import Environment
from recovery.commands.tools import run_tool
from recovery.databases.sessions import open_maintenance, open_session
from recovery.domain.addresses import Address, parse_address
from recovery.domain.lifecycle import Kind
from recovery.driving import drive
from recovery.models import Deployment, Operation, RestorePoint, Target
from recovery.storage import find_work_folder
from recovery.transitions.asking import ask_operation
from recovery.transitions.targeting import TargetWish, create_target
from tests.recovery.till_calls import call, sell
from tests.recovery.till_image import TILL

WHY: dict[str, Any] = {"actor": DEMO, "reason": "measured"}
#: Rows of tickets added at a time, until the database has its size.
BATCH = 200_000
SOLD_SINCE = 500
SECONDS = 3_600.0
#: Tickets of two lines each, as the till's version 1.2.0 keeps them.
SELL = """
WITH sold AS (
    INSERT INTO public.tickets (sale_id, cents) SELECT gen_random_uuid(), 550 FROM generate_series(1, %s) RETURNING id
)
INSERT INTO public.ticket_lines SELECT id, line, article, cents
FROM sold, (VALUES (1, 'vaisselle', 150), (2, 'textile', 400)) AS sells (line, article, cents)
"""
#: The steps that run a bare program, and do nothing else that takes time.
COMPARED = {"dump": "pg_dump", "restore": "pg_restore"}


def _main(megabytes: int) -> None:
    shop = parse_address(os.environ[DATABASE])
    application = json.loads(os.environ.get(APPLICATION, "null"))
    size = _make_shop(shop, megabytes=megabytes)
    bare = _measure_bare(shop)
    _tell(Line(f"bare pg_dump of {size >> 20} MB", bare["pg_dump"]))
    _tell(Line("bare pg_restore into a new database, ANALYZE", bare["pg_restore"]))
    target = create_target(key="bench", wish=_describe(application), now=clock.now(), **WHY)
    wish = {"accepts_losses": True} | _prepare(target, shop, bare, application)
    begun = time.perf_counter()
    rolled = _do(target.pk, Kind.ROLL_BACK, wish)
    whole = time.perf_counter() - begun
    _tell_steps("rollback", rolled, bare)
    parts = "application and database" if application else "database"
    _tell(Line(f"rollback of {parts}, from the press on", whole, limit=RTO_SECONDS))
    lost = {one["table"]: one["added"] for one in rolled.state["losses"]["tables"]}
    if lost["public.tickets"] != SOLD_SINCE:
        sys.exit(f"lost rows miscounted: {rolled.state['losses']}")


def _prepare(
    target: Target, shop: Address, bare: dict[str, float], application: dict[str, Any] | None
) -> dict[str, Any]:
    """Bring the target to some sales after its restore point, and return the rollback's wish."""
    if application is None:
        taken = _do(target.pk, Kind.TAKE, {})
        _tell_steps("restore point", taken, bare)
        _sell(shop, SOLD_SINCE)
        return {"restore_point": RestorePoint.objects.get(operation=taken).pk}
    images = application["images"]
    _do(target.pk, Kind.DEPLOY, {"version": "1.2.0", "image": images["1.2.0"]})
    deployed = _do(target.pk, Kind.DEPLOY, {"version": "1.3.0", "image": images["1.3.0"]})
    _tell_steps("deployment", deployed, bare)
    for _ in range(SOLD_SINCE):
        status, _answer = sell(application["port"], payment="card")
        if status != HTTPStatus.CREATED:
            sys.exit(f"the till does not sell: {status}")
    newest = Deployment.objects.get(operation=deployed)
    return {"restore_point": newest.restore_point_id, "image": newest.previous_image}


def _describe(application: dict[str, Any] | None) -> TargetWish:
    wish = TargetWish(
        name="Bench",
        environment_id=Environment.objects.earliest("position").pk,
        database=f"env:{DATABASE}",
        receipts="tickets.number",
        checks_folder=str(TILL / "server" / "checks"),
    )
    if application is None:
        return wish
    port = application["port"]
    return replace(
        wish,
        folder=application["folder"],
        project=f"bench{port}",
        service="till",
        command_service="once",
        image_variable="TILL_IMAGE",
        migrate=["migrate"],
        reverse=["migrate", "{name}"],
        smoke=["smoke"],
        database_variable="DATABASE_URL",
        health_url=f"http://127.0.0.1:{port}/health",
    )


def _make_shop(shop: Address, *, megabytes: int) -> int:
    with open_maintenance(shop) as session:
        session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(shop.name)))
    made = call(shop, "migrate", version="1.2.0")
    if made.returncode:
        sys.exit(made.stderr)
    with open_session(shop) as session:
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
