"""When the demo's rollout must have begun to stand calmly between two sites at present. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.domain.business_time import local_day
from rollouts.domain.planning import PlannedPhase
from rollouts.domain.templates import PhaseKind

ZONE = ZoneInfo("Europe/Paris")
PLANNED_BEFORE = timedelta(days=3)
LEAST_CALM = timedelta(hours=12)
#: Of any two, one leaves half a day until the next site.
PROMOTION_TIMES = (time(6), time(18), time(12), time(0))
START_DAYS_BACK = range(5, 40)
#: So many sites at least have the release, and so many are to come.
FEWEST_SITES = 2


@dataclass(frozen=True)
class Start:
    """A plan's start day and promotion hour, and the moment at which it was made."""

    on: date
    promotion_time: time
    planned_at: datetime


def find_start(draw: Callable[[Start], Sequence[PlannedPhase]], *, now: datetime) -> Start | None:
    """Return the latest start whose plan stands calmly at present, None where there is none."""
    for promotion_time in PROMOTION_TIMES:
        for back in START_DAYS_BACK:
            began_at = now - timedelta(days=back)
            start = Start(local_day(began_at, zone=ZONE), promotion_time, began_at - PLANNED_BEFORE)
            if stands_calmly(draw(start), now=now):
                return start
    return None


def stands_calmly(phases: Sequence[PlannedPhase], *, now: datetime) -> bool:
    """Return whether two sites or more are done and to come, and nothing is due within half a day."""
    moments = {step.site_key: step.due_at for phase in phases for step in phase.steps if step.site_key}
    done = sum(moment <= now for moment in moments.values())
    calm = all(not now < step.due_at <= now + LEAST_CALM for phase in phases for step in phase.steps)
    later = [phase for phase in phases if phase.kind is PhaseKind.FULL]
    between = FEWEST_SITES <= done <= len(moments) - FEWEST_SITES
    return between and calm and all(phase.starts_at > now for phase in later)
