"""The sequential test: its arithmetic, its guarantee at the limit, and that the bench measures the same."""

import random
from datetime import UTC, datetime, timedelta
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.guardrails import Change as Fault
from bench.guardrails import Detectors, Minutes, Traffic, play_calm, play_fault, sum_tills
from health.domain.sequential import (
    BREACH_EVIDENCE,
    MOST_WORTH,
    MULTIPLES,
    Detector,
    Minute,
    advance,
    spread,
)

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
LIMIT = 0.05


def _after(*minutes: Minute) -> Detector:
    detector = Detector()
    for number, minute in enumerate(minutes):
        detector = advance(detector, minute, at=START + timedelta(minutes=number), limit=LIMIT)
    return detector


def test_spread__of_a_tills_minute__is_what_came_until_its_first_error() -> None:
    assert spread(requests=5, errors=0) == Minute(5, 0, 5.0, 0)
    assert spread(requests=5, errors=1) == Minute(5, 1, 2.0, 1)
    assert spread(requests=5, errors=5) == Minute(5, 5, 0.0, 1)


def test_advance__one_minute__multiplies_each_new_bet_by_its_likelihood_ratio() -> None:
    minute = spread(requests=4, errors=1)

    found = _after(minute)

    expected = [
        (multiple * LIMIT / LIMIT) * ((1 - multiple * LIMIT) / (1 - LIMIT)) ** minute.spread_requests
        for multiple in MULTIPLES
    ]
    assert found.spread == pytest.approx(expected)
    assert found.whole == pytest.approx(
        [((share := m * LIMIT) / LIMIT) ** (1 / 3) * ((1 - share) / (1 - LIMIT)) ** (3 / 3) for m in MULTIPLES]
    )


def test_advance__two_minutes__sums_the_bets_of_both() -> None:
    first, second = spread(requests=3, errors=1), spread(requests=7, errors=0)

    found = _after(first, second)

    growth = [prod([(1 - multiple * LIMIT) / (1 - LIMIT)] * int(second.spread_requests)) for multiple in MULTIPLES]
    assert found.spread == pytest.approx(
        [(worth + 1) * g for worth, g in zip(_after(first).spread, growth, strict=True)]
    )


def test_advance__a_minute_without_requests__changes_nothing() -> None:
    before = _after(spread(requests=5, errors=2))

    assert advance(before, Minute(), at=START, limit=LIMIT) == before


@given(st.integers(1, 10), st.integers(1, 3))
def test_advance__a_clump_of_one_cause__counts_once_where_errors_are_spread(others: int, clump: int) -> None:
    """However many errors a till's minute has, the bets on spread errors grow by one of them at most."""
    one = _after(Minute(others + 1, 1, 0.0, 1))
    many = _after(Minute(others + clump, clump, 0.0, 1))

    assert one.spread == many.spread


def test_advance__a_fault_that_lasts__never_counts_beyond_its_bound() -> None:
    detector = _after(*[spread(requests=50, errors=50)] * 2_000)

    assert detector.evidence <= MOST_WORTH
    calm = advance(detector, Minute(2_000, 0, 2_000.0, 0), at=START, limit=LIMIT)
    assert calm.evidence < BREACH_EVIDENCE


def test_advance__since_the_evidence_began_to_grow__requests_and_errors_are_kept_for_people() -> None:
    calm, bad = spread(requests=5, errors=0), Minute(5, 2, 1.0, 2)

    found = _after(*[calm] * 30, bad, bad, bad)

    assert found.since == START + timedelta(minutes=30)
    assert (found.requests, found.errors) == (15, 6)


def test_evidence__of_a_share_at_its_limit__is_no_more_than_the_minutes_looked_at() -> None:
    """The promise behind the name: the mean over many runs stays at most the number of minutes, whatever the look."""
    dice = random.Random(20_261_127)
    runs, minutes = 400, 60
    total = 0.0
    for _run in range(runs):
        detector = Detector()
        for _minute in range(minutes):
            errors = sum(dice.random() < LIMIT for _ in range(5))
            detector = advance(detector, spread(requests=5, errors=errors), at=START, limit=LIMIT)
        total += detector.evidence

    assert 0 < total / runs <= minutes * 1.5


@pytest.mark.parametrize("seed", range(3))
def test_bench__many_flags_at_once__weighs_as_the_product_does(seed: int) -> None:
    dice = np.random.default_rng(seed)
    flags, tills, minutes = 6, 3, 40
    fleet = Detectors(flags)
    own = [Detector() for _ in range(flags)]
    for number in range(minutes):
        requests = dice.poisson(4, (flags, tills))
        errors = dice.binomial(requests, 0.15)
        fleet.close(sum_tills(requests, errors))
        for flag in range(flags):
            minute = sum(
                (spread(requests=int(n), errors=int(k)) for n, k in zip(requests[flag], errors[flag], strict=True)),
                Minute(),
            )
            own[flag] = advance(own[flag], minute, at=START + timedelta(minutes=number), limit=LIMIT)

        assert fleet.weigh() == pytest.approx([detector.evidence for detector in own])


def test_bench__minute_under_way__is_weighed_without_being_taken_in() -> None:
    fleet = Detectors(1)
    minute = Minutes(np.array([5]), np.array([1]), np.array([2.0]), np.array([1]))

    provisional = fleet.weigh(minute)

    assert fleet.weigh() == [0.0]
    fleet.close(minute)
    assert fleet.weigh() == provisional


def test_simulation__healthy_rollouts__are_left_alone_and_a_fault_is_seen() -> None:
    """A sketch of `python -m bench guardrails`, which plays a thousand rollouts for each line."""
    traffic = Traffic(tills=1, a_minute=5)

    calm = play_calm(traffic, rate=0.02, clump=3, rollouts=6, seed=1)
    fault = play_fault(traffic, Fault("20 %", 0.01, 0.2, 1), runs=20, wilson_z=12.0, seed=2)

    assert calm.disturbed == 0.0
    assert fault.detector.caught == 1.0
    # Wilson bounds that leave the same fleets alone do not see it in time.
    assert fault.calibrated.caught < fault.detector.caught
