"""The outlets that other apps' parts stand behind: messages in the till, and mail to users of the tills."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from announcements.domain.kinds import Kind
from announcements.domain.lifecycle import Places
from announcements.domain.message import Reach
from announcements.messages import compose_message
from announcements.models import Announcement
from announcements.people_outlet import PEOPLE
from announcements.tasks import drive_outlets
from announcements.transitions import correct_announcement, withdraw_announcement
from announcements.users_outlet import USERS
from core.actors import Actor, person
from core.errors import InvalidInput, Refusal
from core.roles import Role
from notices.domain.levels import Level
from notices.models import Notice
from notices.queries import load_boards
from notifications.contact_models import Contact
from notifications.contact_transitions import Row, add_users, end_contact
from notifications.models import Broadcast, Delivery, DeliveryStatus, Event
from tests.factories.announcements import make_content, make_draft, publish
from tests.factories.core import NOW, make_person
from tests.factories.flags import make_environment, make_site
from tests.factories.incidents import make_incident

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=5)


def _actor() -> Actor:
    return person(make_person(Role.RELEASE_MANAGER))


def _correct(said: Announcement, **words: Any) -> None:
    correct_announcement(
        announcement_id=said.pk,
        content=make_content(**words),
        note_fr="L’heure était fausse.",
        note_en="The hour was wrong.",
        actor=_actor(),
        reason="Wrong hour",
        now=LATER,
    )
    drive_outlets(said.pk)


def _withdraw(said: Announcement) -> None:
    withdraw_announcement(
        announcement_id=said.pk,
        note_fr="Annulé.",
        note_en="Called off.",
        actor=_actor(),
        reason="Called off",
        now=LATER,
    )
    drive_outlets(said.pk)


def _shown(environment: Any, *, at: Any = NOW) -> list[tuple[str, str]]:
    return [(one.level, one.french.text) for one in load_boards(now=at).get(environment.pk, ())]


def test_till__announcement__is_shown_corrected_and_taken_away() -> None:
    environment = make_environment()
    said = publish(make_draft(environment, outlets=["till"]))
    assert _shown(environment) == [(Level.WARNING, "La caisse s’arrête à 20 h.")]

    _correct(said, outlets=["till"], body_fr="À 21 h.")
    assert [text for _level, text in _shown(environment, at=LATER)] == ["L’heure était fausse.\n\nÀ 21 h."]

    _withdraw(said)
    assert _shown(environment, at=LATER) == []
    assert Notice.history.latest("history_id").history_change_reason == f"Announcement {said.pk}"


def test_till__all_clear__ends_by_itself_after_a_day() -> None:
    environment = make_environment()
    with time_machine.travel(NOW, tick=False):
        publish(make_draft(environment, outlets=["till"], kind=Kind.ALL_CLEAR))

    notice = Notice.objects.get()
    assert (notice.level, notice.ends_at) == (Level.INFO, NOW + timedelta(days=1))


def test_till__what_says_more__takes_the_place_of_what_it_speaks_of_also_after_its_window() -> None:
    environment = make_environment()
    window: dict[str, Any] = {"starts_at": NOW, "ends_at": NOW + timedelta(hours=2)}
    given: dict[str, Any] = {"outlets": ["till"], **window}
    planned = publish(make_draft(environment, kind=Kind.MAINTENANCE_PLANNED, **given))
    begun = publish(make_draft(environment, kind=Kind.MAINTENANCE_BEGUN, follows_id=planned.pk, **given), now=LATER)
    after = NOW + timedelta(hours=3)

    with time_machine.travel(after, tick=False):
        over = make_draft(
            environment, kind=Kind.MAINTENANCE_ENDED, follows_id=begun.pk, body_fr="C’est fini.", now=after, **given
        )
        publish(over, now=after)

    assert _shown(environment, at=after) == [(Level.INFO, "C’est fini.")]
    assert Notice.objects.filter(taken_away_at=None).count() == 1


def test_correction__of_a_window__moves_it_where_it_names_one() -> None:
    environment = make_environment()
    window: dict[str, Any] = {"starts_at": LATER, "ends_at": LATER + timedelta(hours=1)}
    said = publish(make_draft(environment, outlets=["till"], kind=Kind.MAINTENANCE_PLANNED, **window))

    _correct(said)
    said.refresh_from_db()
    assert (said.starts_at, said.ends_at) == (window["starts_at"], window["ends_at"])

    _correct(said, **{name: moment + timedelta(hours=2) for name, moment in window.items()}, body_fr="Le {starts}.")
    version = said.versions.get(number=3)
    assert (version.starts_at, version.ends_at) == (LATER + timedelta(hours=2), LATER + timedelta(hours=3))
    assert version.body_fr != "Le {starts}."

    with pytest.raises(InvalidInput):
        _correct(said, starts_at=LATER, ends_at=LATER)


def test_users__announcement__names_no_environment() -> None:
    add_users([Row("a@example.org")], now=NOW)

    publish(make_draft(outlets=["users"]))

    assert "environment" not in Broadcast.objects.get().event.data


def test_users__announcement__is_written_to_each_of_them_without_a_link_into_the_portal() -> None:
    add_users([Row("a@example.org"), Row("b@example.org", "en")], now=NOW)

    publish(make_draft(outlets=["users"]))

    broadcast = Broadcast.objects.get()
    assert broadcast.recipients == 2
    assert Delivery.objects.filter(event=broadcast.event, contact__isnull=False).count() == 2
    assert broadcast.event.url == ""


def test_users__nobody_to_write_to__is_refused_before_anything_is_said() -> None:
    draft = make_draft(outlets=["users"])

    with pytest.raises(Refusal):
        publish(draft)

    assert Announcement.objects.get().status == "draft"
    assert not Broadcast.objects.exists()


@pytest.mark.parametrize("outlet", ["till", "users"])
@pytest.mark.parametrize("places", [Places.NOWHERE, Places.SITES])
def test_outlet__for_no_site__is_refused_rather_than_for_all_of_them(outlet: str, places: Places) -> None:
    environment, reader = make_environment(), make_person(Role.SUPPORT)
    make_site()
    add_users([Row("a@example.org")], now=NOW)
    draft = make_draft(environment, outlets=["people", outlet], places=places)

    with pytest.raises(Refusal) as refused:
        publish(draft)

    assert refused.value.code == "announcement_at_no_site"
    assert USERS.count(Reach(user_ids=[reader.pk])) == 0
    assert not Broadcast.objects.exists()
    assert not Notice.objects.exists()


def test_users__correction__goes_to_those_who_were_told_alone() -> None:
    add_users([Row("told@example.org"), Row("ended@example.org")], now=NOW)
    said = publish(make_draft(outlets=["users"]))
    Delivery.objects.filter(contact__isnull=False).update(status=DeliveryStatus.SENT, sent_at=NOW)
    add_users([Row("later@example.org")], now=NOW)
    end_contact(contact_id=Contact.objects.get(email="ended@example.org").pk, now=NOW)

    _correct(said, outlets=["users"], body_fr="À 21 h.")

    [correction] = Event.objects.filter(kind="announcement_corrected")
    assert [one.contact.email for one in correction.deliveries.all() if one.contact] == ["told@example.org"]


def test_users__preview__has_no_button_that_their_mail_has_not() -> None:
    draft = make_draft()
    message = compose_message(draft, by_id=None, now=NOW)

    assert "Open in the portal" in PEOPLE.preview(message, "en")
    assert "Open in the portal" not in USERS.preview(message, "en")


def test_till__older_one_corrected__leaves_the_newer_one_in_its_place() -> None:
    environment = make_environment()
    incident = make_incident(environment=environment, detected_at=NOW)
    about: dict[str, Any] = {"outlets": ["till"], "incident_id": incident.pk}
    old = publish(make_draft(environment, kind=Kind.INCIDENT_INVESTIGATING, **about))
    new = make_draft(environment, kind=Kind.INCIDENT_RESOLVED, body_fr="C’est fini.", now=LATER, **about)
    publish(new, now=LATER)
    assert [text for _level, text in _shown(environment, at=LATER)] == ["C’est fini."]

    _correct(old, outlets=["till"], body_fr="Une faute de frappe.")

    assert [text for _level, text in _shown(environment, at=LATER)] == ["C’est fini."]


def test_users__taken_back__what_was_not_sent_stays_so() -> None:
    add_users([Row("sent@example.org"), Row("waits@example.org")], now=NOW)
    said = publish(make_draft(outlets=["users"]))
    Delivery.objects.filter(contact__email="sent@example.org").update(status=DeliveryStatus.SENT, sent_at=NOW)

    _withdraw(said)

    statuses = dict(Delivery.objects.filter(contact__isnull=False).values_list("contact__email", "status"))
    assert statuses == {"sent@example.org": "sent", "waits@example.org": "dead"}
    assert Broadcast.objects.get().status == "ended"


def test_users__corrected_while_it_goes_out__reaches_those_who_waited_with_the_right_words_alone() -> None:
    add_users([Row("sent@example.org"), Row("waits@example.org")], now=NOW)
    said = publish(make_draft(outlets=["users"]))
    Delivery.objects.filter(contact__email="sent@example.org").update(status=DeliveryStatus.SENT, sent_at=NOW)

    _correct(said, outlets=["users"], body_fr="À 21 h.")

    rows = Delivery.objects.filter(contact__isnull=False).order_by("event__created_at", "contact__email")
    assert list(rows.values_list("event__kind", "contact__email", "status")) == [
        ("announcement", "sent@example.org", "sent"),
        ("announcement", "waits@example.org", "dead"),
        ("announcement_corrected", "sent@example.org", "pending"),
        ("announcement_corrected", "waits@example.org", "pending"),
    ]
