"""Pure rules: tiers and their time, merging, trying again."""

from datetime import UTC, datetime, timedelta

import pytest

from incidents.domain.intake_retry import MAX_ATTEMPTS, delay_after
from incidents.domain.merge_gains import Gain, take_out
from incidents.domain.merging import WINDOW, Running, belongs_to
from incidents.domain.tiers import RTO, Tier, deadline_of, due_warnings, higher_tier, used_bp

T0 = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_rto__each_tier__is_the_customers() -> None:
    assert {
        Tier.CRITICAL: timedelta(hours=1),
        Tier.IMPORTANT: timedelta(hours=4),
        Tier.MINOR: timedelta(hours=24),
    } == RTO


def test_deadline_of__over_the_night_the_clock_changes__is_real_time() -> None:
    assert deadline_of(detected_at=T0, tier=Tier.IMPORTANT) - T0 == timedelta(hours=4)


@pytest.mark.parametrize("left", Tier)
@pytest.mark.parametrize("right", Tier)
def test_higher_tier__any_two__is_the_one_with_less_time(left: Tier, right: Tier) -> None:
    assert higher_tier(left, right) == min(left, right, key=lambda tier: RTO[tier])


@pytest.mark.parametrize("tier", Tier)
@pytest.mark.parametrize(
    ("share", "due"), [(0, []), (50, [50]), (80, [50, 80]), (100, [50, 80, 100]), (300, [50, 80, 100])]
)
def test_due_warnings__share_of_the_time__to_the_second(tier: Tier, share: int, due: list[int]) -> None:
    at = T0 + RTO[tier] * share / 100

    assert due_warnings(detected_at=T0, tier=tier, now=at) == due
    if share in {50, 80, 100}:
        assert due_warnings(detected_at=T0, tier=tier, now=at - SECOND) == due[:-1]


def test_used_bp__before_detection__is_nothing() -> None:
    assert used_bp(detected_at=T0, tier=Tier.MINOR, now=T0 - SECOND) == 0


@pytest.mark.parametrize(
    ("running", "event", "after", "belongs"),
    [
        ({"a"}, {"a"}, timedelta(hours=3), True),
        ({"a", "b"}, {"b", "c"}, timedelta(hours=3), True),
        ({"a"}, {"b"}, WINDOW, True),
        ({"a"}, {"b"}, WINDOW + SECOND, False),
        ({"a"}, {"b"}, -WINDOW - SECOND, False),
        ({"a"}, set(), timedelta(hours=3), True),
        (set(), {"a"}, timedelta(hours=3), True),
    ],
)
def test_belongs_to__event_of_the_same_rollout__by_flags_and_time(
    running: set[str], event: set[str], after: timedelta, *, belongs: bool
) -> None:
    incident = Running(detected_at=T0, flag_keys=running)

    assert belongs_to(incident, detected_at=T0 + after, flag_keys=event) is belongs


def test_delay_after__each_failure__doubles_and_ends() -> None:
    waits = [delay_after(number) for number in range(1, MAX_ATTEMPTS + 1)]

    assert waits[:3] == [timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=8)]
    assert waits[-1] is None


@pytest.mark.parametrize(
    ("value", "leaving", "later", "left"),
    [
        (3, (1, 3), [], (1, [])),
        (3, (3, 2), [], (3, [])),
        (3, (1, 3), [(3, 2)], (2, [1])),
        (3, (1, 2), [(2, 3)], (3, [1])),
        (9, (1, 3), [], (9, [])),
        (4, (1, 3), [(2, 4)], (4, [2])),
    ],
    ids=["alone", "brought nothing", "covered by it", "passed by another", "by hand since", "by hand in between"],
)
def test_take_out__greatest_of_numbers__leaves_what_the_others_make_of_it(
    value: int, leaving: tuple[int, int], later: list[tuple[int, int]], left: tuple[int, list[int]]
) -> None:
    assert take_out(value, Gain(*leaving), [Gain(*one) for one in later], combine=max) == left
