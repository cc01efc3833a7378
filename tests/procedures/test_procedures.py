"""A rollback as a procedure: opened by itself, filled by the program and by people, watched to its end."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from core import clock
from core.actors import SCHEDULER, person
from core.errors import InvalidInput, NotAllowed, Refusal
from core.history import recorded
from core.roles import Role
from core.versions import get_version
from flags.domain.purposes import Purpose
from flags.models import ApiToken, Environment, StateRevision, Till, TillContact
from flags.transitions import create_till
from incidents.intake import list_waiting, take_in
from incidents.models import Incident
from notifications.models import Event
from procedures.domain.checklists import ItemState
from procedures.following import follow, follow_all, open_new
from procedures.models import Procedure, ProcedureItem
from procedures.seen import Seen, look
from procedures.transitions.opening import open_for_operation, open_for_rollback
from procedures.transitions.saying import note_seen, say
from recovery.domain.addresses import Address
from recovery.domain.lifecycle import Kind as OperationKind
from recovery.driving import drive
from recovery.models import Drill, Operation, Target
from recovery.transitions.asking import abort_operation, ask_operation
from rollouts.models import Rollback, Rollout, Trigger
from rollouts.transitions import roll_back
from tests.factories.core import make_person
from tests.factories.flags import make_environment
from tests.factories.health import make_sample
from tests.factories.world import NOW, World, make_rehearsal, make_world, play
from tests.recovery.operations import BY, do, make_target, take
from tests.recovery.shop import sell
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(seconds=100)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def world() -> World:
    return make_world()


def _take_back(world: World) -> Rollback:
    """Roll a rollout's flags back, as a person does."""
    rollout: Rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=100)
    return roll_back(
        rollout_id=rollout.pk, flag_ids=None, trigger=Trigger.MANUAL, actor=SCHEDULER, reason="wrong totals", now=LATER
    )


def _item(procedure: Procedure, code: str) -> ProcedureItem:
    return procedure.items.get(code=code)


def _report(world: World, *, at: datetime, requests: int, errors: int = 0) -> None:
    token = ApiToken.objects.get(pk=world.tokens[Purpose.TELEMETRY][0])
    make_sample(token, site=world.sites[0], received_at=at, start=at, requests=requests, errors=errors)


def test_open__each_rollback__has_one_procedure_with_its_items(world: World) -> None:
    rollback = _take_back(world)

    assert open_new(now=LATER) == 1
    assert open_new(now=LATER) == 0

    procedure = Procedure.objects.get()
    assert (procedure.rollback, procedure.kind, procedure.done_at) == (rollback, "feature", LATER)
    assert procedure.deadline_at == rollback.detected_at + 30 * MINUTE
    assert {"business_impact", "root_cause", "flags_off", "metrics_back"} <= set(
        procedure.items.values_list("code", flat=True)
    )
    assert set(procedure.items.values_list("state", flat=True)) == {"open"}


def test_figures__before_and_after__say_whether_it_helped(world: World) -> None:
    _report(world, at=LATER - 5 * MINUTE, requests=100, errors=20)
    procedure = open_for_rollback(_take_back(world), now=LATER)
    follow(procedure, now=LATER)
    procedure.refresh_from_db()
    assert (procedure.figures["before"]["error_bp"], procedure.figures["verdict"]) == (2_000, "unknown")
    assert _item(procedure, "metrics_back").state == "open"

    _report(world, at=LATER + MINUTE, requests=60, errors=1)
    follow(procedure, now=LATER + 2 * MINUTE)

    procedure.refresh_from_db()
    assert procedure.figures["verdict"] == "back"
    item = _item(procedure, "metrics_back")
    assert (item.state, item.said_by) == ("met", "recovery")


def test_figures__looked_at_often__are_kept_each_minute(world: World) -> None:
    procedure = open_for_rollback(_take_back(world), now=LATER)
    for second in range(0, 120, 3):
        follow(procedure, now=LATER + timedelta(seconds=second))

    assert procedure.history.filter(history_change_reason="Figures after the rollback").count() == 2


