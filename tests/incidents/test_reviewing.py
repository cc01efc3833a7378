"""Post-mortems: written, reviewed by somebody else, published; everything off the table is refused."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from core.actors import Actor, person, token
from core.errors import InvalidInput, NotAllowed, Refusal
from core.models import User
from core.roles import Role
from core.versions import get_version
from incidents.domain.lifecycle import Status
from incidents.domain.reviewing import EDGES, Stage, Visibility
from incidents.models import Incident, PostMortem
from incidents.transitions import (
    approve_post_mortem,
    hide_post_mortem,
    publish_post_mortem,
    send_back_post_mortem,
    submit_post_mortem,
    withdraw_post_mortem,
    write_post_mortem,
)
from notifications.models import Delivery, Event
from tests.factories.core import NOW, make_person
from tests.factories.incidents import learn, make_incident, make_incident_in, make_measure, write

MOVES: dict[Stage, Callable[..., PostMortem]] = {
    Stage.DRAFT: withdraw_post_mortem,
    Stage.IN_REVIEW: submit_post_mortem,
    Stage.APPROVED: approve_post_mortem,
    Stage.PUBLISHED: publish_post_mortem,
}


def _by(user: User | None = None) -> dict[str, Any]:
    return {"actor": person(user or make_person(Role.RELEASE_MANAGER)), "reason": "said so", "now": NOW}


def _make(stage: Stage, *, author: User | None = None) -> Incident:
    incident = make_incident_in(Status.RESOLVED)
    learn(incident, user=author, until=stage)
    return Incident.objects.get(pk=incident.pk)


@pytest.mark.django_db
@pytest.mark.parametrize("start", Stage)
@pytest.mark.parametrize("end", Stage)
def test_moves__every_pair_of_stages__agree_with_the_table(start: Stage, end: Stage) -> None:
    incident = _make(start)
    rows = incident.post_mortem.history.count()

    if end in EDGES[start]:
        MOVES[end](incident_id=incident.pk, **_by())
        post_mortem = PostMortem.objects.get()
        assert post_mortem.status == end
        assert post_mortem.history.latest().history_change_reason == "said so"
        assert (post_mortem.evidence is None) is (end is Stage.DRAFT)
    else:
        with pytest.raises(Refusal, match=r"wrong_state|post_mortem_incomplete"):
            MOVES[end](incident_id=incident.pk, **_by())
        post_mortem = PostMortem.objects.get()
        assert (post_mortem.status, post_mortem.history.count()) == (start, rows)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("stage", "move"),
    [
        (Stage.DRAFT, submit_post_mortem),
        (Stage.IN_REVIEW, approve_post_mortem),
        (Stage.IN_REVIEW, send_back_post_mortem),
        (Stage.APPROVED, publish_post_mortem),
        (Stage.PUBLISHED, withdraw_post_mortem),
    ],
)
def test_moves__without_a_reason_or_on_an_old_version__are_refused(stage: Stage, move: Callable[..., Any]) -> None:
    incident = _make(stage)
    by = _by()

    with pytest.raises(InvalidInput, match="reason_missing"):
        move(incident_id=incident.pk, **(by | {"reason": " "}))
    with pytest.raises(Refusal, match="changed_meanwhile"):
        move(incident_id=incident.pk, **by, seen=get_version(incident.post_mortem) - 1)
    with pytest.raises(InvalidInput, match="incident_unknown"):
        move(incident_id=999_999, **by)


@pytest.mark.django_db
@pytest.mark.parametrize("move", [approve_post_mortem, send_back_post_mortem])
def test_review__by_whoever_wrote_or_by_a_program__is_refused(move: Callable[..., Any]) -> None:
    author, helper = make_person(Role.SUPPORT), make_person(Role.RELEASE_MANAGER)
    incident = _make(Stage.DRAFT, author=author)
    make_measure(incident, user=helper)
    submit_post_mortem(incident_id=incident.pk, **_by(make_person(Role.SUPPORT)))

    for user in (author, helper):
        with pytest.raises(Refusal, match="review_by_author"):
            move(incident_id=incident.pk, **_by(user))
    with pytest.raises(NotAllowed, match="review_by_no_person"):
        move(incident_id=incident.pk, actor=token("ci"), reason="fine", now=NOW)
    assert PostMortem.objects.get().status == Stage.IN_REVIEW


@pytest.mark.django_db
def test_submit__with_missing_parts__names_them_all() -> None:
    incident = make_incident()
    write(incident, texts={"root_cause": "", "lucky": " "})

    with pytest.raises(Refusal, match="post_mortem_incomplete") as refused:
        submit_post_mortem(incident_id=incident.pk, **_by())

    assert refused.value.data["gaps"] == ["root_cause_missing", "measures_missing", "lucky_missing", "not_restored"]


@pytest.mark.django_db
@pytest.mark.parametrize("stage", [Stage.IN_REVIEW, Stage.APPROVED])
def test_edit__after_the_review_began__voids_it(stage: Stage) -> None:
    incident = _make(stage)
    write(incident, texts={"impact": "Thirteen sales"})

    post_mortem = PostMortem.objects.get()
    assert (post_mortem.status, post_mortem.approved_by, post_mortem.evidence) == (Stage.DRAFT, None, None)
    assert incident.timeline.filter(code="review_voided").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("stage", [Stage.IN_REVIEW, Stage.APPROVED])
def test_edit__the_same_words_again__voids_nothing(stage: Stage) -> None:
    incident = _make(stage)
    write(incident)

    assert PostMortem.objects.get().status == stage


@pytest.mark.django_db
def test_edit__a_measure_more__voids_the_review_and_is_refused_once_published() -> None:
    incident = _make(Stage.APPROVED)
    make_measure(incident, user=make_person(Role.SUPPORT), title="One more")
    assert PostMortem.objects.get().status == Stage.DRAFT
    published = _make(Stage.PUBLISHED)

    with pytest.raises(Refusal, match="post_mortem_published"):
        make_measure(published, user=make_person(Role.SUPPORT))
    with pytest.raises(Refusal, match="post_mortem_published"):
        write(published, texts={"impact": "Other"})


@pytest.mark.django_db
def test_measure__added_to_a_draft__is_no_new_version_of_its_texts() -> None:
    incident = make_incident()
    seen = get_version(incident.post_mortem)
    make_measure(incident, user=make_person(Role.SUPPORT))

    assert get_version(incident.post_mortem) == seen


@pytest.mark.django_db
def test_write__on_an_old_version__is_refused_and_the_first_stands() -> None:
    incident = make_incident()
    seen = get_version(incident.post_mortem)
    write(incident, texts={"root_cause": "Rounding"}, seen=seen)
    write(incident, texts={"root_cause": "Rounding"}, seen=seen)  # the same again is no quarrel

    with pytest.raises(Refusal, match="changed_meanwhile"):
        write(incident, texts={"root_cause": "The moon"}, seen=seen)
    assert PostMortem.objects.get().root_cause == "Rounding"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"texts": {"root_cause": "nul\x00"}}, "text_unreadable"),
        ({"texts": {"root_cause": "x" * 10_001}}, "text_too_long"),
        ({"texts": {"public_title": "x" * 201}}, "text_too_long"),
        ({"texts": {"status": "published"}}, "section_unknown"),
        ({"whys": ["x" * 1_001]}, "text_too_long"),
        ({"visibility": "moon"}, "visibility_unknown"),
        ({"repeats_id": 999_999}, "earlier_incident_unknown"),
    ],
)
def test_write__wrong_value__is_refused(given: dict[str, Any], code: str) -> None:
    incident = make_incident()

    with pytest.raises(InvalidInput, match=code):
        write_post_mortem(incident_id=incident.pk, **({"texts": {}} | given), actor=_by()["actor"], now=NOW)
    assert PostMortem.objects.get().history.count() == 1


@pytest.mark.django_db
def test_write__repeats_a_later_one_or_itself__is_refused() -> None:
    earlier, later = make_incident(), make_incident()
    write(later, repeats_id=earlier.pk)

    for number in (later.pk, earlier.pk):
        with pytest.raises(InvalidInput, match="earlier_incident_unknown"):
            write(earlier, repeats_id=number)


@pytest.mark.django_db
def test_review__asked_for_and_sent_back__is_told_to_those_it_concerns() -> None:
    author, reviewer = make_person(Role.SUPPORT), make_person(Role.RELEASE_MANAGER)
    incident = _make(Stage.IN_REVIEW, author=author)
    assert Event.objects.get(kind="post_mortem_review").url == f"/incidents/{incident.pk}/post-mortem/"

    send_back_post_mortem(incident_id=incident.pk, **_by(reviewer))

    event = Event.objects.get(kind="post_mortem_sent_back")
    assert event.data["reason"] == "said so"
    assert set(Delivery.objects.filter(event=event).values_list("recipient_id", flat=True)) == {author.pk}


def _public(text: str, title: str = "Prices were wrong") -> Incident:
    incident = make_incident_in(Status.RESOLVED)
    words = {"public_title": title, "public_text": text}
    write(incident, texts=words, visibility=Visibility.PUBLIC)
    make_measure(incident, user=make_person(Role.SUPPORT))
    return incident


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text",
    ["Ana Ruiz made a mistake", "We thank Ruiz.", "write to ana@example.org", "**Ana** fixed it", "Ana\nRuiz", "«Ana»"],
)
def test_public__names_a_person__is_refused_with_the_names(text: str) -> None:
    make_person(Role.SUPPORT, full_name="Ana Ruiz", email="ana@example.org")
    incident = _public(text)

    with pytest.raises(Refusal, match="public_text_names_people"):
        submit_post_mortem(incident_id=incident.pk, **_by())


@pytest.mark.django_db
def test_public__parts_of_other_words__are_no_names() -> None:
    make_person(Role.SUPPORT, full_name="Ana de Li", email="")
    incident = _public("Analysis of Liège: banana prices de facto")

    submit_post_mortem(incident_id=incident.pk, **_by())

    assert PostMortem.objects.get().status == Stage.IN_REVIEW


@pytest.mark.django_db
def test_public__published__has_an_address_and_can_be_hidden_even_once_closed() -> None:
    incident = _public("Prices were **wrong** for an hour.", title="Prix faux à Lyon")
    by = _by()
    submit_post_mortem(incident_id=incident.pk, **by)
    approve_post_mortem(incident_id=incident.pk, **_by())
    publish_post_mortem(incident_id=incident.pk, **by)
    assert PostMortem.objects.get().slug == f"prix-faux-a-lyon-{incident.pk}"

    hide_post_mortem(incident_id=incident.pk, **by)

    post_mortem = PostMortem.objects.get()
    assert (post_mortem.status, post_mortem.visibility) == (Stage.PUBLISHED, Visibility.INTERNAL)
    with pytest.raises(Refusal, match="post_mortem_not_public"):
        hide_post_mortem(incident_id=incident.pk, **by)


def _race(actors: list[Actor], move: Callable[..., Any], incident: Incident) -> list[str]:
    seen = get_version(incident.post_mortem)

    def act(actor: Actor) -> str:
        try:
            move(incident_id=incident.pk, actor=actor, reason="mine", now=NOW, seen=seen)
        except Refusal as refusal:
            return refusal.code
        else:
            return "won"
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actors)) as pool:
        return sorted(pool.map(act, actors))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("stage", "move"), [(Stage.DRAFT, submit_post_mortem), (Stage.IN_REVIEW, approve_post_mortem)])
def test_move__two_people_at_once__one_wins(stage: Stage, move: Callable[..., Any]) -> None:
    incident = _make(stage)
    actors = [person(make_person(Role.SUPPORT)) for _ in range(2)]

    assert _race(actors, move, incident) == ["changed_meanwhile", "won"]


@pytest.mark.django_db(transaction=True)
def test_approve_and_edit__at_once__never_leave_unread_words_approved() -> None:
    incident = _make(Stage.IN_REVIEW)
    reviewer, author = person(make_person(Role.RELEASE_MANAGER)), make_person(Role.SUPPORT)
    seen = get_version(incident.post_mortem)

    def approve() -> None:
        try:
            approve_post_mortem(incident_id=incident.pk, actor=reviewer, reason="read", now=NOW, seen=seen)
        except Refusal:
            pass
        finally:
            connection.close()

    def edit() -> None:
        try:
            write(incident, user=author, texts={"impact": "Unread"})
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(approve), pool.submit(edit)]:
            future.result()

    post_mortem = PostMortem.objects.get()
    assert (post_mortem.status, post_mortem.impact) == (Stage.DRAFT, "Unread")
