"""Writes of the war room: notes with pictures, pins, what is known, ticks, public words; and two people at once."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from core.actors import SCHEDULER, person
from core.errors import InvalidInput, Refusal
from core.models import User
from core.people import deactivate_person
from core.roles import Role
from flags.models import Picture
from incidents.domain.lifecycle import Status
from incidents.domain.tiers import Tier
from incidents.domain.words import WordStatus
from incidents.models import Incident, IncidentUpdate, TimelineEntry
from incidents.tasks import warn_of_words
from incidents.timeline_queries import Place, Show, list_entries, list_news, map_corrections, read_board
from incidents.transitions import (
    acknowledge_incident,
    add_note,
    confirm_restored,
    pin_entry,
    say_word,
    tick_item,
    unpin_entry,
    untick_item,
    write_known,
)
from incidents.transitions.noting import MOST_PINNED
from notifications.models import Delivery, Event
from tests.factories.core import NOW, make_person
from tests.factories.incidents import make_incident, make_incident_in
from tests.factories.pictures import draw_picture
from tests.waiting import race

MINUTE = timedelta(minutes=1)
WORD: dict[str, Any] = {"status": WordStatus.INVESTIGATING, "text_fr": "La caisse est fermée", "text_en": "Till closed"}


@pytest.fixture
def user() -> User:
    return make_person(Role.SUPPORT, email="mia@example.org")


@pytest.fixture
def by(user: User) -> dict[str, Any]:
    return {"actor": person(user), "now": NOW}


def _say(incident: Incident, by: dict[str, Any], **given: Any) -> IncidentUpdate:
    return say_word(incident_id=incident.pk, **(WORD | by | given))


@pytest.mark.django_db
def test_note__with_a_picture__keeps_it_small_under_its_hash_and_without_where_it_was_taken(by: dict[str, Any]) -> None:
    incident = make_incident()
    uploaded = draw_picture((3000, 1500), kind="JPEG", exif=b"Exif\x00\x00secret place")

    entries = [
        add_note(incident_id=incident.pk, note="", picture=uploaded, picture_alt=" A red  screen ", **by)
        for _twice in range(2)
    ]

    assert {entry.picture_id for entry in entries} == {Picture.objects.get().pk}
    kept = Picture.objects.get()
    assert (kept.width, kept.height, entries[0].picture_alt) == (1200, 600, "A red screen")
    assert b"secret" not in bytes(kept.content)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"note": ""}, "note_empty"),
        ({"note": "x", "picture": b"<svg onload=alert(1)>", "picture_alt": "x"}, "picture_unreadable"),
        ({"note": "x", "picture": b"%PDF-1.7", "picture_alt": "x"}, "picture_unreadable"),
        ({"note": "x", "picture": draw_picture()}, "picture_untold"),
        ({"note": "x", "picture": b"x" * (8 * 1024 * 1024 + 1), "picture_alt": "x"}, "picture_too_large"),
        ({"note": "x", "picture": draw_picture(), "picture_alt": "x" * 301}, "text_too_long"),
        ({"note": "x", "corrects": 999_999}, "entry_unknown"),
    ],
)
def test_note__wrong__is_refused_and_leaves_nothing(given: dict[str, Any], code: str, by: dict[str, Any]) -> None:
    incident = make_incident()

    with pytest.raises(InvalidInput) as refused:
        add_note(incident_id=incident.pk, **(by | given))

    assert refused.value.code == code
    assert incident.timeline.count() == 1
    assert not Picture.objects.exists()


@pytest.mark.django_db
def test_note__put_right__stays_and_names_what_follows_it(by: dict[str, Any]) -> None:
    incident = make_incident()
    wrong = add_note(incident_id=incident.pk, note="Lyon", **by)
    right = add_note(incident_id=incident.pk, note="Nantes", corrects=wrong.pk, **by)

    assert map_corrections([wrong, right]) == {wrong.pk: right}
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        TimelineEntry.objects.filter(pk=wrong.pk).update(note="Nantes")
    elsewhere = make_incident()
    with pytest.raises(InvalidInput):
        add_note(incident_id=elsewhere.pk, note="x", corrects=wrong.pk, **by)


@pytest.mark.django_db
def test_pins__put_on_and_taken_off__are_on_record_and_bounded(by: dict[str, Any]) -> None:
    incident = make_incident()
    notes = [add_note(incident_id=incident.pk, note="x", **by) for _ in range(MOST_PINNED + 1)]
    for note in notes[:-1]:
        pin_entry(incident_id=incident.pk, entry_id=note.pk, **by)

    with pytest.raises(Refusal) as refused:
        pin_entry(incident_id=incident.pk, entry_id=notes[-1].pk, **by)
    assert refused.value.code == "pinned_too_many"

    unpin_entry(incident_id=incident.pk, entry_id=notes[0].pk, **by)
    unpin_entry(incident_id=incident.pk, entry_id=notes[0].pk, **by)
    assert read_board(incident.pk).pinned == tuple(note.pk for note in reversed(notes[1:-1]))
    assert incident.timeline.filter(code="unpinned").count() == 1
    with pytest.raises(InvalidInput):
        pin_entry(incident_id=make_incident().pk, entry_id=notes[0].pk, **by)


@pytest.mark.django_db
def test_known__written_over_what_another_wrote__is_refused(by: dict[str, Any]) -> None:
    incident = make_incident()
    first = write_known(incident_id=incident.pk, text="No till in Lyon", seen=0, **by)

    with pytest.raises(Refusal) as refused:
        write_known(incident_id=incident.pk, text="All is well", seen=0, **by)
    write_known(incident_id=incident.pk, text="Two tills", seen=first.pk, **by)

    known = read_board(incident.pk).known
    assert refused.value.code == "changed_meanwhile"
    assert known is not None
    assert known.note == "Two tills"


@pytest.mark.django_db
def test_ticks__people_tick_what_the_program_does_not_see(by: dict[str, Any]) -> None:
    incident = make_incident()
    for _twice in range(2):
        tick_item(incident_id=incident.pk, item="call_shops", **by)
    assert set(read_board(incident.pk).ticked) == {"call_shops"}
    assert incident.timeline.filter(code="ticked").count() == 1

    untick_item(incident_id=incident.pk, item="call_shops", **by)
    assert not read_board(incident.pk).ticked
    with pytest.raises(InvalidInput):
        tick_item(incident_id=incident.pk, item="restored", **by)
    closed = make_incident_in(Status.CLOSED)
    with pytest.raises(Refusal):
        tick_item(incident_id=closed.pk, item="call_shops", **by)


@pytest.mark.django_db
def test_word__said__is_on_record_in_the_timeline_and_told_to_the_crew(by: dict[str, Any]) -> None:
    incident = make_incident()

    update = _say(incident, by, next_at=NOW + 10 * MINUTE, seen=0)

    assert incident.timeline.filter(code="word_said", data__update=update.pk).exists()
    assert Event.objects.get(kind="incident_word").data["text_fr"] == WORD["text_fr"]
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        IncidentUpdate.objects.update(text_fr="Rien")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"text_fr": " ", "text_en": ""}, "word_empty"),
        ({"text_en": ""}, "word_in_one_language"),
        ({"text_fr": "x" * 2_001}, "text_too_long"),
        ({"text_fr": "\x00"}, "text_unreadable"),
        ({"next_at": NOW + 21 * MINUTE}, "promise_wrong"),
        ({"next_at": NOW}, "promise_wrong"),
        ({"status": WordStatus.RESOLVED}, "word_too_early"),
        ({"actor": SCHEDULER}, "word_needs_person"),
        ({"seen": 17}, "word_said_meanwhile"),
    ],
)
def test_word__wrong__is_refused(given: dict[str, Any], code: str, by: dict[str, Any]) -> None:
    incident = make_incident()

    with pytest.raises(Refusal) as refused:
        _say(incident, by, **given)

    assert refused.value.code == code
    assert not IncidentUpdate.objects.exists()


@pytest.mark.django_db
def test_word__one_language_with_a_reason__is_enough_also_for_the_database(by: dict[str, Any], user: User) -> None:
    incident = make_incident()
    _say(incident, by, text_en="", one_language_reason="Only the shop in Lyon")

    with pytest.raises(IntegrityError, match="incidents_update_said"), transaction.atomic():
        IncidentUpdate.objects.create(incident=incident, status="identified", text_fr="x", at=NOW, by=user)


@pytest.mark.django_db
def test_overdue__nothing_said__warns_once_for_each_due_whoever_speaks(
    by: dict[str, Any], user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = make_incident(tier=Tier.CRITICAL)
    moment = [NOW + 4 * MINUTE]
    monkeypatch.setattr("incidents.tasks.clock.now", lambda: moment[0])
    assert warn_of_words() == 0

    moment[0] = NOW + 6 * MINUTE
    assert [warn_of_words(), warn_of_words()] == [1, 0]

    acknowledge_incident(incident_id=incident.pk, reason="mine", **by)
    _say(incident, by | {"now": moment[0]})
    moment[0] += 19 * MINUTE
    assert warn_of_words() == 0
    moment[0] += 2 * MINUTE
    assert [warn_of_words(), warn_of_words()] == [1, 0]
    last = Event.objects.filter(kind="incident_word_due").order_by("-pk")[0]
    assert set(Delivery.objects.filter(event=last).values_list("recipient", flat=True)) == {user.pk}


@pytest.mark.django_db
def test_overdue__commander_left__the_crew_is_told(
    by: dict[str, Any], user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager, support = make_person(Role.RELEASE_MANAGER), make_person(Role.SUPPORT)
    incident = make_incident(actor=person(support))
    acknowledge_incident(incident_id=incident.pk, reason="mine", **by)
    deactivate_person(user_id=user.pk, actor=SCHEDULER, reason="left", now=NOW)
    monkeypatch.setattr("incidents.tasks.clock.now", lambda: NOW + 6 * MINUTE)

    assert warn_of_words() == 1
    told = Delivery.objects.filter(event__kind="incident_word_due")
    assert set(told.values_list("recipient", flat=True)) == {manager.pk, support.pk}


@pytest.mark.django_db
def test_overdue__restored__its_end_is_asked_for_and_then_nothing(
    by: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = make_incident()
    _say(incident, by)
    confirm_restored(incident_id=incident.pk, reason="seen", **by)
    monkeypatch.setattr("incidents.tasks.clock.now", lambda: NOW + 6 * MINUTE)
    assert warn_of_words() == 1

    _say(incident, by, status=WordStatus.RESOLVED)
    monkeypatch.setattr("incidents.tasks.clock.now", lambda: NOW + 60 * MINUTE)
    assert warn_of_words() == 0


@pytest.mark.django_db
def test_pages__by_key__hold_each_line_once_and_news_read_on(by: dict[str, Any]) -> None:
    incident = make_incident()
    for number in range(7):
        add_note(incident_id=incident.pk, note=str(number), **by)
    board = read_board(incident.pk)

    found, before = [], None
    for _page in range(4):
        page = list_entries(incident.pk, board=board, before=before, size=2)
        found += [entry.pk for entry in page.entries]
        before = page.older
    assert before is None
    assert found == sorted(incident.timeline.values_list("pk", flat=True), reverse=True)

    news = list_news(incident.pk, since=found[-1], board=board, size=5)
    rest = list_news(incident.pk, since=news[-1].pk, board=board, size=5)
    assert [entry.pk for entry in (*news, *rest)] == found[-2::-1]
    place = Place(NOW, 0)
    assert list_entries(incident.pk, board=board, show=Show.AUTOMATIC, before=place).entries == []


@pytest.mark.django_db(transaction=True)
def test_pin__two_at_once__one_line_tells_of_it(by: dict[str, Any]) -> None:
    incident = make_incident()
    note = add_note(incident_id=incident.pk, note="x", **by)

    ended = race(*[partial(pin_entry, incident_id=incident.pk, entry_id=note.pk, **by)] * 2)

    assert ended == "done"
    assert incident.timeline.filter(code="pinned").count() == 1


@pytest.mark.django_db(transaction=True)
def test_word__two_at_once__the_second_reads_the_first_before(by: dict[str, Any]) -> None:
    incident = make_incident()

    ended = race(*[partial(_say, incident, by, seen=0)] * 2)

    assert ended == "word_said_meanwhile"
    assert IncidentUpdate.objects.count() == 1


@pytest.mark.django_db
def test_indexes__of_a_long_timeline__serve_pages_news_and_board() -> None:
    incident = make_incident()
    rows = (
        TimelineEntry(incident=incident, at=NOW + number * MINUTE, code="told", actor_label="x", source=f"t:{number}")
        for number in range(3_000)
    )
    TimelineEntry.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        # An index gives the order by itself, whatever the planner thinks of so few rows.
        cursor.execute("SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off")

    page = TimelineEntry.objects.filter(incident=incident)[:51].explain()
    news = TimelineEntry.objects.filter(incident=incident, pk__gt=10).order_by("pk")[:50].explain()

    assert "incidents_entry_newest" in page
    assert "Sort" not in page
    assert "Sort" not in news
