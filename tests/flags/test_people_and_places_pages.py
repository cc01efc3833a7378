"""Pages of segments and sites."""

from typing import Any

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from core import clock
from core.actors import DEMO
from core.roles import Role
from flags.domain.audience import RuleAudience
from flags.models import Segment, SegmentMember, Site, Till
from flags.transitions import NewMember, create_segment
from tests.factories.flags import make_environment, make_flag, make_rule, make_site
from tests.factories.world import make_rehearsal, make_world
from tests.signed_in import read_version, sign_in

pytestmark = pytest.mark.django_db

#: A segment without conditions, as its form sends it.
NO_LINES = {"c-TOTAL_FORMS": "0", "c-INITIAL_FORMS": "0"}
BY: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": clock.now()}
SITE = {"name": "Lyon", "city": "Lyon", "time_zone": "Europe/Paris", "opening_weekdays": ["2", "6"], "reason": "Opens"}


@pytest.fixture
def segment() -> Segment:
    return create_segment(key="pilots", name="Pilots", members=[NewMember("ana", "Ana")], **BY)


def test_new_segment__made_and_filled__holds_its_people() -> None:
    client = sign_in()
    client.post("/new-segment/", {"key": "pilots", "name": "Pilots", "reason": "For 1.3"} | NO_LINES)

    answer = client.post("/segments/pilots/add/", {"targeting_key": "ana", "label": "Ana", "reason": "Volunteers"})

    assert (answer.status_code, answer["location"]) == (302, "/segments/pilots/")
    member = SegmentMember.objects.get()
    assert (str(member), member.history.get().history_change_reason) == ("Ana", "Volunteers")


@pytest.mark.parametrize(
    "change",
    [{"targeting_key": ""}, {"targeting_key": "ana"}, {"reason": ""}, {"site": "999999"}, {"label": "x" * 101}],
)
def test_member__wrong_input__is_said_and_what_was_typed_stays(segment: Segment, change: dict[str, str]) -> None:
    given = {"targeting_key": "bo", "label": "Bo", "reason": "Volunteers"} | change

    answer = sign_in().post("/segments/pilots/add/", given)

    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()
    assert given["label"] in answer.content.decode()
    assert segment.members.count() == 1


def test_member__taken_out_twice__the_second_is_told(segment: Segment) -> None:
    client = sign_in()
    member = segment.members.get()

    first = client.post("/segments/pilots/remove/", {"member": member.pk, "reason": "Left"})
    second = client.post("/segments/pilots/remove/", {"member": member.pk, "reason": "Left"})

    assert (first.status_code, second.status_code) == (302, 409)
    assert SegmentMember.history.latest().history_type == "-"


def test_member__of_another_segment__stays(segment: Segment) -> None:
    other = create_segment(key="others", name="Others", members=[], **BY)
    member = segment.members.get()

    answer = sign_in().post(f"/segments/{other.key}/remove/", {"member": member.pk, "reason": "x"})

    assert answer.status_code == 409
    assert segment.members.count() == 1


def test_edit_segment__renamed__keeps_its_key(segment: Segment) -> None:
    renamed = {"name": "First pilots", "description": "", "reason": "Clearer"}
    client = sign_in()
    version = read_version(client, "/segments/pilots/edit/")
    client.post("/segments/pilots/edit/", renamed | NO_LINES | {"version": version})

    segment.refresh_from_db()
    assert (segment.key, segment.name) == ("pilots", "First pilots")


def test_delete_segment__nothing_names_it__is_gone_and_its_history_stays(segment: Segment) -> None:
    answer = sign_in().post("/segments/pilots/delete/", {"reason": "Over"})

    assert answer["location"] == "/segments/"
    assert not Segment.objects.exists()
    assert Segment.history.latest().history_change_reason == "Over"


def test_delete_segment__a_rule_names_it__is_refused_and_names_the_flag(segment: Segment) -> None:
    environment = make_environment()
    flag = make_flag(key="buttons")
    make_rule(flag, environment, RuleAudience.for_segment(segment.pk))

    answer = sign_in().post("/segments/pilots/delete/", {"reason": "Over"})

    assert answer.status_code == 409
    assert "buttons" in answer.content.decode()
    assert segment.members.count() == 1


