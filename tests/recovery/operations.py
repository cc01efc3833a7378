"""Operations as the tests begin and drive them."""

from datetime import UTC, datetime
from typing import Any

from core.actors import SCHEDULER
from core.history import recorded
from flags.models import Environment
from recovery.domain.addresses import Address
from recovery.domain.lifecycle import Kind
from recovery.driving import drive
from recovery.models import Operation, RestorePoint, Target
from recovery.transitions.asking import ask_operation

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
BY: dict[str, Any] = {"actor": SCHEDULER, "reason": "test"}
VARIABLE = "TARGET_SHOP_URL"


def url_of(address: Address) -> str:
    """Return an address as a variable holds it."""
    return f"postgres://{address.user}:{address.password}@{address.host}:{address.port}/{address.name}"


def make_target(environment: Environment, **values: Any) -> Target:
    """Make a target with a database whose address is in the environment."""
    with recorded(actor=SCHEDULER, reason="test", now=NOW):
        target = Target(
            **{"key": "shop", "name": "Shop", "environment": environment, "database": f"env:{VARIABLE}"} | values
        )
        target.save()
    return target


def do(target: Target, kind: Kind, **wish: Any) -> Operation:
    """Ask for an operation and drive it as far as it goes."""
    operation = ask_operation(kind=kind, target_id=target.pk, wish=wish, now=NOW, **BY)
    drive(operation.pk)
    operation.refresh_from_db()
    return operation


def take(target: Target, **wish: Any) -> RestorePoint:
    """Take a restore point, and be sure that it is one."""
    operation = do(target, Kind.TAKE, **wish)
    assert operation.status == "succeeded", operation.failure
    return RestorePoint.objects.get(operation=operation)
