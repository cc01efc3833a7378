"""What was done before measures had a proof keeps the reason that was given, backward and forward again."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.db import connection

from core.actors import person
from core.roles import Role
from incidents.models import ActionItem, PostMortem
from incidents.transitions import finish_action_item
from tests.factories.core import NOW, make_person
from tests.factories.incidents import TEXTS, make_incident, make_measure, write
from tests.migrating import migrate_to

BEFORE = next(
    one
    for one in import_module("incidents.migrations.0005_reviewed_and_verified").Migration.dependencies
    if one[0] == "incidents"
)


@pytest.fixture
def _migrated_again(transactional_db: None) -> Iterator[None]:
    """Whatever happens, leave the newest tables."""
    yield
    migrate_to()


@pytest.mark.proof
@pytest.mark.usefixtures("_migrated_again")
def test_migrations__backward_and_forward_again__keep_texts_and_what_was_done() -> None:
    owner = make_person(Role.SUPPORT)
    incident = make_incident()
    write(incident)
    done, still = (make_measure(incident, user=owner, title=title) for title in ("done", "open"))
    by: dict[str, Any] = {"actor": person(owner), "reason": "Build 12", "now": NOW}
    finish_action_item(incident_id=incident.pk, item_id=done.pk, **by)

    migrate_to(*BEFORE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT title, done_at IS NOT NULL FROM incidents_actionitem ORDER BY id")
        assert cursor.fetchall() == [("done", True), ("open", False)]
    migrate_to()

    done.refresh_from_db()
    assert (done.status, done.proof, done.done_by) == ("done", "Build 12", owner)
    assert ActionItem.objects.get(pk=still.pk).status == "open"
    assert PostMortem.objects.get().root_cause == TEXTS["root_cause"]
