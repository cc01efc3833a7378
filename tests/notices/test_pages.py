"""Pages of notices and of sites' links, and the page behind a link that needs no account."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from announcements.transitions import set_hotline
from core import clock
from core.actors import DEMO
from core.roles import Role
from core.versions import get_version
from flags.domain.purposes import Purpose
from flags.models import Environment, Site
from health.models import Complaint
from notices.models import Notice, ProblemLink, ProblemReport
from notices.problem_links import draw_code, write_token
from notices.transitions import make_problem_link, revoke_problem_link
from tests.api_client import Program
from tests.factories.flags import make_environment, make_site, make_token
from tests.factories.notices import WORDS, make_notice
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db
SCRIPT = "<script>alert('here')</script>"


@pytest.fixture
def environment() -> Environment:
    return make_environment()


@pytest.fixture
def site(environment: Environment) -> Site:
    return make_site()


@pytest.fixture
def client(environment: Environment) -> Client:
    return sign_in(Role.SUPPORT)


@pytest.fixture
def link(environment: Environment, site: Site) -> ProblemLink:
    return make_problem_link(environment_id=environment.pk, site_id=site.pk, actor=DEMO, now=clock.now())


def _address(link: ProblemLink) -> str:
    return f"/problem/{write_token(link)}/"


def _fill(page: Any, **given: str) -> dict[str, str]:
    """What is typed into the page's form, with what it hides."""
    [request_id] = re.findall(r'name="request_id" value="([^"]+)"', page.content.decode())
    return {"request_id": request_id, "text": "Le prix est faux", "severity": "annoying"} | given


def test_write__a_notice__stands_and_is_on_the_list(client: Client, environment: Environment, site: Site) -> None:
    answer = client.post("/notices/new/", WORDS | {"sites": [site.pk], "reason": "Prices", "do": "save"}, follow=True)

    notice = Notice.objects.get()
    assert answer.redirect_chain[-1][0] == f"/notices/{notice.pk}/"
    assert (notice.environment, notice.notice_sites.get().site) == (environment, site)
    assert "Les prix sont faux" in client.get("/notices/").content.decode()


def test_write__only_looked_at__writes_nothing_and_shows_it(client: Client, site: Site) -> None:
    given = WORDS | {"sites": [site.pk], "do": "preview"}

    pages = [client.post("/notices/new/", given), client.post("/notices/preview/", given)]

    assert [page.status_code for page in pages] == [200, 200]
    for page in pages:
        text = page.content.decode()
        assert 'data-notice="' in text
        assert "1 site," in text
    assert not Notice.objects.exists()


def test_write__wrong__keeps_what_was_typed(client: Client) -> None:
    page = client.post("/notices/new/", WORDS | {"text_en": "", "reason": "Prices", "do": "save"})

    assert page.status_code == 400
    assert "Each language has a title and a text" in page.content.decode()
    assert "Les prix sont faux" in page.content.decode()


def test_write__hostile_words__act_nowhere(client: Client) -> None:
    hostile = WORDS | {"title_fr": SCRIPT, "text_fr": SCRIPT, "reason": SCRIPT, "do": "save"}
    client.post("/notices/new/", hostile)
    notice = Notice.objects.get()

    for path in ("/notices/", f"/notices/{notice.pk}/", f"/notices/{notice.pk}/correct/"):
        assert "<script>alert" not in client.get(path).content.decode()


def test_correct_and_take_away__by_who_handles_incidents__are_done(client: Client, environment: Environment) -> None:
    old = make_notice(environment, now=clock.now())
    given = WORDS | {"title_fr": "Corrigé", "reason": "Slip", "version": get_version(old), "do": "save"}

    client.post(f"/notices/{old.pk}/correct/", given)
    again = client.post(f"/notices/{old.pk}/correct/", given)

    new = Notice.objects.latest("pk")
    assert (new.title_fr, again.status_code) == ("Corrigé", 400)
    client.post(f"/notices/{new.pk}/take-away/", {"reason": "Over", "version": get_version(new)})
    new.refresh_from_db()
    assert new.taken_away_at is not None
    page = client.get(f"/notices/{new.pk}/").content.decode()
    assert "Over" in page
    assert f"/notices/{new.pk}/correct/" not in page


