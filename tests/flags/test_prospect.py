"""What can be told beforehand: it never contradicts what evaluation says once everything is known."""

import random
from typing import Any

import pytest

from flags.domain.audience import RuleKind
from flags.domain.conditions import Condition, Operator
from flags.domain.definition import FlagDefinition, RuleDefinition, Split
from flags.domain.evaluation import TargetingKeyMissing, compile_flag
from flags.domain.prospect import Fit, Move, Subject, find_ends, find_variant, judge_fit, preview_rule
from tests.factories.targeting import random_context, random_flag

NEW = Condition("version", Operator.VERSION_AT_LEAST, "1.3.0")
EVERYONE = RuleDefinition(RuleKind.EVERYONE, "on")
LYON = RuleDefinition(RuleKind.SITE, "on", site_key="lyon")
PILOTS = RuleDefinition(RuleKind.SEGMENT, "on", people=frozenset({"ana", "bo"}))
NEW_TILLS = RuleDefinition(RuleKind.CONDITIONS, "on", conditions=(NEW,))
QUARTER: Split = (("on", 2_500), ("off", 7_500))

TILLS = [
    Subject(is_person=False, context={"site": site, "till": f"{site}-{n}"})
    for site in ("lyon", "brest")
    for n in (1, 2)
]
PEOPLE = [
    Subject(is_person=True, context={"targetingKey": "ana", "site": "lyon"}),
    Subject(is_person=True, context={"targetingKey": "cy"}),
]


def _flag(*rules: RuleDefinition, **changes: Any) -> FlagDefinition:
    given: dict[str, Any] = {"is_on": True, "is_killed": False, "rules": rules}
    return FlagDefinition("f", {"on": True, "off": False}, "off", "off", **(given | changes))


@pytest.mark.parametrize("seed", range(8))
def test_prospect__whatever_comes_to_be_known__evaluation_ends_where_it_said(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(400):
        flag, context = random_flag(chance), random_context(chance)
        # Of the list of people it takes for granted that who is unknown is not on it.
        known = {name: value for name, value in context.items() if name == "targetingKey" or chance.random() < 0.5}
        told = find_variant(flag, known)
        layer, rule_index, variant = _evaluate(flag, context)
        if layer in {"rule", "default"}:
            assert rule_index in find_ends(flag, known)
        assert told in {None, variant}


def _evaluate(flag: FlagDefinition, context: dict[str, object]) -> tuple[str, int | None, str | None]:
    """Return layer, rule and variant; no variant where a split misses the targeting key."""
    try:
        evaluation = compile_flag(flag)(context)
    except TargetingKeyMissing as missing:
        return "rule", missing.rule_index, None
    return evaluation.layer, evaluation.rule_index, evaluation.variant


def test_fit__more_to_be_known__is_maybe() -> None:
    assert judge_fit(NEW_TILLS, {"site": "lyon"}) is Fit.MAYBE
    assert judge_fit(NEW_TILLS, {"version": "1.2.0"}) is Fit.NO
    assert judge_fit(LYON, {}) is Fit.MAYBE
    assert judge_fit(PILOTS, {"site": "lyon"}) is Fit.NO


def test_preview__a_site__counts_its_tills_and_who_changes() -> None:
    preview = preview_rule(_flag(PILOTS), _flag(PILOTS, LYON), index=1, subjects=[*TILLS, *PEOPLE])

    # Ana is a pilot: the rule before has her. Of Cy nobody knows the site.
    assert (preview.sites, preview.tills, preview.people, preview.is_at_most) == (1, 2, 1, True)
    assert preview.moves == (Move("off", "on", tills=2, people=0),)
    assert preview.unknown == ()


def test_preview__an_attribute_only_tills_tell__is_at_most_and_named() -> None:
    preview = preview_rule(_flag(), _flag(NEW_TILLS), index=0, subjects=TILLS)

    assert (preview.tills, preview.is_at_most, preview.unknown, preview.moves) == (4, True, ("version",), ())


def test_preview__behind_a_rule_for_everyone__is_nobody() -> None:
    preview = preview_rule(_flag(EVERYONE), _flag(EVERYONE, LYON), index=1, subjects=TILLS)

    assert (preview.tills, preview.people, preview.unknown) == (0, 0, ())
    assert preview.shadow == 0


def test_preview__a_split__counts_named_people_by_variant() -> None:
    people = [Subject(is_person=True, context={"targetingKey": f"p-{n}"}) for n in range(200)]
    rule = RuleDefinition(RuleKind.EVERYONE, "", split=QUARTER)

    preview = preview_rule(_flag(), _flag(rule), index=0, subjects=[*people, *TILLS])

    evaluate = compile_flag(_flag(rule))
    on = sum(evaluate(one.context).value is True for one in people)
    assert preview.shares == (("on", on), ("off", 200 - on))
    assert preview.moves == (Move("off", "on", tills=0, people=on),)


def test_preview__while_the_kill_switch_stands__nobody_changes() -> None:
    before, after = _flag(is_killed=True), _flag(EVERYONE, is_killed=True)

    preview = preview_rule(before, after, index=0, subjects=TILLS)

    assert (preview.tills, preview.moves) == (4, ())
