"""A share lane's verdicts, without a database: what counts, since when, and what reads as neither health nor breach."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from health.domain.exposure import Exposure
from health.domain.minutes import A_MINUTE
from health.domain.sequential import Minute, spread
from health.domain.share_lane import (
    SILENT_AFTER,
    Memory,
    SeenMinute,
    begin,
    is_still_good,
    judge_share,
    remember,
    take_in,
)
from health.domain.verdict import Judgement, Verdict

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
EXPOSURE = Exposure(
    flag_key="buttons",
    environment_key="prod",
    since=START,
    everyone=False,
    site_keys=frozenset({"lyon"}),
    subject="rollout:1",
    epoch=1,
)
LIMIT_BP = 500


def _minutes(
    count: int, *, start: datetime = START, errors: int = 0, others: int = 0, late: timedelta = timedelta(0)
) -> list[SeenMinute]:
    """Return minutes of four tills with ten requests each, so many of each failed; `others`: where the flag is off."""
    exposed = sum((spread(requests=10, errors=errors) for _ in range(4)), Minute())
    unexposed = sum((spread(requests=10, errors=others) for _ in range(4)), Minute())
    moments = [start + timedelta(minutes=number) for number in range(count)]
    return [
        SeenMinute(at, exposed, unexposed, at + timedelta(seconds=30) - late, at + timedelta(seconds=31))
        for at in moments
    ]


def _judge(minutes: Iterable[SeenMinute], *, now: datetime, memory: Memory | None = None) -> Judgement:
    before = memory or begin(EXPOSURE, limit_bp=LIMIT_BP, setting_bp=LIMIT_BP, now=now)
    return judge_share(EXPOSURE, before, minutes, lane="error_rate", threshold="5 %", now=now)


def test_judge__no_data__is_inconclusive() -> None:
    found = _judge([], now=START + timedelta(minutes=5))

    assert (found.verdict, found.code, found.n) == (Verdict.INCONCLUSIVE, "no_requests", 0)


def test_judge__healthy_minutes__pass_with_an_upper_bound_below_the_limit() -> None:
    found = _judge(_minutes(10), now=START + timedelta(minutes=10))

    assert (found.verdict, found.code, found.n, found.k) == (Verdict.PASS, "error_rate_low", 400, 0)
    assert found.bound_bp is not None
    assert found.bound_bp < LIMIT_BP


def test_judge__a_minute_with_one_request_an_hour_ago__is_too_little() -> None:
    tiny = SeenMinute(START, spread(requests=3, errors=0), Minute(), START + A_MINUTE, START + A_MINUTE)

    assert _judge([tiny], now=START + timedelta(minutes=1)).code == "too_few_requests"


def test_judge__many_errors__breach_with_the_odds_and_since_when() -> None:
    minutes = [*_minutes(20), *_minutes(6, start=START + timedelta(minutes=20), errors=3)]

    found = _judge(minutes, now=START + timedelta(minutes=26))

    assert (found.verdict, found.code) == (Verdict.BREACH, "error_rate")
    assert found.window_start == START + timedelta(minutes=20)
    assert (found.n, found.k) == (240, 72)
    assert isinstance(found.data["odds"], int)
    assert found.data["odds"] >= 25_000
    assert found.detected_at == minutes[-1].received_at
    assert found.baseline_bp == 0


def test_judge__those_without_the_flag_fail_as_well__says_everywhere() -> None:
    found = _judge(_minutes(6, errors=3, others=3), now=START + timedelta(minutes=6))

    assert (found.verdict, found.code) == (Verdict.BREACH, "error_rate_everywhere")


def test_judge__not_sure_enough__is_suspected_and_no_pass() -> None:
    minutes = _minutes(3, errors=1)
    codes = {_judge(minutes[:count], now=START + timedelta(minutes=count)).code for count in range(1, 4)}
    last = _judge(_minutes(8, errors=1)[:6], now=START + timedelta(minutes=6))

    assert "error_rate" not in codes
    assert last.verdict is not Verdict.PASS


def test_judge__a_source_gone_silent__is_no_health_however_good_it_was() -> None:
    minutes = _minutes(10)

    found = _judge(minutes, now=START + timedelta(minutes=10) + SILENT_AFTER)

    assert (found.verdict, found.code) == (Verdict.INCONCLUSIVE, "source_silent")


def test_judge__all_that_comes_is_an_hour_late__makes_no_pass() -> None:
    found = _judge(_minutes(10, late=timedelta(hours=1)), now=START + timedelta(minutes=10))

    assert (found.verdict, found.code) == (Verdict.INCONCLUSIVE, "source_silent")


def test_judge__late_healthy_data_beside_new__does_not_help_to_pass() -> None:
    late = _minutes(10, late=timedelta(hours=1))
    fresh = replace(late[-1], at=late[-1].at + A_MINUTE, exposed=spread(requests=3, errors=0))
    fresh = replace(fresh, ends_at=fresh.at + timedelta(seconds=30))

    found = _judge([*late, fresh], now=fresh.at + A_MINUTE)

    assert (found.verdict, found.code, found.n) == (Verdict.INCONCLUSIVE, "too_few_requests", 3)


def test_judge__tills_that_live_but_sell_nothing__are_no_source_gone_silent() -> None:
    idle = [replace(one, exposed=Minute()) for one in _minutes(10)]

    assert _judge(idle, now=START + timedelta(minutes=10)).code == "no_requests"


def test_remember__minutes_that_are_over__make_the_same_verdict_without_them() -> None:
    minutes = [*_minutes(20), *_minutes(6, start=START + timedelta(minutes=20), errors=2)]
    now = START + timedelta(minutes=26)
    begun = begin(EXPOSURE, limit_bp=LIMIT_BP, setting_bp=LIMIT_BP, now=START)

    kept = remember(begun, minutes, now=now)
    rest = [one for one in minutes if one.at >= kept.until]

    assert _judge(rest, now=now, memory=kept) == _judge(minutes, now=now, memory=begun)
    assert kept.until < now


def test_remember__the_same_minutes_again__count_once() -> None:
    minutes = _minutes(10, errors=1)
    begun = begin(EXPOSURE, limit_bp=LIMIT_BP, setting_bp=LIMIT_BP, now=START)
    kept = remember(begun, minutes, now=START + timedelta(minutes=11))

    assert take_in(kept, minutes, before=kept.until) == kept


def test_remember__the_minute_under_way__is_left_to_grow() -> None:
    minutes = _minutes(3)
    begun = begin(EXPOSURE, limit_bp=LIMIT_BP, setting_bp=LIMIT_BP, now=START)

    kept = remember(begun, minutes, now=START + timedelta(minutes=2, seconds=40))

    assert kept.until == START + timedelta(minutes=2)
    assert kept.exposed.requests == 80


@pytest.mark.parametrize(
    ("exposure", "limit_bp"),
    [
        (replace(EXPOSURE, seen_at=START + timedelta(hours=1)), LIMIT_BP),
        (replace(EXPOSURE, since=START + timedelta(hours=1)), LIMIT_BP),
        (EXPOSURE, 400),
    ],
)
def test_memory__another_beginning_or_limit__is_void(exposure: Exposure, limit_bp: int) -> None:
    memory = begin(EXPOSURE, limit_bp=LIMIT_BP, setting_bp=LIMIT_BP, now=START)

    assert is_still_good(memory, EXPOSURE, limit_bp=LIMIT_BP, setting_bp=LIMIT_BP)
    assert not is_still_good(memory, exposure, limit_bp=limit_bp, setting_bp=limit_bp)


def test_begin__a_flag_on_for_days__looks_back_a_day() -> None:
    memory = begin(EXPOSURE, limit_bp=LIMIT_BP, setting_bp=LIMIT_BP, now=START + timedelta(days=8))

    assert memory.until == START + timedelta(days=7)
    assert memory.floor_at == START
