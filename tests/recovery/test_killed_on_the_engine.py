"""A worker is killed after each step of what is done with an engine, one operation through all of its steps."""

from pathlib import Path
from typing import Any

import pytest

from recovery.commands.probing import ask as ask_health
from recovery.databases.sessions import open_maintenance
from recovery.domain.addresses import Address
from recovery.domain.lifecycle import Kind
from recovery.models import Deployment, Operation, RestorePoint, Target
from recovery.plans import PLANS
from recovery.transitions.asking import ask_operation
from tests.recovery.killing import drive_and_die, take_over
from tests.recovery.operations import BY, NOW, do
from tests.recovery.shop import ask, list_beside

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof]


def _die_after_each(till: Target, kind: Kind, *, folders: Path, database: Address, **wish: Any) -> Operation:
    """Drive an operation by workers of which each dies once it has noted a step; return it at its end."""
    operation = ask_operation(kind=kind, target_id=till.pk, wish=wish, now=NOW, **BY)
    for step in PLANS[kind](till, wish).steps:
        drive_and_die(operation, step.code, "after", folders=folders, shop=database)
    take_over(operation)
    operation.refresh_from_db()
    assert operation.status == "succeeded", operation.failure
    return operation


def test_workers__die_after_each_step__everything_goes_as_if_none_had(
    till: Target,
    tills: dict[str, str],
    database: Address,
    folders: Path,
) -> None:
    by: dict[str, Any] = {"folders": folders, "database": database}
    assert do(till, Kind.DEPLOY, version="1.2.0", image=tills["1.2.0"]).status == "succeeded"
    point = RestorePoint.objects.get()

    rehearsed = _die_after_each(
        till, Kind.REHEARSE, version="1.3.0", image=tills["1.3.0"], restore_point=point.pk, **by
    )
    assert rehearsed.state["verdict"] == "lossy"
    assert ask(database, "SELECT max(number) FROM schema_migrations") == "0002_closings"

    _die_after_each(till, Kind.DEPLOY, version="1.3.0", image=tills["1.3.0"], **by)
    newest = Deployment.objects.first()
    assert newest is not None
    assert len(newest.reversals) == 2
    assert '"schema": "0004_discounts"' in ask_health(till.health_url).body

    wish: dict[str, Any] = {"restore_point": point.pk, "image": newest.previous_image, "current": newest.image}
    _die_after_each(till, Kind.DRILL, **wish, **by)
    assert '"version": "1.3.0"' in ask_health(till.health_url).body

    _die_after_each(
        till, Kind.ROLL_BACK, image=newest.previous_image, reverse=newest.reversals, reverse_image=newest.image, **by
    )
    assert '"version": "1.2.0", "schema": "0002_closings"' in ask_health(till.health_url).body
    assert ask(database, "SELECT count(*) FROM tickets") == 20
    with open_maintenance(database) as session:
        assert list_beside(session, database) == [database.name]
