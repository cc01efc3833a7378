"""Daily feedback: by a signed link, of pilots alone, bounded, forgotten in time; and the gate it is for."""

from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import override_settings

from core.actors import SCHEDULER
from core.errors import InvalidInput, Refusal
from flags.domain.opening import DayKind
from flags.transitions import add_site_days, remove_member
from rollouts.domain.feedback import MOST_A_DAY, Door, FeedbackState, mean_of
from rollouts.domain.lifecycle import Status
from rollouts.domain.template_check import check_phases
from rollouts.domain.templates import Gate, PhaseKind, PhaseTemplate
from rollouts.feedback_links import Link, read_token, write_token
from rollouts.feedback_queries import find_door, list_feedback, weigh_feedback
from rollouts.models import Feedback, FeedbackText, PhaseStatus, Rollout, RolloutEvent, Trigger
from rollouts.tasks import forget_old_feedback
from rollouts.transitions import roll_back
from rollouts.transitions.giving_feedback import give_feedback
from tests.factories.feedback import BY, FULL, PILOT, at, link_of, make_trial, run, say
from tests.factories.flags import make_flag
from tests.factories.world import NOW, WHY, World, make_world, reload
from tests.waiting import race

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def rollout(world: World) -> Rollout:
    """Four pilots have the flags since Wednesday morning; everyone follows on Friday."""
    rollout = make_trial(world)
    run(rollout, now=at(25, 6))
    return rollout


@pytest.mark.parametrize(
    ("have", "pilots", "needed", "holds"),
    [(0, 0, 1, False), (0, 1, 1, False), (1, 1, 1, True), (2, 3, 3, False), (3, 3, 3, True), (3, 5, 3, True)],
)
def test_state__of_so_many__needs_three_or_all(have: int, pilots: int, needed: int, holds: bool) -> None:
    state = FeedbackState(have, pilots)

    assert (state.needed, state.holds) == (needed, holds)


def test_mean__of_nothing__is_none() -> None:
    assert mean_of([]) is None
    assert mean_of([2, 5]) == 3.5


@pytest.mark.parametrize("kind", [PhaseKind.PER_SITE, PhaseKind.FULL])
def test_template__feedback_of_no_people__is_refused(kind: PhaseKind) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_phases([PhaseTemplate(kind, days=1, gates=(Gate.FEEDBACK,))])

    assert refusal.value.code == "template_feedback_wrong"


class TestLinks:
    def test_token__written__is_read_and_nothing_else_is(self) -> None:
        link = Link(7, "cashier-é", date(2026, 11, 25))
        token = write_token(link)

        assert read_token(token) == link
        assert read_token(token[:-1]) is None
        assert read_token(token.replace(":", "x:")) is None
        assert read_token("") is None
        assert read_token("x" * 5_000) is None

    @pytest.mark.parametrize(
        ("now", "days_ago", "door"),
        [
            (at(24, 12), 0, Door.EARLY),
            (at(25, 12), 0, Door.OPEN),
            (at(25, 12), 13, Door.OPEN),
            (at(25, 12), 14, Door.OVER),
        ],
    )
    def test_door__by_the_day_the_link_is_out__is(self, world: World, now: datetime, days_ago: int, door: Door) -> None:
        rollout = make_trial(world)
        run(rollout, now=now)

        assert find_door(reload(rollout), link_of(rollout, now=now, days_ago=days_ago), now=now) is door

    def test_door__of_somebody_else__is_closed(self, rollout: Rollout) -> None:
        link = Link(rollout.pk, "tester-1", date(2026, 11, 25))

        assert find_door(reload(rollout), link, now=at(25, 12)) is Door.OVER

    def test_door__a_day_after_the_phase__closes(self, rollout: Rollout) -> None:
        for number in range(3):
            say(rollout, number, now=at(26, 17))
        phase = rollout.phases.get(kind="pilot")
        rollout.phases.filter(pk=phase.pk).update(status=PhaseStatus.DONE)

        assert find_door(reload(rollout), link_of(rollout), now=phase.ends_at + timedelta(hours=23)) is Door.OPEN
        assert find_door(reload(rollout), link_of(rollout), now=phase.ends_at + timedelta(hours=24)) is Door.OVER

    def test_door__a_rollout_taken_back__is_closed(self, rollout: Rollout) -> None:
        roll_back(
            rollout_id=rollout.pk, flag_ids=None, trigger=Trigger.MANUAL, actor=SCHEDULER, reason=WHY, now=at(25, 12)
        )

        assert find_door(reload(rollout), link_of(rollout), now=at(25, 13)) is Door.OVER
        with pytest.raises(Refusal) as refusal:
            say(rollout, 0, now=at(25, 13))
        assert refusal.value.code == "feedback_closed"

    def test_door__a_pilot_taken_out__is_closed(self, rollout: Rollout) -> None:
        assert rollout.pilots is not None
        member = rollout.pilots.members.get(targeting_key="cashier-0")

        remove_member(segment_id=rollout.pilots.pk, member_id=member.pk, **BY)

        assert find_door(reload(rollout), link_of(rollout), now=at(25, 12)) is Door.OVER
        assert find_door(reload(rollout), link_of(rollout, 1), now=at(25, 12)) is Door.OPEN