def test_watch__over__ends_it_and_tells_once(world: World) -> None:
    sign_in(Role.RELEASE_MANAGER)
    procedure = open_for_rollback(_take_back(world), now=LATER)

    follow(procedure, now=LATER + 31 * MINUTE)
    assert follow_all(now=LATER + 32 * MINUTE) == 0

    procedure.refresh_from_db()
    assert procedure.ended_at == LATER + 31 * MINUTE
    assert Event.objects.get(kind="rollback_watched").url == f"/procedures/{procedure.pk}/"


@pytest.mark.django_db(transaction=True)
def test_flags_off__once_every_till_has_fetched_it(world: World) -> None:
    till: Till = create_till(site_id=world.sites[0].pk, key="till-1", name="1", now=NOW, **BY)
    contact = TillContact.objects.create(till=till, environment=world.environment, seen_at=NOW, revision=0)
    procedure = open_for_rollback(_take_back(world), now=LATER)
    newest = max(StateRevision.objects.values_list("revision", flat=True))
    follow(procedure, now=LATER)
    assert (_item(procedure, "flags_off").state, _item(procedure, "flags_off").data) == (
        "open",
        {"confirmed": 0, "total": 1},
    )

    TillContact.objects.filter(pk=contact.pk).update(revision=newest)
    follow(procedure, now=LATER)

    assert _item(procedure, "flags_off").state == "met"


def test_say__a_person_with_a_proof__is_kept_with_who_and_when(world: World) -> None:
    procedure = open_for_rollback(_take_back(world), now=LATER)
    manager = make_person(Role.RELEASE_MANAGER)

    say(
        item_id=_item(procedure, "root_cause").pk,
        state=ItemState.MET,
        actor=person(manager),
        reason="rounding in 1.3",
        now=LATER,
    )

    item = _item(procedure, "root_cause")
    assert (item.state, item.proof, item.said_at) == ("met", "rounding in 1.3", LATER)
    assert item.said_by == (manager.get_full_name() or manager.username)


def test_say__what_the_program_saw__is_not_a_persons(world: World) -> None:
    procedure = open_for_rollback(_take_back(world), now=LATER)
    _report(world, at=LATER + MINUTE, requests=60)
    follow(procedure, now=LATER + 2 * MINUTE)
    by = person(make_person(Role.RELEASE_MANAGER))

    with pytest.raises(Refusal) as caught:
        say(item_id=_item(procedure, "metrics_back").pk, state=ItemState.FAILED, actor=by, reason="no", now=LATER)
    assert caught.value.code == "item_is_the_programs"
    with pytest.raises(InvalidInput) as wrong:
        say(item_id=_item(procedure, "till_works").pk, state=ItemState.OVERRIDDEN, actor=by, reason="no", now=LATER)
    assert wrong.value.code == "item_not_overridable"
    with pytest.raises(NotAllowed):
        say(item_id=_item(procedure, "till_works").pk, state=ItemState.MET, actor=SCHEDULER, reason="no", now=LATER)


def test_say__where_the_program_sees_nothing__stays_as_said(world: World) -> None:
    procedure = open_for_rollback(_take_back(world), now=LATER)
    by = person(make_person(Role.RELEASE_MANAGER))
    say(item_id=_item(procedure, "end_to_end").pk, state=ItemState.MET, actor=by, reason="sold a cup", now=LATER)

    follow(procedure, now=LATER + MINUTE)

    assert _item(procedure, "end_to_end").proof == "sold a cup"


def test_passed_over__stands_in_the_post_mortem(world: World) -> None:
    rollback = _take_back(world)
    for event_id in list_waiting(now=LATER, limit=50):
        take_in(event_id, now=LATER)
    procedure = open_for_rollback(rollback, now=LATER)
    by = person(make_person(Role.RELEASE_MANAGER))
    say(
        item_id=_item(procedure, "users_told").pk,
        state=ItemState.OVERRIDDEN,
        actor=by,
        reason="no time: money was lost",
        now=LATER,
    )
    incident = Incident.objects.get(rollback=rollback)

    page = sign_in(Role.SUPPORT).get(f"/incidents/{incident.pk}/post-mortem/").content.decode()

    assert "no time: money was lost" in page
    assert "Those who are affected were told" in page


