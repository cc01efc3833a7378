"""What a till's page may report, and how often."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from notices.domain.problems import BadProblem, find_wait_seconds, read_problem

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
GOOD: dict[str, Any] = {"request_id": "a1b2c3d4", "site": "lyon", "text": "Le prix est faux"}


def read(body: object) -> Any:
    return read_problem(body, severities={"annoying", "blocking"}, flag_keys={"buttons"}, now=NOW)


def test_read__the_least__is_enough() -> None:
    problem = read(GOOD)

    assert (problem.site_key, problem.text, problem.severity) == ("lyon", "Le prix est faux", "annoying")


def test_read__flags__keeps_those_that_there_are() -> None:
    flags = {"buttons": "on", "unknown": "on", "tickets": 3}

    assert read(GOOD | {"flags": flags}).flags == {"buttons": "on"}


@pytest.mark.parametrize(
    ("value", "is_kept"),
    [
        ("2026-11-24T08:00:00Z", True),
        ("2026-11-24T10:00:00+01:00", True),
        ("2026-11-24T10:00:00Z", False),
        ("2026-10-01T10:00:00Z", False),
        ("2026-11-24T08:00:00", False),
        ("yesterday", False),
        (7, False),
    ],
)
def test_read__the_moment__is_kept_where_it_can_be(value: object, is_kept: bool) -> None:
    assert (read(GOOD | {"occurred_at": value}).occurred_at is not None) is is_kept


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"request_id": "x"}, "INVALID_REQUEST_ID"),
        ({"request_id": None}, "INVALID_REQUEST_ID"),
        ({"text": "  "}, "INVALID_TEXT"),
        ({"text": "a\x00b"}, "INVALID_TEXT"),
        ({"text": "x" * 4_001}, "INVALID_TEXT"),
        ({"text": 7}, "INVALID_TEXT"),
        ({"severity": "dire"}, "INVALID_SEVERITY"),
        ({"flag": "unknown"}, "FLAG_NOT_FOUND"),
        ({"flags": [1]}, "INVALID_FLAGS"),
        ({"till": "x" * 101}, "INVALID_FIELD"),
    ],
)
def test_read__wrong__is_refused_by_its_code(change: dict[str, object], code: str) -> None:
    with pytest.raises(BadProblem) as refused:
        read(GOOD | change)

    assert refused.value.code == code


def test_read__no_object__is_refused() -> None:
    with pytest.raises(BadProblem, match="PARSE_ERROR"):
        read([])


def test_wait__six_within_a_minute__until_the_first_is_a_minute_old() -> None:
    before = [NOW - timedelta(seconds=10 * place) for place in range(6)]

    assert find_wait_seconds(before, now=NOW) == 10
    assert find_wait_seconds(before[:5], now=NOW) == 0


def test_wait__forty_within_an_hour__until_the_first_is_an_hour_old() -> None:
    before = [NOW - timedelta(seconds=80 * place) for place in range(1, 41)]

    assert find_wait_seconds(before, now=NOW) == 3_600 - 80 * 40
