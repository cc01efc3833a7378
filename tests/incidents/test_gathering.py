"""A timeline writes itself: what each app has to tell, each line once, also after an outage and with two workers."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.actors import SCHEDULER, person
from core.roles import Role
from flags.transitions import switch_off
from health.models import Alert
from incidents.gathering import AFTERWARDS, gather, list_written_up
from incidents.intake import take_in
from incidents.models import Incident, TimelineEntry
from incidents.sources import MOST, Found
from incidents.timeline_labels import draw_line
from incidents.transitions import confirm_restored
from notifications.models import Channel, Delivery
from procedures.transitions.opening import open_for_rollback
from recovery.domain.lifecycle import Kind
from recovery.transitions.asking import ask_operation
from rollouts.models import Rollback, Rollout, RolloutEvent, Trigger
from rollouts.story import add_event
from rollouts.transitions import roll_back
from tests.factories.core import make_person
from tests.factories.health import make_complaint
from tests.factories.world import NOW, WHY, World, make_rehearsal, make_world, play
from tests.recovery.operations import make_target

pytestmark = pytest.mark.django_db

BROKEN = NOW + timedelta(seconds=100)
LATER = BROKEN + timedelta(minutes=3)
BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def rollout(world: World) -> Rollout:
    rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=100)
    return rollout


@pytest.fixture
def incident(rollout: Rollout, world: World) -> Incident:
    """The incident of a flag that was taken back, as the intake opens it."""
    make_person(Role.RELEASE_MANAGER, email="mia@example.org")
    flag = world.flags[0]
    roll_back(rollout_id=rollout.pk, flag_ids=[flag.pk], trigger=Trigger.MANUAL, now=BROKEN, **BY)
    incident = take_in(RolloutEvent.objects.get(kind="flag_rolled_back").pk, now=BROKEN)
    assert incident is not None
    return incident


def _fire(world: World, *, started_at: datetime, ended_at: datetime | None = None) -> Alert:
    return Alert.objects.create(
        environment=world.environment,
        origin="alertmanager",
        fingerprint=started_at.isoformat(),
        name="TillErrors",
        severity="critical",
        started_at=started_at,
        ended_at=ended_at,
        received_at=started_at,
        last_received_at=started_at,
    )


def test_gather__every_app__tells_its_part_once(incident: Incident, rollout: Rollout, world: World) -> None:
    at = BROKEN + timedelta(minutes=1)
    add_event(rollout, kind="resumed", now=at, **BY)
    switch_off(flag_id=world.flags[0].pk, environment_id=world.environment.pk, now=at + timedelta(seconds=1), **BY)
    ask_operation(kind=Kind.TAKE, target_id=make_target(world.environment).pk, wish={}, now=at, **BY)
    open_for_rollback(Rollback.objects.get(), now=at)
    _fire(world, started_at=at, ended_at=at + timedelta(seconds=30))
    make_complaint(world.environment, site=world.sites[0], flag=world.flags[0], text="secret words", now=at)
    mail = Delivery.objects.filter(channel=Channel.EMAIL, event__kind="incident_opened")
    mail.update(status="sent", sent_at=at)

    first = gather(incident.pk, now=LATER)
    again = gather(incident.pk, now=LATER)

    codes = list(incident.timeline.values_list("code", flat=True))
    wanted = {"resumed", "operation", "procedure_begun", "alert_fired", "alert_resolved", "complaint", "told", "mailed"}
    assert wanted <= set(codes)
    assert codes.count("flag_rolled_back") == 1
    assert (first > 0, again) == (True, 0)
    assert "secret" not in str(list(incident.timeline.values_list("data", "note")))


def test_gather__lines__are_words_in_the_readers_language(incident: Incident, world: World) -> None:
    _fire(world, started_at=BROKEN)
    gather(incident.pk, now=LATER)

    lines = [draw_line(entry, sites={}, flags={}) for entry in incident.timeline.all()]

    assert all(line.heading and line.heading != line.entry.code for line in lines)
    assert "TillErrors" in {line.words for line in lines}


def test_gather__what_the_intake_takes_later__stands_once(rollout: Rollout, world: World) -> None:
    for flag in world.flags[:2]:
        roll_back(rollout_id=rollout.pk, flag_ids=[flag.pk], trigger=Trigger.MANUAL, now=BROKEN, **BY)
    first, second = RolloutEvent.objects.filter(kind="flag_rolled_back").order_by("pk")
    incident = take_in(first.pk, now=BROKEN)
    assert incident is not None

    gather(incident.pk, now=LATER)
    take_in(second.pk, now=LATER)

    assert incident.timeline.filter(code="flag_rolled_back").count() == 2


def test_gather__before_detection_and_long_after_restoration__is_another_story(
    incident: Incident, rollout: Rollout, world: World
) -> None:
    user = make_person(Role.SUPPORT)
    confirm_restored(incident_id=incident.pk, actor=person(user), reason="seen", now=LATER)
    _fire(world, started_at=BROKEN - timedelta(days=2))
    add_event(rollout, kind="paused", now=LATER + AFTERWARDS + timedelta(seconds=1), **BY)
    add_event(rollout, kind="resumed", now=LATER + AFTERWARDS, **BY)

    gather(incident.pk, now=LATER + 2 * AFTERWARDS)

    codes = set(incident.timeline.values_list("code", flat=True))
    assert "resumed" in codes
    assert not {"paused", "alert_fired", "step_done"} & codes
    assert incident.pk in list_written_up(now=LATER + AFTERWARDS)
    assert incident.pk not in list_written_up(now=LATER + AFTERWARDS + timedelta(seconds=1))


def test_gather__two_workers_with_the_same_line__write_it_once(
    incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Found("alert:1:fired", BROKEN, "alert_fired", "alertmanager", {"name": "x"})
    monkeypatch.setattr("incidents.gathering._keep_new", lambda _scope: [line])

    for _worker in range(2):
        gather(incident.pk, now=LATER)

    assert TimelineEntry.objects.filter(source=line.name).count() == 1


def test_gather__two_and_twenty_lines__take_the_same_queries(incident: Incident, rollout: Rollout) -> None:
    counts = []
    for number in (2, 18):
        for _ in range(number):
            add_event(rollout, kind="resumed", now=LATER, **BY)
        with CaptureQueriesContext(connection) as queries:
            gather(incident.pk, now=LATER)
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_gather__more_than_a_round_reads__the_next_rounds_read_on(
    incident: Incident, rollout: Rollout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.sources.MOST", 5)
    assert MOST > 5
    for _ in range(12):
        add_event(rollout, kind="resumed", now=LATER, **BY)

    for _round in range(4):
        gather(incident.pk, now=LATER)

    assert incident.timeline.filter(code="resumed").count() == 12
