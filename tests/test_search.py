"""The search over everything: what each role finds, in its language, and nothing that it may not open."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import resolve, reverse
from pytest_django import DjangoAssertNumQueries

from core import clock
from core.roles import CAPABILITIES, Capability, Role
from core.searching import find_number, is_said, split_words
from flags.queries import search_flags, search_sites
from releaseportal.context import RAIL
from releaseportal.search import ACTIONS, PAGES
from rollouts.models import Rollout
from tests.factories.flags import make_environment, make_flag
from tests.factories.health import make_complaint
from tests.factories.incidents import make_incident
from tests.factories.world import World, make_rehearsal, make_world, play
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db

#: A word for every source of the small world.
WORDS = ("", "buttons", "1.3", "lyon", "testers", "staging", "a", "#1")


@pytest.fixture
def world() -> World:
    return make_world(now=clock.now() - timedelta(minutes=5))


@pytest.fixture
def rollout(world: World) -> Rollout:
    start = clock.now() - timedelta(minutes=3)
    rollout = make_rehearsal(world, now=start)
    play(world, rollout, start=start, seconds=70)
    return rollout


def _find(client: Client, text: str, *, palette: bool = False) -> str:
    headers = {"HX-Request": "true"} if palette else {}
    page = client.get("/search/", {"q": text}, headers=headers)
    assert page.status_code == 200
    return page.content.decode().partition("<main")[2] or page.content.decode()


def _hrefs(page: str) -> set[str]:
    return {href.replace("&amp;", "&") for href in re.findall(r'href="(/[^"]*)"', page)}


@pytest.mark.parametrize("role", list(Role))
def test_search__each_role__finds_only_what_it_may_open(world: World, rollout: Rollout, role: Role) -> None:
    make_incident(world.environment, title="Lyon: a till is down")
    make_complaint(world.environment, site=world.sites[0])
    client = sign_in(role)

    found = {
        href for text in WORDS for palette in (True, False) for href in _hrefs(_find(client, text, palette=palette))
    }

    answers = {href: client.get(href).status_code for href in sorted(found)}
    assert set(answers.values()) <= {200, 302}, answers
    assert (reverse("rollouts:roll_back", args=[rollout.pk]) in found) == (
        Capability.DRIVE_ROLLOUTS in CAPABILITIES[role]
    )
    assert (reverse("health:log_complaint") in found) == (Capability.LOG_COMPLAINTS in CAPABILITIES[role])
    assert reverse("flags:detail", args=["buttons"]) in found


def test_search__actions_and_pages__ask_for_what_their_addresses_ask_for() -> None:
    entries = [*ACTIONS, *PAGES, *((label, name, capability) for name, label, capability in RAIL)]

    guards = {name: getattr(resolve(reverse(name)).func, "capability", None) for _label, name, _capability in entries}

    assert {name for _l, name, capability in entries if guards[name] not in {None, capability}} == set()
    assert [name for name, guard in guards.items() if guard is None] == [
        "api_docs",
        "account_change_password",
        "mfa_index",
        "admin:index",
    ]


def test_search__words_of_each_kind__finds_it(world: World, rollout: Rollout) -> None:
    incident = make_incident(world.environment, title="Wrong totals")
    complaint = make_complaint(world.environment, site=world.sites[1], text="The drawer stays shut")
    client = sign_in(Role.SUPPORT)

    for text, href in {
        "BUTT": "/flags/buttons/",
        "1.3 staging": f"/rollouts/{rollout.pk}/",
        "1.3": f"/releases/{world.release.pk}/",
        "lille": "/sites/lille/",
        "testers": "/segments/testers/",
        "totals wrong": f"/incidents/{incident.pk}/",
        f"#{incident.pk}": f"/incidents/{incident.pk}/",
        "drawer": f"/complaints/?number={complaint.pk}",
    }.items():
        assert href in _hrefs(_find(client, text)), text
    page = client.get(f"/complaints/?number={complaint.pk}").content.decode()
    assert "The drawer stays shut" in page


def test_search__who_complained__is_nobodys_to_look_up(world: World) -> None:
    make_complaint(world.environment, site=world.sites[0], reporter="Zoubida")

    page = _find(sign_in(), "Zoubida")
    for asked in ("“Zoubida”", 'value="Zoubida"', "?q=Zoubida"):
        page = page.replace(asked, "")
    assert "Zoubida" not in page
    assert "?number=" not in _find(sign_in(Role.SUPPORT), "Zoubida")


def test_search__a_complaint_of_another_environment__is_not_found(world: World) -> None:
    make_complaint(make_environment(), site=world.sites[0], text="The drawer stays shut")
    client = sign_in(Role.SUPPORT)
    client.post("/environment/", {"environment": world.environment.key})

    assert "?number=" not in _find(client, "drawer")


@pytest.mark.parametrize("text", ["%", "%%", "b%s", "butt_ns", "\\", "' OR '1'='1", "lyon'--"])
def test_search__signs_of_the_database__are_letters_like_others(world: World, text: str) -> None:
    words = split_words(text)

    assert not search_flags(words).exists()
    assert not search_sites(words).exists()


def test_search__percent_in_a_name__is_found_by_it(world: World) -> None:
    make_flag(key="ten", name="10 % off")

    assert [flag.key for flag in search_flags(("%",))] == ["ten"]


def test_search__markup_in_the_words__stays_text(world: World) -> None:
    client = sign_in()

    for palette in (True, False):
        assert "<script>alert" not in _find(client, "<script>alert(1)</script>", palette=palette)


@pytest.mark.parametrize("rows", [2, 20])
def test_search__any_number_of_rows__takes_as_many_queries(
    world: World, rollout: Rollout, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(rows):
        make_flag(key=f"lyon-{number}")
        make_incident(world.environment, title=f"Lyon {number}")
        make_complaint(world.environment, site=world.sites[0], text=f"Lyon {number}")
    client = sign_in(Role.ADMIN)

    # Session, person, roles, environments; the words; rollouts to take back; one for each of six kinds, two for each
    # of three; three of the frame.
    with django_assert_num_queries(21):
        client.get("/search/", {"q": "lyon"}, headers={"HX-Request": "true"})


def test_search__more_than_are_shown__says_so(world: World) -> None:
    for number in range(26):
        make_flag(key=f"drawer-{number}")

    page = _find(sign_in(), "drawer")

    assert page.count('href="/flags/drawer-') == 25
    assert "There are more" in page


def test_search__french__finds_actions_by_french_words_with_or_without_accents(world: World, rollout: Rollout) -> None:
    client = sign_in()
    client.post("/language/", {"language": "fr"})

    page = _find(client, "reclamation")

    assert reverse("health:log_complaint") in _hrefs(page)
    assert reverse("rollouts:roll_back", args=[rollout.pk]) in _hrefs(_find(client, "revenir arriere"))


def test_search__long_or_many_words__is_cut_not_refused(world: World) -> None:
    assert sign_in().get("/search/", {"q": "lyon " * 500}).status_code == 200
    assert len(split_words("a " * 50)) == 6


def test_words__number_alone__is_a_number() -> None:
    assert find_number(("#12",)) == 12
    assert find_number(("12", "lyon")) is None
    assert find_number(()) is None
    assert find_number(("#",)) is None
    assert find_number(("1" * 10,)) is None
    assert find_number(("٣",)) is None


def test_words__in_a_text__whatever_case_and_accents() -> None:
    assert is_said(("RECLAM",), "Noter une réclamation")
    assert not is_said(("retirer", "lyon"), "Retirer 1.3")
