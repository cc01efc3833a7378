"""Who wins: kill switch, off, rules in order, default variant."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flags.domain.audience import RuleKind
from flags.domain.definition import FlagDefinition, RuleDefinition
from flags.domain.evaluation import Layer, Reason, compile_flag

VARIANTS = {"on": True, "off": False, "half": "1/2"}
PEOPLE = ("ana", "bo", "cy")
SITES = ("lyon", "lille")

EVERYONE = RuleDefinition(RuleKind.EVERYONE, "on", phase="full")
PILOTS = RuleDefinition(RuleKind.SEGMENT, "on", phase="pilot", people=frozenset({"ana", "bo"}))
LYON = RuleDefinition(RuleKind.SITE, "half", phase="per-site", site_key="lyon")

rules = st.lists(
    st.one_of(
        st.builds(RuleDefinition, kind=st.just(RuleKind.EVERYONE), variant=st.sampled_from(sorted(VARIANTS))),
        st.builds(
            RuleDefinition,
            kind=st.just(RuleKind.SEGMENT),
            variant=st.sampled_from(sorted(VARIANTS)),
            people=st.frozensets(st.sampled_from(PEOPLE)),
        ),
        st.builds(
            RuleDefinition,
            kind=st.just(RuleKind.SITE),
            variant=st.sampled_from(sorted(VARIANTS)),
            site_key=st.sampled_from(SITES),
        ),
    ),
    max_size=6,
)
contexts = st.fixed_dictionaries(
    {},
    optional={"targetingKey": st.sampled_from((*PEOPLE, "", "nobody")), "site": st.sampled_from((*SITES, "", "mars"))},
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def _flag(*given_rules: RuleDefinition, **changes: Any) -> FlagDefinition:
    given = {"key": "f", "variants": VARIANTS, "default_variant": "off", "off_variant": "off", "is_on": True}
    return FlagDefinition(**{**given, "is_killed": False, "rules": given_rules, **changes})


def _fits(rule: RuleDefinition, context: dict[str, Any]) -> bool:
    """What a rule means, said the long way."""
    if rule.kind is RuleKind.SEGMENT:
        return context.get("targetingKey") in rule.people
    return rule.kind is RuleKind.EVERYONE or context.get("site") == rule.site_key


@given(given_rules=rules, context=contexts)
def test_evaluation__any_rules__the_first_that_fits_decides(
    given_rules: list[RuleDefinition], context: dict[str, Any]
) -> None:
    found = compile_flag(_flag(*given_rules))(context)

    wanted = next((index for index, rule in enumerate(given_rules) if _fits(rule, context)), None)
    assert found.rule_index == wanted
    assert found.variant == ("off" if wanted is None else given_rules[wanted].variant)
    assert found.value == VARIANTS[found.variant]


@given(given_rules=rules, context=contexts, is_on=st.booleans())
def test_evaluation__kill_switch__beats_everything(
    given_rules: list[RuleDefinition], context: dict[str, Any], is_on: bool
) -> None:
    found = compile_flag(_flag(*given_rules, is_killed=True, is_on=is_on, default_variant="on"))(context)

    assert (found.value, found.variant, found.reason, found.layer) == (False, "off", Reason.DISABLED, Layer.KILL_SWITCH)


def test_evaluation__off__serves_the_off_variant_and_says_so() -> None:
    found = compile_flag(_flag(EVERYONE, is_on=False, off_variant="half"))({"targetingKey": "ana"})

    assert (found.value, found.reason, found.layer) == ("1/2", Reason.DISABLED, Layer.OFF)


@pytest.mark.parametrize(
    ("given_rules", "context", "reason", "layer"),
    [
        ((), {}, Reason.STATIC, Layer.DEFAULT),
        ((EVERYONE,), {}, Reason.STATIC, Layer.RULE),
        ((PILOTS, EVERYONE), {"targetingKey": "ana"}, Reason.TARGETING_MATCH, Layer.RULE),
        ((PILOTS, EVERYONE), {"targetingKey": "zed"}, Reason.TARGETING_MATCH, Layer.RULE),
        ((PILOTS, LYON), {"targetingKey": "zed"}, Reason.DEFAULT, Layer.DEFAULT),
    ],
)
def test_evaluation__reason__is_the_standards(
    given_rules: tuple[RuleDefinition, ...], context: dict[str, Any], reason: Reason, layer: Layer
) -> None:
    found = compile_flag(_flag(*given_rules))(context)

    assert (found.reason, found.layer) == (reason, layer)


def test_evaluation__metadata__names_phase_and_site_as_scalars() -> None:
    found = compile_flag(_flag(LYON, criticality="critical"))({"site": "lyon"})

    assert found.metadata == {"criticality": "critical", "layer": "rule", "phase": "per-site", "site": "lyon"}


@pytest.mark.parametrize("key", [None, "", 7, ["ana"], {"ana": 1}, True])
def test_evaluation__no_usable_targeting_key__is_nobody_of_a_list(key: object) -> None:
    assert compile_flag(_flag(PILOTS))({"targetingKey": key}).layer is Layer.DEFAULT


@given(context=st.dictionaries(st.sampled_from(("targetingKey", "site", "till", "x")), json_values))
def test_evaluation__any_json_context__never_fails(context: dict[str, Any]) -> None:
    found = compile_flag(_flag(PILOTS, LYON))(context)

    assert found.variant in VARIANTS
