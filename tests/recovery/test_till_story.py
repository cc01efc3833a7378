"""The demo's real till on a real engine: rehearsed, deployed, sold with, taken back by restore point or reversal."""

from pathlib import Path

import pytest

from recovery.commands.probing import ask as ask_health
from recovery.domain.addresses import Address, make_url
from recovery.domain.lifecycle import Kind
from recovery.drilling.driving import drive_drill
from recovery.driving import drive
from recovery.models import Deployment, Operation, RestorePoint, SchemaMigration, Target
from recovery.transitions.asking import abort_operation
from recovery.transitions.drilling import begin_drill
from tests.recovery.engine import Engine
from tests.recovery.operations import BY, NOW, do, take
from tests.recovery.shop import ask, list_beside, run_in
from tests.recovery.till_calls import sell
from tests.recovery.till_image import TILL, push_till
from tests.waiting import wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.proof]


def _deploy(till: Target, tills: dict[str, str], version: str) -> Operation:
    operation = do(till, Kind.DEPLOY, version=version, image=tills[version])
    assert operation.status == "succeeded", operation.failure
    return operation


def _port(till: Target) -> int:
    return int(till.project.removeprefix("realtill"))


def _rehearse(till: Target, tills: dict[str, str], point: RestorePoint) -> Operation:
    return do(till, Kind.REHEARSE, version="1.3.0", image=tills["1.3.0"], restore_point=point.pk)


def test_story__deployed_sold_and_taken_back_at_once__no_number_is_given_twice(
    till: Target, database: Address, tills: dict[str, str]
) -> None:
    _deploy(till, tills, "1.2.0")
    assert sell(_port(till))[1]["number"] == 21
    _deploy(till, tills, "1.3.0")
    newest = Deployment.objects.first()
    assert newest is not None
    assert [one["migration"] for one in newest.reversals] == ["0004_discounts", "0003_payments"]
    sold = [sell(_port(till), payment="card")[1]["number"] for _ in range(3)]

    back = do(
        till,
        Kind.ROLL_BACK,
        image=newest.previous_image,
        restore_point=newest.restore_point_id,
        accepts_losses=True,
    )

    assert back.status == "succeeded", back.failure
    assert '"version": "1.2.0", "schema": "0002_closings"' in ask_health(till.health_url).body
    lost = {one["table"]: one["added"] for one in back.state["losses"]["tables"]}
    # Its payments are 21 of the tickets of before, and 3 of the lost ones.
    assert (lost["public.tickets"], lost["public.ticket_lines"], lost["public.payments"]) == (3, 3, 24)
    assert back.state["losses"]["receipts"] == [[sold[0], sold[-1]]]
    assert sell(_port(till))[1]["number"] == sold[-1] + 1
    assert ask(database, "SELECT count(*) FROM tickets") == 22


def test_rehearse__the_tills_own_migrations__are_found_lossy_and_leave_nothing(
    till: Target, database: Address, tills: dict[str, str], folders: Path
) -> None:
    _deploy(till, tills, "1.2.0")
    point = RestorePoint.objects.get()

    operation = _rehearse(till, tills, point)

    assert operation.status == "succeeded", operation.failure
    assert operation.state["verdict"] == "lossy"
    rows = list(SchemaMigration.objects.order_by("position"))
    assert [(row.name, row.found, row.gone) for row in rows] == [
        ("0003_payments", "lossy", ["public.payments"]),
        ("0004_discounts", "lossy", ["public.ticket_lines.discount_cents"]),
    ]
    assert ask(database, "SELECT max(number) FROM schema_migrations") == "0002_closings"
    assert list_beside_of(database) == [database.name]
    assert list((folders / "work").iterdir()) == []
    assert ask_health(till.health_url).is_ok


def test_rehearse__its_commands_read_another_variable__is_refused_before_anything_runs(
    till: Target, database: Address, tills: dict[str, str]
) -> None:
    point = take(till)
    for name in ("OTHER_URL", "PATH"):
        Target.objects.filter(pk=till.pk).update(database_variable=name)
        till.refresh_from_db()

        operation = _rehearse(till, tills, point)

        assert (operation.status, operation.failure["code"]) == ("failed", "variable_not_read")
        abort_operation(operation_id=operation.pk, now=NOW, **BY)
        drive(operation.pk)
    assert ask(database, "SELECT max(number) FROM schema_migrations") == "0002_closings"
    assert list_beside_of(database) == [database.name]


def test_rehearse__two_variables_lead_to_the_live_database__both_lead_to_the_copy(
    till: Target, database: Address, tills: dict[str, str]
) -> None:
    point = take(till)
    file = Path(till.folder) / "till.env"
    file.write_text(file.read_text() + f"REPORTS_URL={make_url(database)}\n")
    Target.objects.filter(pk=till.pk).update(database_variable="REPORTS_URL")
    till.refresh_from_db()

    operation = _rehearse(till, tills, point)

    assert operation.status == "succeeded", operation.failure
    assert operation.steps.get(code="hold_image").proof["variables"] == ["DATABASE_URL", "REPORTS_URL"]
    assert ask(database, "SELECT max(number) FROM schema_migrations") == "0002_closings"


