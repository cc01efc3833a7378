"""Random flags and contexts with everything that targeting knows, from a seed."""

import random
from typing import Any

from flags.domain.audience import RuleKind
from flags.domain.conditions import Condition, Operator
from flags.domain.definition import FlagDefinition, Override, RuleDefinition

VARIANTS: list[dict[str, object]] = [
    {"on": True, "off": False},
    {"a": "x", "b": "", "c": "été 🛒", "true": "yes"},
    {"one": 1, "zero": 0, "big": 2**70, "minus": -3},
    {"low": 0.5, "one": 1.0, "far": 1e300},
    {"plain": {}, "deep": {"a": [1, None, {"b": "c"}]}},
]
ATTRIBUTES = ["site", "till", "role", "version", "age", "targetingKey", "is_new"]
TEXTS = ["lyon", "Lyon", "lyon-1", "é", "e\u0301", "🛒", "", "5", "1", "0", "true", "True", "null", "5.0", "lyo", "on"]
VERSIONS = ["1.2.3", "v1.2.3", "1.2", "1", "2.0.0-rc.1", "2.0.0-rc.2", "2.0.0-rc.10", "2.0.0", "2.0.0+build", "1.2.3\n"]
NUMBERS = [0, 1, -1, 5, 5.0, 0.1, -0.0, 1.5, 2**53, 2**53 + 1, 2**63, -(2**70), 1e300, float("inf")]
NASTY: list[object] = [
    None, True, False, [], {}, [5], ["lyon"], [[1]], {"a": 1}, [True], "01.2.3", "1.2.3.4", "٥", " 5", "5 ",
    "1_000", "inf", "nan", "1e3", "\u2028", "x" * 300,
]  # fmt: skip
_TEXTUAL = {Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.CONTAINS}
_NUMERIC = {Operator.LESS, Operator.AT_MOST, Operator.MORE, Operator.AT_LEAST}


def random_value(chance: random.Random) -> object:
    kinds: list[list[object]] = [[*TEXTS], [*VERSIONS], [*NUMBERS], NASTY]
    return chance.choice(chance.choice(kinds))


def random_context(chance: random.Random) -> dict[str, Any]:
    """Return a context; about a third of what could be in it is missing."""
    context = {name: random_value(chance) for name in ATTRIBUTES if chance.random() < 0.65}
    if chance.random() < 0.8:
        context["targetingKey"] = chance.choice([*TEXTS, f"till-{chance.randrange(1000)}", "x" * 300, "\ud800"])
    return context


def random_condition(chance: random.Random) -> Condition:
    kind = chance.choice(list(Operator))
    if kind is Operator.EQUALS:
        value: Any = chance.choice([*filter(None, TEXTS), *NUMBERS[:-1], True, False])
    elif kind is Operator.ONE_OF:
        value = tuple(chance.sample(chance.choice([[one for one in TEXTS if one], NUMBERS[:-1]]), 4))
    elif kind in _NUMERIC:
        value = chance.choice(NUMBERS[:-1])
    elif kind in _TEXTUAL:
        value = chance.choice([one for one in TEXTS if one])
    else:
        value = chance.choice(VERSIONS[:-1])
    return Condition(chance.choice(ATTRIBUTES), kind, value, chance.random() < 0.3)


def random_split(chance: random.Random, names: list[str]) -> tuple[tuple[str, int], ...]:
    chosen = chance.sample(names, chance.randint(1, len(names)))
    cuts = sorted(chance.randint(0, 10_000) for _ in chosen[1:])
    ends = [*cuts, 10_000]
    return tuple((name, end - start) for name, start, end in zip(chosen, [0, *cuts], ends, strict=True))


def random_rule(chance: random.Random, names: list[str]) -> RuleDefinition:
    kind = chance.choice([*RuleKind, RuleKind.CONDITIONS])
    split = random_split(chance, names) if chance.random() < 0.4 else ()
    several = tuple(random_condition(chance) for _ in range(chance.randint(1, 3)))
    has_conditions = kind is RuleKind.CONDITIONS or (kind is RuleKind.SEGMENT and chance.random() < 0.5)
    return RuleDefinition(
        kind=kind,
        variant="" if split else chance.choice(names),
        people=frozenset(chance.sample([one for one in TEXTS if one], 3)) if kind is RuleKind.SEGMENT else frozenset(),
        site_key=chance.choice(["lyon", "é", "5"]) if kind is RuleKind.SITE else "",
        conditions=several if has_conditions else (),
        split=split,
    )


def random_flag(chance: random.Random) -> FlagDefinition:
    """Return a flag of any type and layer; most of them on, with up to five rules."""
    variants = chance.choice(VARIANTS)
    names = list(variants)
    variable = None
    if chance.random() < 0.1:
        variable = Override("FLAG__ENV__F", chance.choice(names), is_off=chance.random() < 0.3)
    return FlagDefinition(
        key=chance.choice(["buttons", "f.1", "F-2", "k" * 100]),
        variants=variants,
        default_variant=chance.choice(names),
        off_variant=chance.choice(names),
        is_on=chance.random() < 0.9,
        is_killed=chance.random() < 0.05,
        rules=tuple(random_rule(chance, names) for _ in range(chance.randint(0, 5))),
        override=variable,
    )
