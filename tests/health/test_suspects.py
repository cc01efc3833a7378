"""What is suspected first at a site: what changed there lately."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from core import clock
from core.actors import DEMO
from core.roles import Role
from flags.domain.audience import RuleAudience
from flags.models import Environment, Flag, Site
from flags.transitions import NewMember, add_rule, create_segment, kill_flag
from health.models import Complaint
from health.suspects import LATELY, list_suspects
from tests.factories.core import make_person
from tests.factories.flags import make_environment, make_flag, make_site
from tests.factories.health import make_complaint
from tests.signed_in import sign_in_as

pytestmark = pytest.mark.django_db


@pytest.fixture
def environment() -> Environment:
    return make_environment(is_production=True)


@pytest.fixture
def lyon() -> Site:
    return make_site(name="Lyon")


@pytest.fixture
def brest() -> Site:
    return make_site(name="Brest")


@pytest.fixture
def support() -> Client:
    return sign_in_as(make_person(Role.SUPPORT, language="en"), language="en")


def _lay(flag: Flag, environment: Environment, audience: RuleAudience, *, ago: timedelta = timedelta(hours=1)) -> Flag:
    add_rule(
        flag_id=flag.pk,
        environment_id=environment.pk,
        audience=audience,
        variant="on",
        phase="",
        origin="",
        actor=DEMO,
        reason="test",
        now=clock.now() - ago,
    )
    return flag


def _names(environment: Environment, site: Site | None) -> list[str]:
    return [flag.name for flag in list_suspects(environment=environment, site=site, now=clock.now()).lately]


def test_suspects__of_a_site__are_those_that_changed_there(environment: Environment, lyon: Site, brest: Site) -> None:
    _lay(make_flag(name="Only Lyon"), environment, RuleAudience.for_site(lyon.pk))
    _lay(make_flag(name="All"), environment, RuleAudience.everyone(), ago=timedelta(hours=2))
    _lay(make_flag(name="Long ago"), environment, RuleAudience.everyone(), ago=LATELY + timedelta(hours=1))
    _lay(make_flag(name="Elsewhere"), make_environment(), RuleAudience.everyone())
    make_flag(name="Never")

    assert _names(environment, lyon) == ["Only Lyon", "All"]
    assert _names(environment, brest) == ["All"]
    assert _names(environment, None) == ["Only Lyon", "All"]
    others = list_suspects(environment=environment, site=brest, now=clock.now()).others
    assert [flag.name for flag in others] == ["Elsewhere", "Long ago", "Never", "Only Lyon"]


def test_suspects__a_group_with_somebody_there__is_the_sites_too(
    environment: Environment, lyon: Site, brest: Site
) -> None:
    segment = create_segment(
        key="pilots",
        name="Pilots",
        members=[NewMember("cashier-1", "Ana", lyon.pk)],
        actor=DEMO,
        reason="test",
        now=clock.now(),
    )
    _lay(make_flag(name="Pilot"), environment, RuleAudience.for_segment(segment.pk))

    assert _names(environment, lyon) == ["Pilot"]
    assert _names(environment, brest) == []


def test_suspects__a_flag_taken_back__is_suspected_first(environment: Environment, lyon: Site) -> None:
    _lay(make_flag(name="New"), environment, RuleAudience.everyone(), ago=timedelta(hours=1))
    back = _lay(make_flag(name="Back"), environment, RuleAudience.everyone(), ago=LATELY * 2)
    kill_flag(flag_id=back.pk, environment_id=environment.pk, actor=DEMO, reason="test", now=clock.now())

    assert _names(environment, lyon) == ["Back", "New"]


def _post(client: Client, address: str, site: Site, **more: Any) -> str:
    data = {"text": "The drawer stays shut", "site": site.pk, "severity": "blocking", "reporter": "till 2"}
    answer = client.post(address, data | more)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("address", ["/complaints/suspects/", "/complaints/log/"])
def test_form__another_site__suggests_its_own_and_keeps_what_was_chosen(
    support: Client, environment: Environment, lyon: Site, brest: Site, address: str
) -> None:
    chosen = _lay(make_flag(name="Only Lyon"), environment, RuleAudience.for_site(lyon.pk))
    _lay(make_flag(name="Only Brest"), environment, RuleAudience.for_site(brest.pk))

    page = _post(support, address, brest, flag=chosen.pk, do="site")

    lately, others = page.split('label="Others"')
    assert ("Only Brest" in lately, "Only Lyon" in others) == (True, True)
    assert f'<option value="{chosen.pk}" selected>Only Lyon' in others
    assert not Complaint.objects.exists()


def test_form__the_button_without_a_script__keeps_what_was_typed(
    support: Client, environment: Environment, lyon: Site
) -> None:
    page = _post(support, "/complaints/log/", lyon, do="site")

    assert "The drawer stays shut</textarea>" in page
    assert 'value="till 2"' in page
    assert "errorlist" not in page


@pytest.mark.parametrize("odd", ["", "999999999", "x", "9" * 30, "²"])
def test_suspects__of_no_site__are_those_of_all(support: Client, environment: Environment, odd: str) -> None:
    answer = support.post("/complaints/suspects/", {"site": odd})

    assert answer.status_code == 200


def test_form__known_site__begins_in_the_text_else_in_the_site(
    support: Client, environment: Environment, lyon: Site
) -> None:
    def focused(page: str = "") -> str:
        page = page or support.get("/complaints/log/").content.decode()
        [field] = [part for part in page.split("<")[1:] if " autofocus" in part.split(">")[0]]
        return field.split('name="')[1].split('"')[0]

    assert focused() == "site"
    support.post("/complaints/log/", {"text": "Slow", "site": lyon.pk, "severity": "annoying"})
    assert focused() == "text"
    wrong = support.post("/complaints/log/", {"text": "Slow", "site": "", "severity": "annoying"})
    assert focused(wrong.content.decode()) == "site"


@pytest.mark.parametrize("address", ["/complaints/", "/complaints/log/", "/health/"])
def test_meter__ten_a_day_are_usual_here__warns(
    support: Client, environment: Environment, lyon: Site, address: str
) -> None:
    words = "As many a day as the limit are no rare number here"
    assert words not in support.get(address).content.decode()
    for week in range(1, 5):
        for number in range(4):
            make_complaint(environment, site=lyon, text=f"Wrong {number}", now=clock.now() - timedelta(weeks=week))

    page = support.get(address).content.decode()

    assert f"{words}: 4.0 came on such days before" in page
