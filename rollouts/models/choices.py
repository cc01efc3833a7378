"""Choices of a field from an enumeration."""

from enum import StrEnum


def choices_of(values: type[StrEnum]) -> list[tuple[str, str]]:
    """Return (value, value) of every member; labels speak elsewhere."""
    return [(str(value), str(value)) for value in values]
