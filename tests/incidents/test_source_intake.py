"""Alerts, rollbacks of targets and holds open incidents: each once, whoever is at it, and whatever is killed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from core import clock
from core.actors import GUARDRAIL, SCHEDULER, person
from core.errors import InvalidInput, Refusal
from core.history import recorded
from core.roles import Role
from flags.models import Environment
from health.alert_transitions import record_alerts
from health.domain.alerts import AlertValue, Origin, Severity
from health.models import Alert
from incidents import intake, source_intake, tasks
from incidents.domain.intake_retry import MAX_ATTEMPTS
from incidents.models import AlertClaim, AlertMode, Incident, OperationClaim, SourceFault
from incidents.source_ends import list_ended_alerts, list_ended_operations, note_alert_end, note_operation_end
from incidents.source_intake import (
    list_waiting_alerts,
    list_waiting_operations,
    note_source_fault,
    take_in_alert,
    take_in_operation,
)
from incidents.transitions import confirm_restored, merge_incident
from incidents.transitions.choosing import choose_alerts
from notifications.models import Event
from recovery.domain.lifecycle import Kind, Status
from recovery.models import Operation, Target
from rollouts.models import Rollout
from rollouts.story import add_event
from rollouts.transitions import hold_rollout
from tests.factories.core import make_person
from tests.factories.flags import make_environment, make_flag, make_site
from tests.factories.incidents import make_incident
from tests.factories.world import NOW, WHY, make_rehearsal, make_world, play
from tests.waiting import race

LATER = NOW + timedelta(minutes=5)
BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}


@pytest.fixture
def environment() -> Environment:
    found = make_environment()
    choose_alerts(environment_id=found.pk, mode=AlertMode.WARNING, now=NOW, **BY)
    return found


def _fire(
    environment: Environment,
    *,
    name: str = "TillDown",
    fingerprint: str = "a",
    severity: Severity = Severity.CRITICAL,
    ended_at: datetime | None = None,
    now: datetime = LATER,
    **labels: str,
) -> int:
    value = AlertValue(
        fingerprint=fingerprint,
        name=name,
        summary="Four tills do not answer",
        severity=severity,
        labels=labels,
        started_at=NOW + timedelta(minutes=1),
        ended_at=ended_at,
        link="https://alerts.example.org/1",
    )
    record_alerts(environment_id=environment.pk, origin=Origin.ALERTMANAGER, values=[value], now=now)
    return Alert.objects.get(fingerprint=fingerprint).pk


def _take_all(now: datetime = LATER) -> list[Incident]:
    numbers = list_waiting_alerts(now=now, limit=50)
    return [one for number in numbers if (one := take_in_alert(number, now=now)) is not None]


def _codes(incident: Incident) -> list[str]:
    return list(incident.timeline.order_by("pk").values_list("code", flat=True))


def _make_operation(environment: Environment, **given: Any) -> Operation:
    with recorded(actor=SCHEDULER, reason=WHY, now=NOW):
        target = Target.objects.filter(environment=environment).first()
        if target is None:
            target = Target(environment=environment, key="caisse", name="Caisse", database="env:CAISSE")
            target.save()
        wanted = {"kind": Kind.ROLL_BACK, "asked_by": "Mia", "asked_at": NOW, "wish": {"image": True}}
        operation = Operation(target=target, **(wanted | given))
        operation.save()
    return operation


@pytest.mark.django_db
@pytest.mark.parametrize(("severity", "tier"), [(Severity.CRITICAL, "critical"), (Severity.WARNING, "important")])
def test_alert__fires__opens_an_incident_from_when_it_began(
    environment: Environment, severity: Severity, tier: str
) -> None:
    flag, site = make_flag(), make_site()
    _fire(environment, severity=severity, flag=flag.key, site=site.key)

    [incident] = _take_all()

    assert (incident.tier, incident.flag_keys, incident.site_keys) == (tier, [flag.key], [site.key])
    assert incident.detected_at == NOW + timedelta(minutes=1)
    assert incident.title.startswith(f"TillDown · {site.name}")
    assert _codes(incident) == ["opened", "alert_fired"]
    assert _take_all() == []


@pytest.mark.django_db
def test_alert__for_information_or_below_the_mode_or_before_it__opens_none() -> None:
    environment = make_environment()
    _fire(environment, now=NOW)
    assert _take_all() == []
    choose_alerts(environment_id=environment.pk, mode=AlertMode.CRITICAL, now=LATER, **BY)
    assert _take_all() == []
    _fire(environment, fingerprint="b", severity=Severity.WARNING)
    _fire(environment, fingerprint="c", severity=Severity.INFO)
    assert _take_all() == []
    _fire(environment, fingerprint="d")
    assert len(_take_all()) == 1


@pytest.mark.django_db
def test_alert__of_the_same_group_or_flag__joins_and_the_graver_tier_counts(environment: Environment) -> None:
    flag = make_flag()
    _fire(environment, fingerprint="a", severity=Severity.WARNING, flag=flag.key)
    [incident] = _take_all()
    _fire(environment, fingerprint="b", severity=Severity.CRITICAL)
    _fire(environment, fingerprint="c", name="SlowTill", flag=flag.key)
    _fire(environment, fingerprint="d", name="Printer")

    assert [one.pk for one in _take_all()][:2] == [incident.pk, incident.pk]

    incident.refresh_from_db()
    assert Incident.objects.count() == 2
    assert incident.highest_tier == "critical"
    assert _codes(incident) == ["opened", "alert_fired", "tier_changed", "alert_fired", "alert_fired"]


@pytest.mark.django_db
def test_alert__over__is_noted_once_where_the_event_is_now(environment: Environment) -> None:
    _fire(environment)
    [incident] = _take_all()
    other = make_incident(environment, now=LATER)
    merge_incident(
        incident_id=incident.pk, into_id=other.pk, actor=person(make_person(Role.SUPPORT)), reason=WHY, now=LATER
    )
    _fire(environment, ended_at=LATER)

    [claim] = list_ended_alerts(now=LATER, limit=10)
    assert [note_alert_end(claim, now=LATER) for _ in range(2)] == [True, False]

    assert _codes(other)[-1] == "alert_resolved"
    other.refresh_from_db()
    assert other.status == "open"


@pytest.mark.django_db(transaction=True)
def test_alert__over_while_its_incident_is_merged__is_noted_in_the_next_round(environment: Environment) -> None:
    _fire(environment)
    [incident] = _take_all()
    other = make_incident(environment, now=LATER)
    _fire(environment, ended_at=LATER)
    [claim] = list_ended_alerts(now=LATER, limit=10)
    actor = person(make_person(Role.SUPPORT))

    noted: list[bool] = []
    race(
        lambda: merge_incident(incident_id=incident.pk, into_id=other.pk, actor=actor, reason=WHY, now=LATER),
        lambda: noted.append(note_alert_end(claim, now=LATER)),
    )
    noted.append(note_alert_end(claim, now=LATER))

    assert noted == [False, True]
    assert (_codes(incident)[-1], _codes(other)[-1]) == ("merged_into", "alert_resolved")


@pytest.mark.django_db
def test_alert__over_before_anybody_saw_it__opens_none(environment: Environment) -> None:
    _fire(environment, ended_at=LATER)

    assert _take_all() == []
    assert AlertClaim.objects.get().incident is None
    assert list_waiting_alerts(now=LATER, limit=10) == []


@pytest.mark.django_db
def test_alert__after_its_incident_was_restored__opens_another(environment: Environment) -> None:
    _fire(environment)
    [first] = _take_all()
    confirm_restored(incident_id=first.pk, actor=person(make_person(Role.SUPPORT)), reason=WHY, now=LATER)
    _fire(environment, fingerprint="b")

    [second] = _take_all()

    assert second.pk != first.pk


@pytest.mark.django_db(transaction=True)
def test_alert__four_workers_at_once__make_one_incident(environment: Environment) -> None:
    number = _fire(environment)
    assert _at_once(lambda _: take_in_alert(number, now=LATER) is not None, 4) == [False, False, False, True]
    assert Incident.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_alert__two_of_a_group_at_once__meet_in_one_incident(environment: Environment) -> None:
    numbers = [_fire(environment, fingerprint="a"), _fire(environment, fingerprint="b")]

    assert _at_once(lambda n: take_in_alert(numbers[n], now=LATER) is not None, 2) == [True, True]
    assert Incident.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_alert__connection_killed_in_the_middle__leaves_nothing_and_is_taken_in_later(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = _fire(environment)

    def die(*_args: Any, **_given: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with monkeypatch.context() as patch:
        patch.setattr(source_intake, "add_entry", die)
        with pytest.raises(OperationalError):
            take_in_alert(number, now=LATER)
    connection.close()

    assert not Incident.objects.exists()
    assert not AlertClaim.objects.exists()
    assert len(_take_all()) == 1


@pytest.mark.django_db
def test_sources__poison_among_them__blocks_no_other_and_is_given_up_in_the_end(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_person(Role.RELEASE_MANAGER)
    bad, good = _fire(environment, fingerprint="a"), _fire(environment, fingerprint="b", name="Other")
    real = source_intake.take_in_alert

    def fail_on_bad(number: int, *, now: datetime) -> Incident | None:
        if number == bad:
            raise ValueError("poison\x00")
        return real(number, now=now)

    monkeypatch.setattr(tasks, "take_in_alert", fail_on_bad)
    monkeypatch.setattr(clock, "now", lambda: LATER)

    assert tasks.take_in_sources() == 1

    assert AlertClaim.objects.get().name == Alert.objects.get(pk=good).name
    assert list_waiting_alerts(now=LATER, limit=10) == []
    fault = SourceFault.objects.get()
    assert (fault.source, fault.attempts) == (f"alert:{bad}", 1)
    for _ in range(MAX_ATTEMPTS - 1):
        assert list_waiting_alerts(now=fault.next_attempt_at, limit=10) == [bad]
        fault = note_source_fault(fault.source, error="poison", now=fault.next_attempt_at)
    assert list_waiting_alerts(now=LATER + timedelta(hours=20), limit=10) == []
    assert Event.objects.get(kind="source_intake_failed").deliveries.exists()


@pytest.mark.django_db
def test_choose__same_again_or_none_of_the_list__is_refused(environment: Environment) -> None:
    with pytest.raises(Refusal, match="alert_mode_unchanged"):
        choose_alerts(environment_id=environment.pk, mode=AlertMode.WARNING, now=NOW, **BY)
    with pytest.raises(InvalidInput, match="alert_mode_unknown"):
        choose_alerts(environment_id=environment.pk, mode="all", now=NOW, **BY)


@pytest.mark.django_db
@pytest.mark.parametrize(("wish", "tier"), [({"image": True}, "important"), ({"point": 3}, "critical")])
def test_operation__rollback_of_a_target__opens_an_incident_and_its_end_is_noted(
    environment: Environment, wish: dict[str, Any], tier: str
) -> None:
    operation = _make_operation(environment, wish=wish)
    [number] = list_waiting_operations(now=LATER, limit=10)

    incident = take_in_operation(number, now=LATER)

    assert incident is not None
    assert (incident.operation, incident.tier, incident.detected_at) == (operation, tier, NOW)
    assert (list_waiting_operations(now=LATER, limit=10), list_ended_operations(limit=10)) == ([], [])
    with recorded(actor=SCHEDULER, reason=WHY, now=LATER):
        operation.status, operation.ended_at = Status.SUCCEEDED, LATER
        operation.save()
    [claim] = list_ended_operations(limit=10)
    assert [note_operation_end(claim, now=LATER) for _ in range(2)] == [True, False]
    assert _codes(incident) == ["opened", "target_rollback_begun", "target_rollback_succeeded"]


@pytest.mark.django_db
def test_operation__while_one_incident_runs__joins_it_and_of_two_neither(environment: Environment) -> None:
    running = make_incident(environment, now=NOW)
    first = take_in_operation(_make_operation(environment).pk, now=LATER)
    assert first is not None
    assert first.pk == running.pk
    make_incident(environment, now=NOW)
    with recorded(actor=SCHEDULER, reason=WHY, now=NOW):
        one = Operation.objects.get()
        one.status, one.ended_at = Status.SUCCEEDED, LATER
        one.save()

    third = take_in_operation(_make_operation(environment, kind=Kind.SWAP_BACK).pk, now=LATER)

    assert third is not None
    assert Incident.objects.count() == 3


@pytest.mark.django_db
@pytest.mark.parametrize("given", [{"is_exercise": True}, {"kind": Kind.DEPLOY}, {"asked_at": NOW - timedelta(days=2)}])
def test_operation__exercise_or_no_way_back_or_long_ago__opens_none(
    environment: Environment, given: dict[str, Any]
) -> None:
    _make_operation(environment, **given)

    assert list_waiting_operations(now=LATER, limit=10) == []


@pytest.mark.django_db(transaction=True)
def test_operation__four_workers_at_once__make_one_incident(environment: Environment) -> None:
    number = _make_operation(environment).pk

    assert _at_once(lambda _: take_in_operation(number, now=LATER) is not None, 4) == [False, False, False, True]
    assert (Incident.objects.count(), OperationClaim.objects.count()) == (1, 1)


@pytest.fixture
def rollout() -> Rollout:
    world = make_world()
    made = make_rehearsal(world)
    play(world, made, start=NOW, seconds=100)
    return made


def _hold(rollout: Rollout, **given: Any) -> None:
    said: dict[str, Any] = {"code": "error_rate", "actor": GUARDRAIL, "data": {"flags": ["buttons"]}}
    hold_rollout(rollout_id=rollout.pk, reason=WHY, now=LATER, **(said | given))


def _take_events() -> list[Incident]:
    return [one for number in intake.list_waiting(limit=50, now=LATER) if (one := intake.take_in(number, now=LATER))]


@pytest.mark.django_db
def test_hold__by_a_guardrail__opens_an_incident_of_its_flags_weight(rollout: Rollout) -> None:
    _hold(rollout)

    [incident] = _take_events()

    assert (incident.tier, incident.flag_keys, incident.is_rehearsal) == ("critical", ["buttons"], True)
    assert incident.detected_at == LATER
    assert _codes(incident) == ["opened", "held"]


@pytest.mark.django_db
@pytest.mark.parametrize("given", [{"actor": SCHEDULER}, {"data": {"flags": ["buttons"], "investigation": 3}}])
def test_hold__by_somebody_else_or_with_an_investigation__opens_none(rollout: Rollout, given: dict[str, Any]) -> None:
    _hold(rollout, **given)

    assert _take_events() == []
    assert intake.list_waiting(limit=10, now=LATER) == []


@pytest.mark.django_db
@pytest.mark.parametrize("kind", intake.NOTED)
def test_note__what_is_looked_into__opens_none_and_is_noted_where_one_runs(rollout: Rollout, kind: str) -> None:
    add_event(rollout, kind=kind, actor=GUARDRAIL, reason=WHY, now=LATER, data={"flags": ["buttons"]})
    assert _take_events() == []
    assert intake.list_waiting(limit=10, now=LATER) == []
    _hold(rollout)
    [incident] = _take_events()
    add_event(rollout, kind=kind, actor=GUARDRAIL, reason=WHY, now=LATER, data={"flags": ["buttons"]})

    assert _take_events() == [incident]
    assert _codes(incident) == ["opened", "held", kind]


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["guardrail_observe", "guardrail_cool_down"])
def test_note__what_is_only_observed__is_no_business_of_incidents(rollout: Rollout, kind: str) -> None:
    add_event(rollout, kind=kind, actor=GUARDRAIL, reason=WHY, now=LATER, data={"flags": ["buttons"]})

    assert intake.list_waiting(limit=10, now=LATER) == []


def _at_once(work: Callable[[int], bool], times: int) -> list[bool]:
    def run(number: int) -> bool:
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return sorted(pool.map(run, range(times)))
