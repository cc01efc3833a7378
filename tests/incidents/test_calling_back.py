"""Who is called back, and how often: the rules alone, then with two workers, merges, reopening and retention."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from core.actors import SCHEDULER, person
from core.errors import InvalidInput, Refusal
from core.history import recorded
from core.models import User
from core.roles import Role
from flags.models import Environment, Site
from health.models import Complaint
from health.transitions import forget_words, mark_spam
from incidents import tasks
from incidents.call_back_intake import (
    list_moot,
    list_restored,
    list_waiting_rollbacks,
    take_in_restored,
    take_in_rollback,
    withdraw_call,
)
from incidents.domain.calling_back import EDGES, CallState, Cause, KnownCall, find_call
from incidents.models import CallBack, CallBackCause, Incident
from incidents.transitions import (
    confirm_restored,
    link_complaints,
    mark_not_needed,
    mark_not_reached,
    mark_told,
    merge_incident,
    reopen_incident,
    undo_call,
    unlink_complaint,
)
from notifications.models import Channel, Delivery, Event
from rollouts.models import Rollback, Rollout, Trigger
from rollouts.transitions import roll_back
from rollouts.transitions.partial_rollback import roll_back_site
from rollouts.transitions.rostering import add_shift
from tests.factories.core import make_person
from tests.factories.feedback import at, make_trial, run
from tests.factories.flags import make_environment, make_site
from tests.factories.health import make_complaint
from tests.factories.incidents import make_incident
from tests.factories.world import NOW, WHY, make_rehearsal, make_world, play

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}
LATER = NOW + timedelta(minutes=5)
ENDED = NOW + timedelta(minutes=30)


def _call(state: CallState, *, rollbacks: set[int] | None = None, incidents: set[int] | None = None) -> KnownCall:
    return KnownCall(1, state, frozenset(rollbacks or ()), frozenset(incidents or ()))


@pytest.mark.parametrize("state", [CallState.DUE, CallState.NOT_REACHED])
@pytest.mark.parametrize("cause", [Cause(frozenset({2})), Cause(frozenset(), 7)])
def test_find_call__one_is_open__covers_whatever_comes(state: CallState, cause: Cause) -> None:
    known = _call(state, rollbacks={1}, incidents={7})

    assert find_call(cause, known=[known]) is known


def test_find_call__nothing_known__is_a_new_one() -> None:
    assert find_call(Cause(frozenset({1})), known=[]) is None


@pytest.mark.parametrize("state", [CallState.TOLD, CallState.NOT_NEEDED])
def test_find_call__settled__covers_the_same_event_once(state: CallState) -> None:
    told_off = _call(state, rollbacks={1})

    assert find_call(Cause(frozenset({2})), known=[told_off]) is told_off
    assert find_call(Cause(frozenset({1}), 7), known=[told_off]) is told_off
    assert find_call(Cause(frozenset({3}), 7), known=[told_off]) is None
    assert find_call(Cause(frozenset({1}), 7), known=[_call(state, rollbacks={1}, incidents={7})]) is None
    assert find_call(Cause(frozenset({1})), known=[_call(state, incidents={7})]) is None


def test_edges__of_calls__end_nowhere_for_good() -> None:
    assert set(EDGES) == set(CallState)
    assert all(EDGES[state] for state in CallState)


@pytest.fixture
def environment() -> Environment:
    return make_environment()


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def support() -> User:
    return make_person(Role.SUPPORT)


@pytest.fixture
def complaint(environment: Environment, site: Site) -> Complaint:
    return make_complaint(environment, site=site, reporter="Ana 06 12 34 56 78", now=NOW)


@pytest.fixture
def incident(environment: Environment, complaint: Complaint) -> Incident:
    found = make_incident(environment, now=NOW, detected_at=NOW)
    link_complaints(incident_id=found.pk, complaint_ids=[complaint.pk], now=LATER, **BY)
    return found


def _restore(incident: Incident, *, now: datetime = ENDED) -> None:
    confirm_restored(incident_id=incident.pk, actor=person(make_person(Role.SUPPORT)), reason=WHY, now=now)


def _take_restored(now: datetime = ENDED) -> int:
    return sum(take_in_restored(number, now=now) for number in list_restored(now=now, limit=50))


def _take_rollbacks(now: datetime) -> int:
    return sum(take_in_rollback(number, now=now) for number in list_waiting_rollbacks(now=now, limit=50))


@pytest.mark.django_db
def test_restored__with_a_complaint__is_called_back_once(
    incident: Incident, complaint: Complaint, support: User
) -> None:
    assert _take_restored() == 0
    _restore(incident)

    assert _take_restored() == 1
    assert _take_restored() == 0

    call = CallBack.objects.get()
    assert (call.complaint_id, call.state, call.due_at) == (complaint.pk, "due", ENDED)
    assert call.history.get().history_change_reason == "What was complained of is over: to be called back"
    told = Delivery.objects.filter(event__kind="calls_due", recipient=support)
    assert [row.channel for row in told] == [Channel.INBOX]
    assert told.get().event.data["count"] == 1


@pytest.mark.django_db
def test_restored__somebody_is_on_duty__tells_them_alone(incident: Incident, support: User) -> None:
    on_duty = make_person(Role.SUPPORT, full_name="Lea Duty")
    today = ENDED.date()
    add_shift(
        site_id=None,
        starts_on=today,
        ends_on=today + timedelta(days=1),
        name="lea duty",
        phone="01 02 03 04 05",
        hours="",
        now=NOW,
        **BY,
    )
    _restore(incident)
    _take_restored()

    told = Delivery.objects.filter(event__kind="calls_due").values_list("recipient", flat=True)
    assert list(told) == [on_duty.pk]
    assert support.pk not in told


@pytest.mark.django_db
def test_restored__complaint_linked_afterwards__is_called_back_as_well_and_told_once(
    incident: Incident, environment: Environment, site: Site
) -> None:
    _restore(incident)
    _take_restored()
    late = make_complaint(environment, site=site, reporter="Bo", now=NOW)
    link_complaints(incident_id=incident.pk, complaint_ids=[late.pk], now=ENDED, **BY)

    assert _take_restored() == 1
    assert CallBack.objects.count() == 2
    assert Event.objects.filter(kind="calls_due").count() == 1


@pytest.mark.django_db
def test_restored__rehearsal_or_long_ago_or_spam__calls_nobody(environment: Environment, site: Site) -> None:
    cases: list[tuple[dict[str, Any], datetime, bool]] = [
        ({"is_rehearsal": True}, ENDED, False),
        ({}, ENDED, True),
        ({}, ENDED + timedelta(days=8), False),
    ]
    for given, now, is_spam in cases:
        one = make_complaint(environment, site=site, now=NOW)
        incident = make_incident(environment, now=NOW, detected_at=NOW, **given)
        link_complaints(incident_id=incident.pk, complaint_ids=[one.pk], now=LATER, **BY)
        if is_spam:
            mark_spam(complaint_id=one.pk, now=LATER, **BY)
        _restore(incident)

        _take_restored(now=now)
        assert not CallBack.objects.filter(complaint=one).exists()


@pytest.mark.django_db
def test_restored__opened_again_before_the_call__needs_none_until_it_is_over(incident: Incident) -> None:
    _restore(incident)
    _take_restored()
    reopen_incident(incident_id=incident.pk, now=ENDED, **BY)

    assert [withdraw_call(number, now=ENDED) for number in list_moot(limit=10)] == [True]
    assert list_moot(limit=10) == []
    call = CallBack.objects.get()
    assert (call.state, call.settled_by) == ("not_needed", None)

    again = ENDED + timedelta(hours=1)
    _restore(incident, now=again)
    assert _take_restored(now=again) == 1
    assert list(CallBack.objects.order_by("pk").values_list("state", flat=True)) == ["not_needed", "due"]


@pytest.mark.django_db
def test_restored__told_opened_and_restored_again__is_news(incident: Incident, support: User) -> None:
    _restore(incident)
    _take_restored()
    mark_told(call_ids=[CallBack.objects.get().pk], actor=person(support), now=ENDED)
    reopen_incident(incident_id=incident.pk, now=ENDED, **BY)
    _restore(incident, now=ENDED + timedelta(hours=1))

    assert _take_restored(now=ENDED + timedelta(hours=1)) == 1


@pytest.mark.django_db
def test_moot__restored_again_before_it_is_withdrawn__the_call_stays_due(incident: Incident) -> None:
    _restore(incident)
    _take_restored()
    reopen_incident(incident_id=incident.pk, now=ENDED, **BY)
    again = ENDED + timedelta(hours=1)
    _restore(incident, now=again)
    moot = list_moot(limit=10)
    _take_restored(now=again)

    assert [withdraw_call(number, now=again) for number in moot] == [False]
    assert CallBack.objects.get().state == "due"


@pytest.mark.django_db
def test_moot__unlinked_or_spam_since__is_withdrawn(incident: Incident, complaint: Complaint) -> None:
    _restore(incident)
    _take_restored()
    unlink_complaint(incident_id=incident.pk, complaint_id=complaint.pk, now=ENDED, **BY)

    assert list_moot(limit=10) == [CallBack.objects.get().pk]


@pytest.mark.django_db
def test_merged__into_another__is_called_back_when_that_one_is_restored(
    incident: Incident, environment: Environment
) -> None:
    other = make_incident(environment, now=NOW, detected_at=NOW)
    merge_incident(incident_id=incident.pk, into_id=other.pk, now=LATER, **BY)
    assert _take_restored() == 0
    _restore(other)

    assert _take_restored() == 1
    assert list(CallBackCause.objects.values_list("incident", flat=True)) == [other.pk]
    assert list_moot(limit=10) == []


@pytest.fixture
def rollout() -> Rollout:
    """A real rollout on its first day: its flags are on for the pilots."""
    rollout = make_trial(make_world())
    run(rollout, now=at(25, 12))
    return rollout


def _take_back(rollout: Rollout, *, now: datetime) -> Rollback:
    flag = rollout.rollout_flags.order_by("position").first()
    assert flag is not None
    return roll_back(rollout_id=rollout.pk, flag_ids=[flag.flag_id], trigger=Trigger.MANUAL, now=now, **BY)


@pytest.mark.django_db
def test_rollback__calls_back_who_complained_of_that_feature(rollout: Rollout, site: Site) -> None:
    first, second = [row.flag for row in rollout.rollout_flags.order_by("position")[:2]]
    place, now = rollout.environment, at(25, 13)
    mine = make_complaint(place, site=site, flag=first, reporter="Ana", now=at(25, 12, 30))
    make_complaint(place, site=site, flag=second, now=at(25, 12, 30))
    make_complaint(place, site=site, now=at(25, 12, 30))
    make_complaint(make_environment(key="other"), site=site, flag=first, now=at(25, 12, 30))
    _take_back(rollout, now=now)
    make_complaint(place, site=site, flag=first, now=now + timedelta(minutes=1))

    assert (_take_rollbacks(now), _take_rollbacks(now)) == (1, 0)
    assert CallBack.objects.get().complaint_id == mine.pk
    assert list_moot(limit=10) == []


@pytest.mark.django_db
def test_rollback__told_then_its_incident_restored__is_no_second_call(
    rollout: Rollout, site: Site, support: User
) -> None:
    flag = rollout.rollout_flags.order_by("position")[0].flag
    one = make_complaint(rollout.environment, site=site, flag=flag, now=at(25, 12, 30))
    rollback = _take_back(rollout, now=at(25, 13))
    _take_rollbacks(at(25, 13))
    mark_told(call_ids=[CallBack.objects.get().pk], actor=person(support), now=at(25, 13, 5))
    incident = make_incident(
        rollout.environment, now=at(25, 13), detected_at=at(25, 13), rollout=rollout, rollback=rollback
    )
    link_complaints(incident_id=incident.pk, complaint_ids=[one.pk], now=at(25, 13, 10), **BY)
    _restore(incident, now=at(25, 14))

    assert _take_restored(now=at(25, 14)) == 0
    assert list_restored(now=at(25, 14), limit=10) == []
    assert CallBack.objects.get().causes.count() == 2


@pytest.mark.django_db
def test_rollback__of_one_site__calls_that_site_only(rollout: Rollout, site: Site) -> None:
    flag = rollout.rollout_flags.order_by("position")[0].flag
    there = rollout.rollout_sites.order_by("position")[0].site
    make_complaint(rollout.environment, site=there, flag=flag, now=at(25, 12, 30))
    make_complaint(rollout.environment, site=site, flag=flag, now=at(25, 12, 30))
    roll_back_site(rollout_id=rollout.pk, site_id=there.pk, now=at(25, 13), **BY)

    assert _take_rollbacks(at(25, 13)) == 1
    assert CallBack.objects.get().site_id == there.pk


@pytest.mark.django_db
def test_rollback__of_a_rehearsal__calls_nobody() -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=100)
    make_complaint(world.environment, site=world.sites[0], flag=world.flags[0], now=NOW + timedelta(seconds=90))
    roll_back(rollout_id=rollout.pk, flag_ids=[world.flags[0].pk], trigger=Trigger.MANUAL, now=LATER, **BY)

    assert list_waiting_rollbacks(now=LATER, limit=10) == []


@pytest.mark.django_db
def test_transitions__each_press__leaves_who_when_and_why(incident: Incident, support: User) -> None:
    _restore(incident)
    _take_restored()
    number = CallBack.objects.get().pk
    by: dict[str, Any] = {"actor": person(support), "now": ENDED}

    mark_not_reached(call_id=number, note="Back after two", **by)
    missed = mark_not_reached(call_id=number, **by)
    assert (missed.state, missed.tries, missed.note) == ("not_reached", 2, "Back after two")
    [told] = mark_told(call_ids=[number], **by)
    assert (told.state, told.settled_by_id, told.settled_at) == ("told", support.pk, ENDED)
    with pytest.raises(Refusal) as refused:
        mark_told(call_ids=[number], **by)
    assert refused.value.code == "call_settled_meanwhile"
    assert undo_call(call_id=number, **by).state == "not_reached"
    spared = mark_not_needed(call_id=number, reason="They wrote that it works", **by)
    assert (spared.state, spared.note) == ("not_needed", "They wrote that it works")
    reasons = CallBack.history.filter(id=number).order_by("history_id").values_list("history_change_reason", flat=True)
    assert list(reasons)[1:] == [
        "Called back, nobody answered",
        "Called back, nobody answered",
        "Called back and told",
        "Call pressed by mistake",
        "They wrote that it works",
    ]


@pytest.mark.django_db
def test_transitions__without_a_reason_or_a_call__are_refused(incident: Incident, support: User) -> None:
    _restore(incident)
    _take_restored()
    by: dict[str, Any] = {"actor": person(support), "now": ENDED}
    for write, code in (
        (lambda: mark_not_needed(call_id=CallBack.objects.get().pk, reason=" ", **by), "reason_missing"),
        (lambda: mark_told(call_ids=[], **by), "calls_not_chosen"),
        (lambda: mark_told(call_ids=[999], **by), "call_unknown"),
        (lambda: mark_not_reached(call_id=CallBack.objects.get().pk, note="x" * 301, **by), "text_too_long"),
    ):
        with pytest.raises(InvalidInput) as refused:
            write()
        assert refused.value.code == code


@pytest.mark.django_db
def test_undo__while_another_call_is_open__is_refused(incident: Incident, support: User) -> None:
    _restore(incident)
    _take_restored()
    first = CallBack.objects.get()
    mark_told(call_ids=[first.pk], actor=person(support), now=ENDED)
    reopen_incident(incident_id=incident.pk, now=ENDED, **BY)
    _restore(incident, now=ENDED + timedelta(hours=1))
    _take_restored(now=ENDED + timedelta(hours=1))

    with pytest.raises(Refusal) as refused:
        undo_call(call_id=first.pk, actor=person(support), now=ENDED)
    assert refused.value.code == "call_followed"


@pytest.mark.django_db
def test_retention__words_forgotten__leaves_the_call(incident: Incident) -> None:
    _restore(incident)
    _take_restored()

    assert forget_words(logged_before=ENDED, at_most=10) == 1
    assert CallBack.objects.get().state == "due"
    assert list_moot(limit=10) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [{"state": "told"}, {"state": "not_reached"}, {"settled_at": NOW}, {"state": "lost"}, {"tries": 1}],
)
def test_database__half_a_call__is_refused(complaint: Complaint, wrong: dict[str, Any]) -> None:
    given: dict[str, Any] = {
        "complaint": complaint,
        "environment": complaint.environment,
        "site": complaint.site,
        "due_at": NOW,
    }

    with transaction.atomic(), recorded(now=NOW, **BY), pytest.raises(IntegrityError):
        CallBack(**(given | wrong)).save()


@pytest.mark.django_db
def test_database__two_open_calls_of_one_complaint__are_refused(complaint: Complaint) -> None:
    given: dict[str, Any] = {
        "complaint": complaint,
        "environment": complaint.environment,
        "site": complaint.site,
        "due_at": NOW,
    }

    with transaction.atomic(), recorded(now=NOW, **BY):
        CallBack(**given).save()
        with pytest.raises(IntegrityError, match="incidents_one_open_call"):
            CallBack(**given).save()


@pytest.mark.django_db(transaction=True)
def test_restored__four_workers_at_once__make_one_call(incident: Incident) -> None:
    _restore(incident)

    assert sum(_at_once([partial(take_in_restored, incident.pk, now=ENDED)] * 4)) == 1
    assert (CallBack.objects.count(), CallBackCause.objects.count()) == (1, 1)
    assert Event.objects.filter(kind="calls_due").count() == 1


@pytest.mark.django_db(transaction=True)
def test_rollback_and_restoration__at_once__make_one_call(rollout: Rollout, site: Site) -> None:
    flag = rollout.rollout_flags.order_by("position")[0].flag
    one = make_complaint(rollout.environment, site=site, flag=flag, now=at(25, 12, 30))
    incident = make_incident(rollout.environment, now=at(25, 12), detected_at=at(25, 12))
    link_complaints(incident_id=incident.pk, complaint_ids=[one.pk], now=at(25, 13), **BY)
    rollback = _take_back(rollout, now=at(25, 13))
    _restore(incident, now=at(25, 14))
    works = [
        partial(take_in_rollback, rollback.pk, now=at(25, 14)),
        partial(take_in_restored, incident.pk, now=at(25, 14)),
    ]

    assert sum(_at_once(works * 2)) == 1
    assert CallBack.objects.get().causes.count() == 2


@pytest.mark.django_db
def test_task__one_that_fails__leaves_the_others(incident: Incident, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_number: int, *, now: datetime) -> int:
        raise Refusal("wrong_state", start="a", end=str(now))

    _restore(incident)
    monkeypatch.setattr(tasks, "list_waiting_rollbacks", lambda **_: [1])
    monkeypatch.setattr(tasks, "take_in_rollback", fail)
    monkeypatch.setattr(tasks, "list_restored", lambda **_: [incident.pk])

    assert tasks.make_calls_due() == 1


def _at_once(works: Sequence[Callable[[], int]]) -> list[int]:
    def go(work: Callable[[], int]) -> int:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(go, works))
