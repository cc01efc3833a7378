"""Announcements go out: once by each outlet, to whom they are for, put right and taken back."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import translation
from django.utils.safestring import mark_safe

from announcements import outlets
from announcements.audience_queries import list_exposed_site_keys, read_reach
from announcements.default_words import HINTS
from announcements.domain.confirming import TYPED_FROM
from announcements.domain.kinds import Kind
from announcements.domain.lifecycle import Places, RunState, Status
from announcements.domain.message import Message
from announcements.domain.running import MAX_ATTEMPTS
from announcements.models import Announcement, OutletRun
from announcements.outlets import Outlet, Published
from announcements.tasks import drive_outlets, publish_due, remind_of_updates
from announcements.transitions import (
    correct_announcement,
    note_failure,
    publish_announcement,
    run_outlet,
    schedule_announcement,
    set_hotline,
    try_outlet_again,
    unschedule_announcement,
    withdraw_announcement,
)
from announcements.transitions.locking import get_locked_announcement
from core import clock
from core.actors import DEMO, SCHEDULER, person
from core.errors import InvalidInput, NotAllowed, Refusal
from core.models import User
from core.roles import Role
from flags.domain.audience import RuleAudience
from flags.transitions import NewMember, create_segment, create_till, kill_flag, switch_off, switch_on
from incidents.domain.words import WordStatus
from incidents.models import IncidentUpdate
from incidents.transitions import close_incident, confirm_restored
from notifications.labels import list_facts, say_body, say_subject
from notifications.models import Channel, Delivery, Event
from notifications.tasks import deliver
from tests.factories.announcements import make_content, make_draft, publish
from tests.factories.core import NOW, make_person
from tests.factories.flags import make_environment, make_flag, make_rule, make_site
from tests.factories.incidents import learn, make_incident
from tests.factories.world import make_rehearsal, make_world

pytestmark = pytest.mark.django_db
BY: dict[str, Any] = {"actor": DEMO, "reason": "needed by a test", "now": NOW}
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def reader() -> User:
    return make_person(Role.SUPPORT, language="fr")


@pytest.fixture
def till() -> Iterator[list[Message]]:
    """An outlet as another app adds one; what it was given."""
    shown: list[Message] = []

    def show(message: Message, *, now: Any) -> Published:
        shown.append(message)
        return Published(message.reach.tills, "/tills/")

    kept = dict(outlets._OUTLETS)
    outlets.register(
        Outlet(
            key="till",
            label="Till",
            hint="",
            preview=lambda message, language: mark_safe(message.say(language).text.title),
            publish=show,
            count=lambda reach: reach.tills,
        )
    )
    yield shown
    outlets._OUTLETS.clear()
    outlets._OUTLETS.update(kept)


def _event(announcement: Announcement, kind: str = "announcement") -> Event:
    return Event.objects.get(url=f"/announcements/{announcement.pk}/", kind=kind)


def test_publish__draft__reaches_inbox_and_mail_of_its_audience_once(reader: User) -> None:
    make_person(Role.AUDITOR)
    draft = publish(make_draft())

    assert draft.status == Status.PUBLISHED
    deliveries = Delivery.objects.filter(event=_event(draft))
    assert {(one.recipient_id, one.channel) for one in deliveries} == {
        (reader.pk, Channel.INBOX),
        (reader.pk, Channel.EMAIL),
    }
    run = OutletRun.objects.get()
    assert (run.status, run.reached, run.url) == (RunState.DONE, 1, f"/told/{_event(draft).pk}/")
    assert drive_outlets() == 0
    assert deliver() == 1


def test_publish__words__are_in_the_readers_language_with_what_stands_in_their_places(reader: User) -> None:
    environment = make_environment(name="Boutiques")
    set_hotline(environment_id=environment.pk, phone="01 23", **BY)
    draft = publish(
        make_draft(
            environment,
            title_fr="Nouvelles de {environment}",
            body_fr="Appelez le {hotline}.\nVersion {release}.",
            body_en="Call {hotline}.",
            next_update_at=NOW + HOUR,
        )
    )

    event = _event(draft)
    with translation.override("fr"):
        assert (say_subject(event), say_body(event)) == ("Nouvelles de Boutiques", "Appelez le 01 23.")
        assert "01 23" not in dict(list_facts(event)).values(), "the words name it already"
    with translation.override("en"):
        assert say_subject(event) == "Maintenance tonight"


def test_publish__one_language_with_a_reason__is_read_by_others_with_a_mark(reader: User) -> None:
    draft = publish(make_draft(title_en="", body_en="", one_language_reason="Urgent"))

    with translation.override("en"):
        assert say_subject(_event(draft)) == "[in French] Maintenance ce soir"
        assert say_body(_event(draft)) == "[in French] La caisse s’arrête à 20 h."


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"title_fr": "", "body_fr": "", "title_en": "", "body_en": ""}, "announcement_without_words"),
        ({"title_en": "", "body_en": ""}, "announcement_in_one_language"),
        ({"body_en": ""}, "announcement_half_said"),
        ({"body_en": "Call {hotline}."}, "announcement_half_said"),
        ({"body_en": f"{HINTS['en']}\nCall us."}, "announcement_hint_left"),
        ({"title_fr": "Version {release}"}, "placeholder_empty"),
        ({"outlets": []}, "announcement_without_outlet"),
        ({"kind": Kind.ROLLBACK_DONE}, "announcement_without_rollout"),
        ({"kind": Kind.INCIDENT_RESOLVED}, "announcement_without_incident"),
        ({"kind": Kind.MAINTENANCE_PLANNED}, "announcement_without_window"),
        ({"next_update_at": NOW}, "announcement_promise_past"),
        ({"roles": [], "places": Places.NOWHERE}, "announcement_for_nobody"),
        ({"outlets": ["incident"]}, "outlet_unfit"),
    ],
)
def test_publish__not_whole__is_refused_and_stays_a_draft(reader: User, wrong: dict[str, Any], code: str) -> None:
    draft = make_draft(**wrong)

    with pytest.raises(Refusal) as refused:
        publish_announcement(announcement_id=draft.pk, **BY)

    draft.refresh_from_db()
    assert (refused.value.code, draft.status) == (code, Status.DRAFT)
    assert not OutletRun.objects.exists()


def test_publish__without_a_reason__is_refused(reader: User) -> None:
    with pytest.raises(InvalidInput):
        publish_announcement(announcement_id=make_draft().pk, actor=DEMO, reason=" ", now=NOW)


def test_publish__twice__is_refused(reader: User) -> None:
    draft = publish(make_draft())

    with pytest.raises(Refusal):
        publish_announcement(announcement_id=draft.pk, **BY)

    assert draft.versions.count() == 1


def test_publish__to_many__wants_their_very_number(till: list[Message]) -> None:
    site = make_site()
    for number in range(TYPED_FROM):
        create_till(site_id=site.pk, key=f"till-{number}", name=f"Till {number}", **BY)
    draft = make_draft(outlets=["till"])

    for confirmed in (None, TYPED_FROM - 1):
        with pytest.raises(Refusal) as refused:
            publish_announcement(announcement_id=draft.pk, confirmed=confirmed, **BY)
        assert (refused.value.code, refused.value.data["readers"]) == ("announcement_unconfirmed", TYPED_FROM)
    publish(draft, confirmed=TYPED_FROM)

    assert [message.reach.tills for message in till] == [TYPED_FROM]


# -- incidents -------------------------------------------------------------------------------------------------------


def test_publish__of_an_incident__says_its_word_and_tells_nobody_twice() -> None:
    user, incident = make_person(Role.RELEASE_MANAGER), make_incident()
    draft = make_draft(
        incident.environment,
        kind=Kind.INCIDENT_INVESTIGATING,
        incident_id=incident.pk,
        outlets=["people", "incident"],
        roles=["release manager", "support", "admin"],
        next_update_at=NOW + timedelta(minutes=20),
    )

    publish(draft, user=user)

    word = IncidentUpdate.objects.get()
    assert (word.status, word.text_fr, word.next_at) == (
        WordStatus.INVESTIGATING,
        "La caisse s’arrête à 20 h.",
        NOW + timedelta(minutes=20),
    )
    assert word.by_id == user.pk
    assert not Event.objects.filter(kind="incident_word").exists()
    assert Event.objects.filter(kind="announcement").count() == 1


def test_publish__word_without_the_crew__tells_the_crew_of_it() -> None:
    incident = make_incident()
    draft = make_draft(
        incident.environment, kind=Kind.INCIDENT_INVESTIGATING, incident_id=incident.pk, outlets=["incident"]
    )

    publish(draft)

    assert Event.objects.filter(kind="incident_word").count() == 1


def test_publish__word_that_the_incident_refuses__is_refused_before_anything_is_said(reader: User) -> None:
    incident = make_incident()
    draft = make_draft(
        incident.environment,
        kind=Kind.INCIDENT_RESOLVED,
        incident_id=incident.pk,
        outlets=["people", "incident"],
    )

    with pytest.raises(Refusal) as refused:
        publish_announcement(announcement_id=draft.pk, actor=person(reader), reason="over", now=NOW)

    assert refused.value.code == "word_too_early"
    assert not Event.objects.filter(kind="announcement").exists()


def test_publish__word_by_a_program__is_refused() -> None:
    incident = make_incident()
    draft = make_draft(
        incident.environment, kind=Kind.INCIDENT_INVESTIGATING, incident_id=incident.pk, outlets=["incident"]
    )

    with pytest.raises(InvalidInput) as refused:
        publish_announcement(announcement_id=draft.pk, **BY)

    assert refused.value.code == "word_needs_person"


def test_publish__of_an_exercise__reaches_no_public_outlet(reader: User) -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    given: dict[str, Any] = {"kind": Kind.RELEASE_PLANNED, "rollout_id": rollout.pk}
    incident = make_incident(world.environment, is_rehearsal=True)
    word = make_draft(
        world.environment, kind=Kind.INCIDENT_INVESTIGATING, incident_id=incident.pk, outlets=["incident"]
    )

    with pytest.raises(Refusal) as refused:
        publish_announcement(announcement_id=word.pk, **BY)
    draft = publish(make_draft(world.environment, **given))

    assert refused.value.code == "announcement_of_exercise"
    assert say_subject(_event(draft)) == "Rehearsal: Maintenance tonight"


# -- audience --------------------------------------------------------------------------------------------------------


def test_reach__sites__counts_their_tills_and_tells_their_contacts_with_an_account(reader: User) -> None:
    contact = make_person(Role.AUDITOR, email="Ana@lyon.example")
    stranger = make_person(email="nobody@lyon.example")
    lyon = make_site(key="lyon", contact_email="ana@Lyon.example")
    make_site(key="nantes", contact_email=stranger.email)
    create_till(site_id=lyon.pk, key="t1", name="1", **BY)
    draft = make_draft(places=Places.SITES, site_keys=["lyon"])

    reach = read_reach(draft, now=NOW)

    assert set(reach.user_ids) == {reader.pk, contact.pk}
    assert (list(reach.site_keys), reach.tills, reach.mails, reach.is_everywhere) == (["lyon"], 1, 2, False)


def test_reach__nowhere__has_no_site() -> None:
    make_site()

    reach = read_reach(make_draft(places=Places.NOWHERE), now=NOW)

    assert (reach.people, reach.sites, reach.tills) == (0, 0, 0)


def test_exposed__by_rule_segment_and_share__are_the_sites_that_may_see_it() -> None:
    environment, flag = make_environment(), make_flag(default_variant="off")
    lyon, nantes, _lille = (make_site(key=key) for key in ("lyon", "nantes", "lille"))

    def ask() -> list[str]:
        return list_exposed_site_keys(flag, environment_id=environment.pk, now=NOW)

    make_rule(flag, environment, RuleAudience.for_site(lyon.pk))
    assert ask() == ["lyon"]
    switch_off(flag_id=flag.pk, environment_id=environment.pk, **BY)
    assert ask() == [], "it is off"
    switch_on(flag_id=flag.pk, environment_id=environment.pk, **BY)
    assert ask() == ["lyon"]
    segment = create_segment(key="pilots", name="Pilots", members=[NewMember("c-1", site_id=nantes.pk)], **BY)
    make_rule(flag, environment, RuleAudience.for_segment(segment.pk))
    assert ask() == ["lyon", "nantes"]
    kill_flag(flag_id=flag.pk, environment_id=environment.pk, **BY)
    assert ask() == ["lyon", "nantes"]
    make_rule(flag, environment, RuleAudience.everyone())
    assert ask() == ["lille", "lyon", "nantes"]


# -- scheduled -------------------------------------------------------------------------------------------------------


def test_schedule__due__goes_out_at_its_time_and_not_before(reader: User, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = make_draft()
    user = make_person(Role.RELEASE_MANAGER)
    by: dict[str, Any] = {"actor": person(user), "reason": "Tonight", "now": NOW}
    schedule_announcement(announcement_id=draft.pk, publish_at=NOW + HOUR, **by)

    assert publish_due() == 0
    monkeypatch.setattr(clock, "now", lambda: NOW + HOUR)
    assert publish_due() == 1
    assert publish_due() == 0

    draft.refresh_from_db()
    assert (draft.status, draft.publish_at, draft.confirmed_by_id) == (Status.PUBLISHED, None, user.pk)
    version = draft.versions.get()
    assert (version.by_id, version.by_label, version.at) == (user.pk, SCHEDULER.label, NOW + HOUR)
    assert Event.objects.filter(kind="announcement").count() == 1


def test_schedule__called_back__does_not_go_out(reader: User, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = make_draft()
    schedule_announcement(announcement_id=draft.pk, publish_at=NOW + HOUR, **BY)

    unschedule_announcement(announcement_id=draft.pk, **BY)
    monkeypatch.setattr(clock, "now", lambda: NOW + HOUR)

    assert publish_due() == 0
    draft.refresh_from_db()
    assert draft.status == Status.DRAFT


@pytest.mark.parametrize("publish_at", [NOW, NOW - HOUR, NOW + timedelta(days=400)])
def test_schedule__for_no_moment_ahead__is_refused(reader: User, publish_at: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        schedule_announcement(announcement_id=make_draft().pk, publish_at=publish_at, **BY)

    assert refused.value.code == "announcement_time_wrong"


def test_schedule__what_it_speaks_of_changed__is_a_draft_again_and_its_author_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user, incident = make_person(Role.RELEASE_MANAGER), make_incident()
    draft = make_draft(
        incident.environment, kind=Kind.INCIDENT_MONITORING, incident_id=incident.pk, outlets=["incident"]
    )
    by: dict[str, Any] = {"actor": person(user), "reason": "Soon", "now": NOW}
    schedule_announcement(announcement_id=draft.pk, publish_at=NOW + HOUR, **by)

    learn(incident)
    confirm_restored(incident_id=incident.pk, **by)
    incident.refresh_from_db()
    learn(incident)
    close_incident(incident_id=incident.pk, **by)

    monkeypatch.setattr(clock, "now", lambda: NOW + HOUR)
    publish_due()

    draft.refresh_from_db()
    assert (draft.status, draft.versions.count()) == (Status.DRAFT, 0)
    reason = draft.history.latest().history_change_reason
    assert reason == "It could not be said at its time: incident_closed"
    told = Delivery.objects.filter(event__kind="announcement_given_back", channel=Channel.INBOX)
    assert user.pk in set(told.values_list("recipient", flat=True))


# -- outlets that fail -----------------------------------------------------------------------------------------------


def _break_till(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(message: Message, *, now: Any) -> Published:
        Event.objects.create(kind="half", data={}, dedupe_key="half", created_at=now)
        raise error

    whole = outlets._OUTLETS["till"]
    outlets.register(Outlet(key="till", label="Till", hint="", preview=whole.preview, publish=fail, count=whole.count))


def test_outlet__fails__leaves_nothing_half_done_and_the_others_say_it(
    reader: User, till: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    _break_till(monkeypatch, ValueError("no paper"))

    draft = publish(make_draft(outlets=["people", "till"]))

    assert draft.status == Status.PUBLISHING
    assert not Event.objects.filter(kind="half").exists()
    assert Event.objects.filter(kind="announcement").count() == 1
    run = OutletRun.objects.get(outlet="till")
    assert (run.status, run.attempts, run.last_error) == (RunState.PENDING, 1, "ValueError: no paper")
    assert run.next_attempt_at > NOW


def test_outlet__fails_for_good__is_told_and_can_be_tried_again(
    reader: User, till: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = outlets._OUTLETS["till"]
    _break_till(monkeypatch, NotAllowed("outlet_unfit", outlet="Till"))
    draft = publish(make_draft(outlets=["people", "till"]))

    run = OutletRun.objects.get(outlet="till")
    assert (draft.status, run.status, run.failure) == (Status.PUBLISHED, RunState.FAILED, "outlet_unfit")
    assert Event.objects.filter(kind="announcement_failed").count() == 1

    outlets.register(whole)
    try_outlet_again(run_id=run.pk, actor=DEMO, now=NOW)
    assert drive_outlets() == 1
    assert len(till) == 1
    with pytest.raises(Refusal):
        try_outlet_again(run_id=run.pk, actor=DEMO, now=NOW)


def test_outlet__fails_too_often__gives_up(till: list[Message]) -> None:
    make_site()
    draft = make_draft(outlets=["till"])
    publish_announcement(announcement_id=draft.pk, **BY)
    run = OutletRun.objects.get()

    for _ in range(MAX_ATTEMPTS):
        note_failure(run.pk, code="", error="again", now=NOW)

    run.refresh_from_db()
    assert (run.status, run.attempts) == (RunState.FAILED, MAX_ATTEMPTS)


def test_outlet__gone_with_its_app__is_a_fault_by_name_and_stops_nothing(till: list[Message]) -> None:
    make_site()
    draft = make_draft(outlets=["till"])
    publish_announcement(announcement_id=draft.pk, **BY)
    del outlets._OUTLETS["till"]

    assert run_outlet(OutletRun.objects.get().pk, now=NOW) is False
    assert OutletRun.objects.get().failure == "outlet_unknown"


# -- put right, taken back -------------------------------------------------------------------------------------------


def test_correction__goes_to_those_who_were_told_says_what_was_wrong_and_keeps_what_was_said(reader: User) -> None:
    draft = publish(make_draft())
    make_person(Role.SUPPORT)

    correct_announcement(
        announcement_id=draft.pk,
        content=make_content(body_fr="La caisse s’arrête à 21 h.", body_en="The till stops at 9 pm."),
        note_fr="L’heure était fausse.",
        note_en="The hour was wrong.",
        **BY,
    )
    drive_outlets()

    draft.refresh_from_db()
    assert draft.status == Status.CORRECTED
    event = _event(draft, "announcement_corrected")
    assert set(event.deliveries.values_list("recipient", flat=True)) == {reader.pk}
    assert say_subject(event) == "Corrected: Maintenance tonight"
    assert say_body(event) == "What was corrected: The hour was wrong.\n\nThe till stops at 9 pm."
    said = list(draft.versions.order_by("number").values_list("number", "act", "body_en"))
    assert said == [(1, "first", "The till stops at 8 pm."), (2, "correction", "The till stops at 9 pm.")]


def test_correction__without_saying_what_was_wrong__is_refused(reader: User) -> None:
    draft = publish(make_draft())

    with pytest.raises(InvalidInput) as refused:
        correct_announcement(announcement_id=draft.pk, content=make_content(), note_fr=" ", note_en="", **BY)

    assert refused.value.code == "announcement_note_missing"


def test_correction__of_a_draft__is_refused(reader: User) -> None:
    with pytest.raises(Refusal) as refused:
        correct_announcement(announcement_id=make_draft().pk, content=make_content(), note_fr="a", note_en="", **BY)

    assert refused.value.code == "announcement_not_said"


def test_withdrawal__of_what_was_said__tells_the_same_people_why(reader: User) -> None:
    draft = publish(make_draft())

    withdraw_announcement(announcement_id=draft.pk, note_en="It was for another day.", **BY)
    drive_outlets()

    draft.refresh_from_db()
    event = _event(draft, "announcement_withdrawn")
    assert draft.status == Status.WITHDRAWN
    assert set(event.deliveries.values_list("recipient", flat=True)) == {reader.pk}
    with translation.override("fr"):
        assert "[en anglais] It was for another day." in say_body(event)
    assert draft.versions.get(number=2).act == "withdrawal"


def test_withdrawal__while_it_goes_out__drops_what_nobody_said_yet(reader: User, till: list[Message]) -> None:
    make_site()
    draft = make_draft(outlets=["people", "till"])
    publish_announcement(announcement_id=draft.pk, **BY)
    run_outlet(OutletRun.objects.get(outlet="people").pk, now=NOW)

    withdraw_announcement(announcement_id=draft.pk, note_fr="Trop tôt", **BY)
    drive_outlets()

    assert till == []
    states = set(OutletRun.objects.values_list("version__number", "outlet", "status"))
    assert states == {(1, "people", "done"), (1, "till", "dropped"), (2, "people", "done")}


def test_withdrawal__of_a_draft__needs_no_note_and_tells_nobody() -> None:
    draft = make_draft()

    withdraw_announcement(announcement_id=draft.pk, **BY)

    draft.refresh_from_db()
    assert (draft.status, draft.versions.count()) == (Status.WITHDRAWN, 0)


def test_withdrawal__of_a_word__leaves_it_said(reader: User) -> None:
    incident = make_incident()
    draft = publish(
        make_draft(
            incident.environment,
            kind=Kind.INCIDENT_INVESTIGATING,
            incident_id=incident.pk,
            outlets=["people", "incident"],
        )
    )

    withdraw_announcement(announcement_id=draft.pk, note_fr="Faux", **BY)
    drive_outlets()

    assert IncidentUpdate.objects.count() == 1
    assert OutletRun.objects.filter(version__number=2, outlet="incident").count() == 0


# -- promised updates ------------------------------------------------------------------------------------------------


def test_reminder__promised_update_due__comes_once_and_ends_with_the_next_word(
    reader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_person(Role.RELEASE_MANAGER)
    draft = publish(make_draft(actor=person(user), next_update_at=NOW + HOUR), user=user)

    assert remind_of_updates() == 0
    monkeypatch.setattr(clock, "now", lambda: NOW + HOUR)
    assert remind_of_updates() == 1
    assert remind_of_updates() == 0

    event = _event(draft, "announcement_update_due")
    assert set(event.deliveries.values_list("recipient", flat=True)) == {user.pk}


def test_reminder__followed_up__does_not_come(reader: User, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = publish(make_draft(next_update_at=NOW + HOUR))
    publish(make_draft(draft.environment, follows_id=draft.pk))

    monkeypatch.setattr(clock, "now", lambda: NOW + HOUR)

    assert remind_of_updates() == 0


def test_locked__unknown__is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        get_locked_announcement(10**9)

    assert refused.value.code == "announcement_unknown"