def test_operation__of_a_database__is_filled_from_its_steps(target: Target, shop: Address) -> None:
    point = take(target)
    operation = ask_operation(
        kind=OperationKind.ROLL_BACK,
        target_id=target.pk,
        wish={"restore_point": point.pk, "accepts_losses": True},
        now=clock.now(),
        **BY,
    )
    assert open_new(now=clock.now()) == 1
    procedure = Procedure.objects.get()
    assert (procedure.kind, procedure.done_at) == ("database", None)
    drive(operation.pk)

    follow(procedure, now=clock.now())

    procedure.refresh_from_db()
    operation.refresh_from_db()
    assert procedure.done_at == operation.ended_at
    states = dict(procedure.items.filter(is_automatic=True).values_list("code", "state"))
    assert (states["recent_backup"], states["data_sound"]) == ("met", "met")
    # Nobody ever drilled here, and the target names no smoke test: the one is no, the other a person's.
    assert (states["tried_before"], states["end_to_end"]) == ("failed", "open")


def _ask_back(target: Target, *, accepts_losses: bool = True) -> Operation:
    return ask_operation(
        kind=OperationKind.ROLL_BACK,
        target_id=target.pk,
        wish={"restore_point": take(target).pk, "accepts_losses": accepts_losses},
        now=clock.now(),
        **BY,
    )


def test_operation__waits_for_a_word__says_nothing_of_afterwards(target: Target, shop: Address) -> None:
    operation = _ask_back(target, accepts_losses=False)
    sell(shop, 1)
    open_new(now=clock.now())
    procedure = Procedure.objects.get()
    drive(operation.pk)
    operation.refresh_from_db()
    assert operation.status == "waiting"

    procedure = follow(procedure, now=clock.now())

    assert procedure.figures["verdict"] == "not_done"
    after = dict(procedure.items.filter(is_automatic=True, stage="after").values_list("code", "state"))
    assert set(after.values()) == {"open"}
    with pytest.raises(Refusal) as caught:
        _say(procedure, "data_sound")
    assert (caught.value.code, caught.value.data) == ("item_comes_with_operation", {"operation": operation.pk})
    with pytest.raises(Refusal) as watched:
        _say(procedure, "metrics_back")
    assert watched.value.code == "item_comes_with_watch"
    # The target names no smoke test: the program will never tell.
    assert _say(procedure, "end_to_end").state == "met"

    abort_operation(operation_id=operation.pk, now=clock.now(), **BY)
    drive(operation.pk)
    procedure = follow(procedure, now=clock.now())

    assert (procedure.figures["verdict"], _item(procedure, "data_sound").state) == ("not_done", "open")
    assert not procedure.history.filter(history_change_reason="Taken back").exists()


def _say(procedure: Procedure, code: str, *, seen: int | None = None) -> ProcedureItem:
    by = person(make_person(Role.RELEASE_MANAGER))
    return say(
        item_id=_item(procedure, code).pk, state=ItemState.MET, actor=by, reason="seen", now=clock.now(), seen=seen
    )


def test_say__from_a_stale_page__is_refused(world: World) -> None:
    procedure = open_for_rollback(_take_back(world), now=LATER)
    seen = get_version(_item(procedure, "till_works"))
    _say(procedure, "till_works", seen=seen)

    with pytest.raises(Refusal) as caught:
        _say(procedure, "till_works", seen=seen)

    assert caught.value.code == "changed_meanwhile"


def test_seen__after_a_person_had_said_it__stands_before_their_word(world: World) -> None:
    procedure = open_for_rollback(_take_back(world), now=LATER)
    _say(procedure, "end_to_end")

    note_seen(procedure_id=procedure.pk, seen={"end_to_end": Seen(ItemState.OPEN, {})}, now=LATER)
    assert _item(procedure, "end_to_end").state == "met"
    note_seen(procedure_id=procedure.pk, seen={"end_to_end": Seen(ItemState.FAILED, {"operations": [1]})}, now=LATER)

    item = _item(procedure, "end_to_end")
    assert (item.state, item.said_by, item.proof) == ("failed", "recovery", "seen")


