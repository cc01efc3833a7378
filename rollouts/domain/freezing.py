"""Days on which nothing may be promoted in an environment. Pure.

A freeze has whole days, since promotions fall on days. They are the plan's days: a shop has each on
its own calendar, as it has its closed days. A freeze stops steps of real plans; never a rollback, a
hold or a kill switch.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

#: What lasts longer is no freeze: the rollouts of the environment are over.
DAYS_MOST = 366


@dataclass(frozen=True)
class Freeze:
    """Days [starts_on, ends_on) without a promotion, and what they are called."""

    starts_on: date
    ends_on: date
    label: str

    @property
    def last_on(self) -> date:
        return self.ends_on - timedelta(days=1)

    def holds_on(self, day: date) -> bool:
        return self.starts_on <= day < self.ends_on


def find_freeze(freezes: Iterable[Freeze], day: date) -> Freeze | None:
    """Return the freeze that holds on a day, the one that ends last where several do."""
    return max((one for one in freezes if one.holds_on(day)), key=lambda one: one.ends_on, default=None)
