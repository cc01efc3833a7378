"""Drafts: what may stand in one, two people at once, and what a program asked for before."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from announcements.domain.kinds import Kind
from announcements.domain.lifecycle import Places, Status
from announcements.models import LONGEST_BODY, Announcement
from announcements.transitions import create_draft, edit_draft, publish_announcement, set_hotline
from announcements.transitions.templating import edit_template, get_template, restore_template
from core.actors import DEMO, person
from core.errors import InvalidInput, Refusal
from core.history import change_many, recorded
from core.roles import Role
from core.versions import get_version
from tests.factories.announcements import make_content, make_draft
from tests.factories.core import NOW, make_person
from tests.factories.flags import make_environment, make_site
from tests.factories.incidents import make_incident
from tests.waiting import race

NEW_WORDS: dict[str, Any] = {
    "title_fr": "Voilà",
    "body_fr": "C’est fini.",
    "title_en": "There",
    "body_en": "It is over.",
}
BY: dict[str, Any] = {"actor": DEMO, "reason": "needed by a test", "now": NOW}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"body_fr": "Voir {relase}"}, "placeholder_unknown"),
        ({"title_en": "{}"}, "placeholder_unknown"),
        ({"body_en": "x" * (LONGEST_BODY + 1)}, "announcement_too_long"),
        ({"title_fr": "a\x00"}, "input_unreadable"),
        ({"outlets": ["pigeon"]}, "outlet_unknown"),
        ({"roles": ["queen"]}, "announcement_role_unknown"),
        ({"places": Places.SITES, "site_keys": ["atlantis"]}, "announcement_site_unknown"),
        ({"places": Places.FLAG}, "announcement_flag_missing"),
        ({"rollout_id": 10**9}, "announcement_rollout_wrong"),
        ({"incident_id": 10**9}, "announcement_incident_wrong"),
        ({"follows_id": 10**9}, "announcement_follows_wrong"),
        ({"starts_at": NOW, "ends_at": NOW}, "announcement_ends_before"),
    ],
)
def test_draft__wrong_content__is_refused_and_nothing_is_kept(wrong: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        make_draft(**wrong)

    assert refused.value.code == code
    assert not Announcement.objects.exists()


@pytest.mark.django_db
def test_draft__incident_of_another_environment__is_refused() -> None:
    incident = make_incident()

    with pytest.raises(InvalidInput) as refused:
        make_draft(kind=Kind.INCIDENT_INVESTIGATING, incident_id=incident.pk)

    assert refused.value.code == "announcement_incident_wrong"


@pytest.mark.django_db
def test_edit__somebody_else_did_meanwhile__is_refused_and_each_state_stays_in_history() -> None:
    draft = make_draft()
    seen = get_version(draft)
    edit_draft(announcement_id=draft.pk, content=make_content(title_fr="Autre"), seen=seen, **BY)

    with pytest.raises(Refusal) as refused:
        edit_draft(announcement_id=draft.pk, content=make_content(title_fr="La mienne"), seen=seen, **BY)

    assert refused.value.code == "changed_meanwhile"
    titles = list(draft.history.order_by("history_id").values_list("title_fr", flat=True))
    assert titles == ["Maintenance ce soir", "Autre"]


@pytest.mark.django_db(transaction=True)
def test_edit__two_at_once__one_is_kept_and_the_other_told() -> None:
    draft = make_draft()
    seen = get_version(draft)
    edits = [
        partial(edit_draft, announcement_id=draft.pk, content=make_content(title_fr=title), seen=seen, **BY)
        for title in ("La première", "La seconde")
    ]

    assert race(*edits) == "changed_meanwhile"
    draft.refresh_from_db()
    assert draft.title_fr == "La première"


@pytest.mark.django_db
def test_edit__of_what_is_said__is_refused() -> None:
    draft = make_draft()
    make_person(Role.SUPPORT)
    publish_announcement(announcement_id=draft.pk, **BY)

    with pytest.raises(Refusal) as refused:
        edit_draft(announcement_id=draft.pk, content=make_content(), **BY)

    assert refused.value.code == "announcement_no_draft"


@pytest.mark.django_db
def test_create__a_program_asks_twice__is_written_once_and_another_wish_under_the_name_refused() -> None:
    environment = make_environment()
    wish: dict[str, Any] = {
        "content": make_content(),
        "environment_id": environment.pk,
        "request_id": "ci-7",
        "request_hash": "a" * 64,
    }

    first, second = create_draft(**wish, **BY), create_draft(**wish, **BY)

    assert first.pk == second.pk
    with pytest.raises(Refusal) as refused:
        create_draft(**(wish | {"request_hash": "b" * 64}), **BY)
    assert refused.value.code == "announcement_id_reused"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "said"},
        {"kind": "gossip"},
        {"status": "scheduled"},
        {"publish_at": NOW},
        {"status": "published", "title_en": "", "body_en": ""},
        {"status": "published", "outlets": []},
        {"places": "flag"},
        {"places": "everywhere", "site_keys": ["lyon"]},
        {"starts_at": NOW, "ends_at": NOW - timedelta(hours=1)},
    ],
)
def test_constraint__what_no_transition_writes__is_refused_by_the_database(wrong: dict[str, Any]) -> None:
    draft = make_draft()

    with pytest.raises(IntegrityError), transaction.atomic(), recorded(**BY):
        change_many(Announcement.objects.filter(pk=draft.pk), **wrong)


@pytest.mark.django_db
def test_template__changed_and_put_back__begins_the_next_one_so() -> None:
    came = get_template(Kind.ALL_CLEAR)
    seen = get_version(came)

    changed = edit_template(kind=Kind.ALL_CLEAR, **NEW_WORDS, seen=seen, **BY)
    with pytest.raises(Refusal) as refused:
        edit_template(kind=Kind.ALL_CLEAR, **NEW_WORDS, seen=seen, **BY)
    back = restore_template(kind=Kind.ALL_CLEAR, **BY)

    assert refused.value.code == "changed_meanwhile"
    assert changed.title_fr == "Voilà"
    assert (back.title_fr, back.body_en) == (came.title_fr, came.body_en)
    assert back.history.order_by("history_id").last().history_change_reason == "needed by a test"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"title_en": " "}, "template_in_both"), ({"body_fr": "{hot_line}"}, "placeholder_unknown")],
)
def test_template__half_or_with_an_unknown_place__is_refused(wrong: dict[str, str], code: str) -> None:

    with pytest.raises(InvalidInput) as refused:
        edit_template(kind=Kind.FREE, **(NEW_WORDS | wrong), **BY)

    assert refused.value.code == code


@pytest.mark.django_db
def test_hotline__by_environment__is_a_number_and_can_be_taken_away() -> None:
    environment = make_environment()
    set_hotline(environment_id=environment.pk, phone="01 23 45 67 89", hours_fr="8 h – 18 h", **BY)

    with pytest.raises(InvalidInput) as refused:
        set_hotline(environment_id=environment.pk, phone="ask Ana", **BY)
    gone = set_hotline(environment_id=environment.pk, phone="", **BY)

    assert refused.value.code == "hotline_no_number"
    assert (gone.phone, gone.history.count()) == ("", 2)


@pytest.mark.django_db
def test_draft__by_a_person__keeps_who_wrote_it_and_the_sites_in_order() -> None:
    user = make_person(Role.SUPPORT)
    for key in ("nantes", "lyon"):
        make_site(key=key)

    draft = make_draft(actor=person(user), places=Places.SITES, site_keys=["nantes", "lyon"])

    assert (draft.author_id, draft.status, draft.site_keys) == (user.pk, Status.DRAFT, ["lyon", "nantes"])