class TestGiving:
    def test_give__twice_on_a_day__the_last_stands_and_both_are_kept(self, world: World, rollout: Rollout) -> None:
        say(rollout, 0, now=at(25, 11), rating=2, text="Slow")
        say(rollout, 0, now=at(25, 12), rating=5, text="  Better now ")
        say(rollout, 0, now=at(25, 12), rating=1, flag_id=world.flags[0].pk)

        stands = list_feedback(rollout, since=date(2026, 11, 25), until=date(2026, 11, 26))

        assert [(row.rating, row.flag) for row in stands] == [(1, world.flags[0]), (5, None)]
        assert stands[1].words.text == "Better now"
        assert Feedback.objects.count() == 3

    def test_give__first_of_a_day__stands_in_the_story_without_words(self, rollout: Rollout) -> None:
        say(rollout, 0, now=at(25, 11), rating=2, text="Marie is cross")
        say(rollout, 0, now=at(25, 12), rating=5)

        event = RolloutEvent.objects.get(kind="feedback_given")
        assert event.data["rating"] == 2
        assert "Marie" not in str(event.data)
        assert "cashier" not in str(event.data)

    def test_give__more_than_a_day_holds__is_refused_until_tomorrow(self, rollout: Rollout) -> None:
        for minute in range(MOST_A_DAY):
            say(rollout, 0, now=at(25, 11, minute))

        with pytest.raises(Refusal) as refusal:
            say(rollout, 0, now=at(25, 23, 59))

        assert refusal.value.code == "feedback_too_often"
        say(rollout, 1, now=at(25, 12))
        say(rollout, 0, now=at(26, 0, 1))

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            ({"rating": 0}, "feedback_rating_wrong"),
            ({"rating": 6}, "feedback_rating_wrong"),
            ({"text": "x" * 2_001}, "feedback_too_long"),
            ({"text": "a\x00b"}, "input_unreadable"),
            ({"flag_id": 0}, "feedback_flag_unknown"),
        ],
    )
    def test_give__what_cannot_be__is_refused(self, rollout: Rollout, given: dict[str, Any], code: str) -> None:
        wishes: dict[str, Any] = {"link": link_of(rollout), "rating": 3, "text": "", "flag_id": None} | given

        with pytest.raises(InvalidInput) as refusal:
            give_feedback(**wishes, now=at(25, 12))

        assert refusal.value.code == code
        assert not Feedback.objects.exists()

    def test_give__of_another_rollouts_flag__is_refused(self, rollout: Rollout) -> None:
        with pytest.raises(InvalidInput):
            say(rollout, 0, now=at(25, 12), flag_id=make_flag().pk)

    def test_database__a_rating_of_none__is_refused(self, rollout: Rollout) -> None:
        row = {"rollout": rollout, "attempt": 1, "targeting_key": "a", "day": date(2026, 11, 25), "received_at": NOW}

        with pytest.raises(IntegrityError), transaction.atomic():
            Feedback.objects.create(**row, rating=6)
        with pytest.raises(IntegrityError), transaction.atomic():
            Feedback.objects.create(**(row | {"targeting_key": ""}), rating=3)

    def test_forget__after_the_retention__words_go_and_ratings_stay(self, rollout: Rollout) -> None:
        say(rollout, 0, now=at(25, 11), text="old")
        say(rollout, 1, now=at(26, 11), text="young")

        with override_settings(COMPLAINT_TEXT_RETENTION_DAYS=30), time_machine.travel(at(25, 12) + timedelta(days=30)):
            assert forget_old_feedback() == 1
            assert forget_old_feedback() == 0

        assert [row.text for row in FeedbackText.objects.all()] == ["young"]
        assert Feedback.objects.count() == 2


