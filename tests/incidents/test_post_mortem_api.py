"""The API of post-mortems: read, publish, close; with all that is missing in one refusal."""

import pytest

from core import clock
from core.actors import person
from core.roles import Role
from incidents.domain.reviewing import Stage
from incidents.domain.tiers import Tier
from incidents.models import Incident
from incidents.transitions import confirm_restored
from tests.api_client import program_of
from tests.factories.core import make_person
from tests.factories.flags import make_environment
from tests.factories.incidents import learn, make_incident
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world(now=clock.now())


@pytest.fixture
def incident(world: World) -> Incident:
    incident = make_incident(world.environment, tier=Tier.CRITICAL, now=clock.now())
    actor = person(make_person(Role.SUPPORT))
    return confirm_restored(incident_id=incident.pk, actor=actor, reason="checked", now=clock.now())


def test_read__nothing_learnt__lists_every_gap(world: World, incident: Incident) -> None:
    told = program_of(world).get(f"/incidents/{incident.pk}/post-mortem").json()

    assert (told["status"], told["is_asked"], told["public_path"]) == ("draft", True, None)
    assert told["publishing_gaps"][0] == "root_cause_missing"
    assert told["closing_gaps"] == [*told["publishing_gaps"], "not_published"]


@pytest.mark.parametrize("act", ["post-mortem/publish", "close"])
def test_write__with_missing_parts__is_409_with_all_of_them(world: World, incident: Incident, act: str) -> None:
    ci = program_of(world)

    answer = ci.post(f"/incidents/{incident.pk}/{act}", {"reason": "over"})

    assert (answer.status_code, answer.json()["errorCode"]) == (409, "post_mortem_incomplete")
    assert {"root_cause_missing", "measures_missing", "not_approved"} <= set(answer.json()["gaps"])
    assert "the root cause" in answer.json()["errorDetails"]
    incident.refresh_from_db()
    assert incident.status == "resolved"


def test_publish_and_close__what_a_person_approved__by_a_program(world: World, incident: Incident) -> None:
    learn(incident, now=clock.now(), until=Stage.APPROVED)
    ci, at = program_of(world), f"/incidents/{incident.pk}"
    version = ci.get(f"{at}/post-mortem").json()["version"]

    old = ci.post(f"{at}/post-mortem/publish", {"reason": "approved", "seen": version - 1})
    told = ci.post(f"{at}/post-mortem/publish", {"reason": "approved", "seen": version}).json()
    closed = ci.post(f"{at}/close", {"reason": "learnt"}).json()

    assert old.json()["errorCode"] == "changed_meanwhile"
    assert (told["status"], told["closing_gaps"]) == ("published", [])
    assert closed["incident_status"] == "closed"


@pytest.mark.parametrize("number", [999_999, 2**63])
def test_read__unknown_or_of_another_environment__is_404(world: World, number: int) -> None:
    other = make_incident(make_environment(), now=clock.now())
    ci = program_of(world)

    for pk in (number, other.pk):
        answer = ci.get(f"/incidents/{pk}/post-mortem")
        assert (answer.status_code, answer.json()["errorCode"]) == (404, "incident_unknown")
