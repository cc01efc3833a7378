"""Warnings of a deadline: each once, to more people the later it is, also with two beats and after an outage."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock
from core.actors import DEMO, person
from core.models import User
from core.people import deactivate_person
from core.roles import Role
from incidents import tasks
from incidents.domain.escalation import OVERDUE_HOURS, DueWarning, choose, list_due
from incidents.domain.lifecycle import Status
from incidents.domain.tiers import RTO, Tier, higher_tier
from incidents.models import DeadlineWarning, Incident
from incidents.transitions import (
    acknowledge_incident,
    change_tier,
    confirm_restored,
    get_locked_incident,
    reopen_incident,
)
from notifications.labels import say_body, say_next, say_subject
from notifications.models import Channel, Delivery, Event
from tests.factories.core import NOW, make_person
from tests.factories.incidents import make_incident, make_incident_in
from tests.waiting import race

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
KINDS = ("incident_half", "incident_short", "incident_missed", "incident_overdue")


class Crew:
    """A person of each role."""

    def __init__(self) -> None:
        self.by_role = {role: make_person(role) for role in Role}

    def __getitem__(self, role: Role) -> User:
        return self.by_role[role]


@pytest.fixture
def crew(db: None) -> Crew:
    return Crew()


def _beat(at: datetime, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(clock, "now", lambda: at)
    return tasks.warn_of_deadlines()


def _told(kind: str) -> set[User]:
    rows = Delivery.objects.filter(event__kind=kind, channel=Channel.INBOX).select_related("recipient")
    return {row.reader for row in rows}


@given(
    st.lists(st.tuples(st.timedeltas(timedelta(), timedelta(days=3)), st.sampled_from(Tier)), min_size=1, max_size=30)
)
def test_choose__any_beats_and_raises__tells_each_once_and_always_a_higher_one(
    beats: list[tuple[timedelta, Tier]],
) -> None:
    now, tier, noted, told = NOW, Tier.MINOR, set[DueWarning](), list[DueWarning]()
    for passed, raised in beats:
        now, tier = now + passed, higher_tier(tier, raised)
        due = list_due(detected_at=NOW, tier=tier, now=now)
        one = choose(due, given=noted)
        if one is not None:
            told.append(one)
            noted.update(due)

        # After a beat nothing is owed, and what was last told is the highest there is.
        assert choose(due, given=noted) is None
        assert not due or told[-1] == max(due) or told[-1] > max(due)

    assert told == sorted(set(told))
    assert len(told) <= 3 + len(OVERDUE_HOURS)


@pytest.mark.parametrize("tier", Tier)
def test_warn__at_50_80_and_100_percent__once_each_to_ever_more_people(
    tier: Tier, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = make_incident(actor=DEMO, tier=tier, now=NOW)
    told = [_beat(NOW + RTO[tier] * share / 100, monkeypatch) for share in (49, 50, 50, 79, 80, 99, 100, 100)]

    assert told == [0, 1, 0, 0, 1, 0, 1, 0]
    assert _told("incident_half") == {crew[Role.RELEASE_MANAGER]}
    assert _told("incident_short") == {crew[Role.RELEASE_MANAGER], crew[Role.SUPPORT]}
    assert _told("incident_missed") == {crew[Role.RELEASE_MANAGER], crew[Role.SUPPORT], crew[Role.ADMIN]}
    assert set(Event.objects.filter(kind__in=KINDS).values_list("url", flat=True)) == {f"/incidents/{incident.pk}/"}


def test_warn__somebody_commands__is_told_alone_at_first(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    incident = make_incident(actor=DEMO, tier=Tier.CRITICAL, now=NOW)
    acknowledge_incident(incident_id=incident.pk, actor=person(crew[Role.SUPPORT]), reason="on it", now=NOW)

    _beat(NOW + 30 * MINUTE, monkeypatch)

    assert _told("incident_half") == {crew[Role.SUPPORT]}


def test_warn__commander_left__release_managers_are_told(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    incident = make_incident(actor=DEMO, tier=Tier.CRITICAL, now=NOW)
    acknowledge_incident(incident_id=incident.pk, actor=person(crew[Role.SUPPORT]), reason="on it", now=NOW)
    deactivate_person(user_id=crew[Role.SUPPORT].pk, actor=DEMO, reason="left", now=NOW)

    _beat(NOW + 30 * MINUTE, monkeypatch)

    assert _told("incident_half") == {crew[Role.RELEASE_MANAGER]}


@pytest.mark.django_db
def test_warn__nobody_holds_the_role__those_there_are_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    admin = make_person(Role.ADMIN)
    make_incident(actor=DEMO, tier=Tier.CRITICAL, now=NOW)

    _beat(NOW + 30 * MINUTE, monkeypatch)

    assert _told("incident_half") == {admin}


def test_warn__rehearsal__reaches_drivers_alone_and_says_so(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    incident = make_incident(actor=DEMO, tier=Tier.CRITICAL, now=NOW, is_rehearsal=True)
    acknowledge_incident(incident_id=incident.pk, actor=person(crew[Role.SUPPORT]), reason="on it", now=NOW)

    for minutes in (30, 48, 60, 120):
        _beat(NOW + minutes * MINUTE, monkeypatch)

    for kind in KINDS:
        assert _told(kind) == {crew[Role.RELEASE_MANAGER], crew[Role.ADMIN]}, kind
        assert say_subject(Event.objects.get(kind=kind)).startswith("Rehearsal: ")


def test_warn__words__say_how_much_is_left_and_what_to_do(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    incident = make_incident(actor=DEMO, tier=Tier.CRITICAL, now=NOW, title="Till is down")
    acknowledge_incident(incident_id=incident.pk, actor=person(crew[Role.SUPPORT]), reason="on it", now=NOW)
    for minutes in (31, 48, 61, 125):
        _beat(NOW + minutes * MINUTE, monkeypatch)

    said = [say_subject(Event.objects.get(kind=kind)) for kind in KINDS]

    assert said == [
        f"Incident {incident.pk}: half of its time is used, 29 min left",
        f"Incident {incident.pk}: only 12 min left to restore",
        f"Incident {incident.pk} is past its time: Till is down",
        f"Incident {incident.pk} still runs, 1 h 5 min past its time",
    ]
    for kind in KINDS:
        event = Event.objects.get(kind=kind)
        assert str(crew[Role.SUPPORT]) in say_body(event)
        assert say_next(event)


@pytest.mark.django_db
def test_warn__after_the_deadline__by_the_hours_and_then_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    make_incident(actor=DEMO, tier=Tier.CRITICAL, now=NOW)
    heard = [hour for hour in range(24 * 30) if _beat(NOW + HOUR + hour * HOUR, monkeypatch)]

    assert heard == [0, *OVERDUE_HOURS]


@pytest.mark.django_db
def test_warn__beat_was_away__tells_the_highest_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    make_incident(actor=DEMO, tier=Tier.CRITICAL, now=NOW)

    assert [_beat(NOW + 10 * HOUR, monkeypatch), _beat(NOW + 10 * HOUR, monkeypatch)] == [1, 0]

    assert Event.objects.get(kind__in=KINDS).kind == "incident_overdue"
    noted = DeadlineWarning.objects.order_by("percent", "overdue_hours").values_list("percent", "overdue_hours")
    assert list(noted) == [(50, 0), (80, 0), (100, 0), (100, 1), (100, 2), (100, 4), (100, 8)]


def test_warn__raised_past_what_was_told__tells_once_more(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    incident = make_incident(actor=DEMO, tier=Tier.IMPORTANT, now=NOW)
    _beat(NOW + 2 * HOUR, monkeypatch)
    at = NOW + 2 * HOUR + MINUTE
    change_tier(incident_id=incident.pk, tier=Tier.CRITICAL, actor=person(crew[Role.SUPPORT]), reason="", now=at)

    assert [_beat(at, monkeypatch), _beat(at, monkeypatch)] == [1, 0]

    assert list(Event.objects.filter(kind__in=KINDS).order_by("pk").values_list("kind", flat=True)) == [
        "incident_half",
        "incident_overdue",
    ]


def test_warn__lowered__stays_by_the_highest(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    incident = make_incident(actor=DEMO, tier=Tier.CRITICAL, now=NOW)
    change_tier(incident_id=incident.pk, tier=Tier.MINOR, actor=person(crew[Role.SUPPORT]), reason="small", now=NOW)

    assert _beat(NOW + 30 * MINUTE, monkeypatch) == 1


def test_warn__opened_again__goes_on_where_the_clock_is(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    incident = make_incident(actor=DEMO, tier=Tier.CRITICAL, now=NOW)
    by: dict[str, Any] = {"incident_id": incident.pk, "actor": person(crew[Role.SUPPORT]), "reason": "seen"}
    _beat(NOW + 30 * MINUTE, monkeypatch)
    confirm_restored(**by, now=NOW + 40 * MINUTE)
    quiet = _beat(NOW + 50 * MINUTE, monkeypatch)
    reopen_incident(**by, now=NOW + 51 * MINUTE)

    assert (quiet, _beat(NOW + 51 * MINUTE, monkeypatch), _beat(NOW + 60 * MINUTE, monkeypatch)) == (0, 1, 1)

    told = Event.objects.filter(kind__startswith="incident_").order_by("pk").values_list("kind", flat=True)
    assert list(told) == ["incident_opened", "incident_half", "incident_reopened", "incident_short", "incident_missed"]


def test_reopen__twice__is_told_each_time_with_why(crew: Crew) -> None:
    incident = make_incident(actor=DEMO, tier=Tier.CRITICAL, now=NOW)
    by: dict[str, Any] = {"incident_id": incident.pk, "actor": person(crew[Role.SUPPORT]), "reason": "Still wrong"}
    for minutes in (10, 20):
        confirm_restored(**by, now=NOW + minutes * MINUTE)
        reopen_incident(**by, now=NOW + minutes * MINUTE)

    told = Event.objects.filter(kind="incident_reopened")
    assert told.count() == 2
    assert "Still wrong" in say_body(told[0])


@pytest.mark.django_db
@pytest.mark.parametrize("status", [Status.RESOLVED, Status.CLOSED])
def test_warn__restored__says_nothing(status: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    make_incident_in(status)

    assert _beat(NOW + timedelta(days=9), monkeypatch) == 0


@pytest.mark.django_db(transaction=True)
def test_warn__two_beats_at_once__tell_once(monkeypatch: pytest.MonkeyPatch) -> None:
    incident = make_incident(actor=DEMO, tier=Tier.CRITICAL, now=NOW)
    monkeypatch.setattr(clock, "now", lambda: NOW + 2 * HOUR)

    race(tasks.warn_of_deadlines, tasks.warn_of_deadlines)

    assert Event.objects.filter(kind__in=KINDS).count() == 1
    assert DeadlineWarning.objects.filter(incident=incident).count() == 4


@pytest.mark.django_db(transaction=True)
def test_warn__restored_meanwhile__says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    incident = make_incident(actor=DEMO, tier=Tier.CRITICAL, now=NOW)
    monkeypatch.setattr(clock, "now", lambda: NOW + 2 * HOUR)

    def restore() -> Incident:
        get_locked_incident(incident.pk)
        by = person(make_person(Role.SUPPORT))
        return confirm_restored(incident_id=incident.pk, actor=by, reason="seen", now=NOW + 2 * HOUR)

    race(restore, tasks.warn_of_deadlines)

    assert not Event.objects.filter(kind__in=KINDS).exists()
