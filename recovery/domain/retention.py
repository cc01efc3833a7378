"""Which restore points go: pure, so that the rule can be read in one place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Point:
    """`is_needed`: a deployment or a rollout may still go back to it; `is_kept`: somebody said so."""

    pk: int
    taken_at: datetime
    is_verified: bool
    is_needed: bool = False
    is_kept: bool = False


def choose_expired(points: Sequence[Point], *, keep: int) -> list[int]:
    """Return the points that go, oldest first: all but the newest `keep` verified ones.

    The newest verified one always stays, as does what is kept on purpose or needed. One that was never verified
    goes as soon as there is a newer verified one.
    """
    newest_first = sorted(points, key=lambda point: (point.taken_at, point.pk), reverse=True)
    verified = [point for point in newest_first if point.is_verified]
    staying = {point.pk for point in verified[: max(keep, 1)]}
    newest = verified[0].taken_at if verified else None
    return [
        point.pk
        for point in reversed(newest_first)
        if point.pk not in staying
        and not point.is_needed
        and not point.is_kept
        and (point.is_verified or (newest is not None and point.taken_at < newest))
    ]