class TestGate:
    def test_gate__too_few_on_the_last_day__holds_the_phase_and_says_so(self, rollout: Rollout) -> None:
        for number in range(4):
            say(rollout, number, now=at(25, 17))
        for number in range(2):
            say(rollout, number, now=at(26, 17))

        run(rollout, now=at(27, 6))

        rollout = reload(rollout)
        assert (rollout.status, rollout.held_code) == (Status.HELD, "gate")
        assert rollout.held_data["gates"] == [{"code": "feedback_missing", "have": 2, "needed": 3}]

    def test_gate__three_of_four_on_the_last_day__lets_it_end(self, rollout: Rollout) -> None:
        for number in range(3):
            say(rollout, number, now=at(26, 17))
            say(rollout, number, now=at(26, 18))

        run(rollout, now=at(27, 6))

        assert rollout.phases.get(kind="pilot").status == PhaseStatus.DONE

    def test_gate__what_comes_after_the_hold__counts(self, rollout: Rollout) -> None:
        run(rollout, now=at(27, 6))
        assert reload(rollout).status == Status.HELD

        for number in range(3):
            say(rollout, number, now=at(27, 8))

        phase = rollout.phases.select_related("rollout").get(kind="pilot")
        assert weigh_feedback(phase, now=at(27, 9)) == FeedbackState(3, 4)

    def test_gate__the_last_day_is_shut__asks_for_the_open_one_before(self, world: World, rollout: Rollout) -> None:
        for number in range(3):
            say(rollout, number, now=at(25, 17))
        for site in world.sites:
            days: dict[str, Any] = {"starts_on": date(2026, 11, 26), "ends_on": date(2026, 11, 27)}
            add_site_days(site_id=site.pk, kind=DayKind.CLOSED, label="Flood", **days, **BY)

        phase = rollout.phases.select_related("rollout").get(kind="pilot")

        assert weigh_feedback(phase, now=at(26, 12)).holds

    def test_gate__no_people_known__never_holds_up(self, world: World) -> None:
        rollout = make_trial(world, pilots=1)
        run(rollout, now=at(25, 6))
        assert rollout.pilots is not None
        member = rollout.pilots.members.get()
        remove_member(segment_id=rollout.pilots.pk, member_id=member.pk, **BY)

        phase = rollout.phases.select_related("rollout").get(kind="pilot")

        assert not weigh_feedback(phase, now=at(25, 12)).holds

    def test_gate__of_a_rehearsal__counts_since_the_phase_began(self, world: World) -> None:
        rollout = make_trial(world, day_seconds=60)
        phase = rollout.phases.select_related("rollout").get(kind="pilot")
        run(rollout, now=phase.starts_at)
        for number in range(3):
            say(rollout, number, now=phase.starts_at + timedelta(seconds=5))

        assert weigh_feedback(phase, now=phase.ends_at).holds

    def test_template__with_the_gate__is_allowed_for_pilots_and_testers(self) -> None:
        check_phases([PhaseTemplate(PhaseKind.INTERNAL, days=1, gates=(Gate.FEEDBACK,)), PILOT, FULL])


@pytest.mark.django_db(transaction=True)
def test_give__the_last_of_a_day_twice_at_once__is_taken_once() -> None:
    rollout = make_trial(make_world())
    run(rollout, now=at(25, 6))
    for minute in range(MOST_A_DAY - 1):
        say(rollout, 0, now=at(25, 11, minute))

    assert race(partial(say, rollout, 0, now=at(25, 12)), partial(say, rollout, 0, now=at(25, 12))) == (
        "feedback_too_often"
    )
    assert Feedback.objects.count() == MOST_A_DAY
