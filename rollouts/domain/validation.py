"""The performance validation of a phase or release: its figures beside the frozen baseline and the limits. Pure.

Shares and changes are basis points. What is not known is None, never 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

WHOLE_BP = 10_000
#: Of fewer requests neither a share nor a p95 says anything.
LEAST_REQUESTS = 100


class Verdict(StrEnum):
    """Whether a figure keeps its limit. `NO_DATA`: nothing was reported; `TOO_LITTLE`: less than says anything."""

    WITHIN = "within"
    OVER = "over"
    TOO_LITTLE = "too_little"
    NO_DATA = "no_data"
    NO_BASELINE = "no_baseline"


@dataclass(frozen=True)
class Limits:
    """What is agreed: highest share of errors, highest rise of p95, most complaints of a day."""

    error_rate_bp: int
    p95_rise_bp: int
    complaints_per_day: int


@dataclass(frozen=True)
class ErrorRate:
    baseline_bp: int | None
    measured_bp: int | None
    change_bp: int | None
    verdict: Verdict


@dataclass(frozen=True)
class P95:
    """A named transaction's p95. `measured_ms` is of the `compared_requests`, whose hours have a baseline, if any."""

    transaction: str
    requests: int
    compared_requests: int
    baseline_ms: float | None
    measured_ms: float
    change_bp: int | None
    verdict: Verdict


@dataclass(frozen=True)
class Complaints:
    """Complaints a day over `days` civil days; `worst_on` is the day with the most, None where there are none."""

    baseline_per_day: float | None
    measured_per_day: float | None
    total: int
    days: int
    worst_day: int
    worst_on: date | None
    verdict: Verdict

    @property
    def change_per_day(self) -> float | None:
        """Return how many more than usual, None where either is not known."""
        if self.baseline_per_day is None or self.measured_per_day is None:
            return None
        return round(self.measured_per_day - self.baseline_per_day, 2)


def share_bp(errors: int, requests: int) -> int | None:
    """Return the share of errors, None of nothing."""
    return round(WHOLE_BP * errors / requests) if requests else None


def compare_error_rate(*, baseline_bp: int | None, requests: int, errors: int, limit_bp: int) -> ErrorRate:
    """Return the share of errors beside the usual one. The limit holds without a baseline, too."""
    measured = share_bp(errors, requests)
    change = None if measured is None or baseline_bp is None else measured - baseline_bp
    if not requests:
        verdict = Verdict.NO_DATA
    elif requests < LEAST_REQUESTS:
        verdict = Verdict.TOO_LITTLE
    else:
        verdict = Verdict.OVER if errors * WHOLE_BP > requests * limit_bp else Verdict.WITHIN
    return ErrorRate(baseline_bp, measured, change, verdict)


def compare_p95(
    *, transaction: str, requests: int, compared: int, usual_ms: float | None, p95_ms: float, limit_bp: int
) -> P95:
    """Return a p95 beside the usual one of the same sites, weekdays and hours."""
    change = round(WHOLE_BP * (p95_ms / usual_ms - 1)) if usual_ms else None
    if change is None:
        verdict = Verdict.NO_BASELINE
    elif compared < LEAST_REQUESTS:
        verdict = Verdict.TOO_LITTLE
    else:
        verdict = Verdict.OVER if change > limit_bp else Verdict.WITHIN
    usual = None if usual_ms is None else round(usual_ms, 1)
    return P95(transaction, requests, compared, usual, round(p95_ms, 1), change, verdict)


def compare_complaints(
    daily: Mapping[date, int], *, days: int, baseline_per_day: float | None, limit: int
) -> Complaints:
    """Return complaints a day beside the usual number; a single day over the limit is over it. `days` 0: not begun."""
    total = sum(daily.values())
    worst_on = max(sorted(daily), key=lambda day: daily[day], default=None)
    worst = daily[worst_on] if worst_on else 0
    if not days:
        return Complaints(baseline_per_day, None, 0, 0, 0, None, Verdict.NO_DATA)
    verdict = Verdict.OVER if worst > limit else Verdict.WITHIN
    return Complaints(baseline_per_day, round(total / days, 2), total, days, worst, worst_on, verdict)
