"""Restore points and rollbacks from a shell, with nothing else running."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core.program import manage
from recovery.domain.addresses import Address
from recovery.errors import Failure
from recovery.models import Operation, RestorePoint, Target
from tests.recovery.shop import ask, sell

pytestmark = pytest.mark.django_db(transaction=True)


def _call(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_restore_point__taken_and_listed(target: Target) -> None:
    said = _call("restore_point", "take", "shop", "--reason", "nightly", "--by", "cron", "--label", "nightly")

    assert "✓ The dump can be read to its last byte" in said
    assert "succeeded" in said
    assert Operation.objects.get().asked_by == "cron"
    assert "nightly" in _call("restore_point", "list", "shop")


def test_rollback__rows_came_later__waits_for_a_word(target: Target, shop: Address) -> None:
    _call("restore_point", "take", "shop", "--reason", "x")
    sell(shop, 2)

    with pytest.raises(CommandError) as caught:
        _call("rollback", "start", "shop", "--newest-point", "--reason", "wrong totals")

    number = Operation.objects.latest("pk").pk
    assert f"Go on: {manage(f'rollback resume {number} --accept-losses')}" in str(caught.value)
    assert f"Give up: {manage(f'rollback abort {number}')}" in str(caught.value)
    assert "#" in _call("rollback", "status")
    said = _call("rollback", "resume", str(number), "--accept-losses", "--reason", "go on")
    assert "public.tickets: 2 new" in said
    assert "receipts missing then: 21-22" in said
    assert ask(shop, "SELECT count(*) FROM tickets") == 20


def test_rollback__given_up__leaves_everything(target: Target, shop: Address) -> None:
    _call("restore_point", "take", "shop", "--reason", "x")
    sell(shop, 2)
    with pytest.raises(CommandError):
        _call("rollback", "start", "shop", "--newest-point", "--reason", "wrong totals")

    said = _call("rollback", "abort", str(Operation.objects.latest("pk").pk), "--reason", "no")

    assert "aborted" in said
    assert ask(shop, "SELECT count(*) FROM tickets") == 22
    assert "Nothing is under way." in _call("rollback", "status")


def test_rollback__failed_past_its_point_of_no_return__is_left_as_it_stands(
    target: Target, shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: object) -> None:
        raise Failure("migrations_differ", found="", expected="")

    _call("restore_point", "take", "shop", "--reason", "x")
    monkeypatch.setattr("recovery.procedures.restoring.find_migrations", fail)
    with pytest.raises(CommandError):
        _call("rollback", "start", "shop", "--newest-point", "--accept-losses", "--reason", "wrong totals")

    said = _call("rollback", "leave", str(Operation.objects.latest("pk").pk), "--reason", "the shop runs")

    assert "aborted" in said
    assert "Nothing is under way." in _call("rollback", "status")


def test_restore_point__verified_again(target: Target) -> None:
    _call("restore_point", "take", "shop", "--reason", "x")

    assert "succeeded" in _call(
        "restore_point", "verify", "shop", str(RestorePoint.objects.get().pk), "--reason", "monthly"
    )


def test_rollback__without_a_reason__is_refused(target: Target) -> None:
    with pytest.raises(CommandError, match="--reason"):
        _call("rollback", "start", "shop", "--newest-point")
