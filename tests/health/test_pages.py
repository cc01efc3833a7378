"""The pages of health, by role: what they show and what their forms refuse."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from core import clock
from core.actors import DEMO
from core.roles import Role
from flags.domain.audience import RuleAudience
from flags.models import Environment, Site
from flags.transitions import add_rule
from health.domain.exposure import Exposure
from health.domain.verdict import Judgement, Verdict
from health.models import Complaint
from health.queries import judge_critical_lane, verdicts_by_flag
from health.transitions import mark_duplicate, mark_spam
from health.verdict_transitions import store_judgement
from tests.factories.core import make_person
from tests.factories.flags import make_environment, make_flag, make_site, make_token
from tests.factories.health import make_complaint, make_sample
from tests.signed_in import sign_in_as

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def environment() -> Environment:
    return make_environment(is_production=True)


@pytest.fixture
def site() -> Site:
    return make_site(name="Lyon Part-Dieu", phone="+33 4 00 00 00 00")


@pytest.fixture
def support() -> Client:
    return _client(Role.SUPPORT)


def _client(role: Role) -> Client:
    return sign_in_as(make_person(role, language="en"), language="en")


def _log(client: Client, place: Site, **given: Any) -> Any:
    data = {"text": "Prices are too small", "site": place.pk, "severity": "annoying"}
    return client.post("/complaints/log/", data | given)


def test_log__good_complaint__is_saved_and_offers_the_next_at_the_same_site(
    support: Client, environment: Environment, site: Site
) -> None:
    make_site(name="Brest")
    flag = make_flag()

    answer = _log(support, site, flag=flag.pk, severity="blocking", reporter="Marie")
    page = support.get(answer["location"])

    complaint = Complaint.objects.get()
    assert (answer.status_code, answer["location"]) == (302, "/complaints/log/")
    assert (complaint.environment, complaint.site, complaint.flag) == (environment, site, flag)
    assert (complaint.severity, complaint.words.reporter) == ("blocking", "Marie")
    assert f'<option value="{site.pk}" selected>' in page.content.decode()


@pytest.mark.parametrize(
    "given",
    [
        {"text": ""},
        {"text": "x" * 4_001},
        {"site": "999999"},
        {"site": "lyon"},
        {"flag": "999999"},
        {"severity": "terrible"},
        {"reporter": "x" * 101},
    ],
)
def test_log__wrong_value__says_so_and_saves_nothing(
    support: Client, environment: Environment, site: Site, given: dict[str, str]
) -> None:
    answer = _log(support, site, **given)

    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()
    assert not Complaint.objects.exists()


def test_log__no_environment_yet__is_refused(support: Client, site: Site) -> None:
    assert _log(support, site).status_code == 400


def test_log__flags__those_changed_last_come_first(support: Client, environment: Environment, site: Site) -> None:
    first, second, third = make_flag(name="Alpha"), make_flag(name="Beta"), make_flag(name="Gamma")
    for ago, flag in ((60, third), (5, second)):
        add_rule(
            flag_id=flag.pk,
            environment_id=environment.pk,
            audience=RuleAudience.everyone(),
            variant="on",
            phase="",
            origin="",
            actor=DEMO,
            reason="test",
            now=clock.now() - timedelta(minutes=ago),
        )

    page = support.get("/complaints/log/").content.decode()

    places = [page.index(f">{flag.name}</option>") for flag in (second, third, first)]
    assert places == sorted(places)


def test_similar__words_typed__shows_todays_likest_first(support: Client, environment: Environment, site: Site) -> None:
    now = clock.now()
    make_complaint(environment, site=site, text="Price button is frozen since noon", now=now)
    make_complaint(environment, site=site, text="The price button does nothing", now=now)
    make_complaint(environment, site=site, text="Printer out of paper", now=now)
    make_complaint(environment, site=site, text="Price button frozen", now=now - timedelta(days=2))
    make_complaint(make_environment(), site=site, text="Price button frozen elsewhere", now=now)
    spam = make_complaint(environment, site=site, text="Price button frozen, buy now", now=now)
    mark_spam(complaint_id=spam.pk, actor=DEMO, reason="spam", now=now)

    page = support.post("/complaints/similar/", {"text": "price BUTTON frozen"}, headers=HTMX).content.decode()

    assert page.index("frozen since noon") < page.index("does nothing")
    assert [words in page for words in ("paper", "elsewhere", "buy now")] == [False] * 3
    assert page.count("<li>") == 2


def test_similar__nothing_alike_or_nothing_typed__is_empty(
    support: Client, environment: Environment, site: Site
) -> None:
    make_complaint(environment, site=site, now=clock.now())

    for text in ("", "a b c", "Coupons vanish"):
        assert "<li>" not in support.post("/complaints/similar/", {"text": text}).content.decode()


def test_complaints__filters__live_in_the_address(support: Client, environment: Environment, site: Site) -> None:
    other, flag = make_site(), make_flag()
    make_complaint(environment, site=site, text="Aubergine", flag=flag)
    make_complaint(environment, site=other, text="Brinjal", severity="blocking")

    def shown(query: str) -> list[bool]:
        page = support.get(f"/complaints/?{query}").content.decode()
        return [words in page for words in ("Aubergine", "Brinjal")]

    assert shown("") == [True, True]
    assert shown(f"site={site.key}") == [True, False]
    assert shown(f"flag={flag.key}&status=new") == [True, False]
    assert shown("severity=blocking") == [False, True]
    assert shown("status=spam") == [False, False]
    assert shown("site=atlantis") == [False, False]


def test_complaints__beyond_a_page__older_ones_follow_with_the_filters(
    support: Client, environment: Environment, site: Site
) -> None:
    for number in range(51):
        make_complaint(environment, site=site, text=f"Complaint {number:03}")

    first = support.get(f"/complaints/?site={site.key}").content.decode()
    older = re.search(rf"\?(site={site.key}&amp;before=\d+)", first)
    assert older is not None
    second = support.get(f"/complaints/?{older[1].replace('&amp;', '&')}").content.decode()

    assert ("Complaint 000" in first, "Complaint 000" in second) == (False, True)
    assert ("Complaint 001" in first, "Complaint 001" in second) == (True, False)
    assert f'href="?site={site.key}"' in second
    for nonsense in ("x", "-1", "٣", "9" * 40):
        assert support.get("/complaints/", {"before": nonsense}).status_code == 200


def test_complaints__eleven_of_ten__says_that_it_is_over(support: Client, environment: Environment, site: Site) -> None:
    for _ in range(10):
        make_complaint(environment, site=site, now=clock.now())
    assert "over the limit" not in support.get("/complaints/").content.decode()

    make_complaint(environment, site=site, now=clock.now())

    assert "over the limit" in support.get("/complaints/").content.decode()


@pytest.mark.parametrize("address", ["/complaints/", "/complaints/log/"])
def test_complaints__each_page__names_the_environment(support: Client, site: Site, address: str) -> None:
    make_environment(name="Till room", is_production=True)

    page = support.get(address).content.decode()

    assert "of 10 complaints today in Till room" in page


def test_complaints__words_deleted_by_retention__the_rest_still_shows(
    support: Client, environment: Environment, site: Site
) -> None:
    make_complaint(environment, site=site).words.delete()

    assert "The words were deleted" in support.get("/complaints/").content.decode()


@pytest.mark.parametrize("count", [2, 20])
def test_complaints__any_number_of_them__takes_as_many_queries(
    support: Client,
    environment: Environment,
    site: Site,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    count: int,
) -> None:
    for _ in range(count):
        make_complaint(environment, site=site, flag=make_flag())

    # Two of them are about incidents: what to say of those that run, and how many wait for a call. One is of the
    # tills: which complaints were reported there.
    with django_assert_max_num_queries(18):
        support.get("/complaints/")


def test_mark__duplicate__links_it(support: Client, environment: Environment, site: Site) -> None:
    first, second = (make_complaint(environment, site=site, now=clock.now()) for _ in range(2))

    answer = support.post(
        f"/complaints/{second.pk}/mark/", {"mark": "duplicate", "original": first.pk, "reason": "Same call"}
    )

    second.refresh_from_db()
    assert (answer.status_code, second.duplicate_of) == (302, first)
    assert f"repeats #{first.pk}" in " ".join(support.get("/complaints/").content.decode().split())


def test_mark__spam__no_longer_counts(support: Client, environment: Environment, site: Site) -> None:
    complaint = make_complaint(environment, site=site, now=clock.now())

    support.post(f"/complaints/{complaint.pk}/mark/", {"mark": "spam", "reason": "Advertising"})

    assert "<b>0</b> of 10" in support.get("/complaints/").content.decode()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"mark": "spam", "reason": ""}, 400),
        ({"mark": "", "reason": "x"}, 400),
        ({"mark": "duplicate", "reason": "x"}, 400),
        ({"mark": "duplicate", "original": "-1", "reason": "x"}, 400),
        ({"mark": "duplicate", "original": "999999", "reason": "x"}, 400),
    ],
)
def test_mark__wrong_wish__says_so_and_changes_nothing(
    support: Client, environment: Environment, site: Site, data: dict[str, str], status: int
) -> None:
    complaint = make_complaint(environment, site=site)

    answer = support.post(f"/complaints/{complaint.pk}/mark/", data)

    complaint.refresh_from_db()
    assert (answer.status_code, complaint.status) == (status, "new")


def test_mark__two_people_at_once__the_second_is_told(support: Client, environment: Environment, site: Site) -> None:
    first, second = (make_complaint(environment, site=site) for _ in range(2))
    mark_duplicate(complaint_id=second.pk, original_id=first.pk, actor=DEMO, reason="same", now=clock.now())

    answer = support.post(f"/complaints/{second.pk}/mark/", {"mark": "spam", "reason": "Advertising"})

    assert answer.status_code == 409


def test_auditor__sees_complaints__and_can_change_nothing(environment: Environment, site: Site) -> None:
    complaint = make_complaint(environment, site=site)
    auditor = _client(Role.AUDITOR)

    page = auditor.get("/complaints/").content.decode()

    assert "The price button does nothing" in page
    assert "/mark/" not in page
    assert "/complaints/log/" not in page
    assert _log(auditor, site).status_code == 403
    assert auditor.post("/complaints/similar/", {"text": "price"}).status_code == 403
    assert auditor.post(f"/complaints/{complaint.pk}/mark/", {"mark": "spam", "reason": "x"}).status_code == 403


def _judge(environment: Environment, flag_key: str, *, epoch: int = 1) -> tuple[Judgement, Exposure]:
    now = clock.now()
    exposure = Exposure(
        flag_key=flag_key,
        environment_key=environment.key,
        since=now - timedelta(hours=1),
        everyone=True,
        site_keys=frozenset(),
        subject="rollout:1",
        epoch=epoch,
    )
    return judge_critical_lane(exposures=[exposure], now=now)[0], exposure


def test_overview__a_breach__shows_its_sentence_figures_and_site(
    support: Client, environment: Environment, site: Site
) -> None:
    flag, token = make_flag(), make_token(environment)[0]
    make_sample(
        token,
        site=site,
        flag=flag.key,
        till="t1",
        errors=2,
        integrity_errors=1,
        received_at=clock.now() - timedelta(seconds=5),
    )
    judgement, exposure = _judge(environment, flag.key)
    store_judgement(judgement=judgement, exposure=exposure, now=clock.now())

    page = support.get("/health/").content.decode()

    assert judgement.verdict is Verdict.BREACH
    assert "▲ breach" in page
    assert "Data was lost or wrong" in page
    assert "1 till" in page
    # What breaches stands open, with its figures.
    assert re.search(rf'id="feature-{flag.key}-breach"\s+open', page)
    assert "10 requests · 2 errors" in " ".join(page.split())


def test_overview__silent_site__is_named_with_its_phone(support: Client, environment: Environment, site: Site) -> None:
    page = support.get("/health/").content.decode()

    assert "Lyon Part-Dieu" in page
    assert "silent for an hour" in page
    assert "+33 4 00 00 00 00" in page


def test_overview__asked_by_htmx__answers_the_part_that_refreshes(support: Client, environment: Environment) -> None:
    part = support.get("/health/", headers=HTMX).content.decode().strip()

    assert part.startswith('<div id="health"')
    assert "<html" not in part


def test_verdicts__of_two_lanes__stand_under_one_flag(environment: Environment) -> None:
    flag, other = make_flag(), make_flag()
    for key in (flag.key, other.key):
        judgement, exposure = _judge(environment, key)
        store_judgement(judgement=judgement, exposure=exposure, now=clock.now())
    judgement = replace(judgement, lane="error_rate", flag_key=other.key, verdict=Verdict.PASS)
    store_judgement(judgement=judgement, exposure=exposure, now=clock.now())

    found = {one.flag_key: one for one in verdicts_by_flag(environment_key=environment.key)}

    assert {key: len(one.lanes) for key, one in found.items()} == {flag.key: 1, other.key: 2}
    assert (found[flag.key].is_unanimous, found[other.key].is_unanimous) == (True, False)


def test_overview__verdict_changed__the_newest_of_each_flag_leads(support: Client, environment: Environment) -> None:
    flag = make_flag()
    judgement, exposure = _judge(environment, flag.key)
    store_judgement(judgement=judgement, exposure=exposure, now=clock.now())
    _, later = _judge(environment, flag.key, epoch=2)
    store_judgement(judgement=judgement, exposure=later, now=clock.now())

    page = support.get("/health/").content.decode()

    lead, changes = page.split("How verdicts changed")
    assert (lead.count("No data in the last ten minutes."), changes.count("No data in the last ten minutes.")) == (1, 2)


def test_log__new_sign_in__remembers_the_site_of_the_last_complaint(environment: Environment, site: Site) -> None:
    make_site(name="Brest")
    somebody = make_person(Role.SUPPORT, language="en")
    for _ in range(2):
        client = sign_in_as(somebody, language="en")
        page = client.get("/complaints/log/").content.decode()
        _log(client, site)

    assert f'<option value="{site.pk}" selected>' in page


def test_log__nobody_knows_the_site__asks_for_it_first(support: Client, environment: Environment, site: Site) -> None:
    page = support.get("/complaints/log/").content.decode()

    assert "Choose the site" in page
    assert page.index('name="site"') < page.index('name="text"')


def test_log__the_same_one__is_saved_and_linked_in_one_step(
    support: Client, environment: Environment, site: Site
) -> None:
    first = make_complaint(environment, site=site, now=clock.now())

    answer = _log(support, site, same_as=first.pk)

    logged = Complaint.objects.latest("pk")
    assert (answer.status_code, logged.status, logged.duplicate_of) == (302, "duplicate", first)


def test_log__the_same_as_none__saves_nothing(support: Client, environment: Environment, site: Site) -> None:
    answer = _log(support, site, same_as="999999")

    assert answer.status_code == 400
    assert not Complaint.objects.exists()


def test_complaints__like_an_earlier_one_of_today__offers_it(
    support: Client, environment: Environment, site: Site
) -> None:
    first, second = (make_complaint(environment, site=site, now=clock.now()) for _ in range(2))

    page = support.get("/complaints/").content.decode()
    support.post(f"/complaints/{second.pk}/mark/", {"mark": "duplicate", "choice": first.pk, "reason": "Same call"})

    second.refresh_from_db()
    assert page.count('name="choice"') == 1
    assert second.duplicate_of == first
