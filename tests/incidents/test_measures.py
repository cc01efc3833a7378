"""Measures: done by their owner with a proof, verified by somebody else; reminders before and after their date."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from core import clock
from core.actors import DEMO, person, token
from core.errors import InvalidInput, NotAllowed, Refusal
from core.models import User
from core.people import deactivate_person
from core.roles import Role
from core.versions import get_version
from incidents import tasks
from incidents.domain.lifecycle import Status
from incidents.domain.measuring import EDGES, MeasureState
from incidents.domain.reviewing import Stage
from incidents.domain.tiers import Tier
from incidents.models import ActionItem, ActionKind
from incidents.transitions import (
    approve_post_mortem,
    close_incident,
    confirm_restored,
    drop_action_item,
    finish_action_item,
    hand_over_action_item,
    reject_action_item,
    verify_action_item,
)
from notifications.models import Delivery, Event
from tests.factories.core import NOW, make_person
from tests.factories.incidents import learn, make_incident, make_incident_in, make_measure, review

MOVES: dict[MeasureState, Callable[..., ActionItem]] = {
    MeasureState.OPEN: reject_action_item,
    MeasureState.DONE: finish_action_item,
    MeasureState.VERIFIED: verify_action_item,
    MeasureState.DROPPED: drop_action_item,
}


def _where(item: ActionItem) -> dict[str, Any]:
    return {"incident_id": item.post_mortem.incident_id, "item_id": item.pk}


def _by(user: User | None = None) -> dict[str, Any]:
    return {"actor": person(user or make_person(Role.RELEASE_MANAGER)), "reason": "see https://x.org", "now": NOW}


def _make(state: MeasureState, *, owner: User | None = None, **given: Any) -> ActionItem:
    owner = owner or make_person(Role.SUPPORT)
    item = make_measure(make_incident(), user=owner, **given)
    if state is MeasureState.DROPPED:
        return drop_action_item(**_where(item), **_by())
    if state is not MeasureState.OPEN:
        finish_action_item(**_where(item), **_by(owner))
    if state is MeasureState.VERIFIED:
        verify_action_item(**_where(item), **_by())
    item.refresh_from_db()
    return item


@pytest.mark.django_db
@pytest.mark.parametrize("start", MeasureState)
@pytest.mark.parametrize("end", MeasureState)
def test_moves__every_pair_of_states__agree_with_the_table(start: MeasureState, end: MeasureState) -> None:
    item = _make(start)
    who = _by(item.owner) if end is MeasureState.DONE else _by()
    rows = item.history.count()

    if end in EDGES[start]:
        MOVES[end](**_where(item), **who)
        item.refresh_from_db()
        assert (item.status, item.history.count()) == (end, rows + 1)
    else:
        with pytest.raises(Refusal, match="wrong_state"):
            MOVES[end](**_where(item), **who)
        item.refresh_from_db()
        assert (item.status, item.history.count()) == (start, rows)


@pytest.mark.django_db
@pytest.mark.parametrize("move", MOVES.values())
def test_moves__without_words_or_of_another_incident_or_on_an_old_version__are_refused(
    move: Callable[..., ActionItem],
) -> None:
    start = MeasureState.DONE if move in {reject_action_item, verify_action_item} else MeasureState.OPEN
    item, other = _make(start), make_incident()
    who = _by(item.owner) if move is finish_action_item else _by()

    with pytest.raises(InvalidInput, match="reason_missing"):
        move(**_where(item), **(who | {"reason": " \n"}))
    with pytest.raises(InvalidInput, match="measure_unknown"):
        move(incident_id=other.pk, item_id=item.pk, **who)
    with pytest.raises(Refusal, match="changed_meanwhile"):
        move(**_where(item), **who, seen=get_version(item) - 1)


@pytest.mark.django_db
def test_finish__by_somebody_else_or_a_program__is_refused() -> None:
    item = _make(MeasureState.OPEN)

    with pytest.raises(NotAllowed, match="measure_of_another"):
        finish_action_item(**_where(item), **_by())
    with pytest.raises(NotAllowed, match="measure_of_another"):
        finish_action_item(**_where(item), **(_by() | {"actor": token("ci")}))


@pytest.mark.django_db
@pytest.mark.parametrize("move", [verify_action_item, reject_action_item])
def test_verify__by_its_owner_or_a_program__is_refused(move: Callable[..., ActionItem]) -> None:
    item = _make(MeasureState.DONE)

    with pytest.raises(NotAllowed, match="verified_by_owner"):
        move(**_where(item), **_by(item.owner))
    with pytest.raises(NotAllowed, match="verified_by_no_person"):
        move(**_where(item), **(_by() | {"actor": token("ci")}))


@pytest.mark.django_db
def test_story__done_rejected_done_verified_after_closing__keeps_each_proof() -> None:
    incident = make_incident_in(Status.CLOSED)
    item = incident.post_mortem.action_items.get()
    finish_action_item(**_where(item), **_by(item.owner))
    reject_action_item(**_where(item), **(_by() | {"reason": "The test is skipped"}))
    assert Event.objects.get(kind="measure_rejected").data["reason"] == "The test is skipped"
    finish_action_item(**_where(item), **(_by(item.owner) | {"reason": "It runs: build 12"}))

    item = verify_action_item(**_where(item), **(_by() | {"reason": "Saw build 12"}))

    assert (item.proof, item.checked) == ("It runs: build 12", "Saw build 12")
    reasons = list(item.history.order_by("history_id").values_list("history_change_reason", flat=True))
    assert reasons[1:] == ["see https://x.org", "The test is skipped", "It runs: build 12", "Saw build 12"]
    codes = list(incident.timeline.order_by("pk").values_list("code", flat=True))
    assert codes[-4:] == ["action_item_done", "action_item_rejected", "action_item_done", "action_item_verified"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"title": " "}, "measure_missing"),
        ({"title": "x" * 301}, "text_too_long"),
        ({"title": "nul\x00"}, "text_unreadable"),
        ({"kind": "hope"}, "action_kind_unknown"),
        ({"due_on": NOW.date() - timedelta(days=1)}, "due_in_past"),
        ({"owner_id": 999_999}, "person_unknown"),
        ({"verifier_id": 999_999}, "person_unknown"),
    ],
)
def test_add__wrong_value__is_refused(given: dict[str, Any], code: str) -> None:
    incident, user = make_incident(), make_person(Role.SUPPORT)

    with pytest.raises(InvalidInput, match=code):
        make_measure(incident, user=user, **given)
    assert not ActionItem.objects.exists()


@pytest.mark.django_db
def test_add__verified_by_its_owner_or_to_what_is_closed__is_refused() -> None:
    user = make_person(Role.SUPPORT)

    with pytest.raises(InvalidInput, match="verifier_is_owner"):
        make_measure(make_incident(), user=user, verifier_id=user.pk)
    with pytest.raises(Refusal, match="incident_closed"):
        make_measure(make_incident_in(Status.CLOSED), user=user)


@pytest.mark.django_db
@pytest.mark.parametrize("part", ["owner_id", "verifier_id"])
def test_add__for_somebody_who_may_handle_no_incidents__is_refused(part: str) -> None:
    given: dict[str, Any] = {"user": make_person(Role.SUPPORT), part: make_person(Role.AUDITOR).pk}

    with pytest.raises(InvalidInput, match="measure_needs_handler"):
        make_measure(make_incident(), **given)
    assert not ActionItem.objects.exists()


@pytest.mark.django_db
def test_hand_over__under_review__is_reviewed_anew_by_somebody_else() -> None:
    incident, other = make_incident_in(Status.RESOLVED), make_person(Role.SUPPORT)
    learn(incident, until=Stage.IN_REVIEW)
    item = ActionItem.objects.get(post_mortem__incident=incident)
    wish: dict[str, Any] = {"owner_id": other.pk, "verifier_id": None, "due_on": item.due_on, "today": NOW.date()}

    by = _by()
    hand_over_action_item(**_where(item), **by, **wish)

    incident.refresh_from_db()
    assert incident.post_mortem.status == Stage.DRAFT
    assert incident.timeline.filter(code="review_voided").exists()
    review(incident, until=Stage.IN_REVIEW)
    with pytest.raises(Refusal, match="review_by_author"):
        approve_post_mortem(incident_id=incident.pk, **by)


@pytest.mark.django_db
def test_hand_over__owner_and_date__with_a_reason_and_only_while_open() -> None:
    item, other = _make(MeasureState.OPEN), make_person(Role.SUPPORT)
    wish: dict[str, Any] = {"owner_id": other.pk, "verifier_id": None, "today": NOW.date()}

    with pytest.raises(InvalidInput, match="due_in_past"):
        hand_over_action_item(**_where(item), **_by(), **wish, due_on=NOW.date() - timedelta(days=1))
    item = hand_over_action_item(**_where(item), **_by(), **wish, due_on=NOW.date() + timedelta(days=20))
    assert (item.owner, item.due_on) == (other, NOW.date() + timedelta(days=20))

    finish_action_item(**_where(item), **_by(other))
    with pytest.raises(Refusal, match="wrong_state"):
        hand_over_action_item(**_where(item), **_by(), **wish, due_on=item.due_on)


@pytest.mark.django_db(transaction=True)
def test_verify_and_reject__at_once__one_wins() -> None:
    item = _make(MeasureState.DONE)
    seen = get_version(item)
    acts = [(move, _by()) for move in (verify_action_item, reject_action_item)]

    def work(act: tuple[Callable[..., ActionItem], dict[str, Any]]) -> str:
        try:
            act[0](**_where(item), **act[1], seen=seen)
        except Refusal as refusal:
            return refusal.code
        else:
            return "won"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(work, acts)) == ["changed_meanwhile", "won"]


def _remind(monkeypatch: pytest.MonkeyPatch, at: datetime) -> int:
    monkeypatch.setattr(clock, "now", lambda: at)
    return tasks.remind_of_measures()


def _readers(kind: str) -> set[int]:
    return set(Delivery.objects.filter(event__kind=kind).values_list("recipient_id", flat=True))


@pytest.mark.django_db
def test_remind__before_on_and_after_the_date__its_owner_alone_until_it_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner, actor = make_person(Role.RELEASE_MANAGER), make_person(Role.SUPPORT)
    item = make_measure(make_incident(now=NOW, tier=Tier.MINOR), user=actor, owner_id=owner.pk, now=NOW)

    told = [_remind(monkeypatch, NOW + timedelta(days=days)) for days in (4, 5, 5, 6, 7, 8, 13, 14, 14)]
    finish_action_item(**_where(item), **(_by(owner) | {"now": NOW + timedelta(days=15)}))
    after = _remind(monkeypatch, NOW + timedelta(days=16))

    assert (told, after) == ([0, 1, 0, 0, 1, 0, 0, 1, 0], 0)
    assert _readers("measure_due") == {owner.pk}


@pytest.mark.django_db
def test_remind__done_and_not_verified__whoever_was_named_each_week(monkeypatch: pytest.MonkeyPatch) -> None:
    named = make_person(Role.SUPPORT)
    item = _make(MeasureState.DONE, verifier_id=named.pk)

    told = [_remind(monkeypatch, NOW + timedelta(days=days)) for days in (0, 6, 7, 8, 14, 14)]
    verify_action_item(**_where(item), **_by(named))

    assert told == [0, 0, 1, 0, 1, 0]
    assert _remind(monkeypatch, NOW + timedelta(days=50)) == 0
    assert _readers("measure_to_verify") == {named.pk}


@pytest.mark.django_db
def test_remind__nobody_named__those_who_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = make_person(Role.RELEASE_MANAGER)
    _make(MeasureState.DONE)

    assert _readers("measure_to_verify") == {driver.pk}
    assert _remind(monkeypatch, NOW + timedelta(days=7)) == 1


@pytest.mark.django_db
def test_remind__after_closing_and_of_an_owner_who_left__goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    owner, driver = make_person(Role.SUPPORT), make_person(Role.RELEASE_MANAGER)
    incident = make_incident(tier=Tier.MINOR)
    learn(incident, user=owner)
    confirm_restored(incident_id=incident.pk, **_by())
    close_incident(incident_id=incident.pk, **_by())
    assert _remind(monkeypatch, NOW + timedelta(days=7)) == 1
    assert _readers("measure_due") == {owner.pk}

    deactivate_person(user_id=owner.pk, actor=DEMO, reason="left", now=NOW)

    assert _remind(monkeypatch, NOW + timedelta(days=14)) == 1
    assert driver.pk in _readers("measure_due")


@pytest.mark.django_db
@pytest.mark.parametrize("state", [MeasureState.VERIFIED, MeasureState.DROPPED])
def test_remind__over__says_nothing(monkeypatch: pytest.MonkeyPatch, state: MeasureState) -> None:
    _make(state, kind=ActionKind.DETECTION)

    assert _remind(monkeypatch, NOW + timedelta(days=70)) == 0


@pytest.mark.django_db
def test_remind__post_mortem__before_on_and_after_its_date_until_published(monkeypatch: pytest.MonkeyPatch) -> None:
    author = make_person(Role.SUPPORT)
    incident = make_incident(tier=Tier.CRITICAL)
    confirm_restored(incident_id=incident.pk, **_by())
    told = [_remind(monkeypatch, NOW + timedelta(days=days)) for days in (1, 2, 2, 3, 4, 5)]
    assert told == [0, 1, 0, 1, 0, 1]
    assert author.pk not in _readers("post_mortem_due")

    learn(incident, user=author, until=Stage.APPROVED)
    before = Event.objects.filter(kind="post_mortem_due").count()
    assert _remind(monkeypatch, NOW + timedelta(days=7)) == 2  # the measure, too
    newest = Event.objects.filter(kind="post_mortem_due").latest("pk")
    assert Event.objects.filter(kind="post_mortem_due").count() == before + 1
    assert set(newest.deliveries.values_list("recipient_id", flat=True)) == {author.pk}


@pytest.mark.django_db
def test_remind__running_minor_or_published__no_post_mortem_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    make_incident(tier=Tier.CRITICAL)
    minor = make_incident(tier=Tier.MINOR)
    confirm_restored(incident_id=minor.pk, **_by())
    learn(make_incident_in(Status.RESOLVED))

    _remind(monkeypatch, NOW + timedelta(days=30))

    assert not Event.objects.filter(kind="post_mortem_due").exists()


@pytest.mark.django_db(transaction=True)
def test_remind__two_beats_at_once__tell_once(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = make_person(Role.SUPPORT)
    for _ in range(3):
        make_measure(make_incident(tier=Tier.MINOR), user=owner)
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(days=7))

    def work(_: int) -> int:
        try:
            return tasks.remind_of_measures()
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(work, range(3))) == 3
    assert Event.objects.filter(kind="measure_due").count() == 3
