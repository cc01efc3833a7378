"""Types of variants' values: all variants of a flag are of its one type."""

import math
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeGuard

#: Objects and lists inside each other; many readers of JSON end at a hundred.
MOST_DEPTH = 20
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


def accept_variants(variants: Mapping[str, object], *, value_type: ValueType) -> dict[str, object]:
    """Return new variants with values exactly of the type; refuse what not every client can read as well."""
    for name, value in variants.items():
        if not _is_readable(value, depth=MOST_DEPTH):
            raise ValueFault(name)
    return normalise_variants(variants, value_type=value_type)


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
    if not is_finite(value):
        raise ValueFault(name)
    number = float(value) if value_type is ValueType.FLOAT else int(value)
    is_exact = number == value or value_type is ValueType.FLOAT
    if not is_exact:
        raise ValueFault(name)
    return number


def _is_readable(value: object, *, depth: int) -> bool:
    """Tell whether every client can read a value: not too deep, and without a number beyond their floats."""
    if isinstance(value, dict | list):
        inside = value.values() if isinstance(value, dict) else value
        return depth > 0 and all(_is_readable(one, depth=depth - 1) for one in inside)
    return not is_number(value) or is_finite(value)


def is_finite(value: object) -> TypeGuard[int | float]:
    """Tell a number that floats can hold, at least about: JSON readers refuse a document with one beyond."""
    try:
        return is_number(value) and math.isfinite(value)
    except OverflowError:  # an int of more than 308 digits
        return False


def is_number(value: object) -> TypeGuard[int | float]:
    """Tell a JSON number from everything else: to Python, `True` is an int as well."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_storable(text: str) -> bool:
    """Tell whether PostgreSQL can keep a text: JSON may carry NUL and halves of surrogate pairs."""
    return not _UNSTORABLE.search(text)
