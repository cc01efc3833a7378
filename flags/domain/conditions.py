"""Conditions on a context's attributes: what they ask, and what each means in JsonLogic.

A condition never fails: a missing attribute or one of another type does not hold, and negated it
does. Nothing is coerced: `"5"` is not `5`, and `true` is not `1`. JsonLogic coerces, so the exported
logic guards the types; that both agree for every context is a test (ADR 12).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flags.domain.values import is_finite, is_number, is_storable
from flags.domain.versions import Version, find_version

Context = Mapping[str, object]
Predicate = Callable[[Context], bool]
Logic = Any

#: No dot: JsonLogic reads `a.b` as b inside a.
ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}")
MAX_CONDITIONS = 20
MAX_CHARACTERS = 200
MAX_CHOICES = 500
#: How JsonLogic's implementations write booleans as text.
_BOOLEAN_WORDS = ["true", "false", "True", "False"]
#: And what else is no number.
_OTHER_WORDS = [*_BOOLEAN_WORDS, "", "[]", "[object Object]"]


class Operator(StrEnum):
    EQUALS = "equals"
    ONE_OF = "one_of"
    LESS = "less"
    AT_MOST = "at_most"
    MORE = "more"
    AT_LEAST = "at_least"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    CONTAINS = "contains"
    VERSION_IS = "version_is"
    VERSION_BEFORE = "version_before"
    VERSION_AT_MOST = "version_at_most"
    VERSION_AFTER = "version_after"
    VERSION_AT_LEAST = "version_at_least"
    VERSION_SAME_MINOR = "version_same_minor"
    VERSION_SAME_MAJOR = "version_same_major"


_COMPARISONS: dict[Operator, tuple[str, Callable[[Any, Any], bool]]] = {
    Operator.LESS: ("<", operator.lt),
    Operator.AT_MOST: ("<=", operator.le),
    Operator.MORE: (">", operator.gt),
    Operator.AT_LEAST: (">=", operator.ge),
}
_TEXTS = frozenset({Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.CONTAINS})
_VERSIONS: dict[Operator, tuple[str, Callable[[Version, Version], bool]]] = {
    Operator.VERSION_IS: ("=", operator.eq),
    Operator.VERSION_BEFORE: ("<", operator.lt),
    Operator.VERSION_AT_MOST: ("<=", operator.le),
    Operator.VERSION_AFTER: (">", operator.gt),
    Operator.VERSION_AT_LEAST: (">=", operator.ge),
    Operator.VERSION_SAME_MINOR: ("~", lambda found, wanted: found[:2] == wanted[:2]),
    Operator.VERSION_SAME_MAJOR: ("^", lambda found, wanted: found[0] == wanted[0]),
}


@dataclass(frozen=True)
class Condition:
    """One question about an attribute. `value` is a scalar, for ONE_OF a tuple of texts or of numbers."""

    attribute: str
    operator: Operator
    value: Any
    is_negated: bool = False

    def as_json(self) -> dict[str, object]:
        """Return the stored form, which `parse_conditions` reads."""
        value = [_store(one) for one in self.value] if isinstance(self.value, tuple) else _store(self.value)
        return {
            "attribute": self.attribute,
            "operator": str(self.operator),
            "value": value,
            "negated": self.is_negated,
        }


def _store(value: object) -> object:
    """Return a value as JSON keeps it: a large float is written by its digits, not as the power of ten it is near."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class ConditionFault(Exception):
    """Not a condition: `part` is attribute, operator, value or count."""

    def __init__(self, part: str) -> None:
        super().__init__(part)
        self.part = part


def parse_conditions(stored: object) -> tuple[Condition, ...]:
    """Return conditions from their stored form; raise ConditionFault where it is none."""
    if not isinstance(stored, list | tuple) or len(stored) > MAX_CONDITIONS:
        raise ConditionFault("count")
    return tuple(_parse(one) for one in stored)


def _parse(stored: object) -> Condition:
    if not isinstance(stored, dict) or set(stored) - {"attribute", "operator", "value", "negated"}:
        raise ConditionFault("attribute")
    attribute, negated = stored.get("attribute"), stored.get("negated", False)
    if not isinstance(attribute, str) or not ATTRIBUTE.fullmatch(attribute):
        raise ConditionFault("attribute")
    kind = next((one for one in Operator if one == stored.get("operator")), None)
    if kind is None or not isinstance(negated, bool):
        raise ConditionFault("operator")
    return Condition(attribute, kind, _check_value(kind, stored.get("value")), negated)


def _check_value(kind: Operator, value: object) -> object:
    if kind is Operator.ONE_OF:
        return _check_choices(value)
    if kind is Operator.EQUALS:
        is_fit = isinstance(value, bool) or is_finite(value) or _is_text(value)
    elif kind in _COMPARISONS:
        is_fit = is_finite(value)
    elif kind in _TEXTS:
        is_fit = _is_text(value)
    else:
        is_fit = isinstance(value, str) and _is_text(value) and find_version(value) is not None
    if not is_fit:
        raise ConditionFault("value")
    return value


