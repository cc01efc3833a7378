"""What freezes cost a plan. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from flags.domain.opening import each_day
from rollouts.domain.freezing import Freeze
from rollouts.domain.planning import PlanSite


@dataclass(frozen=True)
class Push:
    """A freeze that puts a plan's steps off, and the days on which something could have gone out without it."""

    freeze: Freeze
    days: int


def list_pushes(*, sites: Sequence[PlanSite], start_on: date, last_on: date) -> list[Push]:
    """Return the freezes that stand in a plan's way from its start day to the day of its last step."""
    free = [replace(site, freezes=()) for site in sites]
    freezes = {freeze for site in sites for freeze in site.freezes}
    pushes = []
    for freeze in sorted(freezes, key=lambda one: (one.starts_on, one.ends_on, one.label)):
        frozen = each_day(max(freeze.starts_on, start_on), min(freeze.ends_on, last_on))
        days = sum(any(site.takes_changes(day) for site in free) for day in frozen)
        if days:
            pushes.append(Push(freeze, days))
    return pushes
