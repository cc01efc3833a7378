"""Pages of the register: the matrix and its table, filters, forms in both languages, who may write."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

from core import clock
from core.actors import SCHEDULER
from core.models import User
from core.roles import Role
from rollouts.domain.risks import RiskState
from rollouts.models import Risk
from rollouts.transitions.keeping_risks import move_risk
from tests.factories.core import NOW, make_person
from tests.factories.risks import make_risk
from tests.factories.world import WHY, World, make_world
from tests.signed_in import count_queries, read_version, sign_in_as

pytestmark = pytest.mark.django_db

PATH = "/rollouts/risks/"
BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY, "now": NOW}


@pytest.fixture
def user() -> User:
    return make_person(Role.RELEASE_MANAGER)


@pytest.fixture
def client(user: User) -> Client:
    for risk in Risk.objects.exclude(built_in=""):
        move_risk(risk_id=risk.pk, state=RiskState.CLOSED, **BY)
    return sign_in_as(user)


def _posted(**changes: Any) -> dict[str, Any]:
    return {
        "title": "Prices are cached",
        "category": "integration",
        "likelihood": "4",
        "impact": "5",
        "description": "Nobody empties it",
        "mitigation": "- **Empty** it",
        "owner": "",
        "review_on": "2027-01-15",
        "releases": [],
        "flags": [],
        "reason": "Found in review",
    } | changes


def _listed(client: Client, query: str = "") -> list[str]:
    return [risk.title for risk in client.get(PATH + query).context["page"]]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["▲ high", "5 – almost certain", "has no owner"]),
        ("fr", ["▲ élevé", "5 – presque certain", "n’a pas de responsable"]),
    ],
    ids=["en", "fr"],
)
def test_register__in_each_language__shows_matrix_table_and_gaps(
    client: Client, user: User, language: str, words: list[str]
) -> None:
    make_risk(likelihood=5, impact=5, title="Prices are cached")

    page = sign_in_as(user, language=language).get(PATH).content.decode()

    assert "Prices are cached" in page
    for one in words:
        assert one in page


def test_register__comes_with_the_customers_lines() -> None:
    page = sign_in_as(make_person(Role.SUPPORT), language="fr").get(PATH).content.decode()

    assert "Type Duplication Crisis" in page
    assert "5" in page


def test_matrix__counts_each_field_and_leads_to_its_risks(client: Client) -> None:
    for _risk in range(2):
        make_risk(likelihood=2, impact=4)
    make_risk(likelihood=5, impact=5, title="Gravest")

    matrix = client.get(PATH).context["matrix"]

    counted = {(cell.likelihood, cell.impact): cell.count for _row, cells in matrix.rows for cell in cells}
    assert len(counted) == 25
    assert {place: n for place, n in counted.items() if n} == {(2, 4): 2, (5, 5): 1}
    assert [number for number, _cells in matrix.rows] == [5, 4, 3, 2, 1]
    assert _listed(client, "?likelihood=5&impact=5") == ["Gravest"]
    page = client.get(f"{PATH}?category=technical").content.decode()
    assert "?category=technical&amp;likelihood=5&amp;impact=5" in page


def test_list__is_the_gravest_first_and_narrowed_by_every_filter(client: Client, user: User) -> None:
    world = make_world()
    make_risk(likelihood=1, impact=2, title="low", category="deployment", owner_id=user.pk)
    make_risk(likelihood=5, impact=4, title="high", flag_ids=[world.flags[0].pk])
    make_risk(likelihood=3, impact=3, title="medium", release_ids=[world.release.pk])
    closed = make_risk(title="closed")
    move_risk(risk_id=closed.pk, state=RiskState.CLOSED, **BY)

    assert _listed(client) == ["high", "medium", "low"]
    assert _listed(client, "?level=high") == ["high"]
    assert _listed(client, "?level=low") == ["low"]
    assert _listed(client, "?category=deployment") == ["low"]
    assert _listed(client, f"?owner={user.username}") == ["low"]
    assert _listed(client, "?owner=!nobody") == ["high", "medium"]
    assert _listed(client, f"?flag={world.flags[0].key}") == ["high"]
    assert _listed(client, "?release=1.3") == ["medium"]
    assert "closed" in _listed(client, "?state=closed")
    assert len(_listed(client, "?state=all")) == 9
    # What is no sound question narrows nothing.
    assert _listed(client, "?level=huge") == ["high", "medium", "low"]


def test_gaps__of_open_risks__are_counted(client: Client) -> None:
    make_risk(mitigation="", review_on=clock.now().date() - timedelta(days=2))
    make_risk(review_on=date(2100, 1, 1))

    gaps = client.get(PATH).context["gaps"]

    assert (gaps.unowned, gaps.unmitigated, gaps.overdue) == (2, 1, 1)


def test_new__a_whole_form__is_written_down_and_its_page_says_all(client: Client, user: User) -> None:
    world = make_world()

    answer = client.post(f"{PATH}new/", _posted(owner=str(user.pk), releases=["1.3"], flags=["buttons"]), follow=True)

    risk = Risk.objects.latest("pk")
    page = answer.content.decode()
    assert (risk.owner, risk.likelihood, risk.impact, risk.state) == (user, 4, 5, RiskState.OPEN)
    assert risk.history.get().history_change_reason == "Found in review"
    assert "<strong>Empty</strong>" in page
    for one in ("Prices are cached", "Release 1.3", world.flags[0].name, "4 – likely", "Found in review"):
        assert one in page


def test_new__from_a_rollout__has_its_release_chosen(client: Client) -> None:
    make_world()

    page = client.get(f"{PATH}new/?release=1.3&flag=buttons").content.decode()

    assert '<option value="1.3" selected>' in page
    assert '<option value="buttons" selected>' in page


@pytest.mark.parametrize(
    "change", [{"title": ""}, {"likelihood": "7"}, {"category": "x"}, {"reason": ""}, {"owner": "x"}]
)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_new__wrong_input__is_said_and_what_was_typed_stays(
    client: Client, user: User, change: dict[str, str], language: str
) -> None:
    before = Risk.objects.count()

    answer = sign_in_as(user, language=language).post(f"{PATH}new/", _posted(**change))

    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()
    assert "Nobody empties it" in answer.content.decode()
    assert Risk.objects.count() == before


def test_edited__by_its_form__keeps_its_rating(client: Client) -> None:
    risk = make_risk(likelihood=2, impact=5)
    path = f"{PATH}{risk.pk}/edit/"

    answer = client.post(path, _posted(version=read_version(client, path)))

    risk.refresh_from_db()
    assert answer.status_code == 302
    assert (risk.title, risk.likelihood, risk.review_on) == ("Prices are cached", 2, date(2027, 1, 15))
    assert client.post(path, _posted(version="1")).status_code == 400


def test_acts__of_its_page__rate_take_and_move_it(client: Client, user: User) -> None:
    risk = make_risk()
    page = f"{PATH}{risk.pk}/"

    def act(action: str, **given: Any) -> Any:
        return client.post(f"{page}{action}/", {"version": read_version(client, page), "reason": "Sound"} | given)

    assert act("rate", likelihood="5", impact="1").status_code == 302
    assert act("rate", likelihood="0", impact="1").status_code == 400
    assert act("take").status_code == 302
    assert act("mitigate").status_code == 302
    risk.refresh_from_db()
    assert (risk.likelihood, risk.impact, risk.owner, risk.state) == (5, 1, user, RiskState.MITIGATED)
    assert act("reopen").status_code == 302
    assert act("accept").status_code == 302
    assert act("close").status_code == 409
    assert act("nothing").status_code == 404
    risk.refresh_from_db()
    assert risk.state == RiskState.ACCEPTED


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.AUDITOR])
def test_pages__for_those_who_read__offer_nothing_and_take_nothing(role: Role) -> None:
    risk, client = make_risk(title="Prices are cached"), sign_in_as(make_person(role))

    for path in (PATH, f"{PATH}{risk.pk}/"):
        page = client.get(path).content.decode()
        assert "Prices are cached" in page
        assert f"{PATH}new/" not in page
        assert "/edit/" not in page
        assert "/rate/" not in page
    for path in (f"{PATH}new/", f"{PATH}{risk.pk}/edit/", f"{PATH}{risk.pk}/take/", f"{PATH}{risk.pk}/rate/"):
        assert client.post(path, {}).status_code == 403


def test_pages__with_many_risks__ask_no_more_than_with_two(client: Client, user: User) -> None:
    world: World = make_world()
    risk = make_risk()
    paths = [PATH, f"{PATH}?state=all", f"{PATH}{risk.pk}/"]
    given: dict[str, Any] = {
        "owner_id": user.pk,
        "flag_ids": [one.pk for one in world.flags],
        "release_ids": [world.release.pk],
    }
    make_risk(**given)
    few = [count_queries(client, path) for path in paths]

    for _risk in range(20):
        make_risk(**given)

    assert [count_queries(client, path) for path in paths] == few
