"""The intake: each event once, poison isolated, one fire one incident; reminders once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from core.actors import SCHEDULER, person
from core.roles import Role
from flags.models import FlagState
from incidents import intake, tasks
from incidents.domain.intake_retry import MAX_ATTEMPTS
from incidents.domain.merging import WINDOW
from incidents.domain.tiers import Tier
from incidents.intake import list_waiting, note_fault, take_in
from incidents.models import Incident, IntakeClaim, IntakeFault
from incidents.transitions import confirm_restored
from notifications.models import Event
from rollouts.models import Rollback, Rollout, RolloutEvent, Trigger
from rollouts.story import add_event
from rollouts.transitions import roll_back
from tests.factories.core import make_person
from tests.factories.world import NOW, WHY, World, make_rehearsal, make_world, play

LATER = NOW + timedelta(seconds=100)


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def rollout(world: World) -> Rollout:
    """A rehearsal with all its flags on for somebody."""
    rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=100)
    return rollout


def _take_back(
    rollout: Rollout, *flag_ids: int, now: datetime = LATER, detected_at: datetime | None = None
) -> Rollback:
    return roll_back(
        rollout_id=rollout.pk,
        flag_ids=flag_ids,
        trigger=Trigger.MANUAL,
        actor=SCHEDULER,
        reason=WHY,
        now=now,
        detected_at=detected_at,
    )


def _complain(rollout: Rollout, *, now: datetime = LATER, **given: Any) -> RolloutEvent:
    data = {"count": 11, "limit": 10, "criticality": "important", "detected_at": now.isoformat()}
    return add_event(
        rollout, kind="complaint_limit_reached", actor=SCHEDULER, reason=WHY, now=now, data={**data, **given}
    )


def _take_all(now: datetime = LATER) -> list[Incident]:
    return [one for event_id in list_waiting(limit=50, now=now) if (one := take_in(event_id, now=now))]


@pytest.mark.django_db(transaction=True)
def test_take_in__four_workers_at_once__make_one_incident(world: World, rollout: Rollout) -> None:
    _take_back(rollout, world.flags[0].pk)
    event_id = list_waiting(limit=1)[0]

    def work(_: int) -> bool:
        try:
            return take_in(event_id, now=LATER) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, range(4))) == [False, False, False, True]
    assert Incident.objects.count() == 1
    assert list_waiting(limit=10) == []


@pytest.mark.django_db(transaction=True)
def test_take_in__two_events_of_one_rollout_at_once__meet_in_one_incident(world: World, rollout: Rollout) -> None:
    for flag in world.flags[:2]:
        _take_back(rollout, flag.pk)

    def work(event_id: int) -> int:
        try:
            made = take_in(event_id, now=LATER)
            assert made is not None
            return made.pk
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(work, list_waiting(limit=10)))) == 1
    assert sorted(Incident.objects.get().flag_keys) == ["buttons", "tickets"]


@pytest.mark.django_db
def test_take_in__graver_flag_within_the_window__joins_and_raises_the_tier(world: World, rollout: Rollout) -> None:
    minor, critical = world.flags[2], world.flags[0]
    _take_back(rollout, minor.pk, detected_at=LATER - timedelta(seconds=30))
    _take_all()
    _take_back(rollout, critical.pk)

    incident = _take_all()[0]

    assert Incident.objects.count() == 1
    assert (incident.tier, incident.flag_keys) == (Tier.CRITICAL, [minor.key, critical.key])
    assert incident.detected_at == LATER - timedelta(seconds=30)
    codes = list(incident.timeline.order_by("pk").values_list("code", flat=True))
    assert codes == ["opened", "flag_rolled_back", "tier_changed", "flag_rolled_back"]
    assert Event.objects.filter(kind="incident_raised").count() == 1
    assert Event.objects.filter(kind="incident_opened").count() == 1


@pytest.mark.django_db
def test_take_in__other_flag_after_the_window__has_a_clock_of_its_own(world: World, rollout: Rollout) -> None:
    _take_back(rollout, world.flags[2].pk)
    _take_all()
    later = LATER + WINDOW + timedelta(minutes=1)
    _take_back(rollout, world.flags[0].pk, now=later)

    _take_all(later)

    assert [one.detected_at for one in Incident.objects.order_by("pk")] == [LATER, later]


@pytest.mark.django_db
def test_take_in__complaints_then_the_rollback_that_answers_them__are_one_incident(
    world: World, rollout: Rollout
) -> None:
    _complain(rollout)
    _take_all()
    rollback = _take_back(rollout, world.flags[0].pk, now=LATER + timedelta(hours=2))

    _take_all(LATER + timedelta(hours=2))

    incident = Incident.objects.get()
    assert (incident.rollback, incident.detected_at) == (rollback, LATER)


@pytest.mark.django_db
def test_take_in__after_the_running_one_was_restored__opens_another(world: World, rollout: Rollout) -> None:
    _complain(rollout)
    first = _take_all()[0]
    by = person(make_person(Role.SUPPORT))
    confirm_restored(incident_id=first.pk, actor=by, reason="fine", now=LATER)
    _complain(rollout, now=LATER + timedelta(minutes=1))

    _take_all(LATER + timedelta(minutes=1))

    assert Incident.objects.count() == 2


@pytest.mark.django_db
def test_take_in__detected_ahead_of_the_portals_clock__does_not_fail(rollout: Rollout) -> None:
    _complain(rollout, detected_at=(LATER + timedelta(minutes=5)).isoformat())

    assert _take_all()[0].detected_at == LATER


@pytest.mark.django_db
@pytest.mark.parametrize(
    "poison", [{"detected_at": None}, {"detected_at": "yesterday"}, {"criticality": "huge"}, {"flags": 7}]
)
def test_take_in_events__poison_among_them__loses_and_blocks_no_other(rollout: Rollout, poison: dict[str, Any]) -> None:
    bad = _complain(rollout, **poison)
    good = _complain(rollout)

    assert tasks.take_in_events() == 1

    assert list(IntakeClaim.objects.values_list("event_id", flat=True)) == [good.pk]
    fault = IntakeFault.objects.get()
    assert (fault.event, fault.attempts, fault.given_up_at) == (bad, 1, None)
    assert fault.last_error


@pytest.mark.django_db
def test_note_fault__again_and_again__waits_longer_then_reports_once(rollout: Rollout) -> None:
    make_person(Role.RELEASE_MANAGER)
    event = _complain(rollout, criticality="huge")
    now = LATER
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert list_waiting(limit=10, now=now) == [event.pk]
        fault = note_fault(event.pk, error="ValueError: huge\x00", now=now)
        assert fault.attempts == attempt
        assert list_waiting(limit=10, now=now) == []
        now = fault.next_attempt_at

    assert fault.given_up_at is not None
    assert list_waiting(limit=10, now=now + timedelta(days=1)) == []
    told = Event.objects.get(kind="intake_failed")
    assert told.deliveries.exists()
    assert told.url == f"/rollouts/{rollout.pk}/"


@pytest.mark.django_db
def test_take_in_events__failed_once_then_mended__is_taken_in(
    world: World, rollout: Rollout, monkeypatch: pytest.MonkeyPatch
) -> None:
    _take_back(rollout, world.flags[0].pk)

    def fail(*_args: Any, **_given: Any) -> None:
        raise RuntimeError("a fault in incidents")

    with monkeypatch.context() as patch:
        patch.setattr(intake, "declare_incident", fail)
        assert tasks.take_in_events() == 0

    # The rollback stands whatever incidents do; nothing half done is left of the incident.
    assert FlagState.objects.get(flag=world.flags[0], environment=world.environment).is_killed
    assert not Incident.objects.exists()
    assert not IntakeClaim.objects.exists()
    due = IntakeFault.objects.get().next_attempt_at
    assert len(_take_all(due)) == 1
