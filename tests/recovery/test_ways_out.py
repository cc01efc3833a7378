"""Every way an operation can go wrong has a way out: put back, given up, left as it stands, or taken over."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.conf import settings

from core.errors import Refusal
from notifications.models import Event
from recovery.databases.sessions import Session
from recovery.databases.swapping import make_read_only, make_writable, open_alone, swap
from recovery.domain.addresses import Address
from recovery.domain.lifecycle import Kind, StepStatus
from recovery.driving import drive, drive_due
from recovery.errors import Failure
from recovery.models import Operation, Target
from recovery.transitions.asking import abort_operation, ask_operation, leave_operation, resume_operation
from recovery.transitions.stepping import MOST_ATTEMPTS, TakenOver, begin_step, end_step, fail_step
from tests.recovery.operations import BY, NOW, do, make_target, take
from tests.recovery.shop import ask, sell

pytestmark = pytest.mark.django_db

RESTORING = "recovery.procedures.restoring"


def _roll_back(target: Target, point_id: int) -> Operation:
    return do(target, Kind.ROLL_BACK, restore_point=point_id, accepts_losses=True)


def _drive_at_once(operation: Operation) -> None:
    """Drive an operation as if its pause were over."""
    Operation.objects.filter(pk=operation.pk).update(next_attempt_at=None)
    drive(operation.pk)
    operation.refresh_from_db()


def _fail(code: str, *, times: int = 99, is_passing: bool = False, then: Callable[..., Any] | None = None) -> Any:
    """Return something that fails so many times, and does what it is for afterwards."""
    left = [times]

    def act(*given: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] < 0 and then is not None:
            return then(*given, **named)
        raise Failure(code, is_passing=is_passing)

    return act


def test_fail__putting_back_fails_for_a_moment__is_tried_again_until_everybody_writes(
    target: Target, shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = take(target)
    sell(shop, 1)
    monkeypatch.setattr(f"{RESTORING}.read_lost_rows", _fail("database_failed"))
    monkeypatch.setattr(
        f"{RESTORING}.make_writable", _fail("database_unreachable", times=2, is_passing=True, then=make_writable)
    )

    operation = _roll_back(target, point.pk)
    assert (operation.status, operation.failure["code"]) == ("running", "database_failed")
    _drive_at_once(operation)
    assert operation.status == "running"
    _drive_at_once(operation)

    assert (operation.status, operation.failure["step"]) == ("failed", "archive")
    assert operation.state["undone"]["writable"] == shop.name
    sell(shop, 1)
    assert Event.objects.get().kind == "target_rollback_failed"


def test_fail__the_worker_dies_before_it_put_back__the_next_one_does(
    target: Target, shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = take(target)
    sell(shop, 1)
    monkeypatch.setattr(f"{RESTORING}.read_lost_rows", _fail("database_failed"))
    with monkeypatch.context() as dying:
        dying.setattr("recovery.driving._undo", _fail("fault"))
        operation = ask_operation(
            kind=Kind.ROLL_BACK,
            target_id=target.pk,
            wish={"restore_point": point.pk, "accepts_losses": True},
            now=NOW,
            **BY,
        )
        with pytest.raises(Failure):
            drive(operation.pk)
    operation.refresh_from_db()
    assert operation.status == "running"

    drive(operation.pk)

    operation.refresh_from_db()
    assert operation.status == "failed"
    sell(shop, 1)


def test_abort__what_it_changed_cannot_be_put_back__is_no_abort(
    target: Target, shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = take(target)
    sell(shop, 1)
    with monkeypatch.context() as broken:
        broken.setattr(f"{RESTORING}.read_lost_rows", _fail("database_failed"))
        broken.setattr(f"{RESTORING}.make_writable", _fail("database_refused"))
        operation = _roll_back(target, point.pk)
        assert operation.status == "failed"
        abort_operation(operation_id=operation.pk, now=NOW, **BY)
        drive(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, operation.failure["code"]) == ("failed", "undo_failed")

    abort_operation(operation_id=operation.pk, now=NOW, **BY)
    drive(operation.pk)

    operation.refresh_from_db()
    assert operation.status == "aborted"
    sell(shop, 1)


def test_swap__done_and_its_answer_lost__can_only_go_forward(
    target: Target, shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swap_and_fail(*given: Any, **named: Any) -> float:
        swap(*given, **named)
        raise Failure("swap_unclear", live="", restored="", kept="")

    point = take(target)
    sell(shop, 1)
    with monkeypatch.context() as broken:
        broken.setattr(f"{RESTORING}.swap", swap_and_fail)
        operation = _roll_back(target, point.pk)
    assert (operation.status, operation.is_past, operation.is_abortable) == ("failed", True, False)
    with pytest.raises(Refusal) as caught:
        abort_operation(operation_id=operation.pk, now=NOW, **BY)
    assert caught.value.code == "past_aborting"

    resume_operation(operation_id=operation.pk, now=NOW, **BY)
    drive(operation.pk)

    operation.refresh_from_db()
    assert operation.status == "succeeded", operation.failure


def test_leave__past_the_point_of_no_return__frees_the_target(
    target: Target, shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = take(target)
    sell(shop, 1)
    with pytest.raises(Refusal):
        leave_operation(operation_id=point.operation_id, now=NOW, **BY)
    with monkeypatch.context() as broken:
        broken.setattr(f"{RESTORING}.find_migrations", _fail("migrations_differ"))
        operation = _roll_back(target, point.pk)
    assert (operation.status, operation.is_leavable) == ("failed", True)

    leave_operation(operation_id=operation.pk, now=NOW, **BY)

    operation.refresh_from_db()
    assert operation.status == "aborted"
    assert take(target).status == "verified"


def test_roll_back__where_one_failed_past_its_point_of_no_return__takes_over(
    target: Target, shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = take(target)
    sell(shop, 1)
    with monkeypatch.context() as broken:
        broken.setattr(f"{RESTORING}.find_migrations", _fail("migrations_differ"))
        operation = _roll_back(target, point.pk)
    assert operation.status == "failed"

    again = _roll_back(target, point.pk)

    operation.refresh_from_db()
    assert (operation.status, again.status) == ("aborted", "succeeded")


def test_accepted__and_failed_since__is_asked_anew(
    target: Target, shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = take(target)
    sell(shop, 1)
    operation = do(target, Kind.ROLL_BACK, restore_point=point.pk)
    with monkeypatch.context() as broken:
        broken.setattr(f"{RESTORING}.read_lost_rows", _fail("database_failed"))
        resume_operation(operation_id=operation.pk, accepts=True, now=NOW, **BY)
        drive(operation.pk)
    operation.refresh_from_db()
    assert operation.status == "failed"
    sell(shop, 50)
    with pytest.raises(Refusal) as caught:
        resume_operation(operation_id=operation.pk, accepts=True, now=NOW, **BY)
    assert caught.value.code == "nothing_to_accept"

    resume_operation(operation_id=operation.pk, now=NOW, **BY)
    drive(operation.pk)

    operation.refresh_from_db()
    assert (operation.status, operation.failure["data"]) == ("waiting", {"rows": 102})


def test_waits__and_ends__is_told_to_those_concerned(target: Target, shop: Address) -> None:
    point = take(target)
    sell(shop, 1)
    operation = do(target, Kind.ROLL_BACK, restore_point=point.pk)
    resume_operation(operation_id=operation.pk, accepts=True, now=NOW, **BY)
    drive(operation.pk)

    events = list(Event.objects.order_by("pk"))

    assert [event.kind for event in events] == ["target_rollback_waits", "target_rolled_back"]
    assert {event.url for event in events} == {f"/recovery/operations/{operation.pk}/"}
    assert [event.data["rows"] for event in events] == [2, 2]


def test_abort__while_it_runs_and_nobody_has_noticed__is_put_back_after_the_step(
    target: Target, shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count(live: Session, restored: Session, **named: Any) -> Any:
        abort_operation(operation_id=Operation.objects.latest("pk").pk, now=NOW, **BY)
        raise Failure("lock_waited", is_passing=True)

    point = take(target)
    sell(shop, 1)
    monkeypatch.setattr(f"{RESTORING}.count_losses", count)

    operation = do(target, Kind.ROLL_BACK, restore_point=point.pk)

    assert operation.status == "aborted"


def test_abort__while_it_runs_and_the_shop_is_closed__is_refused(target: Target, shop: Address) -> None:
    operation = ask_operation(
        kind=Kind.ROLL_BACK, target_id=target.pk, wish={"restore_point": take(target).pk}, now=NOW, **BY
    )
    step = operation.steps.get(code="quiesce")
    begin_step(step_id=step.pk, now=NOW)
    Operation.objects.filter(pk=operation.pk).update(state={"is_quiet": True})

    with pytest.raises(Refusal) as caught:
        abort_operation(operation_id=operation.pk, now=NOW, **BY)

    assert caught.value.code == "operation_runs"


def test_step__taken_over_by_another_driver__is_not_noted_by_the_first(target: Target) -> None:
    operation = ask_operation(kind=Kind.TAKE, target_id=target.pk, wish={}, now=NOW, **BY)
    step = operation.steps.earliest("position")
    first = begin_step(step_id=step.pk, now=NOW)
    second = begin_step(step_id=step.pk, now=NOW)
    assert first is not None
    assert second is not None
    told: dict[str, Any] = {"step_id": step.pk, "output": "", "state": {"mine": True}, "now": NOW}

    with pytest.raises(TakenOver):
        end_step(**told, attempt=first.attempts, status=StepStatus.DONE, proof={})
    with pytest.raises(TakenOver):
        fail_step(**told, attempt=first.attempts, failure={}, is_passing=False)
    end_step(**told, attempt=second.attempts, status=StepStatus.DONE, proof={})

    with pytest.raises(TakenOver):
        end_step(**told, attempt=second.attempts, status=StepStatus.DONE, proof={})


def test_failure__with_a_null_character__is_noted_and_keeps_nobody_waiting(
    target: Target, shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: Any, **_named: Any) -> Any:
        raise Failure("tool_failed", tool="pg_dump", output="a\x00b")

    with monkeypatch.context() as broken:
        broken.setattr("recovery.procedures.taking.dump", fail)
        operation = do(target, Kind.TAKE)

    assert (operation.status, operation.failure["output"]) == ("failed", "a�b")


def test_drive_due__one_that_cannot_be_noted__does_not_keep_the_next_waiting(
    target: Target, shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import DataError

    other = make_target(target.environment, key="other")
    first = ask_operation(kind=Kind.TAKE, target_id=target.pk, wish={}, now=NOW, **BY)
    second = ask_operation(kind=Kind.TAKE, target_id=other.pk, wish={}, now=NOW, **BY)

    def drive_or_fail(operation_id: int) -> bool:
        if operation_id == first.pk:
            raise DataError
        return drive(operation_id)

    monkeypatch.setattr("recovery.driving.drive", drive_or_fail)

    assert drive_due() == 1

    second.refresh_from_db()
    assert second.status == "succeeded", second.failure


def test_undo__that_fails_for_long__ends_with_a_person(
    target: Target, shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = take(target)
    monkeypatch.setattr("recovery.procedures.beside.validate", _fail("validation_failed"))
    monkeypatch.setattr(f"{RESTORING}.drop_beside", _fail("database_unreachable", is_passing=True))
    operation = _roll_back(target, point.pk)
    for _ in range(MOST_ATTEMPTS):
        _drive_at_once(operation)

    assert operation.status == "failed"
    assert operation.state["undone"]["code"] == "database_unreachable"


class TestAlone:
    def test_open_alone__somebody_who_sets_writing_for_themselves__does_not_come_in(self, shop: Address) -> None:
        with open_alone(shop) as session:
            assert session.execute("SELECT count(*) FROM public.tickets").fetchone() == (20,)
            with pytest.raises(psycopg.OperationalError, match="too many connections"):
                _connect(shop)
        with pytest.raises(psycopg.OperationalError, match="too many connections"):
            _connect(shop)
        with open_alone(shop) as session:
            assert session.execute("SELECT 1").fetchone() == (1,)

        make_writable(shop, limit=7)

        with _connect(shop) as session:
            allowed = session.execute("SELECT datconnlimit FROM pg_database WHERE datname = current_database()")
            assert allowed.fetchone() == (7,)

    def test_make_read_only__a_session_of_another_role__is_told_and_nothing_else_done(self, shop: Address) -> None:
        app = settings.DATABASES["default"]
        other = Address(shop.host, shop.port, app["USER"], app["PASSWORD"], shop.name)
        with _connect(other), pytest.raises(Failure) as caught:
            make_read_only(shop)

        assert (caught.value.code, caught.value.data["role"]) == ("session_foreign", app["USER"])
        make_writable(shop)
        assert ask(shop, "SELECT count(*) FROM tickets") == 20


def _connect(address: Address) -> "psycopg.Connection[tuple[Any, ...]]":
    return psycopg.connect(
        host=address.host, port=address.port, user=address.user, password=address.password, dbname=address.name
    )
