"""Buckets, conditions and versions: what people rely on for the life of a rollout."""

import json
import random
from pathlib import Path
from typing import Any

import cbor2
import mmh3
import pytest
import semver
from hypothesis import given
from hypothesis import strategies as st

from flags.domain.audience import RuleKind
from flags.domain.bucketing import SplitFault, check_split, find_bucket
from flags.domain.conditions import ConditionFault, compile_conditions, parse_conditions
from flags.domain.definition import FlagDefinition, Override, RuleDefinition
from flags.domain.evaluation import Layer, Reason, TargetingKeyMissing, compile_flag
from flags.domain.explanation import Why, explain
from flags.domain.values import ValueFault, ValueType, normalise_variants
from flags.domain.variables import find_collisions, name_variable, read_override
from flags.domain.versions import find_version
from tests.factories.targeting import random_context, random_flag

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "bucketing.json").read_text())
VARIANTS = {"on": True, "off": False}
FITTING = {Why.FOR_EVERYONE, Why.NAMED, Why.AT_SITE, Why.CONDITIONS_HOLD}


def _flag(*rules: RuleDefinition, **changes: Any) -> FlagDefinition:
    given: dict[str, Any] = {"is_on": True, "is_killed": False, "rules": rules}
    return FlagDefinition("f", VARIANTS, "off", "off", **(given | changes))


def _share(percent_bp: int) -> RuleDefinition:
    return RuleDefinition(RuleKind.EVERYONE, "", split=(("on", percent_bp), ("off", 10_000 - percent_bp)))


@pytest.mark.parametrize("row", VECTORS)
def test_bucket__pinned_vectors__never_move(row: dict[str, Any]) -> None:
    assert find_bucket(flag_key=row["flag"], targeting_key=row["targeting_key"]) == row["bucket"]


@given(flag=st.text(max_size=300), key=st.text(min_size=1, max_size=70_000))
def test_bucket__any_text__is_murmur_over_canonical_cbor(flag: str, key: str) -> None:
    wanted = (mmh3.hash(cbor2.dumps([flag, key], canonical=True), signed=False) * 10_000) >> 32

    assert find_bucket(flag_key=flag, targeting_key=key) == wanted


@given(key=st.text(min_size=1), small=st.integers(0, 10_000), large=st.integers(0, 10_000))
def test_split__a_growing_percentage__only_ever_adds_people(key: str, small: int, large: int) -> None:
    small, large = sorted((small, large))
    before, after = (compile_flag(_flag(_share(bp)))({"targetingKey": key}) for bp in (small, large))

    assert not before.value or after.value


def test_split__many_people__get_about_their_share() -> None:
    evaluate = compile_flag(_flag(_share(2_500)))
    found = [evaluate({"targetingKey": f"till-{number}"}) for number in range(4_000)]

    assert 0.22 < sum(one.value is True for one in found) / len(found) < 0.28
    assert {one.reason for one in found} == {Reason.SPLIT}


@pytest.mark.parametrize("key", [None, "", 7, ["ana"], "\ud800"])
def test_split__no_usable_targeting_key__is_an_error_only_where_it_is_reached(key: object) -> None:
    lyon = RuleDefinition(RuleKind.SITE, "on", site_key="lyon")
    evaluate = compile_flag(_flag(lyon, _share(5_000)))

    assert evaluate({"targetingKey": key, "site": "lyon"}).value is True
    with pytest.raises(TargetingKeyMissing):
        evaluate({"targetingKey": key})


@pytest.mark.parametrize(
    "split",
    [None, [], [["on", 5_000]], [["on", 5_000], ["on", 5_000]], [["on", True], ["off", 9_999]], [["x", 10_000]],
     [["on", -1], ["off", 10_001]], ["on"], [["on", 10_000.0]]],
)  # fmt: skip
def test_check_split__not_a_split__is_refused(split: object) -> None:
    with pytest.raises(SplitFault):
        check_split(split, variants=VARIANTS)


@pytest.mark.parametrize(
    ("stored", "context", "holds"),
    [
        (["equals", "lyon"], {"a": "lyon"}, True),
        (["equals", 1], {"a": True}, False),
        (["equals", 1], {"a": 1.0}, True),
        (["equals", True], {"a": 1}, False),
        (["equals", 5], {"a": "5"}, False),
        (["one_of", ["x", "y"]], {"a": "y"}, True),
        (["one_of", ["x", "y"]], {"a": ["y"]}, False),
        (["one_of", [0, 1]], {"a": False}, False),
        (["at_least", 18], {"a": 18}, True),
        (["at_least", 18], {"a": "19"}, False),
        (["less", 18], {}, False),
        (["starts_with", "ly"], {"a": "lyon"}, True),
        (["ends_with", "on"], {"a": "lyon"}, True),
        (["contains", "yo"], {"a": "lyon"}, True),
        (["contains", "yo"], {"a": ["yo"]}, False),
        (["version_at_least", "1.3"], {"a": "v1.3.0"}, True),
        (["version_at_least", "1.3"], {"a": "1.3.0-rc.1"}, False),
        (["version_same_major", "1.3"], {"a": "1.9"}, True),
        (["version_same_minor", "1.3"], {"a": "1.9"}, False),
        (["version_is", "1.3"], {"a": 1.3}, False),
    ],
)
def test_condition__nothing_is_coerced__and_negation_turns_it_round(
    stored: list[Any], context: dict[str, Any], holds: bool
) -> None:
    one = {"attribute": "a", "operator": stored[0], "value": stored[1]}

    assert compile_conditions(parse_conditions([one]))(context) is holds
    assert compile_conditions(parse_conditions([{**one, "negated": True}]))(context) is not holds


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"attribute": "a.b"}, "attribute"),
        ({"attribute": ""}, "attribute"),
        ({"operator": "like"}, "operator"),
        ({"operator": ["equals"]}, "operator"),
        ({"value": ""}, "value"),
        ({"value": None}, "value"),
        ({"operator": "less", "value": "5"}, "value"),
        ({"operator": "less", "value": float("nan")}, "value"),
        ({"operator": "one_of", "value": ["a", 1]}, "value"),
        ({"operator": "version_is", "value": "one"}, "value"),
        ({"other": 1}, "attribute"),
    ],
)
def test_parse_conditions__not_a_condition__says_which_part(changes: dict[str, Any], part: str) -> None:
    with pytest.raises(ConditionFault) as fault:
        parse_conditions([{"attribute": "a", "operator": "equals", "value": "x", **changes}])

    assert fault.value.part == part


