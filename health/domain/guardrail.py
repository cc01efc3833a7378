"""What a lane's breach leads to: an act, by its mode and by what it did lately (docs/adr/0044)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from health.domain import alert_lane, complaints, error_rate, performance

#: So many holds of one flag by one lane within a day are flapping: people hear that it is not the first time.
FLAPPING_HOLDS = 3
FLAPPING_SPAN = timedelta(hours=24)
#: While support is heightened, four fifths of the limit: 4 % instead of 5 % (docs/explanation/guardrails.md).
HEIGHTENED_PARTS, WHOLE_PARTS = 4, 5


class Act(StrEnum):
    """What a lane did on a breach."""

    OBSERVED = "observed"
    INVESTIGATE = "investigate"
    HELD = "held"
    ROLLED_BACK = "rolled_back"
    #: It would have held, but it has just done so.
    COOLING = "cooling"


class Unit(StrEnum):
    """What a lane's limit counts."""

    #: A share, in basis points.
    SHARE = "share"
    #: So many a day.
    A_DAY = "a_day"
    #: It fires or does not: there is no limit to set.
    NONE = "none"


#: From the mildest to the strictest.
MODES = ("off", "observe", "investigate", "hold", "roll_back")


@dataclass(frozen=True)
class Limits:
    """What can be set as a lane's limit, in its unit, and what is where nobody has set one; which modes it has."""

    least: int
    default: int
    most: int
    default_mode: str
    unit: Unit = Unit.SHARE
    modes: tuple[str, ...] = MODES
    #: Whether a flag can have a limit of its own.
    by_flag: bool = True


LIMITS: Mapping[str, Limits] = {
    # Calibrated by simulation: `python -m bench guardrails`.
    error_rate.LANE: Limits(
        error_rate.LEAST_THRESHOLD_BP, error_rate.DEFAULT_THRESHOLD_BP, error_rate.MOST_THRESHOLD_BP, "roll_back"
    ),
    # Observed until somebody has seen what it says of the shop's own baseline: without one there is no pass.
    performance.LANE: Limits(
        performance.LEAST_DEGRADATION_BP,
        performance.DEFAULT_DEGRADATION_BP,
        performance.MOST_DEGRADATION_BP,
        "observe",
    ),
    # Observed until somebody has connected a monitoring.
    alert_lane.LANE: Limits(0, 0, 0, "observe", unit=Unit.NONE),
    # Rolling back on complaints is a person's decision. They are counted for a whole rollout.
    complaints.LANE: Limits(
        1,
        complaints.DAILY_COMPLAINT_LIMIT,
        complaints.MOST_COMPLAINT_LIMIT,
        "hold",
        unit=Unit.A_DAY,
        modes=("off", "observe", "investigate", "hold"),
        by_flag=False,
    ),
}
#: The lanes that judge a share, and remember what they saw.
SHARE_LANES = (error_rate.LANE, performance.LANE)
#: The lanes that judge each flag by itself.
FLAG_LANES = (*SHARE_LANES, alert_lane.LANE)


def tighten(threshold_bp: int, *, least_bp: int) -> int:
    """Return the limit while support is heightened, never below the least that can be set."""
    return max(threshold_bp * HEIGHTENED_PARTS // WHOLE_PARTS, least_bp)


def choose_act(
    *, mode: str, is_everywhere: bool, holds: Collection[datetime], cool_down: timedelta, now: datetime
) -> Act | None:
    """Return what a breach leads to, None where the lane does not judge.

    Where those breach too who do not have the flag, a rollback may not help: a person must find the cause.
    `holds`: when this lane held for this flag before.
    """
    acts = {"observe": Act.OBSERVED, "investigate": Act.INVESTIGATE, "hold": Act.HELD, "roll_back": Act.ROLLED_BACK}
    act = acts.get(mode)
    if act is Act.ROLLED_BACK and is_everywhere:
        act = Act.HELD
    if act is Act.HELD and any(now - moment < cool_down for moment in holds):
        return Act.COOLING
    return act


def is_possible(act: Act, *, is_running: bool) -> bool:
    """Tell whether an act has a point: what does not run needs no hold."""
    return is_running or act not in {Act.HELD, Act.COOLING}


def count_holds_of_a_day(holds: Collection[datetime], *, now: datetime) -> int:
    """Return how many holds lie within the last day."""
    return sum(1 for moment in holds if now - moment < FLAPPING_SPAN)


def find_site(figures: Mapping[str, tuple[int, int]], *, limit_bp: int) -> str | None:
    """Return the site that stands out: it has nine tenths of the errors, and the others together keep the limit.

    `figures`: requests and errors by site, since the evidence began to grow. None where no site stands out.
    """
    errors = sum(k for _n, k in figures.values())
    for site, (_requests, own) in figures.items():
        others = [(n, k) for key, (n, k) in figures.items() if key != site]
        n, k = sum(one[0] for one in others), sum(one[1] for one in others)
        if n and own * 10 >= errors * 9 and k * 10_000 <= n * limit_bp:
            return site
    return None
