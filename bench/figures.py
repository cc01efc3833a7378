"""Percentiles of what was measured, as lines of a table."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """Durations of one thing, in seconds, and the p50 of what it is compared with in the same run."""

    name: str
    seconds: Sequence[float]
    base: float | None = None

    def percentile(self, share: float) -> float:
        """Return the least measured duration that at least this share (0..1) does not exceed."""
        ranked = sorted(self.seconds)
        return ranked[max(0, min(len(ranked) - 1, round(share * len(ranked) + 0.5) - 1))]

    def __str__(self) -> str:
        p50, p99 = self.percentile(0.5), self.percentile(0.99)
        ratio = f"{p50 / self.base:6.1f} ×" if self.base else "        "
        return f"{self.name:<52} n={len(self.seconds):<5} p50 {p50 * 1000:9.2f} ms   p99 {p99 * 1000:9.2f} ms   {ratio}"
