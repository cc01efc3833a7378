"""Investigations of complaints: opened once, decided by a person, never undone by marking."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from core import clock
from core.actors import SCHEDULER, command, person
from core.domain.lifecycle import can_move
from core.errors import InvalidInput, NotFound, Refusal
from core.models import User
from core.reasons import say_reason
from core.roles import Role
from flags.models import FlagState
from flags.transitions import NewMember, add_member
from health.complaint_queries import list_heard_today
from health.domain.complaints import Code, judge_day
from health.models import Complaint
from health.transitions import log_complaint, log_duplicate, mark_duplicate, mark_spam
from incidents.intake import list_waiting, take_in
from notifications.models import Event
from rollouts import tasks
from rollouts.complaint_guarding import watch_complaints
from rollouts.domain.investigating import EDGES, LASTS, State
from rollouts.domain.lifecycle import Status
from rollouts.exposure_queries import exposures_of
from rollouts.models import Investigation, Rollback, RollbackFlag, Rollout, Trigger
from rollouts.transitions import resume_rollout, roll_back
from rollouts.transitions.investigating import (
    dismiss_investigation,
    hand_over,
    roll_back_investigated,
    take_on,
)
from rollouts.transitions.opening_investigations import open_investigation
from tests.factories.core import make_person
from tests.factories.world import DAY, WHY, World, make_rehearsal, make_world, play, reload
from tests.signed_in import sign_in_as

SECOND = timedelta(seconds=1)
BY: dict[str, Any] = {"actor": command("ops"), "reason": WHY}


@pytest.fixture
def world(db: None) -> World:
    return make_world(now=clock.now() - timedelta(minutes=20))


def _play(world: World, days: float) -> Rollout:
    """Return a rehearsal that has run for some of its days, until now."""
    seconds = int(days * DAY)
    start = clock.now() - timedelta(seconds=seconds)
    rollout = make_rehearsal(world, now=start)
    play(world, rollout, start=start, seconds=seconds)
    return reload(rollout)


@pytest.fixture
def pilot(world: World) -> Rollout:
    """Its first flag is on for one tester."""
    return _play(world, 0.5)


@pytest.fixture
def shops(world: World) -> Rollout:
    """Its flags are on at whole sites."""
    rollout = _play(world, 8)
    assert any(exposure.site_keys for exposure in exposures_of(rollout))
    return rollout


def _complain(world: World, numbers: range, *, flag: int | None = 0, **given: Any) -> list[Complaint]:
    return [
        log_complaint(
            environment_id=world.environment.pk,
            site_id=world.sites[0].pk,
            flag_id=None if flag is None else world.flags[flag].pk,
            text=given.get("text", f"The price of article {number} is wrong"),
            severity="annoying",
            reporter=given.get("reporter", f"cashier {number}"),
            actor=command("support"),
            now=clock.now(),
        )
        for number in numbers
    ]


def _watch(rollout: Rollout) -> None:
    rollout = reload(rollout)
    watch_complaints(rollout, exposures_of(rollout), now=clock.now())


def _open(world: World, rollout: Rollout) -> Investigation:
    _complain(world, range(11))
    _watch(rollout)
    return Investigation.objects.get()


def test_watch__the_eleventh__opens_one_with_what_was_counted_and_holds(world: World, shops: Rollout) -> None:
    _complain(world, range(10))
    _watch(shops)
    assert not Investigation.objects.exists()

    [last] = _complain(world, range(10, 11), flag=1)
    for _look in range(2):
        _watch(shops)

    opened = Investigation.objects.get()
    assert (opened.code, opened.status, opened.attempt) == (Code.LIMIT, State.OPEN, 1)
    assert opened.deadline_at - opened.opened_at == LASTS
    assert (opened.evidence["count"], len(opened.complaint_ids), opened.complaint_ids[-1]) == (11, 11, last.pk)
    assert opened.evidence["flags"] == {"buttons": 10, "tickets": 1}
    assert opened.evidence["sites"] == {"lyon": 11}
    held = reload(shops)
    assert (held.status, held.held_code, held.held_data["investigation"]) == (Status.HELD, "complaint_limit", opened.pk)
    assert opened.history.get().history_change_reason == "11 complaints today, more than 10"


def test_watch__looked_into_and_resumed__asks_no_more_that_day(world: World, shops: Rollout) -> None:
    opened = _open(world, shops)
    dismiss_investigation(investigation_id=opened.pk, now=clock.now(), **BY)
    resume_rollout(rollout_id=shops.pk, now=clock.now(), **BY)

    _complain(world, range(11, 14))
    _watch(shops)

    assert reload(shops).status == Status.RUNNING
    assert Investigation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_open__two_at_once__opens_one(world: World) -> None:
    rollout = _play(world, 8)
    _complain(world, range(11))
    now = clock.now()
    heard = list_heard_today(environment_key=world.environment.key, now=now)
    alarm = judge_day(heard)
    assert alarm is not None

    def open_one(_number: int) -> bool:
        try:
            opened = open_investigation(rollout_id=rollout.pk, alarm=alarm, now=now)
            return opened is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(open_one, range(2))) == [False, True]
    assert Event.objects.filter(kind="complaint_limit_reached").count() == 1


def test_watch__two_people_of_a_small_pilot__asks_and_holds_without_an_incident(world: World, pilot: Rollout) -> None:
    _complain(world, range(2))
    _watch(pilot)

    opened = Investigation.objects.get()
    assert (opened.code, opened.evidence["people"], opened.evidence["flag"]) == (Code.ONE_FLAG, 1, "buttons")
    assert reload(pilot).held_code == "pilots_one_flag"
    assert [take_in(event_id, now=clock.now()) for event_id in list_waiting(limit=10)] == [None]
    assert Event.objects.filter(kind="pilots_complain").count() == 1
    reason = opened.history.get().history_change_reason
    assert say_reason(reason) == "2 people complain of buttons today, in a pilot of 1"


def test_watch__the_same_one_again_by_another_person_of_a_pilot__asks(world: World, pilot: Rollout) -> None:
    """One complaint of a pilot of more would ask for nothing; that a second person said the same does."""
    for number in range(4):
        add_member(segment_id=world.testers.pk, member=NewMember(f"tester-{number + 2}"), now=clock.now(), **BY)
    [first] = _complain(world, range(1))
    _watch(pilot)
    assert not Investigation.objects.exists()
    given: dict[str, Any] = {
        "original_id": first.pk,
        "environment_id": world.environment.pk,
        "site_id": world.sites[0].pk,
        "flag_id": None,
        "text": "Just like before",
        "severity": "annoying",
        "actor": command("support"),
    }
    log_duplicate(reporter=" Cashier 0", now=clock.now(), **given)
    log_duplicate(reporter="", now=clock.now(), **given)
    _watch(pilot)
    assert not Investigation.objects.exists()

    last = log_duplicate(reporter="cashier 9", now=clock.now(), **given)
    _watch(pilot)

    opened = Investigation.objects.get()
    assert (opened.code, opened.evidence["count"]) == (Code.ONE_FLAG, 2)
    assert last.pk in opened.complaint_ids


def test_watch__as_many_as_have_it__asks(world: World, pilot: Rollout) -> None:
    _complain(world, range(1))

    _watch(pilot)

    assert Investigation.objects.get().code == Code.EACH_ONE


def test_watch__a_small_pilots_complaints_without_a_feature__ask_for_nothing(world: World, pilot: Rollout) -> None:
    _complain(world, range(3), flag=None)

    _watch(pilot)

    assert not Investigation.objects.exists()


def test_watch__the_limit_after_a_small_pilot_was_looked_into__asks_once_more(world: World, pilot: Rollout) -> None:
    _complain(world, range(2))
    _watch(pilot)
    dismiss_investigation(investigation_id=Investigation.objects.get().pk, now=clock.now(), **BY)
    resume_rollout(rollout_id=pilot.pk, now=clock.now(), **BY)
    _complain(world, range(2, 5))
    _watch(pilot)
    assert reload(pilot).status == Status.RUNNING

    _complain(world, range(5, 11))
    _watch(pilot)

    assert sorted(Investigation.objects.values_list("code", flat=True)) == [Code.LIMIT, Code.ONE_FLAG]
    assert reload(pilot).held_code == "complaint_limit"


def _mark_all(world: World) -> None:
    first, *others = Complaint.objects.order_by("pk")
    for other in others[:5]:
        mark_duplicate(complaint_id=other.pk, original_id=first.pk, now=clock.now(), **BY)
    for other in others[5:]:
        mark_spam(complaint_id=other.pk, now=clock.now(), **BY)


def _dismiss(opened: Investigation) -> None:
    dismiss_investigation(investigation_id=opened.pk, now=clock.now(), **BY)


def _take_back(opened: Investigation) -> None:
    roll_back_investigated(investigation_id=opened.pk, flag_ids=None, now=clock.now(), **BY)


def _leave(opened: Investigation) -> None:
    pass


@pytest.mark.parametrize("decide", [_leave, _dismiss, _take_back])
def test_marking__afterwards__opens_closes_and_undoes_nothing(
    world: World, shops: Rollout, decide: Callable[[Investigation], None]
) -> None:
    opened = _open(world, shops)
    decide(opened)
    before = (reload(shops).status, list(Investigation.objects.values()), list(FlagState.objects.values()))

    _mark_all(world)
    _watch(shops)

    assert (reload(shops).status, list(Investigation.objects.values()), list(FlagState.objects.values())) == before


def test_dismiss__with_a_reason__leaves_the_rollout_held(world: World, shops: Rollout) -> None:
    opened = _open(world, shops)

    dismissed = dismiss_investigation(
        investigation_id=opened.pk, actor=command("mia"), reason="A power cut", now=clock.now()
    )

    assert (dismissed.status, dismissed.conclusion, dismissed.concluded_by) == (State.DISMISSED, "A power cut", "mia")
    assert reload(shops).status == Status.HELD
    assert shops.events.filter(kind="investigation_dismissed", reason="A power cut").count() == 1


def test_dismiss__without_a_reason__is_refused(world: World, shops: Rollout) -> None:
    opened = _open(world, shops)

    with pytest.raises(InvalidInput, match="reason_missing"):
        dismiss_investigation(investigation_id=opened.pk, actor=command("mia"), reason=" ", now=clock.now())


def test_roll_back__everything__is_a_persons_with_the_evidence(world: World, shops: Rollout) -> None:
    opened = _open(world, shops)

    rollback = roll_back_investigated(investigation_id=opened.pk, flag_ids=None, now=clock.now(), **BY)

    opened.refresh_from_db()
    assert (rollback.trigger, rollback.evidence["investigation"]) == (Trigger.COMPLAINTS, opened.pk)
    assert rollback.evidence["complaints"] == opened.complaint_ids
    assert not RollbackFlag.objects.filter(is_automatic=True).exists()
    assert (opened.status, opened.rollback, opened.conclusion) == (State.ROLLED_BACK, rollback, WHY)
    assert reload(shops).status == Status.ROLLED_BACK


def test_roll_back__one_flag__leaves_the_others_on(world: World, shops: Rollout) -> None:
    opened = _open(world, shops)

    roll_back_investigated(investigation_id=opened.pk, flag_ids=[world.flags[0].pk], now=clock.now(), **BY)

    opened.refresh_from_db()
    assert opened.status == State.ROLLED_BACK
    assert reload(shops).status == Status.HELD
    assert list(shops.rollout_flags.filter(is_active=True).values_list("flag__key", flat=True)) == [
        "tickets",
        "signals",
    ]


def test_roll_back__whole_on_the_rollouts_page__ends_its_investigations(world: World, shops: Rollout) -> None:
    opened = _open(world, shops)

    rollback = roll_back(rollout_id=shops.pk, flag_ids=None, trigger=Trigger.MANUAL, now=clock.now(), **BY)

    opened.refresh_from_db()
    assert (opened.status, opened.rollback) == (State.ROLLED_BACK, rollback)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("end", [State.DISMISSED, State.ROLLED_BACK])
def test_edges__each__is_the_tables(world: World, shops: Rollout, state: State, end: State) -> None:
    opened = _open(world, shops)
    acts = {State.OPEN: _leave, State.DISMISSED: _dismiss, State.ROLLED_BACK: _take_back}
    acts[state](opened)

    if can_move(EDGES, start=state, end=end):
        acts[end](opened)
        opened.refresh_from_db()
        assert opened.status == end
    else:
        with pytest.raises(Refusal, match="changed_meanwhile"):
            acts[end](opened)


def test_take_on__and_hand_over__name_who_looks(world: World, shops: Rollout) -> None:
    opened = _open(world, shops)
    mia, ana, paul = make_person(Role.RELEASE_MANAGER), make_person(Role.SUPPORT), make_person(Role.AUDITOR)

    take_on(investigation_id=opened.pk, actor=person(mia), now=clock.now())
    opened.refresh_from_db()
    assert (opened.owner, opened.taken_at is not None) == (mia, True)

    hand_over(investigation_id=opened.pk, owner_id=ana.pk, actor=person(mia), reason="Lunch", now=clock.now())
    opened.refresh_from_db()
    assert (opened.owner, opened.taken_at) == (ana, None)
    with pytest.raises(InvalidInput, match="owner_unfit"):
        hand_over(investigation_id=opened.pk, owner_id=paul.pk, actor=person(mia), reason="Lunch", now=clock.now())
    with pytest.raises(InvalidInput, match="person_unknown"):
        take_on(investigation_id=opened.pk, actor=SCHEDULER, now=clock.now())
    with pytest.raises(NotFound, match="investigation_unknown"):
        take_on(investigation_id=999_999, actor=person(mia), now=clock.now())


def test_deadline__passed__is_told_once(world: World, shops: Rollout, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = _open(world, shops)
    assert tasks.remind_of_investigations() == 0

    monkeypatch.setattr(clock, "now", lambda: opened.deadline_at)

    assert [tasks.remind_of_investigations() for _round in range(2)] == [1, 0]
    assert Event.objects.get(kind="investigation_overdue").url == f"/complaints/investigations/{opened.pk}/"


def test_deadline__passed_after_it_was_decided__is_told_to_nobody(
    world: World, shops: Rollout, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = _open(world, shops)
    _dismiss(opened)
    monkeypatch.setattr(clock, "now", lambda: opened.deadline_at + SECOND)

    assert tasks.remind_of_investigations() == 0


def _client(role: Role) -> tuple[Client, User]:
    user = make_person(role, language="en")
    return sign_in_as(user, language="en"), user


def _words(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_page__of_support__shows_what_was_counted_and_takes_on_but_rolls_nothing_back(
    world: World, shops: Rollout
) -> None:
    opened = _open(world, shops)
    _mark_all(world)
    client, user = _client(Role.SUPPORT)
    address = f"/complaints/investigations/{opened.pk}/"

    page = _words(client, address)
    client.post(f"{address}take/")

    assert "11 complaints on one day, more than 10." in page
    assert "11 alike" in page
    assert "10 were marked since." in page
    assert f"{address}roll-back/" not in page
    assert client.post(f"{address}roll-back/", {"reason": "x"}).status_code == 403
    opened.refresh_from_db()
    assert opened.owner == user


def test_page__manager__sees_what_goes_back_and_takes_back_one_flag(world: World, shops: Rollout) -> None:
    opened = _open(world, shops)
    client, _user = _client(Role.RELEASE_MANAGER)
    address = f"/complaints/investigations/{opened.pk}/"

    page = _words(client, address)
    client.post(f"{address}roll-back/", {"reason": "Wrong prices", "flag": world.flags[0].pk})

    assert "3 flags go off" in page
    assert "Only “Buttons”" in page
    assert Rollback.objects.get().reason == "Wrong prices"
    assert "↩ rolled back" in _words(client, address)


def test_page__manager__dismisses_and_is_told_that_it_stays_held(world: World, shops: Rollout) -> None:
    opened = _open(world, shops)
    client, user = _client(Role.RELEASE_MANAGER)
    address = f"/complaints/investigations/{opened.pk}/"

    assert client.post(f"{address}dismiss/", {"reason": ""}).status_code == 400
    client.post(f"{address}hand-over/", {"owner": user.pk, "reason": "Mine"})
    client.post(f"{address}dismiss/", {"reason": "A power cut"})
    page = _words(client, address)

    assert "A power cut" in page
    assert "dismissing does not resume it" in page
    assert "/dismiss/" not in page


def test_page__auditor__reads_and_changes_nothing(world: World, shops: Rollout) -> None:
    opened = _open(world, shops)
    client, _user = _client(Role.AUDITOR)
    address = f"/complaints/investigations/{opened.pk}/"

    page = _words(client, address)

    assert "/dismiss/" not in page
    assert client.post(f"{address}dismiss/", {"reason": "x"}).status_code == 403


def test_page__words_forgotten__still_shows_the_rest(world: World, shops: Rollout) -> None:
    opened = _open(world, shops)
    for complaint in Complaint.objects.all():
        complaint.words.delete()

    page = _words(_client(Role.SUPPORT)[0], f"/complaints/investigations/{opened.pk}/")

    assert page.count("The words were deleted after their time.") == 11


def test_pressing__open_one__stands_on_the_dashboard_and_on_the_rollout(
    world: World, shops: Rollout, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = _open(world, shops)
    client, _user = _client(Role.RELEASE_MANAGER)
    link = f'href="/complaints/investigations/{opened.pk}/"'
    paths = ("/", f"/rollouts/{shops.pk}/", "/complaints/investigations/")

    assert [link in _words(client, path) for path in paths] == [True] * 3
    _dismiss(opened)
    assert [link in _words(client, path) for path in paths] == [False, False, True]


@pytest.mark.parametrize("count", [2, 20])
def test_list__any_number__takes_as_many_queries_and_puts_open_ones_first(
    world: World, shops: Rollout, django_assert_max_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    now = clock.now()
    _complain(world, range(11))
    heard = list_heard_today(environment_key=world.environment.key, now=now + SECOND)
    alarm = judge_day(heard)
    assert alarm is not None
    for number in range(count):
        earlier = replace(alarm, heard=tuple(replace(one, day=one.day - timedelta(days=number)) for one in heard))
        opened = open_investigation(rollout_id=shops.pk, alarm=earlier, now=now)
        assert opened is not None
        if number:
            _dismiss(opened)
    client, _user = _client(Role.SUPPORT)

    with django_assert_max_num_queries(12):
        page = _words(client, "/complaints/investigations/")

    assert page.index("nobody looks into it yet") < page.index("✓ dismissed")
