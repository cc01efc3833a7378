"""Which rules go where when a flag is promoted: without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flags.domain.audience import RuleAudience
from flags.domain.promotion import Promotion, RuleContent, Sign, StandingRule, plan_promotion


def _content(name: str) -> RuleContent:
    return RuleContent(RuleAudience.everyone(), name, ())


def _stand(text: str, *, start: int) -> list[StandingRule]:
    """Return rules named by letters, one a position; a capital is a rollout's."""
    return [
        StandingRule(start + number, number, _content(letter.lower()), is_own=letter.islower())
        for number, letter in enumerate(text, start=1)
        if letter != " "
    ]


def _plan(source: str, target: str, *, was_on: bool = True, is_on: bool = True) -> Promotion:
    return plan_promotion(_stand(source, start=100), _stand(target, start=200), was_on=was_on, is_on=is_on)


SIGNS = {"+": Sign.ADDED, "-": Sign.REMOVED, "=": Sign.KEPT, "~": Sign.MOVED}


@pytest.mark.parametrize(
    ("source", "target", "lines"),
    [
        ("", "", ""),
        ("ab", "", "+a +b"),
        ("", "ab", "-a -b"),
        ("ab", "ab", "=a =b"),
        ("ba", "ab", "=b ~a"),
        ("b", "ab", "-a =b"),
        ("acb", "ab", "=a +c =b"),
        ("xb", "ab", "-a +x =b"),
        # A rollout's rules stay in their places, on both sides.
        ("aZ", "Xb", "=x -b +a"),
        ("ab", "aX", "=a =x +b"),
        ("aa", "a", "=a +a"),
    ],
)
def test_plan__source_and_target__is_line_by_line(source: str, target: str, lines: str) -> None:
    promotion = _plan(source, target)

    wanted = [(SIGNS[line[0]], line[1]) for line in lines.split()]
    assert sorted((line.sign, line.content.variant) for line in promotion.lines) == sorted(wanted)


def test_plan__rules_of_a_rollout_in_the_source__are_named_as_left_out() -> None:
    assert _plan("aZ", "").left_out == (102,)


@pytest.mark.parametrize(
    ("was_on", "is_on", "is_empty"), [(True, True, True), (False, True, False), (True, False, False)]
)
def test_plan__on_or_off__goes_over(was_on: bool, is_on: bool, is_empty: bool) -> None:
    assert _plan("a", "a", was_on=was_on, is_on=is_on).is_empty is is_empty


RULES = st.text(alphabet="abcABC ", max_size=6)


@given(RULES, RULES)
def test_plan__any_rules__end_in_the_sources_own_order_and_move_no_rollouts_rule(source: str, target: str) -> None:
    promotion = _plan(source, target)
    theirs = {rule.rule_id: rule.position for rule in _stand(target, start=200) if not rule.is_own}

    result = promotion.result
    own = "".join(line.content.variant for line in result if line.rule_id not in theirs)
    assert own == "".join(letter for letter in source if letter.islower())
    assert {line.rule_id: line.position for line in result if line.rule_id in theirs} == theirs
    positions = [line.position for line in result]
    assert positions == sorted(set(positions))


@given(RULES, RULES)
def test_plan__done_once__leaves_nothing_to_do(source: str, target: str) -> None:
    done = _plan(source, target).result
    theirs = {rule.rule_id for rule in _stand(target, start=200) if not rule.is_own}
    then = [StandingRule(line.rule_id, line.position, line.content, line.rule_id not in theirs) for line in done]

    assert plan_promotion(_stand(source, start=100), then, was_on=True, is_on=True).is_empty
