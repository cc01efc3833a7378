"""The search as programs ask it: of their environment alone, a page at a time."""

from datetime import timedelta
from typing import Any

import pytest

from core import clock
from tests.api_client import program_of
from tests.factories.flags import make_environment
from tests.factories.health import make_complaint
from tests.factories.incidents import make_incident
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world(now=clock.now() - timedelta(minutes=5))


def _ask(world: World, **query: Any) -> Any:
    answer = program_of(world).get("/search", **query)
    assert answer.status_code == 200, answer.json()
    return answer.json()


def test_search__of_the_tokens_environment__says_what_was_found_and_where(world: World) -> None:
    now = clock.now()
    incident = make_incident(world.environment, title="Tiroirs bloqués", now=now)
    complaint = make_complaint(
        world.environment, site=world.sites[0], text="Le <b>tiroir</b> bloque", reporter="Zoubida", now=now
    )
    make_incident(make_environment(), title="Tiroir bloqué ailleurs", now=now)

    said = _ask(world, q="tiroir bloqué")

    assert {(one["kind"], one["number"]) for one in said["items"]} == {
        ("incident", incident.pk),
        ("complaint", complaint.pk),
    }
    assert said["counts"]["incident"] == {"number": 1, "is_more": False}
    [one] = [one for one in said["items"] if one["kind"] == "complaint"]
    assert (one["excerpt"], one["title"], one["part"]) == ("Le <b>tiroir</b> bloque", None, "complaint")
    assert one["found"] == ["bloque", "tiroir"]
    assert "Zoubida" not in str(said)


def test_search__pages__go_on_to_the_end(world: World) -> None:
    for _ in range(3):
        make_complaint(world.environment, site=world.sites[0], text="Tiroir", now=clock.now())

    first = _ask(world, q="tiroir", limit=2)
    rest = _ask(world, q="tiroir", limit=2, cursor=first["next"])

    assert len({one["number"] for one in first["items"] + rest["items"]}) == 3
    assert rest["next"] is None
    assert _ask(world, q="le la")["is_mute"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"q": ""}, 400),
        ({"q": "x" * 201}, 400),
        ({"q": "a\x00b"}, 400),
        ({"q": "'\"\\<script>"}, 200),
        ({"q": "a", "site": "atlantis"}, 400),
        ({"q": "a", "site": "a\x00"}, 400),
        ({"q": "a", "kind": "person"}, 400),
        ({"q": "a", "since": "soon"}, 400),
        ({"q": "a", "until": "9999-12-31"}, 200),
        ({"q": "a", "cursor": "0"}, 400),
        ({"q": "a", "tier": "critical", "site": "lyon", "since": "2026-01-01"}, 200),
    ],
)
def test_search__odd_wishes__are_refused_or_answered(world: World, query: dict[str, str], status: int) -> None:
    assert program_of(world).get("/search", **query).status_code == status
