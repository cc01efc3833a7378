"""Can a target be taken back now? A light with its reasons. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

#: A restore point that is older holds less than a day's sales: it can be used, and somebody should know.
FRESH = timedelta(hours=24)


class Light(StrEnum):
    YES = "yes"
    UNSURE = "unsure"
    NO = "no"


@dataclass(frozen=True)
class Facts:
    """What is known of a target. `needed_seconds`: how long it took the last time, None where nobody did it.

    `timed_by`, `timed_at`: the kind and the end of the operation that says so.
    """

    has_database: bool
    has_application: bool
    point_at: datetime | None
    has_previous_image: bool
    deployed_at: datetime | None
    blocked_by: int | None
    needed_seconds: float | None
    rto_seconds: int
    timed_by: str = ""
    timed_at: datetime | None = None


@dataclass(frozen=True)
class Reason:
    """One reason by its code, and how good it is."""

    code: str
    light: Light


@dataclass(frozen=True)
class Readiness:
    light: Light
    reasons: tuple[Reason, ...]


def judge(facts: Facts, *, now: datetime) -> Readiness:
    """Return the light: as bad as its worst reason."""
    reasons: list[Reason] = []
    if facts.blocked_by is not None:
        reasons.append(Reason("blocked", Light.NO))
    if facts.has_database:
        reasons.append(_judge_point(facts, now=now))
    if facts.has_application:
        reasons.append(_judge_image(facts))
    reasons.append(_judge_time(facts))
    order = [Light.YES, Light.UNSURE, Light.NO]
    return Readiness(max((one.light for one in reasons), key=order.index), tuple(reasons))


def _judge_point(facts: Facts, *, now: datetime) -> Reason:
    if facts.point_at is None:
        return Reason("no_point", Light.NO)
    return Reason("point_old", Light.UNSURE) if now - facts.point_at > FRESH else Reason("point_verified", Light.YES)


def _judge_image(facts: Facts) -> Reason:
    if facts.deployed_at is None:
        return Reason("never_deployed", Light.UNSURE)
    return Reason("image_known", Light.YES) if facts.has_previous_image else Reason("no_image", Light.NO)


def _judge_time(facts: Facts) -> Reason:
    if facts.needed_seconds is None:
        return Reason("never_timed", Light.UNSURE)
    return Reason("in_time", Light.YES) if facts.needed_seconds <= facts.rto_seconds else Reason("too_slow", Light.NO)
