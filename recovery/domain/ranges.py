"""Whole numbers as stretches: how gaps in receipt numbers are reported. Pure."""

from collections.abc import Iterable


def to_ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return numbers as (first, last) stretches, both included, in order."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def say_ranges(ranges: Iterable[tuple[int, int]]) -> str:
    """Return stretches as people write them: `7, 9-12`."""
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
