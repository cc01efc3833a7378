"""Maintenance that people announced publicly stands on the status page, in their words and for as long as it lasts."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from announcements.domain.kinds import Kind
from announcements.domain.lifecycle import Places
from announcements.models import Announcement
from announcements.tasks import drive_outlets
from announcements.transitions import correct_announcement, withdraw_announcement
from core.actors import DEMO
from core.errors import Refusal
from core.roles import Role
from notifications.contact_models import Contact, ContactKind
from notifications.contact_transitions import ask_for, confirm_contact
from notifications.labels import say_subject
from notifications.models import Event
from statuspage.bodies import write_bodies
from statuspage.domain.states import State
from statuspage.facts import Facts, MaintenanceFacts
from statuspage.queries import read_facts
from statuspage.transitions import add_component, set_public
from tests.factories.announcements import WORDS, make_content, make_draft, publish
from tests.factories.core import make_person
from tests.factories.statuspage import BY, PUBLIC, find_component, open_page
from tests.factories.world import NOW, World, make_world
from tests.signed_in import sign_in

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
        "outlets": ["people", "status_page"],
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


def test_page__while_it_runs_and_a_day_after__says_so(world: World) -> None:
    planned = _announce(world)
    during = write_bodies(read_facts(now=EVENING))["index.html"].decode()
    over: dict[str, Any] = {"kind": Kind.MAINTENANCE_ENDED, "follows_id": planned.pk, "body_fr": "C’est fini."}
    _announce(world, **over, starts_at=None, ends_at=None, at=EVENING + HOUR)
    after, later = (
        write_bodies(read_facts(now=EVENING + HOUR + timedelta(hours=hours)))["index.html"].decode()
        for hours in (1, 25)
    )

    assert "Une maintenance est en cours" in during
    assert "Une maintenance est en cours" not in after
    assert "C’est fini." in after
    assert "C’est fini." not in later


def test_announced__begun_without_a_plan_or_an_end__runs_a_day_at_most(world: World) -> None:
    _announce(world, kind=Kind.MAINTENANCE_BEGUN, starts_at=None, ends_at=None)

    assert [(one.status, one.starts_at) for one in _read(now=NOW + HOUR)] == [("in_progress", NOW)]
    assert [one.status for one in _read(now=NOW + timedelta(days=1))] == ["completed"]


def test_announced__planned_begun_and_over_each_after_the_other__is_one(world: World) -> None:
    planned = _announce(world)
    more: dict[str, Any] = {"starts_at": None, "ends_at": None}
    early = EVENING - HOUR
    begun = _announce(world, kind=Kind.MAINTENANCE_BEGUN, follows_id=planned.pk, at=early, **more)

    [one] = _read(now=early)
    assert (one.id, one.status, one.starts_at, one.ends_at) == (
        f"a{planned.pk}",
        "in_progress",
        early,
        EVENING + 2 * HOUR,
    )

    _announce(world, kind=Kind.MAINTENANCE_ENDED, follows_id=begun.pk, outlets=["people"], at=EVENING, **more)
    [one] = _read(now=EVENING)
    assert (one.status, one.ends_at, one.resolved_at) == ("completed", EVENING, EVENING)


def test_announced__put_off__stands_at_its_new_hours_alone(world: World) -> None:
    planned = _announce(world)
    late = EVENING + timedelta(days=1)
    _announce(world, follows_id=planned.pk, starts_at=late, ends_at=late + HOUR, title_en="Tomorrow", at=NOW + HOUR)

    [one] = _read(now=EVENING)

    assert (one.id, one.status, one.name.en) == (f"a{planned.pk}", "scheduled", "Tomorrow")
    assert (one.starts_at, one.ends_at) == (late, late + HOUR)


def test_announced__begun_after_a_plan_that_the_page_never_showed__stands(world: World) -> None:
    planned = _announce(world, outlets=["people"])
    _announce(world, kind=Kind.MAINTENANCE_BEGUN, follows_id=planned.pk, starts_at=None, ends_at=None, at=EVENING)

    assert [(one.status, one.has_end) for one in _read(now=EVENING)] == [("in_progress", False)]


def test_announced__called_off__is_over_and_keeps_its_window(world: World) -> None:
    planned = _announce(world)
    _announce(world, kind=Kind.MAINTENANCE_ENDED, follows_id=planned.pk, starts_at=None, ends_at=None, at=NOW + HOUR)

    [one] = _read(now=NOW + HOUR)

    assert (one.status, one.starts_at, one.ends_at) == ("completed", EVENING, EVENING + 2 * HOUR)
    assert one.resolved_at == NOW + HOUR


def test_announced__for_three_weeks__stands_until_the_end(world: World) -> None:
    _announce(world, ends_at=EVENING + timedelta(days=21))

    assert [one.status for one in _read(now=EVENING + timedelta(days=20))] == ["in_progress"]


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


def test_announced__by_other_outlets_alone__does_not_stand_there(world: World) -> None:
    _announce(world, outlets=["people", "till"])

    assert Event.objects.filter(kind="announcement").exists()
    assert _read() == []


def test_outlet__where_maintenance_is_not_shown__refuses(world: World) -> None:
    set_public(environment_id=world.environment.pk, **(PUBLIC | {"shows_maintenance": False}), **BY)

    with pytest.raises(Refusal) as refused:
        _announce(world)

    assert refused.value.code == "status_page_without_maintenance"


@pytest.mark.parametrize("wrong", [{"kind": Kind.FREE}, {"places": Places.NOWHERE}])
def test_outlet__of_something_else_or_no_site__refuses(world: World, wrong: dict[str, Any]) -> None:
    with pytest.raises(Refusal):
        _announce(world, **wrong)


def test_outlet__while_it_is_written__is_shown_as_everybody_reads_it(world: World) -> None:
    draft = make_draft(
        world.environment, kind=Kind.MAINTENANCE_PLANNED, outlets=["status_page"], starts_at=EVENING, ends_at=None
    )

    page = sign_in().get(f"/announcements/{draft.pk}/confirm/").content.decode()

    assert "Status page" in page
    assert WORDS["body_fr"] in page


def test_announced__where_maintenance_is_not_shown__is_not(world: World) -> None:
    _announce(world)
    set_public(environment_id=world.environment.pk, **(PUBLIC | {"shows_maintenance": False}), **BY)

    assert _read() == []


def test_announced__in_one_language__is_marked_as_such_on_the_other_page(world: World) -> None:
    _announce(world, title_en="", body_en="", body_fr="Une ligne.\n\nUne autre.", one_language_reason="Urgent")

    bodies = write_bodies(read_facts(now=NOW))

    english = bodies["en/index.html"].decode()
    assert f'<b lang="fr">{WORDS["title_fr"]}</b>' in english
    assert "<p>Une ligne.</p>" in english


def test_page__of_a_window_over_days_or_without_an_end__says_the_day_or_no_end(world: World) -> None:
    _announce(world, ends_at=EVENING + timedelta(days=3))
    _announce(world, kind=Kind.MAINTENANCE_BEGUN, starts_at=None, ends_at=None)

    page = re.sub(r"\s+", " ", write_bodies(read_facts(now=NOW))["en/index.html"].decode())

    assert page.count("Fri 27 Nov, 19:00") == 1
    assert "Wed 25 Nov, 09:00" not in page


def test_announced__many__ask_no_more(world: World) -> None:
    counts = []
    for _turn in range(3):
        planned = _announce(world)
        _announce(world, kind=Kind.MAINTENANCE_ENDED, follows_id=planned.pk, starts_at=None, ends_at=None)
        with CaptureQueriesContext(connection) as queries:
            shown = read_facts(now=NOW).maintenances
        counts.append(len(queries))

    assert len(shown) == 3
    assert len(set(counts)) == 1


def _subscribe(name: str, *topics: str) -> Contact:
    contact = ask_for(kind=ContactKind.EMAIL, address=f"{name}@example.org", language="en", topics=topics, now=NOW)
    return confirm_contact(contact_id=contact.pk, now=NOW)


def test_outlet__said_put_right_and_taken_back__is_told_to_who_subscribed_to_it(world: World) -> None:
    lyon, nantes = (str(find_component(world.environment, "site", site).pk) for site in world.sites[:2])
    for name, topics in (("all", []), ("lyon", [lyon]), ("nantes", [nantes])):
        _subscribe(name, *topics)
    notes: dict[str, Any] = {"note_fr": "L’heure", "note_en": "The hour"}
    by: dict[str, Any] = {"actor": DEMO, "reason": "It was wrong", "now": NOW + HOUR}

    said = _announce(world, places=Places.SITES, site_keys=[world.sites[0].key])
    content = make_content(kind=Kind.MAINTENANCE_PLANNED, title_en="At ten")
    correct_announcement(announcement_id=said.pk, content=content, **notes, **by)
    drive_outlets(said.pk)
    withdraw_announcement(announcement_id=said.pk, **notes, **by)
    drive_outlets(said.pk)

    told = Event.objects.filter(dedupe_key__startswith="status:announcement:").order_by("pk")
    with translation.override("en"):
        assert [say_subject(one) for one in told] == [WORDS["title_en"], "Corrected: At ten", "Withdrawn: At ten"]
    for event in told:
        assert {one.contact.email for one in event.deliveries.all() if one.contact} == {
            "all@example.org",
            "lyon@example.org",
        }
        assert "environment" not in event.data
