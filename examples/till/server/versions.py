"""The versions of the till: one source, and each image says which one it is."""

import os
from collections.abc import Mapping

#: The last migration that each version knows.
HEADS: Mapping[str, str] = {"1.2.0": "0002_closings", "1.3.0": "0004_discounts"}
VARIABLE = "TILL_VERSION"
NEWEST = "1.3.0"


def get_version() -> str:
    """Return the version that runs, as its image was built; raises ValueError where there is no such version."""
    version = os.environ.get(VARIABLE, NEWEST)
    if version not in HEADS:
        raise ValueError(f"{VARIABLE} is {version!r}: it must be one of {', '.join(HEADS)}.")
    return version


def knows_payments(version: str) -> bool:
    """Tell whether a version writes how each ticket was paid."""
    return HEADS[version] >= "0003"
