"""The list of calls and the words ready: in both languages, without names that are gone, and what support says now."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core import clock
from core.actors import SCHEDULER, person
from core.models import User
from core.roles import Role
from flags.domain.purposes import Purpose
from flags.models import Environment
from flags.transitions import kill_flag
from health.transitions import forget_words
from incidents.call_back_intake import take_in_restored
from incidents.call_back_words import CallFacts, OpenFacts, read_contact, write_call, write_meanwhile
from incidents.domain.words import WordStatus
from incidents.models import CallBack, Incident
from incidents.transitions import confirm_restored, link_complaints, mark_told, mitigate_incident, say_word
from tests.api_client import program_of
from tests.factories.core import make_person
from tests.factories.flags import make_environment, make_flag, make_site
from tests.factories.health import make_complaint
from tests.factories.incidents import make_incident
from tests.factories.world import WHY, World, make_world
from tests.signed_in import sign_in_as

PAGE = "/incidents/call-backs/"
MORNING = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}


def _facts(**given: Any) -> CallFacts:
    wanted: dict[str, Any] = {
        "name": "Ana",
        "zone": "Europe/Paris",
        "said_at": MORNING - timedelta(days=1),
        "feature": "Boutons de prix",
        "off_at": MORNING + timedelta(minutes=5),
        "restored_at": None,
        "phone": "01 02 03 04 05",
        "now": MORNING + timedelta(hours=1),
    }
    return CallFacts(**(wanted | given))


def test_words__of_a_feature_switched_off__are_whole_sentences_in_french() -> None:
    assert write_call(_facts(), language="fr").replace("\u00a0", " ").splitlines() == [
        "Bonjour Ana, ici l’assistance.",
        "Vous nous avez signalé un problème avec « Boutons de prix » le lun. 23 nov. à 9 h 00.",
        "La fonction « Boutons de prix » a été désactivée aujourd’hui à 9 h 05 : la caisse fonctionne comme avant.",
        "Merci de nous avoir prévenus. Si quelque chose ne va toujours pas, appelez le 01 02 03 04 05.",
    ]


def test_words__of_what_is_solved__name_neither_feature_nor_person_nor_number_that_is_not_known() -> None:
    facts = _facts(name="", feature="", phone="", off_at=None, restored_at=MORNING)

    assert write_call(facts, language="en").splitlines() == [
        "Hello, support here.",
        "You told us of a problem on Mon 23 Nov at 09:00.",
        "The problem was solved today at 09:00, and we have checked it.",
        "Thank you for telling us. If anything is still wrong, tell us.",
    ]


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/Martinique"])
def test_words__moments__are_on_the_clock_of_the_shop(zone: str) -> None:
    said = write_call(_facts(zone=zone), language="en")

    assert ("today at 09:05" if zone == "Europe/Paris" else "today at 04:05") in said


def test_words__meanwhile__repeat_what_the_public_was_told() -> None:
    facts = OpenFacts(
        is_mitigated=True, word="La caisse repart.", off=[("Signaux", MORNING)], zone="Europe/Paris", now=MORNING
    )

    assert write_meanwhile(facts, language="fr").replace("\u00a0", " ").splitlines() == [
        "Nous connaissons ce problème. Il a cessé, et nous vérifions que tout fonctionne à nouveau.",
        "La caisse repart.",
        "La fonction « Signaux » a été désactivée aujourd’hui à 9 h 00 : la caisse fonctionne comme avant.",
        "Nous vous rappelons dès que le problème est résolu.",
    ]


@pytest.mark.parametrize(
    ("reporter", "name", "tel", "email"),
    [
        ("Ana", "Ana", "", ""),
        ("Ana, 06 12 34 56 78", "Ana", "0612345678", ""),
        ("Ana (+33 6.12.34.56.78)", "Ana", "+33612345678", ""),
        ("ana@lyon.example.org – Ana", "Ana", "", "ana@lyon.example.org"),
        ("caisse 2", "caisse 2", "", ""),
        ("06 12 34 56 78", "", "0612345678", ""),
        ("", "", "", ""),
    ],
)
def test_contact__of_one_line__finds_number_and_address(reporter: str, name: str, tel: str, email: str) -> None:
    found = read_contact(reporter)

    assert (found.name, found.tel, found.email) == (name, tel, email)


@pytest.fixture
def environment() -> Environment:
    return make_environment(is_production=True)


@pytest.fixture
def user() -> User:
    return make_person(Role.SUPPORT, language="en")


@pytest.fixture
def client(user: User) -> Client:
    return sign_in_as(user)


def _make_calls(environment: Environment, *, count: int = 1, **given: Any) -> Incident:
    now = clock.now()
    site = given.pop("site", None) or make_site(phone="04 00 00 00 01")
    numbers = [
        make_complaint(
            environment, site=site, now=now - timedelta(hours=1), reporter=f"Ana{n}, 06 12 34 56 78", **given
        ).pk
        for n in range(count)
    ]
    incident = make_incident(environment, now=now - timedelta(minutes=50), detected_at=now - timedelta(minutes=50))
    link_complaints(incident_id=incident.pk, complaint_ids=numbers, now=now, **BY)
    confirm_restored(incident_id=incident.pk, actor=person(make_person(Role.SUPPORT)), reason=WHY, now=now)
    assert take_in_restored(incident.pk, now=now) == count
    return incident


@pytest.mark.django_db
def test_page__with_nobody__says_so(client: Client) -> None:
    page = client.get(PAGE).content.decode()

    assert "Nobody waits for a call" in page


@pytest.mark.django_db
def test_page__with_a_call__has_number_words_and_presses(client: Client, environment: Environment) -> None:
    flag = make_flag(name="Price buttons")
    incident = _make_calls(environment, flag=flag, text="The button <b>does</b> nothing")

    page = client.get(PAGE).content.decode()

    assert 'href="tel:0612345678"' in page
    assert 'href="tel:0400000001"' in page
    assert "The button &lt;b&gt;does&lt;/b&gt; nothing" in page
    assert "Bonjour Ana0, ici l’assistance." in page
    assert "Hello Ana0, support here." in page
    assert f'href="/incidents/{incident.pk}/"' in page
    assert page.count('name="call"') == 3


@pytest.mark.django_db
def test_page__in_french__has_no_english_word_of_ours(environment: Environment) -> None:
    client = sign_in_as(make_person(Role.SUPPORT, language="fr"), language="fr")
    _make_calls(environment)

    page = client.get(PAGE).content.decode()

    assert "À rappeler" in page
    assert "Personne prévenue" in page
    for word in ("They were told", "Not reached", "Not needed", "To be called back"):
        assert f">{word}<" not in page


@pytest.mark.django_db
def test_page__words_forgotten__says_to_call_the_site(client: Client, environment: Environment) -> None:
    _make_calls(environment)
    forget_words(logged_before=clock.now(), at_most=10)

    page = client.get(PAGE).content.decode()

    assert "The name was deleted after its time: call the site." in page
    assert "Ana" not in page
    assert "Bonjour, ici l’assistance." in page


@pytest.mark.django_db
def test_press__told__settles_it_and_can_be_taken_back(client: Client, environment: Environment, user: User) -> None:
    _make_calls(environment)
    call = CallBack.objects.get()

    page = client.post(f"{PAGE}told/", {"call": call.pk}, follow=True).content.decode()

    assert "Noted: told." in page
    assert "Settled within a day" in page
    call.refresh_from_db()
    assert (call.state, call.settled_by_id) == ("told", user.pk)
    client.post(f"{PAGE}undo/", {"call": call.pk})
    call.refresh_from_db()
    assert call.state == "due"


@pytest.mark.django_db
def test_press__all_of_a_site__tells_them_with_one_call(client: Client, environment: Environment) -> None:
    _make_calls(environment, count=3)
    numbers = re.findall(r'type="hidden" name="call" value="(\d+)"', client.get(PAGE).content.decode())

    client.post(f"{PAGE}told/", {"call": numbers})

    assert len(numbers) == 3
    assert set(CallBack.objects.values_list("state", flat=True)) == {"told"}


@pytest.mark.django_db
def test_press__not_needed_without_a_reason__is_refused(client: Client, environment: Environment) -> None:
    _make_calls(environment)

    assert client.post(f"{PAGE}not-needed/", {"call": CallBack.objects.get().pk, "reason": ""}).status_code == 400
    assert client.post(f"{PAGE}told/", {"call": "x"}).status_code == 400
    assert client.get(f"{PAGE}told/").status_code == 302
    assert client.post(f"{PAGE}dance/").status_code == 404
    assert CallBack.objects.get().state == "due"


@pytest.mark.django_db
def test_press__settled_meanwhile__says_so(client: Client, environment: Environment, user: User) -> None:
    _make_calls(environment)
    call = CallBack.objects.get()
    mark_told(call_ids=[call.pk], actor=person(user), now=clock.now())

    answer = client.post(f"{PAGE}not-reached/", {"call": call.pk})

    assert answer.status_code == 409
    assert "Somebody else has settled this call" in answer.content.decode()


@pytest.mark.django_db
def test_page__narrowed__keeps_to_the_site_and_the_incident(client: Client, environment: Environment) -> None:
    lyon, brest = make_site(name="Lyon"), make_site(name="Brest")
    first = _make_calls(environment, site=lyon)
    _make_calls(environment, site=brest)

    of_site = client.get(PAGE, {"site": brest.key}).content.decode()
    of_incident = client.get(PAGE, {"incident": first.pk}).content.decode()

    assert ('id="site-' in of_site, of_site.count("<article")) == (True, 1)
    assert f'id="site-{brest.pk}"' in of_site
    assert (f'id="site-{lyon.pk}"' in of_incident, of_incident.count("<article")) == (True, 1)
    assert client.get(PAGE, {"site": "nowhere"}).content.decode().count("<article") == 0
    kept = client.post(f"{PAGE}told/", {"call": CallBack.objects.first().pk, "site": brest.key})  # type: ignore[union-attr]
    assert kept["location"] == f"{PAGE}?site={brest.key}"


@pytest.mark.django_db
def test_page__at_two_and_at_twenty__asks_as_often(client: Client, environment: Environment) -> None:
    _make_calls(environment, count=2)
    client.get(PAGE)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(PAGE)
    _make_calls(environment, count=10)
    _make_calls(environment, count=8)
    with CaptureQueriesContext(connection) as many:
        assert client.get(PAGE).content.decode().count("<article") == 20

    assert len(few) == len(many)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/complaints/", "/complaints/log/", "/incidents/{pk}/", PAGE])
def test_say_now__while_an_incident_runs__stands_beside_the_call(
    client: Client, environment: Environment, user: User, address: str
) -> None:
    flag = make_flag(name="Price buttons")
    now = clock.now()
    incident = make_incident(environment, now=now, detected_at=now, flag_keys=[flag.key])
    kill_flag(flag_id=flag.pk, environment_id=environment.pk, now=clock.now(), **BY)
    say_word(
        incident_id=incident.pk,
        status=WordStatus.INVESTIGATING,
        text_fr="Les caisses de Lyon sont lentes.",
        text_en="The tills of Lyon are slow.",
        actor=person(user),
        now=clock.now(),
    )
    path = address.format(pk=incident.pk)

    page = client.get(path).content.decode()

    assert "What to say now" in page
    assert "Les caisses de Lyon sont lentes." in page
    assert "La fonction «\u00a0Price buttons\u00a0» a été désactivée" in page
    mitigate_incident(incident_id=incident.pk, now=clock.now(), **BY)
    assert "Il a cessé" in client.get(path).content.decode()
    confirm_restored(incident_id=incident.pk, actor=person(user), reason=WHY, now=clock.now())
    assert "What to say now" not in client.get(path).content.decode()


@pytest.mark.django_db
def test_dashboard_and_complaints__say_how_many_wait(client: Client, environment: Environment) -> None:
    _make_calls(environment, count=3)

    assert "3 people to be called back" in client.get(reverse("dashboard")).content.decode()
    assert '<span class="count">3</span>' in client.get("/complaints/").content.decode()


@pytest.mark.django_db
def test_auditor__reads_and_presses_nothing(environment: Environment) -> None:
    client = sign_in_as(make_person(Role.AUDITOR, language="en"))
    _make_calls(environment)

    assert 'name="call"' not in client.get(PAGE).content.decode()
    assert client.post(f"{PAGE}told/", {"call": CallBack.objects.get().pk}).status_code == 403


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.mark.django_db
def test_api__calls__names_nobody_and_takes_what_was_done(world: World) -> None:
    _make_calls(world.environment, site=world.sites[0])
    program = program_of(world)

    [found] = program.get("/call-backs", state="due", site="lyon").json()["items"]
    assert (found["site"], found["state"], "Ana" in str(found)) == ("lyon", "due", False)
    assert found["text_fr"].startswith("Bonjour, ici l’assistance.")
    path = f"/call-backs/{found['id']}"
    assert program.post(f"{path}/not-reached", note="Back after two").json()["tries"] == 1
    assert program.post(f"{path}/told").json()["state"] == "told"
    assert program.post(f"{path}/told").status_code == 409
    assert program.post(f"{path}/undo").json()["state"] == "not_reached"
    assert program.post(f"{path}/not-needed", reason="They wrote").json()["note"] == "They wrote"
    assert program.get("/call-backs", state="due").json()["items"] == []


@pytest.mark.django_db
def test_api__call_of_another_environment__is_not_there(world: World) -> None:
    _make_calls(make_environment(), site=world.sites[0])

    program = program_of(world)
    assert program.get("/call-backs").json()["items"] == []
    assert program.post(f"/call-backs/{CallBack.objects.get().pk}/told").status_code == 404
    assert program_of(world, Purpose.TELEMETRY).get("/call-backs").status_code == 403
