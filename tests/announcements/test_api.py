"""Programs write drafts, publish and read them; a public word stays a person's."""

from datetime import timedelta
from typing import Any

import pytest

from announcements.domain.confirming import TICKED_FROM
from announcements.models import Announcement
from core import clock
from core.roles import Role
from notifications.models import Event
from tests.api_client import program_of
from tests.factories.announcements import make_draft
from tests.factories.core import make_person
from tests.factories.incidents import make_incident
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db

WISH: dict[str, Any] = {
    "kind": "free",
    "title_fr": "Ce soir",
    "body_fr": "La caisse s’arrête.",
    "title_en": "Tonight",
    "body_en": "The till stops.",
    "roles": ["support"],
    "reason": "Planned by the pipeline",
}


@pytest.fixture
def world() -> World:
    return make_world()


def test_draft_and_publish__by_a_program__tells_people_with_the_token_in_history(world: World) -> None:
    ci, _reader = program_of(world), make_person(Role.SUPPORT)

    made = ci.post("/announcements", WISH)

    assert made.status_code == 201, made.json()
    said = made.json()
    assert (said["status"], said["readers"], said["version"]) == ("draft", 1, 0)
    assert ci.get(f"/announcements/{said['id']}").json() == said
    out = ci.post(f"/announcements/{said['id']}/publish", reason="Now").json()
    assert (out["status"], out["version"], out["readers"]) == ("published", 1, None)
    assert out["outlets"] == [{"outlet": "people", "status": "done", "reached": 1}]
    assert Event.objects.filter(kind="announcement").count() == 1
    row = Announcement.objects.get(pk=said["id"]).history.filter(history_change_reason="Now").get()
    assert row.actor_kind == "token"
    assert ci.post(f"/announcements/{said['id']}/publish", reason="Again").status_code == 409


def test_draft__asked_twice_under_a_name__is_written_once(world: World) -> None:
    ci = program_of(world)

    first, second = (ci.post("/announcements", WISH | {"request_id": "run-7"}).json() for _ in range(2))

    assert first["id"] == second["id"]
    reused = ci.post("/announcements", WISH | {"request_id": "run-7", "title_fr": "Autre"})
    assert (reused.status_code, reused.json()["errorCode"]) == (409, "announcement_id_reused")


def test_publish__to_many__wants_their_number(world: World) -> None:
    for _ in range(TICKED_FROM):
        make_person(Role.SUPPORT)
    ci = program_of(world)
    number = ci.post("/announcements", WISH).json()["id"]

    refused = ci.post(f"/announcements/{number}/publish", reason="Now")

    assert (refused.status_code, refused.json()["errorCode"]) == (409, "announcement_unconfirmed")
    assert ci.post(f"/announcements/{number}/publish", reason="Now", confirmed=TICKED_FROM).status_code == 200


def test_publish__at_a_moment__is_scheduled(world: World) -> None:
    make_person(Role.SUPPORT)
    ci = program_of(world)
    number = ci.post("/announcements", WISH).json()["id"]
    later = (clock.now() + timedelta(hours=2)).isoformat()

    said = ci.post(f"/announcements/{number}/publish", reason="Later", publish_at=later).json()

    assert said["status"] == "scheduled"
    assert [one["id"] for one in ci.get("/announcements", status="scheduled").json()["items"]] == [number]
    assert ci.get("/announcements", status="draft").json()["items"] == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"body_fr": "{wrong}"}, "placeholder_unknown"),
        ({"outlets": ["pigeon"]}, "outlet_unknown"),
        ({"flag": "unknown", "places": "flag"}, "announcement_flag_missing"),
        ({"sites": ["atlantis"], "places": "sites"}, "announcement_site_unknown"),
        ({"kind": "gossip"}, "PARSE_ERROR"),
        ({"shout": True}, "PARSE_ERROR"),
    ],
)
def test_draft__wrong__is_refused_with_a_code(world: World, wrong: dict[str, Any], code: str) -> None:
    answer = program_of(world).post("/announcements", WISH | wrong)

    assert (answer.status_code, answer.json()["errorCode"]) == (400, code)
    assert not Announcement.objects.exists()


def test_publish__public_word__is_a_persons(world: World) -> None:
    ci, incident = program_of(world), make_incident(world.environment)
    wish = WISH | {"kind": "incident_investigating", "incident": incident.pk, "outlets": ["incident"]}
    number = ci.post("/announcements", wish).json()["id"]

    answer = ci.post(f"/announcements/{number}/publish", reason="Now")

    assert answer.json()["errorCode"] == "word_needs_person"


def test_routes__of_another_environment__are_not_there(world: World) -> None:
    ci, draft = program_of(world), make_draft()

    assert ci.get(f"/announcements/{draft.pk}").status_code == 404
    assert ci.post(f"/announcements/{draft.pk}/publish", reason="Now").status_code == 404
    assert ci.get("/announcements").json() == {"items": [], "next": None}
