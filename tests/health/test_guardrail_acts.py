"""What a breach leads to: by mode, by where it is, by what the lane did lately."""

from datetime import UTC, datetime, timedelta

import pytest

from health.domain.guardrail import Act, choose_act, count_holds_of_a_day, find_site

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
COOL_DOWN = timedelta(minutes=15)


@pytest.mark.parametrize(
    ("mode", "is_everywhere", "act"),
    [
        ("off", False, None),
        ("observe", False, Act.OBSERVED),
        ("investigate", False, Act.INVESTIGATE),
        ("hold", False, Act.HELD),
        ("roll_back", False, Act.ROLLED_BACK),
        ("roll_back", True, Act.HELD),
        ("observe", True, Act.OBSERVED),
    ],
)
def test_choose_act__by_mode(mode: str, is_everywhere: bool, act: Act | None) -> None:
    assert choose_act(mode=mode, is_everywhere=is_everywhere, holds=[], cool_down=COOL_DOWN, now=NOW) is act


def test_choose_act__so_soon_after_a_hold__leaves_it_alone_until_the_cool_down_is_over() -> None:
    def choose(mode: str, ago: timedelta) -> Act | None:
        return choose_act(mode=mode, is_everywhere=False, holds=[NOW - ago], cool_down=COOL_DOWN, now=NOW)

    assert choose("hold", timedelta(minutes=14)) is Act.COOLING
    assert choose("hold", COOL_DOWN) is Act.HELD
    # What is going back goes back at once.
    assert choose("roll_back", timedelta(minutes=1)) is Act.ROLLED_BACK


def test_count_holds__within_a_day__forgets_older_ones() -> None:
    holds = [NOW - timedelta(hours=hours) for hours in (1, 23, 24, 30)]

    assert count_holds_of_a_day(holds, now=NOW) == 2


@pytest.mark.parametrize(
    ("figures", "site"),
    [
        ({"lyon": (100, 30), "nantes": (100, 1)}, "lyon"),
        ({"lyon": (100, 30), "nantes": (100, 20)}, None),
        ({"lyon": (100, 30)}, None),
        # The others are above the limit of 5 % as well.
        ({"lyon": (1_000, 95), "nantes": (100, 10)}, None),
        ({}, None),
    ],
)
def test_find_site__one_with_nearly_all_errors__stands_out(
    figures: dict[str, tuple[int, int]], site: str | None
) -> None:
    assert find_site(figures, limit_bp=500) == site
