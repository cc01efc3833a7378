"""Backoff: doubling, bounded, spread, ending."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from notifications.domain.retry import FIRST_SECONDS, LONGEST_SECONDS, MAX_ATTEMPTS, delay_after

attempts = st.integers(1, MAX_ATTEMPTS - 1)
jitters = st.floats(0, 1, exclude_max=True)


@given(attempts, jitters)
def test_delay_after__any_attempt__lies_between_half_and_all_of_the_doubling(number: int, jitter: float) -> None:
    whole = min(FIRST_SECONDS * 2 ** (number - 1), LONGEST_SECONDS)

    delay = delay_after(number, jitter=jitter)

    assert delay is not None
    assert timedelta(seconds=whole / 2) <= delay <= timedelta(seconds=whole)


def test_delay_after__too_many_attempts__gives_up() -> None:
    assert delay_after(MAX_ATTEMPTS, jitter=0.0) is None
    assert delay_after(MAX_ATTEMPTS + 5, jitter=0.0) is None


def test_delay_after__all_taken_together__survives_a_night_without_a_mail_server() -> None:
    shortest = sum((delay_after(n, jitter=0.0) or timedelta() for n in range(1, MAX_ATTEMPTS)), timedelta())

    assert shortest > timedelta(hours=12)
