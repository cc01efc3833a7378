"""What the overview shows: each feature once, with its verdicts and its figures, the worst first."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from health.models import StoredVerdict
from health.queries import FlagFigures, figures_by_flag, verdicts_by_flag

#: From what cannot wait to what needs nobody.
GRAVITY = ("breach", "error", "inconclusive", "pass", "")
#: What a person must see without opening it.
URGENT = ("breach", "error")


@dataclass(frozen=True)
class FeatureHealth:
    """A feature's newest verdicts, the worst first, and its sums of the window, site by site."""

    flag_key: str
    lanes: Sequence[StoredVerdict]
    sites: Sequence[FlagFigures]

    @property
    def worst(self) -> StoredVerdict | None:
        return self.lanes[0] if self.lanes else None

    @property
    def verdict(self) -> str:
        """The worst lane's verdict; empty where nothing was judged."""
        return self.lanes[0].verdict if self.lanes else ""

    @property
    def is_urgent(self) -> bool:
        return self.verdict in URGENT

    @property
    def requests(self) -> int:
        return sum(one.requests for one in self.sites)

    @property
    def errors(self) -> int:
        return sum(one.errors for one in self.sites)


def list_feature_health(*, environment_key: str, since: datetime, until: datetime) -> list[FeatureHealth]:
    """Return every feature that was judged or reported in [since, until), the worst first: two queries."""
    sites: dict[str, list[FlagFigures]] = defaultdict(list)
    for row in figures_by_flag(environment_key=environment_key, since=since, until=until):
        sites[row.flag_key].append(row)
    lanes = {one.flag_key: one.lanes for one in verdicts_by_flag(environment_key=environment_key)}
    found = [
        FeatureHealth(key, sorted(lanes.get(key, ()), key=lambda one: GRAVITY.index(one.verdict)), sites[key])
        for key in sorted({*lanes, *sites})
    ]
    return sorted(found, key=lambda one: GRAVITY.index(one.verdict))


def count_verdicts(features: Sequence[FeatureHealth]) -> list[tuple[str, int]]:
    """Return how many features have each verdict as their worst, the gravest first."""
    counted = Counter(one.verdict for one in features if one.verdict)
    return [(verdict, counted[verdict]) for verdict in GRAVITY if counted[verdict]]
