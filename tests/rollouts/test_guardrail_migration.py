"""What phases ask of the error rate survives the way to a list of guardrails, and back."""

from collections.abc import Iterator
from importlib import import_module

import pytest
from django.db import connection

from core.actors import SCHEDULER
from core.history import recorded
from rollouts.models import Phase
from tests.factories.world import NOW, WHY, make_rehearsal, make_world
from tests.migrating import migrate_to

[BEFORE] = import_module("rollouts.migrations.0019_guardrails_of_phases").Migration.dependencies


@pytest.fixture
def _migrated_again(transactional_db: None) -> Iterator[None]:
    """Whatever happens, leave the newest tables."""
    yield
    migrate_to()


def _read_older(table: str) -> list[tuple[str, int | None]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT error_rate_mode, error_rate_bp FROM {table} ORDER BY position")
        return list(cursor.fetchall())


@pytest.mark.proof
@pytest.mark.usefixtures("_migrated_again")
def test_migrations__backward_and_forward_again__keep_what_phases_ask_of_the_error_rate() -> None:
    rollout = make_rehearsal(make_world())
    own = {"lane": "error_rate", "mode": "hold", "limit": 300, "scope": ""}
    share = {"lane": "error_rate", "mode": "", "limit": 200, "scope": ""}
    other = {"lane": "alert", "mode": "hold", "limit": None, "scope": ""}
    for position, asked in enumerate([[own], [share, other], [other], []], start=1):
        phase = Phase.objects.get(rollout=rollout, position=position)
        phase.guardrails = asked
        with recorded(actor=SCHEDULER, reason=WHY, now=NOW):
            phase.save()

    migrate_to(*BEFORE)
    older = [("hold", 300), ("", 200), ("", None), ("", None)]
    assert _read_older("rollouts_phase") == older
    migrate_to()

    phases = Phase.objects.filter(rollout=rollout).order_by("position")
    assert [phase.guardrails for phase in phases] == [[own], [share], [], []]
