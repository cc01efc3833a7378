"""Pages of incidents: for each role, in both languages, with wrong input, two people, many rows."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import clock
from core.actors import person
from core.models import User
from core.roles import Role
from core.versions import get_version
from flags.models import Environment
from incidents.domain.lifecycle import Status
from incidents.domain.tiers import Tier
from incidents.list_queries import PAGE_SIZE
from incidents.models import ActionItem, AlertIntake, Incident
from incidents.transitions import acknowledge_incident, add_note, confirm_restored
from tests.factories.core import NOW, make_person
from tests.factories.flags import make_environment, make_flag, make_site
from tests.factories.health import make_complaint
from tests.factories.incidents import learn, make_incident, make_incident_in, make_measure
from tests.signed_in import sign_in_as

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return make_person(Role.SUPPORT, language="en")


@pytest.fixture
def client(user: User) -> Client:
    return sign_in_as(user, language="en")


@pytest.fixture
def environment() -> Environment:
    return make_environment()


@pytest.fixture
def incident(environment: Environment) -> Incident:
    return make_incident(environment, now=clock.now())


def _read(client: Client, path: str) -> str:
    page = client.get(path)
    assert page.status_code == 200
    return page.content.decode()


def _act(client: Client, incident: Incident, action: str, **data: Any) -> Any:
    return client.post(f"/incidents/{incident.pk}/{action}/", data)


@pytest.mark.parametrize("role", list(Role))
def test_detail__each_role__sees_the_incident_and_what_it_may_do(role: Role, incident: Incident) -> None:
    client = sign_in_as(make_person(role), language="en")
    page = _read(client, f"/incidents/{incident.pk}/")
    may = role is not Role.AUDITOR

    assert incident.title in page
    assert ("Take command" in page.replace("take command", "")) is may
    assert ("Write the post-mortem" in page) is may
    assert ("Declare an incident" in _read(client, "/incidents/")) is may
    assert client.get("/incidents/declare/").status_code == (200 if may else 403)
    assert client.post(f"/incidents/{incident.pk}/note/picture/", {"note": "x"}).status_code == (302 if may else 403)
    assert incident.timeline.filter(code="note").exists() is may


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_detail__each_state_and_language__renders_whole_and_as_a_fragment(status: Status, language: str) -> None:
    incident = make_incident_in(status)
    client = sign_in_as(make_person(Role.RELEASE_MANAGER), language=language)

    page = _read(client, f"/incidents/{incident.pk}/")
    fragment = client.get(f"/incidents/{incident.pk}/", headers={"HX-Request": "true"}).content.decode()

    assert f'lang="{language}"' in page
    assert fragment.startswith('<div id="incident"')
    assert "<form" not in fragment
    assert ("data-until" in page) is (status in {Status.OPEN, Status.MITIGATED})


def test_declare__with_everything__opens_it_from_when_it_was_noticed(client: Client, environment: Environment) -> None:
    site, flag = make_site(), make_flag()
    noticed = timezone.localtime(clock.now()) - timedelta(minutes=20)

    answer = client.post(
        "/incidents/declare/",
        {
            "title": "No till prints",
            "tier": "critical",
            "environment": environment.pk,
            "sites": [site.pk],
            "flag": flag.pk,
            "detected_at": noticed.strftime("%Y-%m-%dT%H:%M"),
            "reason": "Three calls",
        },
    )

    incident = Incident.objects.get()
    assert answer.headers["Location"] == f"/incidents/{incident.pk}/"
    assert (incident.tier, incident.flag_keys, incident.site_keys) == ("critical", [flag.key], [site.key])
    assert incident.detected_at == noticed.replace(second=0, microsecond=0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""},
        {"title": "x" * 201},
        {"tier": "huge"},
        {"environment": "999999"},
        {"sites": ["x"]},
        {"flag": "0"},
        {"detected_at": "yesterday"},
        {"detected_at": "2100-01-01T00:00"},
        {"detected_at": "2020-01-01T00:00"},
        {"reason": "x" * 2_001},
    ],
)
def test_declare__wrong_input__is_shown_beside_the_form_with_what_was_typed(
    client: Client, environment: Environment, wrong: dict[str, Any]
) -> None:
    data = {"title": "Kept title", "tier": "minor", "environment": environment.pk, "reason": "Kept reason"}

    answer = client.post("/incidents/declare/", data | wrong)

    assert answer.status_code == 400
    page = answer.content.decode()
    assert "errorlist" in page
    assert "Kept title" in page or "title" in wrong
    assert not Incident.objects.exists()


@pytest.mark.parametrize(
    ("action", "data", "status"),
    [
        ("tier", {"tier": "huge"}, 400),
        ("tier", {"tier": "minor", "reason": ""}, 400),
        ("mitigate", {"reason": ""}, 400),
        ("mitigate", {"reason": "nul\x00"}, 400),
        ("mitigate", {"reason": "x", "seen": "x"}, 400),
        ("mitigate", {"reason": "x", "seen": "1"}, 409),
        ("close", {"reason": "x"}, 409),
        ("explode", {"reason": "x"}, 404),
    ],
)
def test_act__wrong_input__has_a_clear_answer_and_changes_nothing(
    client: Client, incident: Incident, action: str, data: dict[str, str], status: int
) -> None:
    answer = _act(client, incident, action, **data)

    assert answer.status_code == status
    assert (incident.history.count(), incident.timeline.count()) == (1, 1)
    assert not ActionItem.objects.exists()


def test_act__two_people_on_the_same_page__the_second_is_told(client: Client, incident: Incident) -> None:
    seen = get_version(incident)
    other = make_person(Role.RELEASE_MANAGER)
    acknowledge_incident(incident_id=incident.pk, actor=person(other), reason="mine", now=clock.now(), seen=seen)

    answer = _act(client, incident, "acknowledge", reason="mine", seen=seen)

    assert answer.status_code == 409
    assert "Somebody else changed this meanwhile" in answer.content.decode()


def test_timeline__automatic_lines_and_notes__stand_with_their_authors(client: Client, incident: Incident) -> None:
    who = make_person(Role.SUPPORT, full_name="Mia Kern")
    add_note(incident_id=incident.pk, note="<b>Paper</b> is out", actor=person(who), now=clock.now())

    page = _read(client, f"/incidents/{incident.pk}/")

    assert "Incident opened" in page
    assert "&lt;b&gt;Paper&lt;/b&gt; is out" in page
    assert "Mia Kern" in page


def test_list__filters__narrow_and_running_ones_come_first(client: Client, environment: Environment) -> None:
    running = make_incident(environment, title="Still burning", tier=Tier.CRITICAL)
    make_incident_in(Status.RESOLVED)

    page = _read(client, "/incidents/")
    assert page.index(running.title) < page.index("restored")
    assert "Still burning" in _read(client, f"/incidents/?environment={environment.key}&tier=critical&status=open")
    assert "Still burning" not in _read(client, "/incidents/?tier=minor")
    assert "None like that." in _read(client, "/incidents/?status=closed")
    assert "None like that." in _read(client, "/incidents/?environment=atlantis")


def test_list__none__says_so(client: Client) -> None:
    assert "No incident yet." in _read(client, "/incidents/")


def test_list__two_and_twenty__take_the_same_queries_and_come_in_pages(
    client: Client, environment: Environment
) -> None:
    counts = []
    for number in (2, 18):
        for _ in range(number):
            make_incident(environment)
        with CaptureQueriesContext(connection) as queries:
            _read(client, "/incidents/")
        counts.append(len(queries))
    assert counts[0] == counts[1]

    for _ in range(PAGE_SIZE + 1):
        make_incident_in(Status.RESOLVED)
    page = _read(client, "/incidents/")
    older = re.search(r"before=\d+", page)
    assert older is not None
    assert len(re.findall("<li>", page.split('class="incidents"')[1])) == 20 + PAGE_SIZE
    assert len(re.findall("<li>", _read(client, f"/incidents/?{older[0]}").split('class="incidents"')[1])) == 1


def test_list__more_run_than_a_page_shows__leads_to_all_of_them(
    client: Client, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.list_queries.MOST_RUNNING", 2)
    for _ in range(3):
        make_incident(environment)

    assert 'href="?status=running"' in _read(client, "/incidents/")
    assert 'href="?status=running"' not in _read(client, "/incidents/?status=running")


def test_detail__two_and_twenty_entries_and_measures__take_the_same_queries(
    client: Client, user: User, incident: Incident
) -> None:
    counts = []
    for number in (2, 18):
        for _ in range(number):
            add_note(incident_id=incident.pk, note="x", actor=person(user), now=clock.now())
            make_measure(incident, user=make_person(Role.SUPPORT), now=clock.now())
        with CaptureQueriesContext(connection) as queries:
            _read(client, f"/incidents/{incident.pk}/")
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_detail__overdue_measure__says_since_when(client: Client, user: User) -> None:
    incident = make_incident()
    learn(incident, user=user)

    page = _read(client, f"/incidents/{incident.pk}/")

    assert ("overdue since" in page) is (clock.now().date() > ActionItem.objects.get().due_on)


def test_declare__pressed_twice__is_told_and_opens_one(client: Client, environment: Environment) -> None:
    data = {"title": "Tills are down", "tier": "critical", "environment": environment.pk, "reason": "Called in"}

    answers = [client.post("/incidents/declare/", data | {"title": t}) for t in ("Tills are down", " tills ARE down ")]

    assert [one.status_code for one in answers] == [302, 409]
    assert f"Incident {Incident.objects.get().pk} runs under this title already" in answers[1].content.decode()
    assert "Called in" in answers[1].content.decode()


def test_declare__same_title_elsewhere_or_when_the_first_is_over__is_another_one(user: User) -> None:
    first = make_incident(title="Tills are down")
    make_incident(title="Tills are down")
    confirm_restored(incident_id=first.pk, actor=person(user), reason="checked", now=NOW)

    again = make_incident(first.environment, title="Tills are down")

    assert again.pk != first.pk
    assert Incident.objects.count() == 3


@pytest.mark.parametrize("query", ["status=moon", "tier=moon", "environment=moon", "before=x", f"before={'9' * 30}"])
def test_list__wrong_filter__answers_and_stays_usable(client: Client, query: str) -> None:
    assert client.get(f"/incidents/?{query}").status_code == 200


def test_clock__deadline_missed__is_said_with_an_icon_and_a_word(client: Client) -> None:
    late = make_incident(detected_at=clock.now() - timedelta(hours=5), now=clock.now())

    for address in ("/incidents/", f"/incidents/{late.pk}/"):
        page = client.get(address).content.decode()
        assert re.search(r"▲\s+missed by", page)


def test_declare__from_a_complaint__knows_its_site_and_number_but_not_its_words(
    client: Client, environment: Environment
) -> None:
    complaint = make_complaint(environment, site=make_site(), text="Marie cannot sell aubergines")

    page = _read(client, f"/incidents/declare/?complaint={complaint.pk}")

    assert f"Complaint #{complaint.pk}" in page
    assert re.search(rf'value="{complaint.site_id}"[^>]* checked', page)
    assert "aubergines" not in page
    assert page.index('name="title"') < page.index('name="tier"') < page.index('name="reason"')


@pytest.mark.parametrize("number", ["", "x", "999999", "9" * 30])
def test_declare__from_no_complaint__is_the_plain_form(client: Client, environment: Environment, number: str) -> None:
    assert "Complaint #" not in _read(client, f"/incidents/declare/?complaint={number}")


def test_show__nobody_commands__warns_until_somebody_does(client: Client, user: User, incident: Incident) -> None:
    before = _read(client, f"/incidents/{incident.pk}/")
    acknowledge_incident(incident_id=incident.pk, actor=person(user), reason="On it", now=clock.now(), seen=None)

    assert 'class="card dial warn"' in before
    assert 'class="card dial ok"' in _read(client, f"/incidents/{incident.pk}/")


def test_declare__title_alone__has_the_proposed_tier_and_an_automatic_reason(
    client: Client, environment: Environment
) -> None:
    answer = client.post("/incidents/declare/", {"title": "La caisse est bloquée"})

    incident = Incident.objects.get()
    assert answer.headers["Location"] == f"/incidents/{incident.pk}/"
    assert (incident.tier, incident.environment) == ("critical", environment)
    assert incident.history.latest().history_change_reason == "Declared by hand"


def test_declare__signs_picked__propose_and_a_choice_wins(client: Client, environment: Environment) -> None:
    client.post("/incidents/declare/", {"title": "First", "symptoms": ["cosmetic", "data_lost"]})
    client.post("/incidents/declare/", {"title": "Second", "symptoms": ["data_lost"], "tier": "minor"})

    assert list(Incident.objects.order_by("pk").values_list("tier", flat=True)) == ["critical", "minor"]


def test_suggest__site_picked_or_brought_along__is_named_where_it_is_seen(
    client: Client, environment: Environment
) -> None:
    site = make_site(name="Ressourcerie du Port")

    typed = client.post("/incidents/declare/suggest/", {"title": "La caisse", "sites": [site.pk]}).content.decode()
    without = client.post("/incidents/declare/suggest/", {"title": "La caisse"}).content.decode()

    assert "<b>Ressourcerie du Port</b>" in typed
    assert "Ressourcerie du Port" not in without


def test_suggest__while_typing__proposes_and_shows_what_runs(client: Client, environment: Environment) -> None:
    incident = make_incident(environment, title="Les imprimantes de Lyon ne répondent plus", now=clock.now())
    make_incident(environment, title="Something else entirely", now=clock.now())

    page = client.post("/incidents/declare/suggest/", {"title": "imprimantes lyon, repondent pas"}).content.decode()

    assert page.startswith('<div id="suggestion"')
    assert "important, 4 h" in page
    assert re.findall(r'name="join" value="(\d+)"', page) == [str(incident.pk)]
    assert client.get("/incidents/declare/suggest/").status_code == 405


def test_declare__added_to_one_that_runs__joins_with_words_complaint_and_graver_tier(
    client: Client, environment: Environment
) -> None:
    incident, site = make_incident(environment, tier=Tier.MINOR, now=clock.now()), make_site()
    complaint = make_complaint(environment, site=site, now=clock.now())
    data = {"title": "Ventes perdues", "join": incident.pk, "complaint": complaint.pk, "sites": [site.pk]}

    answer = client.post("/incidents/declare/", data)

    incident.refresh_from_db()
    assert answer.headers["Location"] == f"/incidents/{incident.pk}/"
    assert Incident.objects.count() == 1
    assert (incident.tier, incident.site_keys) == ("critical", [site.key])
    assert list(incident.complaints.all()) == [complaint]
    assert "Ventes perdues" in incident.timeline.get(code="joined").note


def test_declare__from_a_complaint__is_linked_to_it(client: Client, environment: Environment) -> None:
    complaint = make_complaint(environment, site=make_site(), now=clock.now())
    page = _read(client, f"/incidents/declare/?complaint={complaint.pk}")
    assert re.search(rf'name="complaint" value="{complaint.pk}"', page)

    client.post("/incidents/declare/", {"title": "Prices are wrong", "complaint": complaint.pk})

    assert list(Incident.objects.get().complaints.all()) == [complaint]


def test_list__filters_in_the_address__narrow_it(client: Client, user: User, environment: Environment) -> None:
    flag, site = make_flag(), make_site()
    mine = make_incident(environment, flag_keys=[flag.key], site_keys=[site.key], now=clock.now())
    acknowledge_incident(incident_id=mine.pk, actor=person(user), reason="on it", now=clock.now())
    drill = make_incident(environment, is_rehearsal=True, now=clock.now())
    merged = make_incident_in(Status.MERGED)

    def shown(query: str) -> set[int]:
        return {int(one) for one in re.findall(r'href="/incidents/(\d+)/"', _read(client, f"/incidents/?{query}"))}

    for query in ("mine=on", f"site={site.key}", f"flag={flag.key}", f"environment={environment.key}&drills=none"):
        assert shown(query) == {mine.pk}, query
    assert shown("drills=only&status=running") == {drill.pk}
    assert shown("status=merged") == {merged.pk}
    assert merged.pk not in shown("")


def test_list__pages__show_each_once_and_those_that_run_first(client: Client, environment: Environment) -> None:
    made = [make_incident(environment, now=NOW) for _ in range(PAGE_SIZE + 3)]
    by = person(make_person(Role.SUPPORT))
    for one in made[1:]:
        confirm_restored(incident_id=one.pk, actor=by, reason="checked", now=NOW)

    first = re.findall(r'href="/incidents/(\d+)/"', _read(client, "/incidents/"))
    second = re.findall(r'href="/incidents/(\d+)/"', _read(client, f"/incidents/?before={first[-1]}"))

    assert int(first[0]) == made[0].pk
    assert sorted(map(int, first + second)) == [one.pk for one in made]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_links__each_change__is_done_from_its_page(language: str, user: User, environment: Environment) -> None:
    client = sign_in_as(user, language=language)
    flag, site = make_flag(), make_site()
    complaint = make_complaint(environment, site=site, flag=flag, now=clock.now())
    incident = make_incident(environment, flag_keys=[flag.key], now=clock.now())
    other = make_incident(environment, now=clock.now())
    path = f"/incidents/{incident.pk}/links/"

    def press(what: str, **data: Any) -> int:
        given = {"subject": "subject-", "part": "part-", "merge": "merge-"}.get(what, "")
        sent = {f"{given}{name}": value for name, value in (data | {"reason": "Seen at the till"}).items()}
        return int(client.post(path, sent | {"do": what}).status_code)

    assert f'name="complaint" value="{complaint.pk}"' in re.sub(r"\s+", " ", _read(client, path))
    assert press("link-proposed", complaint=[complaint.pk]) == 302
    assert press("unlink", complaint=complaint.pk) == 302
    assert press("part", part="communications", person=user.pk, seen=get_version(incident)) == 302
    assert press("subject", flags=[flag.key], sites=[site.key], seen=get_version(incident)) == 302
    assert press("subject", flags=[flag.key], sites=[site.key], seen=get_version(incident)) == 409
    assert press("merge", into=other.pk, seen=get_version(incident)) == 302
    assert press("part", part="communications", person=user.pk, seen=get_version(incident)) == 409
    assert f"/incidents/{other.pk}/" in _read(client, f"/incidents/{incident.pk}/")
    assert press("undo") == 302
    incident.refresh_from_db()
    assert (incident.status, incident.site_keys, incident.communications) == (Status.OPEN, [site.key], user)


def test_links__auditor__sees_and_changes_nothing(incident: Incident) -> None:
    client = sign_in_as(make_person(Role.AUDITOR), language="en")
    path = f"/incidents/{incident.pk}/links/"

    assert "<button" not in _read(client, path).partition("<main")[2].partition("</main>")[0]
    assert client.post(path, {"do": "undo", "reason": "x"}).status_code == 403


def test_alerts__mode__is_chosen_by_those_who_drive(client: Client, environment: Environment) -> None:
    manager = sign_in_as(make_person(Role.RELEASE_MANAGER), language="en")

    assert "none: they are listed" in _read(client, "/incidents/alerts/")
    assert client.post("/incidents/alerts/", {"mode": "critical", "reason": "x"}).status_code == 403
    assert manager.post("/incidents/alerts/", {"mode": "critical", "reason": "On call now"}).status_code == 302
    assert AlertIntake.objects.get().mode == "critical"
