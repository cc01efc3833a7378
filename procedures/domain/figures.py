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
    """Whether the figures are back within their limits. Unknown: too little was reported to say."""

    BACK = "back"
    NOT_BACK = "not_back"
    UNKNOWN = "unknown"


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


def judge(after: Figures, *, limit_bp: int) -> Verdict:
    """Tell whether what came after is within its limits. `limit_bp`: highest share of errors, basis points."""
    if after.critical:
        return Verdict.NOT_BACK
    if after.requests < LEAST_REQUESTS or after.error_bp is None:
        return Verdict.UNKNOWN
    return Verdict.BACK if after.error_bp <= limit_bp else Verdict.NOT_BACK


def describe(before: Figures, after: Figures, *, limit_bp: int) -> dict[str, Any]:
    """Return both windows as they are kept: plain values alone."""
    return {
        "before": _tell(before),
        "after": _tell(after),
        "limit_bp": limit_bp,
        "verdict": str(judge(after, limit_bp=limit_bp)),
    }


def _tell(figures: Figures) -> Mapping[str, int | None]:
    return asdict(figures) | {"error_bp": figures.error_bp}
