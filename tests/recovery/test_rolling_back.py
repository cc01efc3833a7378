"""A database goes back to a restore point, or production stays as it was."""

import gzip
import hashlib
import json
from pathlib import Path

import pytest

from core.errors import Refusal
from recovery.databases.sessions import open_maintenance
from recovery.domain.addresses import Address
from recovery.domain.lifecycle import Kind
from recovery.driving import drive
from recovery.errors import Failure
from recovery.models import Operation, Target
from recovery.transitions.asking import abort_operation, resume_operation
from tests.recovery.operations import BY, NOW, do, take
from tests.recovery.shop import ask, list_beside, run_in, sell

pytestmark = pytest.mark.django_db


def _roll_back(target: Target, point_id: int, **wish: object) -> Operation:
    return do(target, Kind.ROLL_BACK, restore_point=point_id, **wish)


def test_roll_back__rows_came_later__waits_for_a_word_then_swaps_and_archives(
    target: Target, shop: Address, folders: Path
) -> None:
    point = take(target)
    sell(shop, 5)
    run_in(shop, "UPDATE tickets SET cents = 1 WHERE id = 1")

    operation = _roll_back(target, point.pk)

    assert operation.status == "waiting"
    assert operation.failure == {"step": "show_losses", "code": "losses_to_accept", "data": {"rows": 11}}
    assert ask(shop, "SELECT count(*) FROM tickets") == 25
    sell(shop, 1)

    with pytest.raises(Refusal) as stale:
        resume_operation(operation_id=operation.pk, accepts=True, seen_rows=10, now=NOW, **BY)
    assert stale.value.code == "losses_changed"
    resume_operation(operation_id=operation.pk, accepts=True, seen_rows=11, now=NOW, **BY)
    drive(operation.pk)

    operation.refresh_from_db()
    assert operation.status == "succeeded", operation.failure
    assert set(operation.steps.exclude(code="show_losses").values_list("attempts", flat=True)) == {1}
    counted = operation.steps.get(code="show_losses")
    assert (counted.status, counted.proof["rows"], counted.proof["accepted"]["rows"]) == ("done", 11, 11)
    assert ask(shop, "SELECT count(*) FROM tickets") == 20
    assert operation.state["losses"]["rows"] == 13
    assert operation.state["losses"]["receipts"] == [[21, 26]]
    archive = folders / "points" / operation.state["archive"]["file"]
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == operation.state["archive"]["sha256"]
    with gzip.open(archive, "rt") as lines:
        rows = [json.loads(line) for line in lines][:-1]
    assert sorted(
        row["row"]["number"] for row in rows if row["kind"] == "added" and row["table"] == "public.tickets"
    ) == [*range(21, 27)]


def test_roll_back__afterwards__no_receipt_number_is_given_twice(target: Target, shop: Address) -> None:
    point = take(target)
    sell(shop, 5)
    _roll_back(target, point.pk, accepts_losses=True)

    sell(shop, 1)

    assert ask(shop, "SELECT max(number) FROM tickets") == 26


def test_roll_back__nothing_came_later__asks_nobody(target: Target, shop: Address) -> None:
    point = take(target)

    assert _roll_back(target, point.pk).status == "succeeded"


def test_roll_back__the_failed_database__is_kept_until_somebody_lets_it_go(target: Target, shop: Address) -> None:
    point = take(target)
    sell(shop, 5)
    operation = _roll_back(target, point.pk, accepts_losses=True)
    kept = operation.state["kept"]
    assert ask(shop.of(kept), "SELECT count(*) FROM tickets") == 25

    gone = do(target, Kind.LET_GO, database=kept)

    assert gone.status == "succeeded"
    with open_maintenance(shop) as session:
        assert list_beside(session, shop) == [shop.name]


def test_swap_back__after_a_rollback__brings_everything_again(target: Target, shop: Address) -> None:
    point = take(target)
    sell(shop, 5)
    rolled = _roll_back(target, point.pk, accepts_losses=True)
    sell(shop, 3)

    back = do(target, Kind.SWAP_BACK, database=rolled.state["kept"], oid=rolled.state["live_oid"])
    assert (back.status, back.failure["code"]) == ("waiting", "losses_to_accept")
    sell(shop, 2)
    resume_operation(operation_id=back.pk, accepts=True, now=NOW, **BY)
    drive(back.pk)

    back.refresh_from_db()
    assert back.status == "succeeded", back.failure
    assert ask(shop, "SELECT count(*) FROM tickets") == 25
    sell(shop, 1)
    assert ask(shop, "SELECT max(number) FROM tickets") == 31
    kept = shop.of(back.state["kept"])
    assert ask(kept, "SELECT count(*) FROM tickets") == 25
    with pytest.raises(Failure, match="database_failed"):
        sell(kept, 1)


def test_roll_back__what_was_restored_is_not_right__leaves_production_untouched(
    target: Target, shop: Address, folders: Path
) -> None:
    checks = folders / "checks"
    checks.mkdir()
    (checks / "few.sql").write_text("SELECT count(*) FROM tickets HAVING count(*) < 100")
    Target.objects.filter(pk=target.pk).update(checks_folder=str(checks))
    point = take(target)

    operation = _roll_back(target, point.pk, accepts_losses=True)

    assert operation.failure["code"] == "validation_failed"
    assert operation.failure["data"]["what"] == "few"
    assert "few: (20,)" in operation.steps.get(code="validate").output
    assert "(20,)" not in str(list(operation.history.values_list("failure", "state")))
    sell(shop, 1)
    with open_maintenance(shop) as session:
        assert list_beside(session, shop) == [shop.name]

    (checks / "few.sql").unlink()
    resume_operation(operation_id=operation.pk, now=NOW, **BY)
    drive(operation.pk)
    operation.refresh_from_db()
    assert operation.status == "succeeded", operation.failure


def test_abort__while_it_waits__leaves_nothing_beside(target: Target, shop: Address) -> None:
    point = take(target)
    sell(shop, 5)
    operation = _roll_back(target, point.pk)

    abort_operation(operation_id=operation.pk, now=NOW, **BY)
    drive(operation.pk)

    operation.refresh_from_db()
    assert operation.status == "aborted"
    sell(shop, 1)
    assert ask(shop, "SELECT count(*) FROM tickets") == 26
    with open_maintenance(shop) as session:
        assert list_beside(session, shop) == [shop.name]


def test_abort__after_the_swap__is_refused(target: Target, shop: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object) -> None:
        raise Failure("database_failed")

    point = take(target)
    sell(shop, 1)
    monkeypatch.setattr("recovery.procedures.restoring.find_migrations", fail)
    operation = _roll_back(target, point.pk, accepts_losses=True)
    assert (operation.status, operation.failure["step"]) == ("failed", "observe")

    with pytest.raises(Refusal) as caught:
        abort_operation(operation_id=operation.pk, now=NOW, **BY)

    assert caught.value.code == "past_aborting"
    monkeypatch.undo()
