"""Incidents over the REST API: a program declares, and names the persons who act."""

import pytest

from core import clock
from core.roles import Role
from incidents.models import Incident
from tests.api_client import Program, program_of
from tests.factories.core import make_person
from tests.factories.flags import make_environment
from tests.factories.health import make_complaint
from tests.factories.incidents import learn, make_incident
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world(now=clock.now())


@pytest.fixture
def ci(world: World) -> Program:
    return program_of(world)


def test_declare__title_alone__has_the_proposed_tier(ci: Program) -> None:
    answer = ci.post("/incidents", title="Les ventes ont disparu", sites=["lyon", "lyon"], flags=["buttons"])

    said = answer.json()
    assert (answer.status_code, said["tier"], said["sites"], said["flags"]) == (201, "critical", ["lyon"], ["buttons"])
    incident = Incident.objects.get(pk=said["id"])
    assert incident.history.latest().actor_kind == "token"


def test_declare__same_request_again__is_declared_once_and_its_name_is_for_nothing_else(ci: Program) -> None:
    wish = {"title": "Tills are black", "request_id": "alert-1"}

    numbers = [ci.post("/incidents", wish).json()["id"] for _ in range(2)]
    other = ci.post("/incidents", wish | {"title": "Another"})

    assert numbers[0] == numbers[1]
    assert (other.status_code, other.json()["errorCode"]) == (409, "incident_id_reused")
    assert Incident.objects.count() == 1


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"flags": ["nobody"]}, "flag_unknown"),
        ({"sites": ["nobody"]}, "site_unknown"),
        ({"complaints": [999]}, "complaint_not_there"),
        ({"tier": "huge"}, "PARSE_ERROR"),
        ({"detected_at": "2100-01-01T00:00:00Z"}, "detected_in_future"),
        ({"detected_at": "2026-01-01T00:00:00"}, "PARSE_ERROR"),
    ],
)
def test_declare__wrong__is_refused_and_opens_nothing(ci: Program, wish: dict[str, object], code: str) -> None:
    answer = ci.post("/incidents", {"title": "Tills are black", **wish})

    assert (answer.status_code, answer.json()["errorCode"]) == (400, code)
    assert not Incident.objects.exists()


def test_life__from_declared_to_closed__by_the_persons_named(ci: Program, world: World) -> None:
    user = make_person(Role.SUPPORT)
    complaint = make_complaint(world.environment, site=world.sites[0], now=clock.now())
    path = f"/incidents/{ci.post('/incidents', title='Tills are black', tier='minor').json()['id']}"
    incident = Incident.objects.get()

    acknowledged = ci.post(f"{path}/acknowledge", person=user.username, reason="On call").json()
    assert ci.post(f"{path}/note", note="Seen **twice**").status_code == 200
    assert ci.post(f"{path}/tier", tier="critical", reason="A second site").json()["highest_tier"] == "critical"
    assert ci.post(f"{path}/complaints", complaints=[complaint.pk], reason="Same call").json()["complaints"] == 1
    assert ci.post(f"{path}/mitigate", reason="Flag is off").json()["status"] == "mitigated"
    restored = ci.post(f"{path}/restore", person=user.username, reason="Sold a book").json()
    lacking = ci.post(f"{path}/close", reason="done")
    learn(incident, user=user, now=clock.now())
    closed = ci.post(f"{path}/close", reason="done")

    assert acknowledged["commander"] == user.username
    assert (restored["status"], lacking.status_code, closed.status_code) == ("resolved", 409, 200)
    incident.refresh_from_db()
    assert incident.restored_by == user
    assert ci.get(path).json()["status"] == "closed"


@pytest.mark.parametrize("action", ["acknowledge", "restore"])
def test_person__nobody_or_an_auditor__is_refused(ci: Program, world: World, action: str) -> None:
    incident = make_incident(world.environment, now=clock.now())

    for name in ("nobody", make_person(Role.AUDITOR).username):
        answer = ci.post(f"/incidents/{incident.pk}/{action}", person=name, reason="x")
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "person_unfit")


def test_list__pages_and_filters__only_the_tokens_environment(ci: Program, world: World) -> None:
    mine = [make_incident(world.environment, now=clock.now()).pk for _ in range(3)]
    other = make_incident(make_environment(key="elsewhere"), now=clock.now())

    first = ci.get("/incidents", limit=2).json()
    second = ci.get("/incidents", limit=2, cursor=first["next"]).json()

    assert [one["id"] for one in first["items"] + second["items"]] == sorted(mine, reverse=True)
    assert second["next"] is None
    assert ci.get("/incidents", status="closed").json()["items"] == []
    assert ci.get(f"/incidents/{other.pk}").status_code == 404