def _check_choices(value: object) -> tuple[object, ...]:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MAX_CHOICES:
        raise ConditionFault("value")
    if not (all(_is_text(one) for one in value) or all(is_finite(one) for one in value)):
        raise ConditionFault("value")
    return tuple(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_CHARACTERS and is_storable(value)


def compile_conditions(conditions: Sequence[Condition]) -> Predicate:
    """Return the function that tells whether all conditions hold for a context."""
    compiled = tuple(compile_condition(one) for one in conditions)
    if len(compiled) == 1:
        return compiled[0]
    if len(compiled) == 2:
        first, second = compiled
        return lambda context: first(context) and second(context)
    if len(compiled) == 3:
        first, second, third = compiled
        return lambda context: first(context) and second(context) and third(context)

    def hold(context: Context) -> bool:
        for one in compiled:  # noqa: SIM110 - a loop costs half of all() over a generator
            if not one(context):
                return False
        return True

    return hold


def compile_condition(condition: Condition) -> Predicate:
    """Return the function that tells whether one condition holds for a context."""
    attribute, holds, wanted = condition.attribute, _compile_test(condition), condition.value
    if condition.is_negated:
        return lambda context: not holds(context.get(attribute))
    # The two that most rules consist of, without a second call; nothing else of JSON equals a text.
    if condition.operator is Operator.EQUALS and isinstance(wanted, str):
        return lambda context: context.get(attribute) == wanted
    if condition.operator is Operator.ONE_OF and isinstance(wanted[0], str):
        choices = frozenset(wanted)
        return lambda context: isinstance(found := context.get(attribute), str) and found in choices
    return lambda context: holds(context.get(attribute))


def _compile_test(condition: Condition) -> Callable[[Any], bool]:
    kind, wanted = condition.operator, condition.value
    if kind is Operator.EQUALS:
        return _compile_equality(wanted)
    if kind is Operator.ONE_OF:
        return _compile_choice(frozenset(wanted), of_text=isinstance(wanted[0], str))
    if kind in _COMPARISONS:
        compare = _COMPARISONS[kind][1]
        return lambda found: is_number(found) and compare(found, wanted)
    return _compile_text(kind, wanted) if kind in _TEXTS else _compile_version(kind, wanted)


def _compile_choice(choices: frozenset[Any], *, of_text: bool) -> Callable[[Any], bool]:
    if of_text:
        return lambda found: isinstance(found, str) and found in choices
    return lambda found: is_number(found) and found in choices


def _compile_text(kind: Operator, wanted: str) -> Callable[[Any], bool]:
    if kind is Operator.STARTS_WITH:
        return lambda found: isinstance(found, str) and found.startswith(wanted)
    if kind is Operator.ENDS_WITH:
        return lambda found: isinstance(found, str) and found.endswith(wanted)
    return lambda found: isinstance(found, str) and wanted in found


def _compile_equality(wanted: Any) -> Callable[[Any], bool]:
    if isinstance(wanted, bool):
        return lambda found: found is wanted
    if isinstance(wanted, str):
        return lambda found: isinstance(found, str) and found == wanted
    return lambda found: is_number(found) and found == wanted


def _compile_version(kind: Operator, wanted: str) -> Callable[[Any], bool]:
    compare, bound = _VERSIONS[kind][1], find_version(wanted)
    if bound is None:
        return lambda found: False
    return lambda found: (
        isinstance(found, str) and (version := find_version(found)) is not None and compare(version, bound)
    )


def conditions_logic(conditions: Sequence[Condition]) -> Logic:
    """Return the same question in JsonLogic with flagd's operators."""
    parts = [_logic(one) for one in conditions]
    return parts[0] if len(parts) == 1 else {"and": parts}


def _logic(condition: Condition) -> Logic:
    positive = _positive_logic(condition.operator, {"var": [condition.attribute]}, condition.value)
    return {"!": [positive]} if condition.is_negated else positive


def _positive_logic(kind: Operator, found: Logic, wanted: Any) -> Logic:
    is_text = {"starts_with": [found, ""]}
    if kind is Operator.EQUALS:
        return _equality_logic(found, wanted)
    if kind is Operator.ONE_OF:
        among = {"in": [found, list(wanted)]}
        return among if isinstance(wanted[0], str) else {"and": [among, {"!": [_boolean_logic(found)]}]}
    if kind in _COMPARISONS:
        # Adding makes a number of anything; only a number (or a boolean) is unchanged by it. flagd's evaluator of
        # JavaScript fails on what it cannot write or add: what is absent, texts and structures are turned away before.
        is_absent, is_other = {"missing": found["var"]}, {"in": [{"cat": [found]}, _OTHER_WORDS]}
        is_unchanged = {"===": [{"+": [found]}, found]}
        comparison = {_COMPARISONS[kind][0]: [found, wanted]}
        return {"and": [*({"!": [one]} for one in (is_absent, is_text, is_other)), is_unchanged, comparison]}
    if kind is Operator.CONTAINS:
        return {"and": [is_text, {"in": [wanted, found]}]}
    if kind in _TEXTS:
        return {str(kind): [found, wanted]}
    return {"and": [is_text, {"sem_ver": [found, _VERSIONS[kind][0], wanted]}]}


def _equality_logic(found: Logic, wanted: Any) -> Logic:
    same = {"===": [found, wanted]}
    if isinstance(wanted, bool):
        return {"and": [same, _boolean_logic(found)]}
    return same if isinstance(wanted, str) else {"and": [same, {"!": [_boolean_logic(found)]}]}


def _boolean_logic(found: Logic) -> Logic:
    """Tell booleans from numbers: in Python `true` is 1."""
    return {"in": [{"cat": [found]}, _BOOLEAN_WORDS]}
