"""Which notices a till shows: pure rules."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flags.domain.audience import RuleKind
from flags.domain.definition import FlagDefinition, RuleDefinition
from notices.domain.board import (
    BoardNotice,
    Words,
    compose_mark,
    find_next_change,
    is_meant_for,
    list_concerning,
    list_shown,
)
from notices.domain.levels import Level

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def notice(number: int = 1, **given: Any) -> BoardNotice:
    wanted: dict[str, Any] = {
        "number": number,
        "level": Level.INFO,
        "french": Words("Titre", "Texte"),
        "english": Words("", ""),
        "hotline": "",
        "next_update_at": None,
        "starts_at": NOW,
        "ends_at": None,
    }
    return BoardNotice(**(wanted | given))


def flag(**given: Any) -> FlagDefinition:
    wanted: dict[str, Any] = {
        "key": "buttons",
        "variants": {"on": True, "off": False},
        "default_variant": "off",
        "off_variant": "off",
        "is_on": True,
        "is_killed": False,
        "rules": (RuleDefinition(RuleKind.SITE, "on", site_key="lyon"),),
    }
    return FlagDefinition(**(wanted | given))


@pytest.mark.parametrize(
    ("given", "is_shown"),
    [
        ({}, True),
        ({"starts_at": NOW + HOUR}, False),
        ({"ends_at": NOW + HOUR}, True),
        ({"starts_at": NOW - HOUR, "ends_at": NOW}, False),
        ({"site_keys": frozenset({"lyon"})}, True),
        ({"site_keys": frozenset({"lille"})}, False),
    ],
)
def test_shown__by_time_and_site__as_meant(given: dict[str, Any], is_shown: bool) -> None:
    assert bool(list_shown([notice(**given)], site_key="lyon", now=NOW)) is is_shown


def test_shown__several__the_loudest_first_then_the_newest() -> None:
    board = [notice(1), notice(2, level=Level.URGENT), notice(3), notice(4, level=Level.WARNING)]

    assert [one.number for one in list_shown(board, site_key="lyon", now=NOW)] == [2, 4, 3, 1]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_say__in_one_language_only__says_which(language: str) -> None:
    assert notice().say(language) == ("fr", Words("Titre", "Texte"))


@pytest.mark.parametrize(
    ("given", "site", "is_meant"),
    [
        ({}, "lyon", True),
        ({}, "lille", False),
        # Just taken back: whoever had it must hear why.
        ({"is_killed": True}, "lyon", True),
        ({"is_killed": True}, "lille", False),
        ({"is_on": False}, "lyon", True),
    ],
)
def test_meant__a_flag_here_or_just_taken_back__is(given: dict[str, Any], site: str, is_meant: bool) -> None:
    assert is_meant_for(flag(**given), {"site": site}) is is_meant


def test_meant__a_site_shut_by_a_rule_above__is_still() -> None:
    rules = (
        RuleDefinition(RuleKind.SITE, "off", site_key="lyon"),
        RuleDefinition(RuleKind.EVERYONE, "on"),
    )

    assert is_meant_for(flag(rules=rules), {"site": "lyon"})


def test_meant__a_split_and_nobody_named__is() -> None:
    rules = (RuleDefinition(RuleKind.EVERYONE, "on", split=(("on", 100), ("off", 9_900))),)

    assert is_meant_for(flag(rules=rules), {"site": "lyon"})


def test_concerning__a_flag_of_the_till__picks_it_and_those_of_none() -> None:
    board = [notice(1), notice(2, flag_keys=frozenset({"buttons"})), notice(3, flag_keys=frozenset({"gone"}))]

    found = list_concerning(board, flags={"buttons": flag()}, context={"site": "lyon"})

    assert [one.number for one in found] == [1, 2]


def test_next_change__of_beginnings_and_ends__is_the_first_ahead() -> None:
    board = [notice(starts_at=NOW - HOUR, ends_at=NOW + 3 * HOUR), notice(starts_at=NOW + 2 * HOUR)]

    assert find_next_change(board, now=NOW) == NOW + 2 * HOUR
    assert find_next_change([notice()], now=NOW) is None


def test_mark__another_notice__is_another() -> None:
    assert compose_mark([notice(1)]) != compose_mark([notice(2)]) != compose_mark([])