def test_pages__an_auditor__reads_and_writes_nothing(environment: Environment) -> None:
    notice, auditor = make_notice(environment, now=clock.now()), sign_in(Role.AUDITOR)

    assert auditor.get("/notices/").status_code == 200
    page = auditor.get(f"/notices/{notice.pk}/")
    assert "take-away" not in page.content.decode()
    assert auditor.get("/notices/new/").status_code == 403
    assert auditor.post(f"/notices/{notice.pk}/take-away/", {"reason": "x"}).status_code == 403


def test_list__however_many__takes_as_many_queries(client: Client, environment: Environment, site: Site) -> None:
    counts = []
    for number in (2, 18):
        for _one in range(number):
            make_notice(environment, now=clock.now(), site_ids=[site.pk])
        with CaptureQueriesContext(connection) as queries:
            client.get("/notices/")
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_link__made_shown_printed_and_revoked__leads_nowhere_after(
    client: Client, environment: Environment, site: Site
) -> None:
    path = f"/sites/{site.key}/problem-link/"
    client.post(path)
    link = ProblemLink.objects.get()
    address = _address(link)
    for page in (client.get(path), client.get(f"{path}sheet/")):
        assert address in page.content.decode()
        assert 'src="data:image/svg+xml' in page.content.decode()

    client.post(f"{path}revoke/", {"link": link.pk, "reason": "Spam"})

    assert Client().get(address).status_code == 404
    assert client.get(f"{path}sheet/").status_code == 302
    client.post(path)
    assert _address(ProblemLink.objects.get(revoked_at=None)) != address


def test_link__a_second_one__is_refused(client: Client, site: Site, link: ProblemLink) -> None:
    assert client.post(f"/sites/{site.key}/problem-link/").status_code == 409


def test_code__of_an_address__is_a_picture_without_a_script() -> None:
    assert draw_code("https://a.example/problem/x/").startswith("data:image/svg+xml;charset=utf-8,%3Csvg")


@pytest.mark.parametrize("lang", ["", "en"])
def test_problem__told_by_a_stranger__is_a_complaint_of_the_site(link: ProblemLink, lang: str) -> None:
    stranger, address = Client(), f"{_address(link)}{'?lang=en' if lang else ''}"
    page = stranger.get(address)
    assert page["Content-Language"] == (lang or "fr")
    assert ("Report a problem" if lang else "Signaler un problème") in page.content.decode()

    answer = stranger.post(address, _fill(page, reporter="Ana"), follow=True)

    complaint = Complaint.objects.select_related("words").get()
    assert str(complaint.pk) in answer.content.decode()
    assert (complaint.site, complaint.words.text, complaint.words.reporter) == (link.site, "Le prix est faux", "Ana")
    report = ProblemReport.objects.get()
    assert (report.origin, report.link, report.token) == ("link", link, None)
    assert not stranger.cookies


@pytest.mark.parametrize(("lang", "hours"), [("", "de 9 h à 17 h"), ("en", "9 to 5")])
def test_problem__with_a_hotline__names_its_number_before_and_after(link: ProblemLink, lang: str, hours: str) -> None:
    stranger, address = Client(), f"{_address(link)}{'?lang=en' if lang else ''}"
    assert "tel:" not in stranger.get(address).content.decode()
    said: dict[str, Any] = {"actor": DEMO, "reason": "They call here", "now": clock.now()}
    set_hotline(
        environment_id=link.environment_id, phone="+33 1.23", hours_fr="de 9 h à 17 h", hours_en="9 to 5", **said
    )

    before = stranger.get(address)
    after = stranger.post(address, _fill(before), follow=True)

    for page in (before, after):
        assert 'href="tel:+33123"' in page.content.decode()
        assert hours in page.content.decode()


def test_sheet__with_a_hotline__names_its_number_and_not_the_shop_s_own(client: Client, link: ProblemLink) -> None:
    Site.objects.update(phone="06 00 00 00 00")
    said: dict[str, Any] = {"actor": DEMO, "reason": "They call here", "now": clock.now()}
    set_hotline(environment_id=link.environment_id, phone="01 23", hours_fr="de 9 h à 17 h", hours_en="9 to 5", **said)

    sheet = client.get(f"/sites/{link.site.key}/problem-link/sheet/").content.decode()

    assert all(words in sheet for words in ("01 23", "de 9 h à 17 h", "9 to 5"))
    assert "06 00 00 00 00" not in sheet


