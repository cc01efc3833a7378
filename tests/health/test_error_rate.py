"""The error-rate guardrail's decisions, without a database."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from health.domain.error_rate import Assessment, Cell, Memory, assess, count_clumps, judge_error_rate, remember
from health.domain.exposure import Exposure
from health.domain.verdict import Judgement, Verdict

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
EXPOSURE = Exposure(
    flag_key="buttons",
    environment_key="prod",
    since=NOW - timedelta(hours=1),
    everyone=False,
    site_keys=frozenset({"lyon"}),
    subject="rollout:1",
    epoch=1,
)


def _cells(
    minutes: int,
    *,
    requests: int = 10,
    errors: int = 0,
    tills: int = 2,
    flag: str | None = "buttons",
    site: str = "lyon",
    until: datetime = NOW,
) -> list[Cell]:
    """Each till in each of the last minutes: so many requests, so many errors."""
    moments = [until - timedelta(minutes=back, seconds=1) for back in range(minutes)]
    return [
        Cell(
            flag_key=flag,
            site_key=site,
            till=f"till-{till}",
            minute=ends_at.replace(second=0),
            is_fast=ends_at >= NOW - timedelta(minutes=5),
            requests=requests,
            errors=errors,
            start_at=ends_at - timedelta(seconds=30),
            ends_at=ends_at,
            received_at=ends_at,
        )
        for ends_at in moments
        for till in range(tills)
    ]


def _assess(cells: list[Cell], *, exposure: Exposure = EXPOSURE, now: datetime = NOW) -> Assessment:
    return assess(exposure, cells, now=now, threshold_bp=500)


def _judge(
    cells: list[Cell], memory: Mapping[str, Memory] | None = None, *, exposure: Exposure = EXPOSURE
) -> Judgement:
    return judge_error_rate(_assess(cells, exposure=exposure), memory or {})


SEEN = {name: Memory(NOW - timedelta(seconds=10), NOW - timedelta(seconds=20)) for name in ("fast", "slow")}


def test_breach__seen_once__is_only_suspected() -> None:
    judgement = _judge(_cells(5, errors=2))

    assert (judgement.verdict, judgement.code) == (Verdict.INCONCLUSIVE, "error_rate_suspected")


def test_breach__again_ten_seconds_later_with_new_data__is_one_with_its_numbers() -> None:
    judgement = _judge(_cells(5, errors=2), SEEN)

    assert (judgement.verdict, judgement.code, judgement.data["window"]) == (Verdict.BREACH, "error_rate", "fast")
    assert (judgement.n, judgement.k, judgement.threshold) == (100, 20, "5 %")
    assert judgement.bound_bp is not None
    assert judgement.bound_bp > 500
    assert (judgement.window_start, judgement.window_end) == (NOW - timedelta(minutes=5), NOW)
    assert judgement.detected_at == NOW - timedelta(seconds=10)


@pytest.mark.parametrize(
    "memory",
    [
        Memory(NOW - timedelta(seconds=9.9), NOW - timedelta(seconds=20)),
        Memory(NOW - timedelta(seconds=60), NOW - timedelta(seconds=1)),
    ],
    ids=["too soon", "nothing new"],
)
def test_breach__too_soon_or_without_new_data__is_not_confirmed(memory: Memory) -> None:
    judgement = _judge(_cells(5, errors=2), {"fast": memory, "slow": memory})

    assert judgement.code == "error_rate_suspected"


def test_remember__a_breach__keeps_its_beginning_and_a_calm_look_forgets_it() -> None:
    bad, calm = _assess(_cells(5, errors=2)), _assess(_cells(5))
    first = remember(bad, {})

    later = remember(replace(bad, now=NOW + timedelta(seconds=5)), first)

    assert later == first
    assert first["fast"] == Memory(NOW, NOW - timedelta(seconds=1))
    assert remember(calm, first) == {}


@pytest.mark.parametrize(
    ("requests", "tills", "errors", "windows"),
    [
        (1, 3, 1, set()),  # 15 of 15 requests: too few
        (4, 1, 4, set()),  # 20 requests, but 5 errors that count
        (10, 2, 2, {"fast", "slow"}),
    ],
)
def test_breach__too_few_requests_or_errors__is_none(requests: int, tills: int, errors: int, windows: set[str]) -> None:
    found = remember(_assess(_cells(5, requests=requests, errors=errors, tills=tills)), {})

    assert set(found) == windows


def test_slow_window__a_rate_too_low_for_the_fast_one__breaches_over_fifteen_minutes() -> None:
    assessment = _assess(_cells(15, requests=9, errors=1, tills=3))

    assert set(remember(assessment, {})) == {"slow"}


@pytest.mark.parametrize(
    ("requests", "errors", "counted"), [(9, 3, 1), (9, 0, 0), (10, 3, 2), (100, 20, 20), (100, 100, 20), (1, 1, 1)]
)
def test_clumps__of_one_till_and_minute__count_once_or_one_in_five_requests(
    requests: int, errors: int, counted: int
) -> None:
    assert count_clumps(requests=requests, errors=errors) == counted


def test_pass__enough_requests__needs_its_upper_bound_below_the_limit() -> None:
    assert _judge(_cells(15, requests=4, tills=1, errors=0)).code == "error_rate_low"
    assert _judge(_cells(15, requests=3, tills=1, errors=0)).code == "too_few_requests"
    unsure = _judge(_cells(15, requests=4, tills=1)[:-1] + _cells(1, requests=4, errors=2, tills=1))
    assert (unsure.verdict, unsure.code) == (Verdict.INCONCLUSIVE, "error_rate_unsure")


def test_pass__clumps__count_every_error() -> None:
    judgement = _judge(_cells(15, requests=9, errors=0) + _cells(3, requests=9, errors=7, tills=1, site="nantes"))

    assert (judgement.code, judgement.k) == ("error_rate_unsure", 21)


def test_no_data__no_cells_or_none_of_this_flag__is_inconclusive() -> None:
    for cells in ([], _cells(15, flag="tickets"), _cells(15, requests=0)):
        judgement = _judge(cells)
        assert (judgement.verdict, judgement.code, judgement.bound_bp) == (Verdict.INCONCLUSIVE, "no_requests", None)


def test_silent_source__healthy_before__is_no_pass() -> None:
    assert _judge(_cells(8, until=NOW - timedelta(minutes=6))).code == "source_silent"


@pytest.mark.parametrize("name", ["since", "seen_at"])
def test_window__the_step_or_a_persons_look__is_never_reached_across(name: str) -> None:
    moment = NOW - timedelta(minutes=2)
    exposure = replace(EXPOSURE, **{name: moment})  # type: ignore[arg-type]  # both are moments

    judgement = _judge(_cells(15, errors=0), exposure=exposure)

    assert judgement.window_start == moment
    assert judgement.n == 40


def test_unexposed_sites__breach_too__has_its_own_code() -> None:
    elsewhere = _cells(5, errors=2, flag=None, site="lille")

    judgement = _judge(_cells(5, errors=2) + elsewhere, SEEN)

    assert (judgement.verdict, judgement.code) == (Verdict.BREACH, "error_rate_everywhere")


def test_unexposed_sites__healthy__are_the_baseline_and_exposed_ones_are_not() -> None:
    cells = _cells(5, errors=2) + _cells(5, requests=100, errors=1, flag=None, site="lille")
    cells += _cells(5, errors=9, flag=None)

    judgement = _judge(cells, SEEN)

    assert (judgement.code, judgement.baseline_bp) == ("error_rate", 100)
