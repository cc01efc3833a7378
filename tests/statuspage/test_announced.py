"""Maintenance that people announced publicly stands on the status page, in their words and for as long as it lasts."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from announcements.domain.kinds import Kind
from announcements.domain.lifecycle import Places
from announcements.models import Announcement
from announcements.transitions import correct_announcement, withdraw_announcement
from core.actors import DEMO
from core.roles import Role
from notifications.models import Event
from statuspage.domain.states import State
from statuspage.facts import Facts, MaintenanceFacts
from statuspage.queries import read_facts
from statuspage.transitions import add_component, set_public
from tests.factories.announcements import WORDS, make_content, make_draft, publish
from tests.factories.core import make_person
from tests.factories.statuspage import BY, PUBLIC, open_page
from tests.factories.world import NOW, World, make_world
from tests.signed_in import count_queries, sign_in

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
EVENING = NOW + 10 * HOUR


@pytest.fixture
def world() -> World:
    world = make_world(now=NOW - timedelta(days=1))
    make_person(Role.SUPPORT)
    open_page(world.environment)
    for place, site in enumerate(world.sites, start=2):
        values = {"kind": "site", "site": site, "name_fr": site.name, "name_en": site.name, "position": place}
        add_component(environment_id=world.environment.pk, values=values, **BY)
    return world


def _announce(world: World, **given: Any) -> Announcement:
    wanted: dict[str, Any] = {
        "kind": Kind.MAINTENANCE_PLANNED,
        "outlets": ["people", "till"],
        "starts_at": EVENING,
        "ends_at": EVENING + 2 * HOUR,
    }
    now = given.pop("at", NOW)
    return publish(make_draft(world.environment, now=now, **(wanted | given)), now=now)


def _read(*, now: datetime = NOW) -> list[MaintenanceFacts]:
    return list(read_facts(now=now).maintenances)


def _states(facts: Facts) -> dict[str, State]:
    return {one.name.en: one.state for one in facts.components}


def test_announced__for_every_site__stands_in_its_words_and_window(world: World) -> None:
    said = _announce(world)

    [one] = _read()

    assert (one.id, one.status) == (f"a{said.pk}", "scheduled")
    assert (one.name.fr, one.name.en, one.body.en) == (WORDS["title_fr"], WORDS["title_en"], WORDS["body_en"])
    assert (one.starts_at, one.ends_at, one.created_at) == (EVENING, EVENING + 2 * HOUR, NOW)


def test_announced__as_time_passes__runs_and_is_over(world: World) -> None:
    _announce(world)

    during, after = read_facts(now=EVENING + HOUR), read_facts(now=EVENING + 3 * HOUR)

    assert [one.status for one in during.maintenances] == ["in_progress"]
    assert (_states(during)["Till"], _states(after)["Till"]) == (State.MAINTENANCE, State.OPERATIONAL)
    assert [(one.status, one.resolved_at) for one in after.maintenances] == [("completed", EVENING + 2 * HOUR)]
    assert _read(now=EVENING + timedelta(days=8)) == []


def test_announced__for_one_site__touches_it_alone(world: World) -> None:
    _announce(world, places=Places.SITES, site_keys=[world.sites[0].key])

    states = _states(read_facts(now=EVENING))

    touched = [name for name, state in states.items() if state is State.MAINTENANCE]
    assert touched == [world.sites[0].name]


def test_announced__said_to_be_over__is_completed_then(world: World) -> None:
    planned = _announce(world)
    _announce(
        world, kind=Kind.MAINTENANCE_ENDED, follows_id=planned.pk, starts_at=None, ends_at=None, at=EVENING + HOUR
    )

    [one] = _read(now=EVENING + HOUR)

    assert (one.status, one.ends_at, one.resolved_at) == ("completed", EVENING + HOUR, EVENING + HOUR)


def test_announced__begun_without_a_plan_or_an_end__runs_a_day_at_most(world: World) -> None:
    _announce(world, kind=Kind.MAINTENANCE_BEGUN, starts_at=None, ends_at=None)

    assert [(one.status, one.starts_at) for one in _read(now=NOW + HOUR)] == [("in_progress", NOW)]
    assert [one.status for one in _read(now=NOW + timedelta(days=1))] == ["completed"]


def test_announced__begun_as_it_was_planned__stands_once(world: World) -> None:
    planned = _announce(world)
    _announce(world, kind=Kind.MAINTENANCE_BEGUN, follows_id=planned.pk, starts_at=None, ends_at=None, at=EVENING)

    assert [one.id for one in _read(now=EVENING)] == [f"a{planned.pk}"]


def test_announced__put_right_then_taken_back__follows(world: World) -> None:
    said = _announce(world)
    notes: dict[str, Any] = {"note_fr": "Le titre", "note_en": "The title"}
    by: dict[str, Any] = {"actor": DEMO, "reason": "It was wrong", "now": NOW + HOUR}
    content = make_content(kind=Kind.MAINTENANCE_PLANNED, title_en="Maintenance at ten")
    correct_announcement(announcement_id=said.pk, content=content, **notes, **by)

    [put_right] = _read(now=NOW + HOUR)
    assert (put_right.name.en, put_right.updated_at, put_right.created_at) == ("Maintenance at ten", NOW + HOUR, NOW)

    withdraw_announcement(announcement_id=said.pk, **notes, **by)
    assert _read(now=NOW + HOUR) == []


def test_announced__to_people_of_the_portal_alone__stays_with_them(world: World) -> None:
    _announce(world, outlets=["people"])

    assert Event.objects.filter(kind="announcement").exists()
    assert _read() == []


def test_announced__where_maintenance_is_not_shown__is_not(world: World) -> None:
    _announce(world)
    set_public(environment_id=world.environment.pk, **(PUBLIC | {"shows_maintenance": False}), **BY)

    assert _read() == []


def test_announced__in_one_language__is_read_in_both(world: World) -> None:
    _announce(world, title_en="", body_en="", one_language_reason="Urgent")

    [one] = _read()

    assert (one.name.en, one.body.en) == (WORDS["title_fr"], WORDS["body_fr"])


def test_announced__many__ask_no_more(world: World) -> None:
    client = sign_in()
    _announce(world)
    few = count_queries(client, "/status-page/")
    for _turn in range(3):
        _announce(world)

    assert count_queries(client, "/status-page/") == few
    assert len(_read()) == 4