def test_delete_segment__a_rollouts_testers__is_refused_and_names_the_rollout() -> None:
    world = make_world(now=clock.now())
    make_rehearsal(world, now=clock.now())

    answer = sign_in().post(f"/segments/{world.testers.key}/delete/", {"reason": "Over"})

    assert answer.status_code == 409
    assert "1.3 → staging" in answer.content.decode()


def test_new_site__a_whole_form__makes_it() -> None:
    answer = sign_in().post("/new-site/", SITE | {"key": "lyon", "phone": "04 00 00 00 00"})

    assert (answer.status_code, answer["location"]) == (302, "/sites/lyon/")
    site = Site.objects.get()
    assert (site.opening_weekdays, site.phone, site.time_zone) == ([2, 6], "04 00 00 00 00", "Europe/Paris")


@pytest.mark.parametrize(
    "change",
    [
        {"key": ""},
        {"key": "l y o n"},
        {"key": "nantes"},
        {"name": ""},
        {"time_zone": "Mars/Olympus"},
        {"opening_weekdays": []},
        {"opening_weekdays": ["8"]},
        {"reason": ""},
    ],
)
def test_new_site__wrong_input__is_said_and_what_was_typed_stays(change: dict[str, Any]) -> None:
    make_site(key="nantes")

    answer = sign_in().post("/new-site/", SITE | {"key": "lyon", "phone": "04 11"} | change)

    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()
    assert "04 11" in answer.content.decode()
    assert Site.objects.count() == 1


def test_site__edited_and_given_a_till__says_so() -> None:
    make_site(key="lyon")
    client = sign_in()

    moved = {"name": "Lyon 3", "time_zone": "Indian/Reunion", "version": read_version(client, "/sites/lyon/edit/")}
    client.post("/sites/lyon/edit/", SITE | moved)
    client.post("/sites/lyon/tills/", {"key": "t-1", "name": "Front", "reason": "New till"})
    refused = client.post("/sites/lyon/tills/", {"key": "t-1", "name": "Back", "reason": "New till"})

    page = client.get("/sites/lyon/").content.decode()
    assert "Lyon 3" in page
    assert "Indian/Reunion" in page
    assert (refused.status_code, Till.objects.get().name) == (400, "Front")


@pytest.mark.parametrize("path", ["/new-segment/", "/segments/pilots/edit/", "/new-site/", "/sites/lyon/edit/"])
def test_pages__auditor__may_look_and_not_change(segment: Segment, path: str) -> None:
    make_site(key="lyon")
    client = sign_in(Role.AUDITOR)

    assert client.post(path, SITE).status_code == 403
    assert 'name="reason"' not in client.get("/segments/pilots/").content.decode()
    assert 'name="reason"' not in client.get("/sites/lyon/").content.decode()


@pytest.mark.parametrize("place", ["segments", "sites"])
@pytest.mark.parametrize("page", ["", "edit/"])
def test_pages__unknown__are_404(place: str, page: str) -> None:
    assert sign_in().get(f"/{place}/nowhere/{page}").status_code == 404


@pytest.mark.parametrize("rows", [2, 20])
@pytest.mark.parametrize("path", ["/segments/", "/segments/pilots/", "/sites/", "/sites/site-0/"])
def test_lists__any_number_of_rows__take_as_many_queries(
    rows: int, path: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    environment = make_environment()
    create_segment(key="pilots", name="Pilots", members=[NewMember(f"ana-{n}") for n in range(rows)], **BY)
    for number in range(rows):
        create_segment(key=f"s{number}", name=f"S {number}", members=[NewMember("ana")], **BY)
        make_rule(make_flag(), environment, RuleAudience.for_site(make_site(key=f"site-{number}").pk))
    client = sign_in()
    client.get(path)

    with django_assert_num_queries(QUERIES[path]):
        client.get(path)


#: Session, person and roles, frame; then the page's own.
QUERIES = {"/segments/": 7, "/segments/pilots/": 10, "/sites/": 8, "/sites/site-0/": 18}
