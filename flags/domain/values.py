"""Types of variants' values: all variants of a flag are of its one type."""

import math
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeGuard

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class ValueType(StrEnum):
    BOOLEAN = "boolean"
    STRING = "string"
    INTEGER = "integer"
    FLOAT = "float"
    OBJECT = "object"


class ValueFault(Exception):
    """A variant's value is not of the flag's type; carries the variant's name."""

    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.variant = variant


def normalise_variants(variants: Mapping[str, object], *, value_type: ValueType) -> dict[str, object]:
    """Return the variants with values exactly of the type: `1` of a float flag becomes `1.0`.

    PostgreSQL's jsonb keeps numbers, not their types, so what is read passes here as well.
    """
    return {name: _normalise(name, value, value_type) for name, value in variants.items()}


def _normalise(name: str, value: object, value_type: ValueType) -> object:
    if value_type is ValueType.BOOLEAN and isinstance(value, bool):
        return value
    if value_type is ValueType.STRING and isinstance(value, str):
        return value
    if value_type is ValueType.OBJECT and isinstance(value, dict):
        return value
    if value_type in {ValueType.INTEGER, ValueType.FLOAT} and is_number(value):
        return _number(name, value, value_type)
    raise ValueFault(name)


def _number(name: str, value: int | float, value_type: ValueType) -> int | float:
    try:
        number = float(value) if value_type is ValueType.FLOAT else int(value)
    except (OverflowError, ValueError):
        raise ValueFault(name) from None
    is_exact = number == value or value_type is ValueType.FLOAT
    if not is_exact or not math.isfinite(number):
        raise ValueFault(name)
    return number


def is_number(value: object) -> TypeGuard[int | float]:
    """Tell a JSON number from everything else: to Python, `True` is an int as well."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_storable(text: str) -> bool:
    """Tell whether PostgreSQL can keep a text: JSON may carry NUL and halves of surrogate pairs."""
    return not _UNSTORABLE.search(text)