versions = st.from_regex(r"[vV]?[0-9]{1,2}(\.[0-9]{1,2}){0,3}(-[0-9a-z.]{1,5})?(\+[0-9a-z.]{1,3})?\n?", fullmatch=True)


@given(first=versions, second=versions)
def test_version__any_two__compare_as_the_reference_does(first: str, second: str) -> None:
    def read(text: str) -> semver.Version | None:
        from openfeature.contrib.tools.flagd.core.targeting.custom_ops import normalize_version

        try:
            return normalize_version(text)
        except ValueError:
            return None

    mine, theirs = (find_version(first), find_version(second)), (read(first), read(second))

    assert [one is None for one in mine] == [one is None for one in theirs]
    if mine[0] and mine[1] and theirs[0] and theirs[1]:
        assert (mine[0] < mine[1], mine[0] == mine[1]) == (theirs[0] < theirs[1], theirs[0] == theirs[1])


@pytest.mark.parametrize(
    ("override", "changes", "value", "reason", "layer"),
    [
        (Override("V", "off", is_off=True), {"is_killed": True}, False, Reason.DISABLED, Layer.VARIABLE),
        (Override("V", "on", is_off=False), {"is_killed": True}, False, Reason.DISABLED, Layer.KILL_SWITCH),
        (Override("V", "on", is_off=False), {"is_on": False}, True, Reason.STATIC, Layer.VARIABLE),
        (Override("V", "off", is_off=True), {}, False, Reason.DISABLED, Layer.VARIABLE),
    ],
)
def test_override__stands_where_the_design_puts_it(
    override: Override, changes: dict[str, Any], value: bool, reason: Reason, layer: Layer
) -> None:
    found = compile_flag(_flag(_share(10_000), override=override, **changes))({})

    assert (found.value, found.reason, found.layer) == (value, reason, layer)


@pytest.mark.parametrize(
    ("kind", "given", "wanted"),
    [
        (ValueType.FLOAT, 1, 1.0),
        (ValueType.FLOAT, 10**300, 1e300),
        (ValueType.INTEGER, 5.0, 5),
        (ValueType.INTEGER, 2**70, 2**70),
        (ValueType.OBJECT, {"a": None}, {"a": None}),
    ],
)
def test_variants__of_the_type__become_exactly_it(kind: ValueType, given: object, wanted: object) -> None:
    found = normalise_variants({"x": given}, value_type=kind)["x"]

    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ValueType.BOOLEAN, 1), (ValueType.BOOLEAN, None), (ValueType.STRING, 1), (ValueType.INTEGER, True),
        (ValueType.INTEGER, 1.5), (ValueType.FLOAT, "1"), (ValueType.FLOAT, 10**400), (ValueType.FLOAT, float("inf")),
        (ValueType.INTEGER, float("nan")), (ValueType.OBJECT, []),
    ],
)  # fmt: skip
def test_variants__of_another_type__are_refused(kind: ValueType, value: object) -> None:
    with pytest.raises(ValueFault):
        normalise_variants({"x": value}, value_type=kind)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("off", Override("V", "out", is_off=True)),
        (" OFF ", Override("V", "out", is_off=True)),
        ("out", Override("V", "out", is_off=True)),
        ("on", Override("V", "in", is_off=False)),
        ("half", Override("V", "half", is_off=False)),
        ("Half", None),
        ("", None),
    ],
)
def test_variable__its_text__means_a_variant_or_nothing(text: str, wanted: Override | None) -> None:
    variants = {"in": 1, "half": 2, "out": 0}

    assert read_override("V", text, variants=variants, off_variant="out", default_variant="out") == wanted


def test_variable__names__are_upper_case_and_may_collide() -> None:
    places = [("prod", "a.b"), ("prod", "a-b"), ("dev", "a.b")]

    assert name_variable(environment_key="prod-eu", flag_key="New.till2") == "FLAG__PROD_EU__NEW_TILL2"
    assert find_collisions(["FLAG__PROD__A_B", "FLAG__DEV__A_B"], places=places) == {
        "FLAG__PROD__A_B": [("prod", "a-b"), ("prod", "a.b")]
    }


@pytest.mark.parametrize("seed", range(3))
def test_explain__random_flags_and_contexts__tells_what_evaluation_did(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(500):
        flag, context = random_flag(chance), random_context(chance)
        found = explain(flag, context)

        decided = [answer for answer in found.rules if answer.fits]
        if found.evaluation is None:
            assert decided[-1].rule.split
            assert decided[-1].bucket is None
        elif found.evaluation.layer is Layer.RULE:
            assert [answer.number - 1 for answer in decided] == [found.evaluation.rule_index]
        else:
            assert not decided
        for answer in found.rules:
            assert (answer.why in FITTING) is answer.fits
            if answer.rule.kind is RuleKind.CONDITIONS:
                assert all(one.holds for one in answer.conditions) is answer.fits