def test_tried_before__by_a_drill_of_this_target_alone(target: Target) -> None:
    operation = _ask_back(target)
    procedure = open_for_operation(operation, now=clock.now())
    elsewhere = make_environment(key="elsewhere")

    def tried() -> ItemState:
        return look(procedure, now=clock.now())["tried_before"].state

    _pass_drill(elsewhere, at=operation.asked_at - MINUTE)
    without = _pass_drill(target.environment, at=operation.asked_at - MINUTE)
    assert tried() == ItemState.FAILED

    with recorded(now=NOW, **BY):
        Operation(
            kind=OperationKind.DRILL,
            target=target,
            status="succeeded",
            drill=without,
            asked_by="test",
            asked_at=NOW,
            ended_at=NOW,
        ).save()
    assert tried() == ItemState.MET


def _pass_drill(environment: Environment, *, at: datetime) -> Drill:
    with recorded(now=at, **BY):
        drill = Drill(environment=environment, status="passed", asked_by="test", asked_at=at, ended_at=at)
        drill.save()
    return drill


def test_follow__one_procedure_fails__the_others_are_looked_at(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    open_for_rollback(_take_back(world), now=LATER)

    def fail(*_given: object, **_named: object) -> None:
        raise KeyError("figures")

    monkeypatch.setattr("procedures.following.look", fail)
    monkeypatch.setattr("procedures.following.open_for_operation", fail)
    monkeypatch.setattr("procedures.following.list_unopened_operations", lambda **_named: [Operation(pk=1)])

    assert open_new(now=LATER) == 1
    assert follow_all(now=LATER) == 0


def test_follow__read_before_a_target_was_added__does_not_call_it_done(target: Target) -> None:
    operation = _ask_back(target)
    procedure = open_for_operation(operation, now=clock.now())
    stale = Procedure.objects.get(pk=procedure.pk)
    stale.done_at = stale.begun_at

    follow(stale, now=clock.now())

    procedure.refresh_from_db()
    assert (procedure.done_at, procedure.figures["verdict"]) == (None, "not_done")
    assert not procedure.history.filter(history_change_reason="Taken back").exists()


def test_operation__after_flags_were_not_enough__is_a_part_of_their_procedure(
    world: World,
    shop: Address,
    folders: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.recovery.operations import VARIABLE, url_of

    monkeypatch.setenv(VARIABLE, url_of(shop))
    place = make_target(world.environment)
    point = take(place)
    rollback = _take_back(world)
    first = open_for_rollback(rollback, now=LATER)
    # Of a rollout on real days: a rehearsal's rollback takes no real one in.
    real = {"is_rehearsal": False, "day_seconds": None, "start_on": LATER.date()}
    Rollout.objects.filter(pk=rollback.rollout_id).update(**real)
    operation = do(place, OperationKind.ROLL_BACK, restore_point=point.pk, accepts_losses=True)
    Operation.objects.filter(pk=operation.pk).update(asked_at=LATER + MINUTE)
    operation.refresh_from_db()

    found = open_for_operation(operation, now=LATER + MINUTE)

    assert found == first
    found.refresh_from_db()
    assert found.done_at is None
    assert {"flags_off", "recent_backup", "data_sound"} <= set(found.items.values_list("code", flat=True))
    assert open_for_operation(operation, now=LATER + MINUTE) == first


def test_exercise__opens_nothing(target: Target) -> None:
    take(target)
    ask_operation(kind=OperationKind.DRILL, target_id=target.pk, wish={}, now=clock.now(), is_exercise=True, **BY)

    assert open_new(now=clock.now()) == 0


def test_pages__said_and_seen__by_who_may(world: World) -> None:
    procedure = open_for_rollback(_take_back(world), now=LATER)
    follow(procedure, now=LATER)
    client = sign_in(Role.RELEASE_MANAGER)
    address = f"/procedures/{procedure.pk}/"

    answer = client.post(
        f"{address}say/",
        {"item": _item(procedure, "root_cause").pk, "state": "met", "reason": "rounding"},
    )

    item = _item(procedure, "root_cause")
    assert answer["Location"] == f"{address}#item-{item.pk}"
    page = client.get(address).content.decode()
    assert "rounding" in page
    assert "Did it help?" in page
    assert client.get(f"/procedures/of-rollback/{procedure.rollback_id}/")["Location"] == address
    assert client.get("/procedures/of-operation/999999/")["Location"] == "/procedures/"
    listed = client.get("/procedures/").content.decode()
    assert "Buttons" in listed
    assert "answers open" in listed
    assert client.post(f"{address}say/", {"item": 1, "state": "x", "reason": "y"}).status_code in {400, 404}
    assert sign_in(Role.AUDITOR).post(f"{address}say/", {}).status_code == 403
    partial = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert partial.lstrip().startswith("<section")


def test_say__a_plain_yes__is_kept_in_the_statements_words(world: World) -> None:
    procedure = open_for_rollback(_take_back(world), now=LATER)
    client = sign_in(Role.RELEASE_MANAGER)
    address = f"/procedures/{procedure.pk}/say/"
    item = _item(procedure, "data_integrity")

    client.post(address, {"item": item.pk, "state": "met", "reason": ""})
    refused = client.post(address, {"item": _item(procedure, "security").pk, "state": "failed", "reason": ""})

    item.refresh_from_db()
    assert (item.state, item.proof) == ("met", "Integrity of the data: nothing is lost or wrong")
    assert refused.status_code == 400
    assert _item(procedure, "security").state == "open"


def test_say__what_it_costs__is_answered_in_words(world: World) -> None:
    procedure = open_for_rollback(_take_back(world), now=LATER)
    client = sign_in(Role.SUPPORT)
    address = f"/procedures/{procedure.pk}/say/"
    item = _item(procedure, "business_impact")

    assert client.post(address, {"item": item.pk, "state": "met", "reason": ""}).status_code == 400
    assert client.post(address, {"item": item.pk, "state": "failed", "reason": "much"}).status_code == 400
    client.post(address, {"item": item.pk, "state": "met", "reason": "ten sales by hand"})

    page = client.get(f"/procedures/{procedure.pk}/").content.decode()
    assert "ten sales by hand" in page
    assert "✓ answered" in page


def test_say__from_a_page_that_is_old__is_refused(world: World) -> None:
    procedure = open_for_rollback(_take_back(world), now=LATER)
    client = sign_in(Role.SUPPORT)
    item = _item(procedure, "business_impact")
    hidden = rf'value="{item.pk}">\s*<input type="hidden" name="version" value="(\d+)"'
    drawn = re.search(hidden, client.get(f"/procedures/{procedure.pk}/").content.decode())
    assert drawn is not None
    wish = {"item": item.pk, "state": "met", "version": drawn[1]}
    address = f"/procedures/{procedure.pk}/say/"

    assert client.post(address, wish | {"reason": "ten sales by hand"}).status_code == 302
    assert client.post(address, wish | {"reason": "nothing"}).status_code == 409
    assert _item(procedure, "business_impact").proof == "ten sales by hand"


def test_say__support__answers_of_people_and_shops_alone(world: World) -> None:
    procedure = open_for_rollback(_take_back(world), now=LATER)
    client = sign_in(Role.SUPPORT)
    address = f"/procedures/{procedure.pk}/say/"

    told = client.post(address, {"item": _item(procedure, "users_told").pk, "state": "met", "reason": ""})
    cause = client.post(address, {"item": _item(procedure, "root_cause").pk, "state": "met", "reason": "x"})

    assert (told.status_code, cause.status_code) == (302, 403)
    assert "a release manager says this" in client.get(f"/procedures/{procedure.pk}/").content.decode()


def test_page__late__says_by_how_much(world: World) -> None:
    procedure = open_for_rollback(_take_back(world), now=LATER)
    Procedure.objects.filter(pk=procedure.pk).update(
        deadline_at=LATER + MINUTE, done_at=LATER + 4 * MINUTE, begun_at=LATER
    )

    page = sign_in(Role.AUDITOR).get(f"/procedures/{procedure.pk}/").content.decode()

    assert "3 min past its deadline" in page
