"""A worker is killed at every single step: production is untouched or restored, and whoever comes next ends it."""

from pathlib import Path

import pytest

from recovery.databases.sessions import open_maintenance
from recovery.domain.addresses import Address
from recovery.domain.lifecycle import Kind
from recovery.models import RestorePoint, Target
from recovery.procedures.restoring import DATABASE_STEPS
from recovery.procedures.taking import TAKING
from recovery.transitions.asking import ask_operation
from tests.recovery.killing import drive_and_die, take_over
from tests.recovery.operations import BY, NOW, take
from tests.recovery.shop import ask, list_beside, sell

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof]

WHEN = ("during", "before", "after")


def _beside(shop: Address) -> list[str]:
    with open_maintenance(shop) as session:
        return list_beside(session, shop)


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("step", [step.code for step in TAKING])
def test_take__the_worker_is_killed__the_next_one_ends_it(
    target: Target, shop: Address, folders: Path, step: str, when: str
) -> None:
    operation = ask_operation(kind=Kind.TAKE, target_id=target.pk, wish={}, now=NOW, **BY)
    drive_and_die(operation, step, when, folders=folders, shop=shop)

    take_over(operation)

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
    drive_and_die(operation, step, when, folders=folders, shop=shop)
    assert _count_whole(shop) in {20, 25}

    take_over(operation)

    operation.refresh_from_db()
    assert operation.status == "succeeded", operation.failure
    assert _count_whole(shop) == 20
    assert operation.state["losses"]["rows"] == 10
    sell(shop, 1)
    assert ask(shop, "SELECT max(number) FROM tickets") == 26
    assert _beside(shop) == sorted([shop.name, operation.state["kept"]])


def _count_whole(shop: Address) -> int:
    """Return how many tickets there are, each with its line: the database is one or the other, never mixed.

    While it is counted alone, and in the moment of the swap, nobody comes in: a killed worker leaves it so until the
    next one comes.
    """
    query = "SELECT datallowconn AND datconnlimit <> 0 FROM pg_database WHERE datname = %s"
    with open_maintenance(shop) as session:
        is_open = session.execute(query, [shop.name]).fetchone()
    if is_open == (False,):
        return 25
    tickets = ask(shop, "SELECT count(*) FROM tickets")
    assert tickets == ask(shop, "SELECT count(*) FROM ticket_lines")
    assert isinstance(tickets, int)
    return tickets
