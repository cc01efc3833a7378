"""Writes of incidents: declared, driven along the table, closed only when learnt from."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from core.actors import INTAKE, SCHEDULER, person
from core.errors import InvalidInput, Refusal
from core.models import User
from core.roles import Role
from core.versions import get_version
from incidents.domain.lifecycle import EDGES, Status
from incidents.domain.tiers import Tier
from incidents.models import DeadlineWarning, Incident, PostMortem
from incidents.queries import read_clock
from incidents.transitions import (
    acknowledge_incident,
    add_note,
    change_tier,
    close_incident,
    confirm_restored,
    merge_incident,
    mitigate_incident,
    reopen_incident,
    undo_merge,
)
from notifications.models import Event
from tests.factories.core import NOW, make_person
from tests.factories.flags import make_environment
from tests.factories.incidents import learn, make_incident, make_incident_in

HOUR = timedelta(hours=1)
MOVES: dict[Status, Callable[..., Incident]] = {
    Status.OPEN: reopen_incident,
    Status.MITIGATED: mitigate_incident,
    Status.RESOLVED: confirm_restored,
    Status.CLOSED: close_incident,
}


@pytest.fixture
def user() -> User:
    return make_person(Role.SUPPORT)


@pytest.fixture
def by(user: User) -> dict[str, Any]:
    return {"actor": person(user), "reason": "said so", "now": NOW}


def _codes(incident: Incident) -> list[str]:
    return list(incident.timeline.order_by("pk").values_list("code", flat=True))


@pytest.mark.django_db
@pytest.mark.parametrize("start", Status)
@pytest.mark.parametrize("end", Status)
def test_moves__every_pair_of_states__agree_with_the_table(start: Status, end: Status, by: dict[str, Any]) -> None:
    incident = make_incident_in(start)
    if start not in {Status.CLOSED, Status.MERGED}:
        learn(incident)
    other = make_incident(incident.environment)
    moves = MOVES | {Status.MERGED: partial(merge_incident, into_id=other.pk)}
    if start is Status.MERGED:
        moves[Status.OPEN] = undo_merge
    rows = incident.history.count()

    if end in EDGES[start]:
        moves[end](incident_id=incident.pk, **by)
        incident.refresh_from_db()
        assert incident.status == end
        assert incident.history.latest().history_change_reason == "said so"
        assert incident.timeline.first() is not None
    else:
        with pytest.raises(Refusal, match="wrong_state"):
            moves[end](incident_id=incident.pk, **by)
        incident.refresh_from_db()
        assert (incident.status, incident.history.count()) == (start, rows)


@pytest.mark.django_db
@pytest.mark.parametrize("move", [*MOVES.values(), acknowledge_incident])
def test_moves__without_a_reason_or_on_nothing__are_refused(move: Callable[..., Incident], user: User) -> None:
    start = {confirm_restored: Status.OPEN, reopen_incident: Status.RESOLVED, close_incident: Status.RESOLVED}
    incident = make_incident_in(start.get(move, Status.OPEN))
    learn(incident)

    with pytest.raises(InvalidInput, match="reason_missing"):
        move(incident_id=incident.pk, actor=person(user), reason="  ", now=NOW)
    with pytest.raises(InvalidInput, match="reason_unreadable"):
        move(incident_id=incident.pk, actor=person(user), reason="nul\x00", now=NOW)
    with pytest.raises(InvalidInput, match="incident_unknown"):
        move(incident_id=999_999, actor=person(user), reason="x", now=NOW)


@pytest.mark.django_db
def test_clock__from_detection_to_verified_restoration__mitigation_does_not_stop_it(by: dict[str, Any]) -> None:
    incident = make_incident(tier=Tier.CRITICAL, detected_at=NOW - HOUR / 2)
    by["now"] = NOW + HOUR / 4
    incident = mitigate_incident(incident_id=incident.pk, **by)
    assert read_clock(incident, now=NOW + HOUR).is_missed
    assert read_clock(incident, now=NOW + HOUR).is_running

    incident = confirm_restored(incident_id=incident.pk, **by)

    clock = read_clock(incident, now=NOW + 100 * HOUR)
    assert (clock.is_running, clock.is_missed, clock.taken, clock.left) == (False, False, HOUR * 3 / 4, HOUR / 4)
    assert (clock.used_bp, clock.figure, clock.tone) == (7_500, "0:15:00", "warn")

    incident = reopen_incident(incident_id=incident.pk, **by)
    assert read_clock(incident, now=NOW + HOUR).taken == HOUR * 3 / 2


@pytest.mark.django_db
@pytest.mark.parametrize("actor", [SCHEDULER, INTAKE])
def test_restoration_and_command__by_a_program__are_refused(actor: Any) -> None:
    incident = make_incident()

    with pytest.raises(InvalidInput, match="restoration_needs_person"):
        confirm_restored(incident_id=incident.pk, actor=actor, reason="looks fine", now=NOW)
    with pytest.raises(InvalidInput, match="command_needs_person"):
        acknowledge_incident(incident_id=incident.pk, actor=actor, reason="mine", now=NOW)


@pytest.mark.django_db
def test_command__taken_then_taken_over__is_on_the_timeline(user: User, by: dict[str, Any]) -> None:
    incident = make_incident()
    acknowledge_incident(incident_id=incident.pk, **by)
    with pytest.raises(Refusal, match="already_acknowledged"):
        acknowledge_incident(incident_id=incident.pk, **by)
    other = make_person(Role.RELEASE_MANAGER)

    incident = acknowledge_incident(incident_id=incident.pk, actor=person(other), reason="Shift ends", now=NOW + HOUR)

    assert (incident.commander, incident.acknowledged_at) == (other, NOW)
    assert _codes(incident) == ["opened", "acknowledged", "handed_over"]


@pytest.mark.django_db
@pytest.mark.parametrize("status", [Status.RESOLVED, Status.CLOSED])
def test_command__of_what_is_over__is_refused(status: Status, by: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="wrong_state"):
        acknowledge_incident(incident_id=make_incident_in(status).pk, **by)


@pytest.mark.django_db
def test_tier__raised__needs_no_reason_and_is_told_with_the_new_deadline(user: User) -> None:
    incident = make_incident(tier=Tier.MINOR)

    incident = change_tier(incident_id=incident.pk, tier=Tier.CRITICAL, actor=person(user), reason="", now=NOW)

    assert (incident.tier, incident.highest_tier) == (Tier.CRITICAL, Tier.CRITICAL)
    assert read_clock(incident, now=NOW).deadline == NOW + HOUR
    told = Event.objects.get(kind="incident_raised")
    assert told.data["deadline"] == (NOW + HOUR).isoformat(timespec="minutes")


@pytest.mark.django_db
def test_tier__lowered__wants_a_reason_and_the_highest_still_counts(user: User) -> None:
    incident = make_incident(tier=Tier.CRITICAL)
    with pytest.raises(InvalidInput, match="reason_missing"):
        change_tier(incident_id=incident.pk, tier=Tier.MINOR, actor=person(user), reason=" ", now=NOW)

    incident = change_tier(incident_id=incident.pk, tier=Tier.MINOR, actor=person(user), reason="One till", now=NOW)

    assert (incident.tier, incident.highest_tier) == (Tier.MINOR, Tier.CRITICAL)
    assert read_clock(incident, now=NOW).deadline == NOW + HOUR
    assert not Event.objects.filter(kind="incident_raised").exists()


@pytest.mark.django_db
def test_tier__the_same_or_of_a_closed_incident__is_refused(by: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="tier_unchanged"):
        change_tier(incident_id=make_incident(tier=Tier.MINOR).pk, tier=Tier.MINOR, **by)
    with pytest.raises(Refusal, match="incident_closed"):
        change_tier(incident_id=make_incident_in(Status.CLOSED).pk, tier=Tier.MINOR, **by)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"title": " \n "}, "title_missing"),
        ({"title": "nul\x00"}, "text_unreadable"),
        ({"title": "x" * 10_001}, "text_too_long"),
        ({"detected_at": NOW + timedelta(seconds=1)}, "detected_in_future"),
        ({"detected_at": NOW - timedelta(days=8)}, "detected_too_long_ago"),
        ({"reason": ""}, "reason_missing"),
    ],
)
def test_declare__wrong_value__is_refused_and_nothing_is_written(given: dict[str, Any], code: str) -> None:
    environment = make_environment()

    with pytest.raises(InvalidInput) as refused:
        make_incident(environment, **given)

    assert refused.value.code == code
    assert not Incident.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_declare__by_hand__is_told_once_and_has_its_post_mortem() -> None:
    incident = make_incident(title="  Till \n down ", flag_keys=["a"], site_keys=["lyon"])

    assert (incident.title, incident.flag_keys, incident.site_keys) == ("Till down", ["a"], ["lyon"])
    assert PostMortem.objects.get().incident == incident
    assert Event.objects.get().url == f"/incidents/{incident.pk}/"
    assert _codes(incident) == ["opened"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("note", "code"), [(" ", "note_empty"), ("\x00x", "text_unreadable"), ("x" * 10_001, "text_too_long")]
)
def test_note__wrong__is_refused(note: str, code: str, user: User) -> None:
    incident = make_incident()

    with pytest.raises(InvalidInput, match=code):
        add_note(incident_id=incident.pk, note=note, actor=person(user), now=NOW)

    assert _codes(incident) == ["opened"]


@pytest.mark.django_db(transaction=True)
def test_move__two_people_at_once_on_one_version__one_wins() -> None:
    incident = make_incident()
    seen = get_version(incident)
    people = [make_person(Role.SUPPORT) for _ in range(2)]

    def take(who: User) -> str:
        try:
            acknowledge_incident(incident_id=incident.pk, actor=person(who), reason="mine", now=NOW, seen=seen)
        except Refusal as refusal:
            return refusal.code
        else:
            return "won"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(take, people)) == ["changed_meanwhile", "won"]
    assert _codes(incident) == ["opened", "acknowledged"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"status": "lost"}, "incidents_status_known"),
        ({"tier": "huge"}, "incidents_tier_known"),
        ({"restored_at": NOW}, "incidents_restored_by_somebody"),
        ({"status": "resolved"}, "incidents_resolved_is_restored"),
        ({"highest_tier": "huge"}, "incidents_highest_tier_counts"),
        ({"tier": "critical", "highest_tier": "important"}, "incidents_highest_tier_counts"),
        ({"tier": "important", "highest_tier": "minor"}, "incidents_highest_tier_counts"),
        ({"acknowledged_at": NOW}, "incidents_commanded_since"),
        ({"status": "mitigated"}, "incidents_mitigated_when"),
        ({"opened_at": NOW - timedelta(days=9)}, "incidents_opened_after_detection"),
        ({"title": ""}, "incidents_titled"),
    ],
)
def test_incident__impossible_values__are_refused_by_the_database(values: dict[str, Any], name: str) -> None:
    incident = make_incident()

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Incident.objects.filter(pk=incident.pk).update(**values)


@pytest.mark.django_db
def test_incident__running_and_restored_at_once__is_refused_by_the_database() -> None:
    incident = make_incident()
    who = make_person(Role.SUPPORT)

    with pytest.raises(IntegrityError, match="incidents_running_not_restored"), transaction.atomic():
        Incident.objects.filter(pk=incident.pk).update(restored_at=NOW, restored_by=who)


@pytest.mark.django_db
def test_warning__another_share_of_the_time__is_refused_by_the_database() -> None:
    with pytest.raises(IntegrityError, match="incidents_warning_known"), transaction.atomic():
        DeadlineWarning.objects.create(incident=make_incident(), percent=60, at=NOW)
