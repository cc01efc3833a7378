"""A look at a flag: which lane asks, with what limit; and the minutes that a share lane sees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from health.domain import error_rate, performance
from health.domain.exposure import Exposure
from health.domain.share_lane import Memory, SeenMinute
from health.domain.verdict import Judgement

#: Codes of verdicts for which nothing was ever connected, or known.
NOTHING_CONNECTED = frozenset({"no_alert_source", "no_baseline"})


@dataclass(frozen=True)
class Look:
    """A lane that looks at a flag; `limit_bp`: its limit in basis points; observed: it guards no gate."""

    exposure: Exposure
    lane: str
    limit_bp: int
    is_observed: bool = False

    def is_idle(self, judgement: Judgement) -> bool:
        """Tell whether nobody asked for a verdict that cannot be: observed, and nothing there to observe yet."""
        return self.is_observed and judgement.code in NOTHING_CONNECTED

    @property
    def key(self) -> tuple[str, str, str]:
        """Return what its memory is kept under."""
        return self.exposure.subject, self.lane, self.exposure.flag_key

    @property
    def share_bp(self) -> int:
        """Return which share may be bad: of failed requests the limit itself, of slow ones by the meaning of p95."""
        return performance.SLOW_SHARE_BP if self.lane == performance.LANE else self.limit_bp

    @property
    def threshold(self) -> str:
        sign = "" if self.lane == error_rate.LANE else "+"
        return f"{sign}{self.limit_bp / 100:g} %"


@dataclass(frozen=True)
class Seen:
    """The minutes since a memory, in order; `missing`: the code of what there is nothing to judge without."""

    minutes: Sequence[SeenMinute] = ()
    missing: str = ""


#: Looks and what they remember, by their number.
Asked = Mapping[int, tuple[Look, Memory]]
