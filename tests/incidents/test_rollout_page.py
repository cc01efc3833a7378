"""A rollout's page leads to the incidents that run about it."""

import pytest

from core.actors import DEMO
from incidents.intake import list_waiting, take_in
from incidents.models import Incident
from rollouts.models import Trigger
from rollouts.transitions import roll_back
from tests.factories.world import NOW, WHY, make_rehearsal, make_world, play
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db


def test_rollout__with_an_incident_that_runs__leads_to_it() -> None:
    world, client = make_world(), sign_in()
    rollout = make_rehearsal(world)
    now = play(world, rollout, start=NOW, seconds=100)
    path = f"/rollouts/{rollout.pk}/"

    flags = [world.flags[0].pk]
    roll_back(rollout_id=rollout.pk, flag_ids=flags, trigger=Trigger.MANUAL, actor=DEMO, reason=WHY, now=now)
    [event_id] = list_waiting(limit=10)
    take_in(event_id, now=now)

    incident = Incident.objects.get()
    page = client.get(path, headers={"HX-Request": "true"}).content.decode()
    assert f'<a href="/incidents/{incident.pk}/">Incident {incident.pk}</a>' in page
    Incident.objects.update(rollout=None)
    assert f"/incidents/{incident.pk}/" not in client.get(path).content.decode()
