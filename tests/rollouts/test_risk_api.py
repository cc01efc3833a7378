"""Programs read the register, write risks down and rate them; reviews are a person's."""

from typing import Any

import pytest

from core.actors import SCHEDULER
from core.roles import Role
from rollouts.domain.risks import RiskState
from rollouts.models import Risk
from rollouts.transitions.keeping_risks import move_risk
from tests.api_client import program_of
from tests.factories.core import NOW, make_person
from tests.factories.risks import make_risk
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db

WISH: dict[str, Any] = {
    "title": "Prices are cached",
    "category": "integration",
    "likelihood": 4,
    "impact": 4,
    "mitigation": "Empty it",
    "releases": ["1.3"],
    "flags": ["buttons"],
    "reason": "Found by the audit",
}


@pytest.fixture
def world() -> World:
    return make_world()


def test_created__by_a_program__is_shown_and_rated_with_the_token_in_history(world: World) -> None:
    ci, owner = program_of(world), make_person(Role.SUPPORT)

    made = ci.post("/risks", WISH | {"owner": owner.username})

    assert made.status_code == 201, made.json()
    said = made.json()
    assert (said["level"], said["state"], said["owner"]) == ("high", "open", owner.username)
    assert (said["releases"], said["flags"]) == (["1.3"], ["buttons"])
    assert said["url"].endswith(f"/rollouts/risks/{said['id']}/")
    assert ci.get(f"/risks/{said['id']}").json() == said
    rated = ci.post(f"/risks/{said['id']}/rate", likelihood=5, impact=4, reason="Seen again", review_on="2027-01-15")
    assert (rated.json()["likelihood"], rated.json()["review_on"]) == (5, "2027-01-15")
    newest = Risk.objects.get(pk=said["id"]).history.latest()
    assert (newest.actor_kind, newest.history_change_reason) == ("token", "Seen again")


def test_list__is_newest_first_in_pages_and_narrowed(world: World) -> None:
    ci = program_of(world)
    first, second = make_risk(category="deployment"), make_risk()
    move_risk(risk_id=second.pk, state=RiskState.CLOSED, actor=SCHEDULER, reason="Over", now=NOW)

    page = ci.get("/risks", limit=1).json()

    assert [one["id"] for one in page["items"]] == [second.pk]
    assert ci.get("/risks", limit=1, cursor=page["next"]).json()["items"][0]["id"] == first.pk
    assert [one["id"] for one in ci.get("/risks", state="closed").json()["items"]] == [second.pk]
    assert first.pk in {one["id"] for one in ci.get("/risks", category="deployment", state="open").json()["items"]}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"likelihood": 6}, "PARSE_ERROR"),
        ({"category": "magic"}, "PARSE_ERROR"),
        ({"owner": "nobody"}, "owner_unfit"),
        ({"releases": ["9.9"]}, "release_unknown"),
        ({"flags": ["nothing"]}, "release_flag_unknown"),
        ({"title": "   "}, "risk_untitled"),
    ],
)
def test_created__with_something_wrong__is_400_with_its_code(world: World, wrong: dict[str, Any], code: str) -> None:
    before = Risk.objects.count()

    answer = program_of(world).post("/risks", WISH | wrong)

    assert (answer.status_code, answer.json()["errorCode"]) == (400, code)
    assert Risk.objects.count() == before


def test_rated__out_of_the_high_ones_by_a_program__is_left_to_people(world: World) -> None:
    high, medium = make_risk(likelihood=4, impact=4), make_risk(likelihood=3, impact=4)
    ci, wish = program_of(world), {"likelihood": 2, "impact": 4, "reason": "Sound"}

    refused, rated = ci.post(f"/risks/{high.pk}/rate", wish), ci.post(f"/risks/{medium.pk}/rate", wish)

    assert (refused.status_code, refused.json()["errorCode"]) == (403, "risk_lowered_by_no_person")
    assert rated.status_code == 200
    high.refresh_from_db()
    assert (high.likelihood, high.impact) == (4, 4)


@pytest.mark.parametrize("day", ["1999-12-31", "9999-12-31", "0001-01-01"])
def test_review_day__beyond_the_forms_calendar__is_refused(world: World, day: str) -> None:
    ci, risk = program_of(world), make_risk()

    for answer in (
        ci.post("/risks", WISH | {"review_on": day}),
        ci.post(f"/risks/{risk.pk}/rate", likelihood=1, impact=1, reason="Sound", review_on=day),
    ):
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "PARSE_ERROR")


def test_rated__while_it_is_settled__is_409(world: World) -> None:
    risk = make_risk()
    move_risk(risk_id=risk.pk, state=RiskState.CLOSED, actor=SCHEDULER, reason="Over", now=NOW)

    answer = program_of(world).post(f"/risks/{risk.pk}/rate", likelihood=1, impact=1, reason="Sound")

    assert (answer.status_code, answer.json()["errorCode"]) == (409, "risk_settled")
