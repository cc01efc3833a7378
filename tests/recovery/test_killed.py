"""A worker is killed at every single step: production is untouched or restored, and whoever comes next ends it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from django.db import connection

from recovery.databases.sessions import open_maintenance
from recovery.domain.addresses import Address
from recovery.domain.lifecycle import Kind
from recovery.driving import drive
from recovery.models import Operation, RestorePoint, Target
from recovery.procedures.restoring import DATABASE_STEPS
from recovery.procedures.taking import TAKING
from recovery.transitions.asking import ask_operation
from tests.recovery.operations import BY, NOW, VARIABLE, take, url_of
from tests.recovery.shop import ask, list_beside, sell
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

HERE = Path(__file__).resolve().parents[2]
WHEN = ("during", "before", "after")


def _drive_and_die(operation: Operation, step: str, when: str, *, folders: Path, shop: Address) -> None:
    """Have another process drive until it is killed; whatever it started is gone when this returns."""
    own = connection.settings_dict
    url = f"postgres://{own['USER']}:{own['PASSWORD']}@{own['HOST']}:{own['PORT']}/{own['NAME']}"
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "RECOVERY_DIR": str(folders / "points"),
        "RECOVERY_WORK_DIR": str(folders / "work"),
        VARIABLE: url_of(shop),
    }
    command = [sys.executable, "-m", "tests.recovery.killed_driver", str(operation.pk), step, when]
    process = subprocess.Popen(command, cwd=HERE, env=environment)
    children: dict[int, psutil.Process] = {}
    while process.poll() is None:
        try:
            children |= {one.pid: one for one in psutil.Process(process.pid).children(recursive=True)}
        except psutil.Error:
            break
    assert process.wait(60) == -signal.SIGKILL
    wait_until(lambda: not any(_lives(one) for one in children.values()))


def _take_over(operation: Operation) -> None:
    """Drive it to its end, as the next tick does: the server may need a moment to see that its client is dead."""
    wait_until(lambda: drive(operation.pk))


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _beside(shop: Address) -> list[str]:
    with open_maintenance(shop) as session:
        return list_beside(session, shop)


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("step", [step.code for step in TAKING])
def test_take__the_worker_is_killed__the_next_one_ends_it(
    target: Target, shop: Address, folders: Path, step: str, when: str
) -> None:
    operation = ask_operation(kind=Kind.TAKE, target_id=target.pk, wish={}, now=NOW, **BY)
    _drive_and_die(operation, step, when, folders=folders, shop=shop)

    _take_over(operation)

    operation.refresh_from_db()
    point = RestorePoint.objects.get()
    assert operation.status == "succeeded", operation.failure
    assert point.status == "verified"
    assert [file.name for file in (folders / "points" / "shop").iterdir()] == [Path(point.file).name]
    assert list((folders / "work").iterdir()) == []


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("step", [step.code for step in DATABASE_STEPS])
def test_roll_back__the_worker_is_killed__the_next_one_ends_it(
    target: Target, shop: Address, folders: Path, step: str, when: str
) -> None:
    point = take(target)
    sell(shop, 5)
    wish = {"restore_point": point.pk, "accepts_losses": True}
    operation = ask_operation(kind=Kind.ROLL_BACK, target_id=target.pk, wish=wish, now=NOW, **BY)
    _drive_and_die(operation, step, when, folders=folders, shop=shop)
    assert _count_whole(shop) in {20, 25}

    _take_over(operation)

    operation.refresh_from_db()
    assert operation.status == "succeeded", operation.failure
    assert _count_whole(shop) == 20
    assert operation.state["losses"]["rows"] == 10
    sell(shop, 1)
    assert ask(shop, "SELECT max(number) FROM tickets") == 26
    assert _beside(shop) == sorted([shop.name, operation.state["kept"]])


def _count_whole(shop: Address) -> int:
    """Return how many tickets there are, each with its line: the database is one or the other, never mixed.

    In the moment of the swap nobody may connect: a killed worker leaves it so until the next one comes.
    """
    name = shop.name
    with open_maintenance(shop) as session:
        allowed = session.execute("SELECT datallowconn FROM pg_database WHERE datname = %s", [name]).fetchone()
    if allowed == (False,):
        return 25
    tickets = ask(shop, "SELECT count(*) FROM tickets")
    assert tickets == ask(shop, "SELECT count(*) FROM ticket_lines")
    assert isinstance(tickets, int)
    return tickets
