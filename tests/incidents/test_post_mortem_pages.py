"""The pages of post-mortems and measures: for each role and stage, in both languages, with hostile text, on paper."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import clock
from core.actors import SCHEDULER, person
from core.models import User
from core.roles import Role
from core.versions import get_version
from incidents.domain.lifecycle import Status
from incidents.domain.reviewing import Stage, Visibility
from incidents.domain.tiers import Tier
from incidents.measure_views import PAGE_SIZE
from incidents.models import ActionItem, ActionKind, Incident, PostMortem
from incidents.transitions import (
    add_entry,
    add_note,
    approve_post_mortem,
    confirm_restored,
    pin_entry,
    publish_post_mortem,
    submit_post_mortem,
    write_known,
)
from incidents.transitions.measuring import finish_action_item
from tests.factories.core import make_person
from tests.factories.flags import make_environment, make_flag, make_site
from tests.factories.incidents import TEXTS, learn, make_incident, make_measure, write
from tests.hostile.files import MORE, write_permissively
from tests.hostile.judging import list_markdown_faults
from tests.signed_in import sign_in_as

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script> <img src=x onerror=alert(1)> [x](javascript:alert(1)) {{ 7|add:7 }} | # *x*"


@pytest.fixture
def user() -> User:
    return make_person(Role.SUPPORT, language="en", full_name="Mia Kern")


@pytest.fixture
def client(user: User) -> Client:
    return sign_in_as(user, language="en")


@pytest.fixture
def incident() -> Incident:
    incident = make_incident(now=clock.now())
    actor = person(make_person(Role.RELEASE_MANAGER))
    return confirm_restored(incident_id=incident.pk, actor=actor, reason="checked", now=clock.now())


def _page(incident: Incident) -> str:
    return f"/incidents/{incident.pk}/post-mortem/"


def _read(client: Client, path: str) -> str:
    page = client.get(path)
    assert page.status_code == 200
    return page.content.decode()


def _act(client: Client, incident: Incident, action: str, **data: Any) -> Any:
    seen = {"seen": get_version(PostMortem.objects.get(incident=incident)), "reason": f"did {action}"}
    return client.post(f"{_page(incident)}{action}/", seen | data)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_page__each_role_stage_and_language__reads_whole(
    incident: Incident, role: Role, stage: Stage, language: str
) -> None:
    learn(incident, now=clock.now(), until=stage)
    client = sign_in_as(make_person(role), language=language)

    page = _read(client, _page(incident))

    assert TEXTS["root_cause"] in page
    may = role is not Role.AUDITOR
    assert may or "<textarea" not in page
    assert ('name="do" value="save"' in page) is (may and stage is not Stage.PUBLISHED)
    assert ("/post-mortem/approve/" in page) is (may and stage is Stage.IN_REVIEW)
    assert ("/drop/" in page) is (role in {Role.RELEASE_MANAGER, Role.ADMIN})
    for more in ("print/", "export/"):
        answer = client.get(_page(incident) + more)
        assert answer.status_code == 200
        assert TEXTS["root_cause"] in answer.content.decode()
        assert "<form" not in answer.content.decode()
    assert TEXTS["impact"] not in _read(client, f"/incidents/{incident.pk}/")


def test_auditor__writes_nothing(incident: Incident) -> None:
    item = make_measure(incident, user=make_person(Role.SUPPORT), now=clock.now())
    client = sign_in_as(make_person(Role.AUDITOR))

    answers = [
        client.post(_page(incident), {"root_cause": "x"}),
        *(_act(client, incident, action) for action in ("ask", "submit", "approve", "publish", "withdraw", "hide")),
        client.post(f"/incidents/{incident.pk}/measures/", {"title": "x"}),
        *(
            client.post(f"/incidents/{incident.pk}/measures/{item.pk}/{action}/", {"reason": "x"})
            for action in ("finish", "verify", "reject", "drop", "hand-over")
        ),
    ]

    assert {answer.status_code for answer in answers} == {403}


def test_story__written_to_closed__by_the_pages_alone(client: Client, user: User, incident: Incident) -> None:
    texts = TEXTS | {"visibility": "public", "public_title": "Prices", "public_text": "Prices were **wrong**."}
    assert "Still missing" in _read(client, f"/incidents/{incident.pk}/")
    assert client.post(_page(incident), texts | {"do": "save"}).status_code == 302
    due = (clock.now() + timedelta(days=9)).date().isoformat()
    measure = {"title": "Test it", "kind": "preventive", "owner": user.pk, "due_on": due}
    assert client.post(f"/incidents/{incident.pk}/measures/", measure).status_code == 302
    assert _act(client, incident, "submit").status_code == 302
    assert _act(client, incident, "approve").status_code == 409
    reviewer = sign_in_as(make_person(Role.RELEASE_MANAGER), language="en")
    assert _act(reviewer, incident, "approve").status_code == 302
    assert _act(client, incident, "publish").status_code == 302

    answer = client.post(f"/incidents/{incident.pk}/close/", {"reason": "learnt", "seen": get_version(incident)})

    assert answer.status_code == 302
    incident.refresh_from_db()
    assert incident.status == Status.CLOSED
    public = Client().get(f"/post-mortems/prices-{incident.pk}/")
    assert "Prices were <strong>wrong</strong>." in public.content.decode()
    item = ActionItem.objects.get()
    where = f"/incidents/{incident.pk}/measures/{item.pk}"
    assert client.post(f"{where}/finish/", {"reason": "build 12"}).status_code == 302
    assert client.post(f"{where}/verify/", {"reason": "saw it"}).status_code == 403
    assert (
        reviewer.post(f"{where}/verify/", {"reason": "saw it", "back": "list"})
        .headers["Location"]
        .endswith("/incidents/measures/")
    )
    assert "saw it" in _read(client, _page(incident))


def test_close__with_missing_parts__page_names_them_all(client: Client, incident: Incident) -> None:
    answer = client.post(f"/incidents/{incident.pk}/close/", {"reason": "over", "seen": get_version(incident)})

    assert answer.status_code == 409
    page = answer.content.decode()
    for words in ("the root cause", "a preventive measure", "where we were lucky", "its publication"):
        assert words in page


def test_write__somebody_wrote_meanwhile__shows_both_and_a_second_press_saves(
    client: Client, incident: Incident
) -> None:
    seen = get_version(incident.post_mortem)
    write(incident, texts={"root_cause": "Theirs"}, now=clock.now())

    answer = client.post(_page(incident), {"root_cause": "Mine", "seen": seen, "do": "save"})

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Theirs" in page
    assert "Mine" in page
    newest = get_version(incident.post_mortem)
    assert f'name="seen" value="{newest}"' in page
    assert client.post(_page(incident), {"root_cause": "Both", "seen": newest}).status_code == 302
    assert PostMortem.objects.get().root_cause == "Both"


def test_whys__composed__become_the_root_cause_unsaved_and_each_asks_of_the_one_before(
    client: Client, incident: Incident
) -> None:
    data = {"why_1": "Totals were wrong", "why_2": "Rounded twice", "root_cause": "So far", "do": "compose"}

    page = client.post(_page(incident), data).content.decode()

    assert re.search(r"So far\s+1\. Totals were wrong\n2\. Rounded twice", page)
    assert "“Totals were wrong”" in page
    assert PostMortem.objects.get().root_cause == ""
    assert client.post(_page(incident), data | {"do": "save"}).status_code == 302
    assert PostMortem.objects.get().whys == ["Totals were wrong", "Rounded twice", "", "", ""]
    assert "Rounded twice" in _read(client, _page(incident))


def test_preview__markdown__is_shown_and_not_saved(client: Client, incident: Incident) -> None:
    page = client.post(_page(incident), {"impact": "**Twelve** sales", "do": "preview"}).content.decode()

    assert "<strong>Twelve</strong> sales" in page
    assert "**Twelve** sales</textarea>" in page
    assert PostMortem.objects.get().impact == ""


@pytest.mark.parametrize("text", ["nul\x00", "x" * 10_001])
def test_write__unreadable_or_endless__is_refused(client: Client, incident: Incident, text: str) -> None:
    assert client.post(_page(incident), {"root_cause": text}).status_code == 400
    assert PostMortem.objects.get().history.count() == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [("explode/", 404), ("submit/", 302), ("../measures/", 302), ("../measures/999999/finish/", 404)],
)
def test_address__of_nothing_or_only_read__changes_nothing(
    client: Client, incident: Incident, path: str, status: int
) -> None:
    address = (_page(incident) + path).replace("post-mortem/../", "")
    assert client.get(address).status_code == status
    assert client.get("/incidents/999999/post-mortem/").status_code == 404


def test_hostile_text__in_every_field__is_harmless_on_every_page(client: Client, user: User) -> None:
    incident = make_incident(title=HOSTILE, now=clock.now())
    confirm_restored(incident_id=incident.pk, actor=person(user), reason=HOSTILE, now=clock.now())
    texts = {**dict.fromkeys(TEXTS, HOSTILE), "public_title": HOSTILE, "public_text": HOSTILE}
    write(incident, texts=texts, whys=[HOSTILE] * 5, visibility=Visibility.PUBLIC, now=clock.now())
    item = make_measure(incident, user=user, title=HOSTILE, now=clock.now())
    add_note(incident_id=incident.pk, note=HOSTILE, actor=person(user), now=clock.now())
    by: dict[str, Any] = {"incident_id": incident.pk, "reason": HOSTILE, "now": clock.now()}
    submit_post_mortem(**by, actor=person(user))
    approve_post_mortem(**by, actor=person(make_person(Role.RELEASE_MANAGER)))
    publish_post_mortem(**by, actor=person(user))
    finish_action_item(**by, item_id=item.pk, actor=person(user))
    slug = PostMortem.objects.get().slug

    pages = [
        _read(client, path)
        for path in (
            _page(incident),
            f"{_page(incident)}print/",
            f"/incidents/{incident.pk}/",
            "/incidents/measures/?state=done",
            f"/post-mortems/{slug}/",
        )
    ]

    for page in pages:
        assert "<script>alert" not in page
        assert "<img" not in page
        assert 'href="javascript:' not in page
        assert "onerror=alert(1)&gt;" in page
    exported = _read(client, f"{_page(incident)}export/")
    assert "\\<script\\>" in exported.splitlines()[0]


def test_export__is_a_file_that_reads_as_markdown(client: Client, incident: Incident, user: User) -> None:
    learn(incident, user=user, now=clock.now())

    answer = client.get(f"{_page(incident)}export/")

    assert answer["Content-Type"] == "text/markdown; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="incident-{incident.pk}-post-mortem.md"'
    text = answer.content.decode()
    assert text.startswith(f"# Post-mortem #{incident.pk}: ")
    for part in ("## Root cause\n\nRounding", "## Measures\n\n- Test the rounding", "### Timeline", "Mia Kern"):
        assert part in text


def test_timeline__lines_of_every_sort__are_words_on_the_page_on_paper_and_in_the_file(
    client: Client, incident: Incident, user: User
) -> None:
    by: dict[str, Any] = {"incident_id": incident.pk, "actor": person(user), "now": clock.now()}
    write_known(**by, text="The buttons are **off** everywhere", seen=0)
    pin_entry(**by, entry_id=incident.timeline.earliest("pk").pk)

    page, paper = _read(client, _page(incident)), _read(client, f"{_page(incident)}print/")
    exported = _read(client, f"{_page(incident)}export/")

    for shown in (page, paper):
        timeline = shown[shown.index("<h3>Timeline</h3>") :]
        assert "<b>What is known</b>" in timeline
        assert "<strong>off</strong>" in timeline
        assert "<b>Pinned</b>" in timeline
        assert "<b>pinned</b>" not in timeline
    assert ": What is known The buttons are" in exported
    assert ": Pinned" in exported
    assert ": known" not in exported


def test_people__in_pages_and_choices__go_by_their_names(client: Client, incident: Incident, user: User) -> None:
    learn(incident, user=user, now=clock.now(), until=Stage.DRAFT)

    for path in (_page(incident), f"{_page(incident)}print/", f"{_page(incident)}export/", "/incidents/measures/"):
        shown = _read(client, path)
        assert "Mia Kern" in shown
        assert not re.search(rf">\s*{user.username}\s*<", shown)


def test_export__people_s_markdown__acts_in_no_program_that_shows_the_file(
    client: Client, incident: Incident, user: User
) -> None:
    texts = {
        "root_cause": "**Rounding** of `<b>`\n\n<img src=x onerror=alert(1)>",
        "impact": "[a]: javascript:alert(1)",
        "detection": "[a] and ![seen](https://evil.test/pixel.png)",
        "went_well": "```\nleft open",
    }
    write(incident, user=user, texts=texts, now=clock.now())

    text = client.get(f"{_page(incident)}export/").content.decode()

    shown = write_permissively(text)
    assert list_markdown_faults(shown, more=MORE) == []
    assert "<strong>Rounding</strong> of <code>&lt;b&gt;</code>" in shown
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown
    assert "<h2>Measures</h2>" in shown


def _publish(incident: Incident, **texts: str) -> str:
    words = {"public_title": "Prices were wrong", "public_text": "For an hour."} | texts
    author = make_person(Role.SUPPORT)
    write(incident, texts=words, visibility=Visibility.PUBLIC, user=author, now=clock.now())
    make_measure(incident, user=author, now=clock.now())
    by: dict[str, Any] = {"incident_id": incident.pk, "reason": "said", "now": clock.now()}
    submit_post_mortem(**by, actor=person(author))
    approve_post_mortem(**by, actor=person(make_person(Role.RELEASE_MANAGER)))
    publish_post_mortem(**by, actor=person(author))
    return f"/post-mortems/{PostMortem.objects.get(incident=incident).slug}/"


def test_public__stranger__reads_the_words_and_nothing_of_the_inside(incident: Incident) -> None:
    path = _publish(incident)

    with CaptureQueriesContext(connection) as queries:
        answer = Client().get(path)

    page = answer.content.decode()
    assert "Prices were wrong" in page
    assert len(queries) == 1
    assert answer["Cache-Control"] == "public, max-age=60"
    assert "Cookie" not in answer.get("Vary", "")
    assert not answer.cookies
    for inside in (incident.title, *TEXTS.values(), "Person"):
        assert inside not in page
    assert 'lang="fr"' in page
    assert 'lang="en"' in Client().get(f"{path}?lang=en").content.decode()


def test_public__hidden_withdrawn_unknown_or_posted__is_not_there(client: Client, incident: Incident) -> None:
    path = _publish(incident)
    assert Client().post(path).status_code == 405
    assert Client().get("/post-mortems/nothing/").status_code == 404

    assert _act(client, incident, "hide").status_code == 302

    assert Client().get(path).status_code == 404


def test_evidence__guardrail_numbers_complaints_and_exposure__stand_on_the_page(client: Client) -> None:
    environment, flag, site = make_environment(), make_flag(), make_site()
    incident = make_incident(environment, flag_keys=[flag.key], site_keys=[site.key], tier=Tier.CRITICAL)

    page = _read(client, _page(incident))

    assert site.name in page
    assert flag.name in page
    assert "Live: it is frozen" in page


def test_evidence__lines_of_the_portal_itself__are_said_in_words(client: Client, incident: Incident) -> None:
    add_entry(incident, code="told", actor=SCHEDULER, now=clock.now(), data={"kind": "incident_opened", "people": 1})

    page, file = _read(client, _page(incident)), _read(client, f"{_page(incident)}export/")

    assert re.search(r"<b>Told</b>\s+the incident is open · 1 person", page)
    assert "Told the incident is open · 1 person" in file.replace("\\", "")
    assert "<b>told</b>" not in page


def test_evidence__frozen__does_not_grow_with_later_notes(client: Client, user: User, incident: Incident) -> None:
    learn(incident, user=user, now=clock.now(), until=Stage.IN_REVIEW)
    add_note(incident_id=incident.pk, note="Said later", actor=person(user), now=clock.now())

    page = _read(client, _page(incident))

    assert "Frozen when the review was asked for" in page
    assert "Said later" not in page
    assert "Said later" in _read(client, f"/incidents/{incident.pk}/")


def _count(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        _read(client, path)
    return len(queries)


def test_pages__two_and_twenty_measures_and_earlier_ones__take_the_same_queries(client: Client, user: User) -> None:
    environment, flag = make_environment(), make_flag()
    given: dict[str, Any] = {"flag_keys": [flag.key], "now": clock.now()}
    counts: dict[str, list[int]] = {}
    for number in (2, 18):
        for _ in range(number):
            earlier = make_incident(environment, **given)
            make_measure(earlier, user=make_person(Role.SUPPORT), now=clock.now())
        incident = make_incident(environment, **given)
        for _ in range(number):
            make_measure(incident, user=make_person(Role.SUPPORT), now=clock.now())
            add_note(incident_id=incident.pk, note="x", actor=person(user), now=clock.now())
        for below in ("", "post-mortem/", "post-mortem/print/", "post-mortem/export/"):
            counts.setdefault(below, []).append(_count(client, f"/incidents/{incident.pk}/{below}"))
        counts.setdefault("list", []).append(_count(client, "/incidents/measures/"))

    assert {name: found for name, found in counts.items() if found[0] != found[1]} == {}


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {"mine", "theirs", "to verify"}),
        ("mine=on", {"mine", "to verify"}),
        ("kind=detection", {"theirs"}),
        ("overdue=on", set()),
        ("state=done", {"to verify"}),
        ("state=verified", set()),
        ("owner=owner2", {"theirs", "to verify"}),
        ("owner=nobody", set()),
        ("kind=moon", set()),
        ("after=2100-01-01.1", set()),
        ("after=x", {"mine", "theirs", "to verify"}),
        ("after=2020-01-01.-1", {"mine", "theirs", "to verify"}),
    ],
)
def test_measures__filters_in_the_address__narrow(client: Client, user: User, query: str, shown: set[str]) -> None:
    other, now = make_person(Role.SUPPORT, username="owner2"), clock.now()
    incident = make_incident(now=now)
    make_measure(incident, user=user, title="of mine", now=now)
    make_measure(incident, user=other, title="of theirs", kind=ActionKind.DETECTION, now=now)
    done = make_measure(incident, user=other, title="of to verify", verifier_id=user.pk, now=now)
    finish_action_item(incident_id=incident.pk, item_id=done.pk, actor=person(other), reason="see", now=now)

    page = _read(client, f"/incidents/measures/?{query}")

    assert {name for name in ("mine", "theirs", "to verify") if f"of {name}" in page} == shown


def test_measures__overdue__is_said_and_found(client: Client, user: User) -> None:
    make_measure(make_incident(), user=user, title="Long due")

    page = _read(client, "/incidents/measures/?overdue=on")

    assert ("overdue since" in page) is (clock.now().date() > ActionItem.objects.get().due_on)


def test_measures__many__come_in_pages_that_miss_none(client: Client, user: User) -> None:
    incident = make_incident(now=clock.now())
    for number in range(PAGE_SIZE + 3):
        make_measure(incident, user=user, title=f"Measure no {number:03}", now=clock.now())

    first = _read(client, "/incidents/measures/?kind=preventive")
    found = re.search(r'href="\?(kind=preventive&amp;after=[^"]+)"', first)
    assert found is not None
    second = _read(client, f"/incidents/measures/?{found[1].replace('&amp;', '&')}")

    named = [set(re.findall(r"Measure no \d+", page)) for page in (first, second)]
    assert [len(one) for one in named] == [PAGE_SIZE, 3]
    assert not named[0] & named[1]


def test_measures__none__says_so(client: Client) -> None:
    assert "No measure is open." in _read(client, "/incidents/measures/")


@pytest.mark.parametrize(
    "wrong", [{"due_on": ""}, {"due_on": "2020-01-01"}, {"owner": "0"}, {"title": ""}, {"kind": "x"}]
)
def test_measure__wrong__keeps_what_was_typed(
    client: Client, user: User, incident: Incident, wrong: dict[str, str]
) -> None:
    data = {"title": "Test it", "kind": "preventive", "owner": str(user.pk), "due_on": "2100-01-01"}

    answer = client.post(f"/incidents/{incident.pk}/measures/", data | wrong)

    assert answer.status_code == 400
    page = answer.content.decode()
    assert "errorlist" in page
    assert "Test it" in page or "title" in wrong
    assert not ActionItem.objects.exists()


def test_recurrence__same_flag__shows_the_earlier_one_and_its_open_measures_on_both_pages(
    client: Client, user: User
) -> None:
    environment, now = make_environment(), clock.now()
    old = make_incident(environment, flag_keys=["buttons"], title="The first time", now=now)
    make_measure(old, user=user, title="Promised then", now=now)
    linked = make_incident(make_environment(), title="Linked by hand", now=now)
    make_incident(make_environment(), flag_keys=["buttons"], title="Elsewhere", now=now)
    incident = make_incident(environment, flag_keys=["buttons"], now=now)
    write(incident, repeats_id=linked.pk, now=now)

    for path in (_page(incident), f"/incidents/{incident.pk}/"):
        page = _read(client, path)
        assert "It was there before" in page
        assert "Promised then" in page
        assert "Linked by hand" in page
        assert "Elsewhere" not in page
    assert "It was there before" not in _read(client, _page(old))


def test_recurrence__older_than_ninety_days__is_another_story(client: Client) -> None:
    environment, now = make_environment(), clock.now()
    long_ago = now - timedelta(days=91)
    make_incident(environment, flag_keys=["buttons"], title="Long ago", now=long_ago, detected_at=long_ago)
    incident = make_incident(environment, flag_keys=["buttons"], now=now)

    assert "Long ago" not in _read(client, _page(incident))
