"""The life of a flag, without a database: who gets the same, since when, and which stage that is."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from flags.domain.audience import RuleKind
from flags.domain.definition import RuleDefinition, Split
from flags.domain.life import Change, Stage, find_common_variant, find_out_since, judge_life

START = datetime(2026, 11, 4, 9, 30, tzinfo=UTC)
HALF: Split = (("on", 5_000), ("off", 5_000))
EVERYONE = RuleDefinition(RuleKind.EVERYONE, "on")
OFF_FOR_ALL = RuleDefinition(RuleKind.EVERYONE, "off")
SITE = RuleDefinition(RuleKind.SITE, "on", site_key="lyon")
SITE_OFF = RuleDefinition(RuleKind.SITE, "off", site_key="lyon")
SPLIT = RuleDefinition(RuleKind.EVERYONE, "", split=HALF)
WHOLE = RuleDefinition(RuleKind.EVERYONE, "", split=(("on", 10_000), ("off", 0)))


def _day(number: int) -> datetime:
    return START + timedelta(days=number)


@pytest.mark.parametrize(
    ("rules", "default", "variant"),
    [
        ([], "off", "off"),
        ([EVERYONE], "off", "on"),
        ([SITE], "off", None),
        ([SITE], "on", "on"),
        ([SITE, EVERYONE], "off", "on"),
        ([SITE_OFF, EVERYONE], "off", None),
        ([EVERYONE, SITE_OFF], "off", "on"),
        ([SPLIT], "on", None),
        ([WHOLE], "off", "on"),
    ],
)
def test_common_variant__by_rules_and_default__is_what_everybody_gets(
    rules: list[RuleDefinition], default: str, variant: str | None
) -> None:
    assert find_common_variant(rules, default_variant=default) == variant


def _on(day: int, is_on: bool = True) -> Change:
    return Change(_day(day), is_on=is_on)


def _rule(day: int, rule_id: int, rule: RuleDefinition | None, position: int = 1) -> Change:
    return Change(_day(day), rule_id=rule_id, position=position, rule=rule)


@pytest.mark.parametrize(
    ("changes", "since"),
    [
        ([], None),
        ([_on(0)], None),
        ([_rule(0, 1, EVERYONE)], None),
        ([_on(0), _rule(3, 1, EVERYONE)], 3),
        ([_on(0), _rule(0, 1, OFF_FOR_ALL)], None),
        ([_rule(0, 1, EVERYONE), _on(5)], 5),
        # A rollout: site after site, then everyone; tidied up later.
        ([_on(0), _rule(0, 1, SITE), _rule(6, 2, EVERYONE, 2), _rule(20, 1, None)], 6),
        ([_on(0), _rule(0, 1, SITE_OFF), _rule(6, 2, EVERYONE, 2), _rule(20, 1, None)], 20),
        ([_on(0), _rule(0, 1, EVERYONE), _on(4, False), _on(9)], 9),
        ([_on(0), _rule(0, 1, EVERYONE), _rule(7, 2, SITE_OFF, 2)], 0),
        ([_on(0), _rule(0, 1, SITE_OFF), _rule(0, 2, EVERYONE, 2), _rule(8, 1, SITE_OFF, 2), _rule(8, 2, EVERYONE)], 8),
        ([_rule(2, 1, EVERYONE), _on(0)], 2),
    ],
)  # fmt: skip
def test_out_since__what_happened__is_the_moment_from_which_nobody_got_anything_else(
    changes: list[Change], since: int | None
) -> None:
    found = find_out_since(changes, default_variant="off", off_variant="off")

    assert found == (None if since is None else _day(since))


def test_out_since__another_variant_for_all__begins_anew() -> None:
    first, then = (RuleDefinition(RuleKind.EVERYONE, name) for name in ("a", "b"))

    found = find_out_since([_on(0), _rule(1, 1, first), _rule(5, 1, then)], default_variant="off", off_variant="off")

    assert found == _day(5)


def _judge(**given: Any) -> tuple[Stage, bool]:
    wanted: dict[str, Any] = {
        "is_touched": True,
        "out_since": _day(0),
        "is_permanent": False,
        "expires_on": None,
        "archived_at": None,
        "stale_after": timedelta(days=30),
        "now": _day(30),
        "today": _day(30).date(),
    }
    life = judge_life(**(wanted | given))
    return life.stage, life.is_due


@pytest.mark.parametrize(
    ("given", "stage", "is_due"),
    [
        ({}, Stage.STALE, True),
        ({"now": _day(30) - timedelta(seconds=1)}, Stage.FULLY_OUT, False),
        ({"is_permanent": True}, Stage.FULLY_OUT, False),
        ({"out_since": None}, Stage.IN_USE, False),
        ({"out_since": None, "is_touched": False}, Stage.CREATED, False),
        ({"out_since": None, "expires_on": date(2026, 12, 3)}, Stage.IN_USE, True),
        ({"out_since": None, "expires_on": date(2026, 12, 4)}, Stage.IN_USE, False),
        ({"archived_at": _day(1), "expires_on": date(2026, 11, 5)}, Stage.ARCHIVED, False),
    ],
)
def test_stage__by_what_is_known__says_what_is_due(given: dict[str, Any], stage: Stage, is_due: bool) -> None:
    assert _judge(**given) == (stage, is_due)