def test_problem__the_form_sent_twice__is_logged_once(link: ProblemLink) -> None:
    stranger = Client()
    filled = _fill(stranger.get(_address(link)))

    for _turn in range(2):
        stranger.post(_address(link), filled)

    assert Complaint.objects.count() == 1


def test_problem__too_often__is_429_and_the_words_stay(link: ProblemLink) -> None:
    stranger = Client()
    page = stranger.get(_address(link))
    for _turn in range(6):
        stranger.post(_address(link), _fill(stranger.get(_address(link))))

    answer = stranger.post(_address(link), _fill(page, text="Le septième mot"))

    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert "Le septième mot" in answer.content.decode()
    assert Complaint.objects.count() == 6


@pytest.mark.parametrize("token", ["x", "WzFd:forged", "x" * 5_000])
def test_problem__an_address_that_we_did_not_sign__leads_nowhere(link: ProblemLink, token: str) -> None:
    assert Client().get(f"/problem/{token}/").status_code == 404


def test_problem__hostile_words__are_shown_as_words(client: Client, link: ProblemLink) -> None:
    page = Client().get(_address(link))
    Client().post(_address(link), _fill(page, text=SCRIPT, reporter=SCRIPT))
    ProblemReport.objects.update(flags=[{"flag": SCRIPT, "variant": SCRIPT, "till": "on"}], till=SCRIPT)

    shown = client.get("/complaints/").content.decode()

    assert "written by the site’s link" in shown
    assert "&lt;script&gt;" in shown
    assert "<script>alert" not in shown


def test_problem__revoked_while_it_is_filled_in__is_said(link: ProblemLink) -> None:
    filled = _fill(Client().get(_address(link)))
    revoke_problem_link(link_id=link.pk, actor=DEMO, reason="Spam", now=clock.now())

    assert Client().post(_address(link), filled).status_code == 404
    assert not Complaint.objects.exists()


def test_api__shown_put_right_and_taken_away__is_its_environment_s_alone(environment: Environment, site: Site) -> None:
    program = Program(make_token(environment, purpose=Purpose.MANAGE)[1])
    stranger = Program(make_token(make_environment(), purpose=Purpose.MANAGE)[1])
    wish = WORDS | {"sites": [site.key], "reason": "Prices", "request_id": "run-7"}

    shown = program.post("/notices", wish)
    again = program.post("/notices", wish)
    number = shown.json()["id"]

    assert (shown.status_code, shown.json()["standing"], shown.json()["sites"]) == (201, "current", [site.key])
    assert again.json()["id"] == number
    assert [one["id"] for one in program.get("/notices", stands="true").json()["items"]] == [number]
    assert stranger.get(f"/notices/{number}").status_code == 404
    assert stranger.post(f"/notices/{number}/take-away", reason="x").status_code == 404
    put_right = program.post(f"/notices/{number}/correct", WORDS | {"level": "urgent", "reason": "Slip"})
    assert program.get(f"/notices/{number}").json()["superseded_by"] == put_right.json()["id"]
    gone = program.post(f"/notices/{put_right.json()['id']}/take-away", reason="Over")
    assert gone.json()["standing"] == "taken_away"
    assert program.get("/notices", stands="true").json()["items"] == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sites": ["nowhere"]}, "site_unknown"),
        ({"flags": ["nothing"]}, "flag_unknown"),
        ({"text_fr": ""}, "notice_half_said"),
        ({"level": "loud"}, "PARSE_ERROR"),
    ],
)
def test_api__wrong__is_refused_by_its_code(environment: Environment, change: dict[str, Any], code: str) -> None:
    program = Program(make_token(environment, purpose=Purpose.MANAGE)[1])

    answer = program.post("/notices", WORDS | {"reason": "Prices"} | change)

    assert (answer.status_code, answer.json()["errorCode"]) == (400, code)