def test_rehearse__one_leads_there_and_cannot_be_turned__is_refused_before_anything_runs(
    till: Target, database: Address, tills: dict[str, str]
) -> None:
    point = take(till)
    file = Path(till.folder) / "till.env"
    file.write_text(file.read_text() + f"REPORTS=host={database.host} dbname={database.name}\n")

    operation = _rehearse(till, tills, point)

    assert operation.failure["code"] == "variable_not_turned"
    assert operation.failure["data"] == {"variable": "REPORTS"}
    assert ask(database, "SELECT max(number) FROM schema_migrations") == "0002_closings"


def test_rehearse__its_command_was_never_in_the_copy__finds_nothing_out(till: Target, tills: dict[str, str]) -> None:
    point = take(till)
    Target.objects.filter(pk=till.pk).update(migrate=["--help"])
    till.refresh_from_db()

    operation = _rehearse(till, tills, point)

    assert (operation.status, operation.failure["code"]) == ("failed", "copy_not_read")
    assert not SchemaMigration.objects.exists()


def test_rehearse__a_way_back_that_leaves_something__is_none(
    till: Target, tills: dict[str, str], engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import shutil

    from tests.recovery import till_image

    # The same release with a reversal that forgets a column, and one that has none at all.
    spoilt = tmp_path / "spoilt"
    shutil.copytree(TILL / "server", spoilt / "server", ignore=shutil.ignore_patterns("__pycache__"))
    migrations = spoilt / "server" / "migrations"
    (migrations / "0004_discounts.down.sql").write_text("SELECT 1;")
    (migrations / "0003_payments.down.sql").unlink()
    with monkeypatch.context() as patched:
        patched.setattr(till_image, "TILL", spoilt)
        image = push_till(engine, "1.3.0")
    _deploy(till, tills, "1.2.0")

    operation = do(till, Kind.REHEARSE, version="1.3.0", image=image, restore_point=RestorePoint.objects.get().pk)

    assert operation.status == "succeeded", operation.failure
    assert operation.state["found"] == {"0004_discounts": "irreversible", "0003_payments": "irreversible"}
    assert operation.steps.get(code="again").status == "skipped"


def test_roll_back__by_reversal__keeps_what_was_sold(till: Target, database: Address, tills: dict[str, str]) -> None:
    _deploy(till, tills, "1.2.0")
    _deploy(till, tills, "1.3.0")
    newest = Deployment.objects.first()
    assert newest is not None
    for _ in range(3):
        sell(_port(till), payment="card")

    back = do(till, Kind.ROLL_BACK, image=newest.previous_image, reverse=newest.reversals, reverse_image=newest.image)

    assert back.status == "succeeded", back.failure
    assert back.steps.get(code="reverse").proof["reversed"] == ["0004_discounts", "0003_payments"]
    assert '"version": "1.2.0", "schema": "0002_closings"' in ask_health(till.health_url).body
    assert ask(database, "SELECT count(*) FROM tickets") == 23
    # What only the new release could hold is in the restore point that was taken first.
    assert RestorePoint.objects.get(operation=back).status == "verified"


def test_roll_back__a_reversal_fails__the_release_runs_again(
    till: Target, database: Address, tills: dict[str, str]
) -> None:
    _deploy(till, tills, "1.2.0")
    _deploy(till, tills, "1.3.0")
    newest = Deployment.objects.first()
    assert newest is not None
    # Something of somebody else's stands on what would go.
    run_in(database, "CREATE VIEW paid AS SELECT sum(cents) FROM payments")

    back = do(till, Kind.ROLL_BACK, image=newest.previous_image, reverse=newest.reversals, reverse_image=newest.image)

    assert (back.status, back.failure["code"]) == ("failed", "reverse_failed")
    wait_until(lambda: ask_health(till.health_url).is_ok)
    assert '"version": "1.3.0", "schema": "0004_discounts"' in ask_health(till.health_url).body
    assert sell(_port(till), payment="card")[0] == 201


def list_beside_of(database: Address) -> list[str]:
    """Return the names of the database and of what was made beside it."""
    from recovery.databases.sessions import open_maintenance

    with open_maintenance(database) as session:
        return list_beside(session, database)


def test_take__on_the_till__passes_its_own_checks(till: Target, tills: dict[str, str]) -> None:
    point = take(till)

    back = do(till, Kind.ROLL_BACK, restore_point=point.pk, accepts_losses=True)

    assert back.status == "succeeded", back.failure
    assert len(back.steps.get(code="validate").proof["checks"]) == 3


def test_drill__the_application_goes_back_and_forth__and_is_measured(
    till: Target, database: Address, tills: dict[str, str]
) -> None:
    Target.objects.filter(pk=till.pk).update(is_for_drills=True)
    _deploy(till, tills, "1.2.0")
    _deploy(till, tills, "1.3.0")
    drill = begin_drill(environment=till.environment, now=NOW, **BY)
    drive_drill(drill.pk)
    operation = drill.operations.get()

    drive(operation.pk)

    operation.refresh_from_db()
    assert operation.status == "succeeded", operation.failure
    drive_drill(drill.pk)
    drill.refresh_from_db()
    assert drill.status == "passed", drill.report
    told = drill.report["targets"][0]
    assert told["has_application"]
    assert told["before"]["median_ms"] > 0
    assert told["after"]["median_ms"] > 0
    assert operation.steps.get(code="drill_back").proof["image"] == tills["1.2.0"]
    assert '"version": "1.3.0"' in ask_health(till.health_url).body
    assert Deployment.objects.filter(rolled_back_at=None).count() == 2
