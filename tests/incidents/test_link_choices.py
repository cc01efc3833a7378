"""What an incident may be linked to is offered in words, and many of them take as many queries as one."""

from typing import Any

import pytest

from core.actors import DEMO
from rollouts.models import Rollback, Trigger
from rollouts.transitions import roll_back
from tests.factories.incidents import make_incident
from tests.factories.world import NOW, WHY, make_rehearsal, make_world, play
from tests.signed_in import count_queries, sign_in

pytestmark = pytest.mark.django_db


def test_links__a_rollback_to_choose__is_named_by_its_day_release_and_flags() -> None:
    world, client = make_world(), sign_in()
    rollout = make_rehearsal(world)
    last = play(world, rollout, start=NOW, seconds=100)
    by: dict[str, Any] = {"actor": DEMO, "reason": WHY, "now": last}
    incident = make_incident(world.environment)
    path = f"/incidents/{incident.pk}/links/"
    counts = []

    for flag in world.flags[:2]:
        roll_back(rollout_id=rollout.pk, flag_ids=[flag.pk], trigger=Trigger.MANUAL, **by)
        counts.append(count_queries(client, path))
    page = client.get(path).content.decode()

    assert Rollback.objects.count() == 2
    assert counts[0] == counts[1]
    for flag in world.flags[:2]:
        assert f"{world.release.version} · {flag.name}</option>" in page
    assert "(manual)" not in page
