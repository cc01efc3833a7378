"""Did it help? The users' own figures before and after a rollback. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

#: What came before is looked at for so long.
BEFORE = timedelta(minutes=30)
#: Fewer requests afterwards say nothing.
LEAST_REQUESTS = 20
WHOLE_BP = 10_000


class Verdict(StrEnum):
    """Whether the figures are back within their limits. Unknown: too little was reported to say.

    Never out: they are within them, and nothing was seen outside before. Not done: nothing was taken back so far.
    """

    BACK = "back"
    NEVER_OUT = "never_out"
    NOT_BACK = "not_back"
    UNKNOWN = "unknown"
    NOT_DONE = "not_done"


@dataclass(frozen=True)
class Figures:
    """Sums of a window, of all tills of an environment."""

    requests: int
    errors: int
    critical: int
    complaints: int

    @property
    def error_bp(self) -> int | None:
        """Return the share of errors in basis points, None where nothing was asked."""
        return round(WHOLE_BP * self.errors / self.requests) if self.requests else None


def judge(before: Figures, after: Figures, *, limit_bp: int) -> Verdict:
    """Tell whether what came after is back within its limits. `limit_bp`: highest share of errors, basis points."""
    if after.critical:
        return Verdict.NOT_BACK
    if after.requests < LEAST_REQUESTS:
        return Verdict.UNKNOWN
    if _is_outside(after, limit_bp=limit_bp):
        return Verdict.NOT_BACK
    return Verdict.BACK if _is_outside(before, limit_bp=limit_bp) else Verdict.NEVER_OUT


def _is_outside(figures: Figures, *, limit_bp: int) -> bool:
    return figures.critical > 0 or (figures.error_bp or 0) > limit_bp


def describe(before: Figures, after: Figures | None, *, limit_bp: int) -> dict[str, Any]:
    """Return both windows as they are kept: plain values alone. `after`: None while nothing is taken back."""
    verdict = Verdict.NOT_DONE if after is None else judge(before, after, limit_bp=limit_bp)
    return {
        "before": _tell(before),
        "after": _tell(after or Figures(0, 0, 0, 0)),
        "limit_bp": limit_bp,
        "verdict": str(verdict),
    }


def _tell(figures: Figures) -> Mapping[str, int | None]:
    return asdict(figures) | {"error_bp": figures.error_bp}
