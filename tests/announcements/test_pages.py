"""The pages: who may what, the composer, its previews, the last step, and nothing lost where two write at once."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from announcements.default_words import HINTS
from announcements.domain.confirming import TICKED_FROM, TYPED_FROM
from announcements.domain.kinds import Kind
from announcements.domain.lifecycle import Status
from announcements.models import Announcement, AnnouncementTemplate, Hotline
from announcements.transitions import edit_draft
from core import clock
from core.actors import DEMO
from core.roles import Role
from flags.transitions import create_till
from notifications.models import Event
from tests.factories.announcements import make_content, make_draft, publish
from tests.factories.core import make_person
from tests.factories.flags import make_environment, make_site
from tests.factories.incidents import make_incident
from tests.factories.world import make_rehearsal, make_world
from tests.signed_in import count_queries, read_version, sign_in, sign_in_as

pytestmark = pytest.mark.django_db
NEW = reverse("announcements:new")


def _post(**given: Any) -> dict[str, Any]:
    return {
        "do": "save",
        "kind": "free",
        "title_fr": "Ce soir",
        "body_fr": "La caisse s’arrête.",
        "title_en": "Tonight",
        "body_en": "The till stops.",
        "outlets": ["people"],
        "roles": ["support"],
        "places": "everywhere",
    } | given


def test_compose__manager__is_led_from_words_to_the_last_step_and_out() -> None:
    environment, reader, client = make_environment(), make_person(Role.SUPPORT), sign_in()

    kept = client.post(NEW, _post(environment=environment.key, do="confirm"))

    draft = Announcement.objects.get()
    confirm = reverse("announcements:confirm", args=[draft.pk])
    assert kept.url == confirm  # type: ignore[attr-defined]  # of a redirect
    page = client.get(confirm).content.decode()
    assert "The till stops." in page
    assert "La caisse s’arrête." in page
    out = client.post(confirm, {"version": read_version(client, confirm), "reason": "Tonight is tonight"})
    assert out.status_code == 302
    draft.refresh_from_db()
    assert draft.status == Status.PUBLISHED
    assert Event.objects.get(kind="announcement").deliveries.filter(recipient=reader).count() == 2
    shown = client.get(reverse("announcements:detail", args=[draft.pk])).content.decode()
    assert f"/told/{Event.objects.get(kind='announcement').pk}/" in shown
    assert "Tonight is tonight" in shown


def test_compose__opened_from_a_rollout_and_an_incident__begins_with_their_words() -> None:
    world, client = make_world(), sign_in()
    rollout = make_rehearsal(world)
    incident = make_incident(world.environment, site_keys=["lyon"])

    of_rollout = client.get(NEW, {"rollout": rollout.pk}).context["form"]
    of_incident = client.get(NEW, {"incident": incident.pk})

    assert of_rollout.initial["kind"] == "release_planned"
    assert "{release}" in of_rollout.initial["title_fr"]
    assert of_incident.context["form"].initial["outlets"] == ["people", "incident"]
    assert of_incident.context["form"].initial["sites"] == ["lyon"]
    assert "Public word of the incident" in of_incident.content.decode()


def test_compose__begin_with_the_kinds_words__keeps_the_rest_and_writes_nothing() -> None:
    environment, client = make_environment(), sign_in()

    page = client.post(NEW, _post(environment=environment.key, do="fill", kind="maintenance_ended"))

    form = page.context["form"]
    assert form["title_en"].value() == AnnouncementTemplate.objects.get(kind="maintenance_ended").title_en
    assert form["roles"].value() == ["support"]
    assert not Announcement.objects.exists()


def test_compose__unknown_place__is_refused_in_words_and_keeps_what_was_typed() -> None:
    environment, client = make_environment(), sign_in()

    page = client.post(NEW, _post(environment=environment.key, body_en="Call {hot_line}."))

    assert page.status_code == 400
    assert "{hot_line} stands for nothing" in page.content.decode()
    assert "Call {hot_line}." in page.content.decode()
    assert not Announcement.objects.exists()
    assert '<details id="named" open>' in page.content.decode()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title_fr": "{hot_line}"}, "title_fr"),
        ({"body_en": "{hot_line}"}, "body_en"),
        ({"places": "flag"}, "flag"),
        ({"starts_at": "2030-01-02T10:00", "ends_at": "2030-01-01T10:00"}, "ends_at"),
    ],
)
def test_compose__refused__says_so_at_the_field(wrong: dict[str, str], field: str) -> None:
    environment, client = make_environment(), sign_in()

    answer: Any = client.post(NEW, _post(environment=environment.key, **wrong))

    assert list(answer.context["form"].errors) == [field]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"body_fr": f"{HINTS['fr']}\nAppelez.", "body_en": f"{HINTS['en']}\nCall."}, "body_fr"),
        ({"body_en": ""}, "body_en"),
        ({"title_en": "", "body_en": ""}, "one_language_reason"),
    ],
)
def test_correct__refused__says_so_at_the_field(wrong: dict[str, str], field: str) -> None:
    make_person(Role.SUPPORT)
    draft, client = publish(make_draft()), sign_in()
    path = reverse("announcements:correct", args=[draft.pk])
    given = _post(note_fr="Faux", note_en="Wrong", reason="It was wrong") | wrong

    answer: Any = client.post(path, given | {"version": read_version(client, path)})

    assert list(answer.context["form"].errors) == [field]
    message = answer.context["preview"].message
    assert message.notes == {"fr": "Faux", "en": "Wrong"}
    assert message.texts["fr"].title == "Ce soir"


def test_confirm__inbox_that_reaches_nobody__says_so() -> None:
    environment, client = make_environment(), sign_in()
    site = make_site()
    create_till(site_id=site.pk, key="t1", name="1", actor=DEMO, reason="test", now=clock.now())
    nobody = make_draft(environment, outlets=["people", "till"], roles=[])
    somebody = make_draft(environment, outlets=["people", "till"], roles=["release manager"])

    pages = [client.get(reverse("announcements:confirm", args=[one.pk])).content.decode() for one in (nobody, somebody)]

    assert ["reaches nobody" in page for page in pages] == [True, False]


def test_detail__said__is_headed_as_it_was_read() -> None:
    make_person(Role.SUPPORT)
    said = publish(make_draft(title_en="In {environment} at last"))

    page = sign_in().get(reverse("announcements:detail", args=[said.pk])).content.decode()

    heading = page.partition("<h1>")[2].partition("</h1>")[0]
    assert heading.strip() == f"In {said.environment.name} at last"


def test_compose__maintenance__asks_when_at_once() -> None:
    environment, client = make_environment(), sign_in()

    page = client.get(f"{NEW}?kind=maintenance_planned").content.decode()
    other = client.get(f"{NEW}?kind=free").content.decode()

    assert environment.key in page
    folds = [re.search(r'<details id="times"\s+(open)?', one) for one in (page, other)]
    assert [fold and fold[1] for fold in folds] == ["open", None]


def test_confirm__a_hint_left_in_both_languages__names_both() -> None:
    make_person(Role.SUPPORT)
    draft, client = make_draft(body_fr=HINTS["fr"], body_en=HINTS["en"]), sign_in()

    page = client.get(reverse("announcements:confirm", args=[draft.pk])).content.decode()

    assert "(French, English)" in page


def test_preview__while_typing__shows_each_outlet_in_both_languages_and_how_many() -> None:
    environment, client = make_environment(), sign_in()
    make_person(Role.SUPPORT)
    site = make_site()
    create_till(site_id=site.pk, key="t1", name="1", actor=DEMO, reason="test", now=clock.now())

    wish = _post(environment=environment.key, outlets=["people", "till"])
    part = client.post(reverse("announcements:preview"), wish).content.decode()

    assert 'id="previews"' in part
    assert 'lang="fr"' in part
    assert 'lang="en"' in part
    assert "1 person of the portal" in part
    assert "1 till" in part
    assert "<html" not in part


def test_preview__half_a_form__says_what_is_missing_and_is_no_fault() -> None:
    environment, client = make_environment(), sign_in()

    part = client.post(reverse("announcements:preview"), _post(environment=environment.key, body_en=""))

    assert part.status_code == 200
    assert "one of them is missing" in part.content.decode()
    assert client.post(reverse("announcements:preview"), {}).status_code == 200
    assert client.get(reverse("announcements:preview")).status_code == 302


def test_edit__somebody_else_did_meanwhile__says_who_and_what_and_loses_nothing() -> None:
    draft, client = make_draft(), sign_in()
    path = reverse("announcements:edit", args=[draft.pk])
    version = read_version(client, path)
    edit_draft(announcement_id=draft.pk, content=make_content(body_fr="Le sien"), actor=DEMO, now=clock.now())

    page = client.post(path, _post(environment=draft.environment.key, version=version, body_fr="Le mien"))

    said = page.content.decode()
    assert page.status_code == 409
    assert "Le sien" in said
    assert "Le mien" in said
    assert DEMO.label in said
    again = client.post(
        path, _post(environment=draft.environment.key, version=page.context["version"], body_fr="Le mien")
    )
    assert again.status_code == 302
    draft.refresh_from_db()
    assert draft.body_fr == "Le mien"
    assert "Le sien" in client.get(reverse("announcements:detail", args=[draft.pk])).content.decode()


@pytest.mark.parametrize(
    ("outlets", "named", "unnamed"),
    [(["people"], "of the portal</b>", " till"), (["till"], " till", "of the portal</b>")],
)
def test_confirm__one_outlet__counts_whom_it_reaches_alone(outlets: list[str], named: str, unnamed: str) -> None:
    make_person(Role.SUPPORT)
    draft = make_draft(now=clock.now(), outlets=outlets)
    page = sign_in().get(reverse("announcements:confirm", args=[draft.pk])).content.decode()
    numbers = page[page.index('<ul class="numbers">') :]
    numbers = numbers[: numbers.index("</ul>")]

    assert named in numbers
    assert unnamed not in numbers


@pytest.mark.parametrize(("tills", "asked"), [(TICKED_FROM, "checkbox"), (TYPED_FROM, "numeric")])
def test_confirm__many_readers__asks_for_their_number(tills: int, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(tills):
        make_person(Role.SUPPORT)
    draft, client = make_draft(now=clock.now()), sign_in()
    path = reverse("announcements:confirm", args=[draft.pk])
    version = read_version(client, path)

    page = client.get(path).content.decode()
    refused = client.post(path, {"version": version, "reason": "Now"})
    sent = client.post(path, {"version": version, "reason": "Now", "confirmed": tills})

    assert asked in page
    assert refused.status_code == 409
    assert f"{tills} people and tills read it now" in refused.content.decode()
    assert sent.status_code == 302


def test_confirm__for_later__waits_and_can_be_made_a_draft_again() -> None:
    make_person(Role.SUPPORT)
    draft, client = make_draft(now=clock.now()), sign_in()
    path = reverse("announcements:confirm", args=[draft.pk])
    later = (clock.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")

    client.post(path, {"version": read_version(client, path), "reason": "Tomorrow", "publish_at": later})
    draft.refresh_from_db()
    assert draft.status == Status.SCHEDULED
    detail = reverse("announcements:detail", args=[draft.pk])
    version = read_version(client, detail)
    client.post(
        reverse("announcements:act", args=[draft.pk, "unschedule"]), {"version": version, "reason": "Not tomorrow"}
    )

    draft.refresh_from_db()
    assert draft.status == Status.DRAFT


def test_correct_and_withdraw__by_a_manager__are_seen_with_what_was_said_before() -> None:
    make_person(Role.SUPPORT)
    draft = publish(make_draft(now=clock.now()), now=clock.now())
    client = sign_in()
    path, detail = (reverse(f"announcements:{name}", args=[draft.pk]) for name in ("correct", "detail"))

    words = {"title_fr": "Ce soir", "body_fr": "À 21 h.", "title_en": "Tonight", "body_en": "At 9 pm."}
    part = client.post(f"{path}preview/", words | {"do": "correct", "note_en": "The hour"}).content.decode()
    assert draft.versions.count() == 1
    given = words | {"do": "correct", "note_en": "The hour", "reason": "Wrong", "version": read_version(client, path)}
    sent = client.post(path, given)
    page = client.get(detail).content.decode()
    version = read_version(client, detail)
    client.post(
        reverse("announcements:act", args=[draft.pk, "withdraw"]),
        {"version": version, "reason": "All wrong", "note_fr": "Rien de tout cela"},
    )

    assert "What was corrected: The hour" in part
    assert sent.status_code == 302
    assert "At 9 pm." in page
    assert "The till stops at 8 pm." in page
    draft.refresh_from_db()
    assert draft.status == Status.WITHDRAWN
    assert draft.versions.count() == 3


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.AUDITOR])
def test_roles__support_drafts_and_auditors_read(role: Role) -> None:
    make_person(Role.SUPPORT)
    draft, client = make_draft(now=clock.now()), sign_in(role)
    may_draft = role is Role.SUPPORT

    assert client.get(reverse("announcements:detail", args=[draft.pk])).status_code == 200
    assert client.get(reverse("announcements:list")).status_code == 200
    assert client.get(NEW).status_code == (200 if may_draft else 403)
    assert client.post(reverse("announcements:confirm", args=[draft.pk]), {"reason": "x"}).status_code == 403
    assert client.get(reverse("announcements:template", args=["free"])).status_code == 403
    given = {"version": 0, "reason": "x"}
    assert client.post(reverse("announcements:act", args=[draft.pk, "again"]), given).status_code == 403
    draft.refresh_from_db()
    assert draft.status == Status.DRAFT


def test_roles__support__takes_back_no_word_that_was_said() -> None:
    user = make_person(Role.SUPPORT)
    draft = publish(make_draft(now=clock.now()), now=clock.now())

    answer = sign_in_as(user).post(
        reverse("announcements:act", args=[draft.pk, "withdraw"]), {"version": 0, "reason": "x", "note_fr": "x"}
    )

    assert answer.status_code == 403


def test_list__filters__live_in_the_address() -> None:
    client = sign_in()
    draft = make_draft(kind=Kind.ALL_CLEAR, title_en="Nothing is wrong")
    make_draft(title_en="Something else")
    path = reverse("announcements:list")

    assert "Nothing is wrong" in client.get(path, {"kind": "all_clear"}).content.decode()
    assert "Something else" not in client.get(path, {"kind": "all_clear"}).content.decode()
    assert "Something else" not in client.get(path, {"q": "nothing WRONG"}).content.decode()
    assert "Something else" in client.get(path, {"status": "draft"}).content.decode()
    assert "None like that." in client.get(path, {"status": "published"}).content.decode()
    assert "Something else" not in client.get(path, {"environment": draft.environment.key}).content.decode()


def test_list__more_rows__asks_no_more_queries() -> None:
    client = sign_in()
    make_person(Role.SUPPORT)
    for _ in range(2):
        publish(make_draft(now=clock.now()), now=clock.now())
    few = count_queries(client, reverse("announcements:list"))
    for _ in range(18):
        publish(make_draft(now=clock.now()), now=clock.now())

    assert count_queries(client, reverse("announcements:list")) == few


def test_templates__changed_with_a_reason__begin_the_next_draft() -> None:
    client = sign_in()
    make_environment()
    path = reverse("announcements:template", args=["free"])
    words = {"title_fr": "Bonjour", "body_fr": "À tous.", "title_en": "Hello", "body_en": "All."}

    refused = client.post(path, words | {"version": read_version(client, path), "reason": ""})
    client.post(path, words | {"version": read_version(client, path), "reason": "Kinder"})

    assert refused.status_code == 400
    assert client.get(NEW).context["form"].initial["title_en"] == "Hello"
    client.post(path, words | {"do": "restore", "version": read_version(client, path), "reason": "As before"})
    assert client.get(NEW).context["form"].initial["title_en"] == "Information"


def test_hotline__set_on_its_page__is_named_in_previews() -> None:
    client, environment = sign_in(), make_environment()
    make_person(Role.SUPPORT)
    path = reverse("announcements:hotline", args=[environment.key])

    client.post(path, {"version": read_version(client, path), "phone": "01 23 45", "reason": "New line"})

    assert Hotline.objects.get().phone == "01 23 45"
    assert "01 23 45" in client.get(reverse("announcements:hotlines")).content.decode()
    given = _post(environment=environment.key, body_en="Call {hotline}.")
    assert "Call 01 23 45." in client.post(reverse("announcements:preview"), given).content.decode()


def test_entry_points__rollout_incident_palette__lead_to_the_composer() -> None:
    world, client = make_world(), sign_in()
    rollout, incident = make_rehearsal(world), make_incident(world.environment)

    for path, wanted in (
        (reverse("rollouts:detail", args=[rollout.pk]), f"{NEW}?rollout={rollout.pk}"),
        (reverse("incidents:detail", args=[incident.pk]), f"{NEW}?incident={incident.pk}"),
        ("/search/?q=announcement", NEW),
    ):
        assert wanted in client.get(path).content.decode(), path


def test_search__words_of_an_announcement__find_it() -> None:
    draft = make_draft(title_en="Braderie on Saturday")

    found = sign_in().get("/search/", {"q": "braderie"}).content.decode()

    assert reverse("announcements:detail", args=[draft.pk]) in found


def test_pages__french__speak_it() -> None:
    make_person(Role.SUPPORT)
    draft = make_draft(now=clock.now())
    client: Client = sign_in_as(make_person(Role.RELEASE_MANAGER), language="fr")

    assert "Nouvelle annonce" in client.get(NEW).content.decode()
    assert "Maintenance ce soir" in client.get(reverse("announcements:detail", args=[draft.pk])).content.decode()


def test_detail__support_with_a_draft__learns_who_publishes_it() -> None:
    draft = make_draft(now=clock.now())
    path = reverse("announcements:detail", args=[draft.pk])

    assert 'id="only-drafts"' in sign_in(Role.SUPPORT).get(path).content.decode()
    assert 'id="only-drafts"' not in sign_in(Role.RELEASE_MANAGER).get(path).content.decode()
