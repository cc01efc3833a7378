"""Histograms of durations as OpenTelemetry sends them, and what grew between two of them.

Source: OpenTelemetry metrics data model, "Histogram" and "ExponentialHistogram".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp2, isfinite

from health.domain.samples import MAX_BOUND_MS, MAX_BUCKETS

#: Finer says nothing of a duration (half a percent each), and neighbours would round to one bound.
FINEST_SCALE = 7
#: What an SDK keeps by default.
MOST_EXPONENTIAL_BUCKETS = 160
#: A nanosecond, as the power of two of a second below which all is one bucket.
LEAST_EXPONENT = -30.0


@dataclass(frozen=True)
class Explicit:
    """Buckets with bounds in milliseconds that rise; one more count than bounds, or nothing of both."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def total(self) -> int | None:
        """Return how many it counts, None where it has no buckets."""
        return sum(self.counts) if self.counts else None

    def is_like(self, before: "Buckets") -> bool:
        """Tell whether one can be taken from the other."""
        return isinstance(before, Explicit) and before.bounds == self.bounds and len(before.counts) == len(self.counts)

    def minus(self, before: "Buckets") -> "Explicit | None":
        """Return what came since, None where this is no growth of it."""
        if not isinstance(before, Explicit) or not self.is_like(before):
            return None
        grown = tuple(now - then for now, then in zip(self.counts, before.counts, strict=True))
        return None if any(count < 0 for count in grown) else Explicit(self.bounds, grown)

    def to_latency(self) -> Mapping[str, object] | None:
        """Return it as a sample holds it."""
        return _compose_latency(self.bounds, self.counts) if self.bounds else None


@dataclass(frozen=True)
class Exponential:
    """Buckets in powers of 2^(2^-scale) seconds: count i is of (base^(offset+i), base^(offset+i+1)]."""

    scale: int
    offset: int
    counts: tuple[int, ...]
    zero: int

    @property
    def total(self) -> int | None:
        """Return how many it counts."""
        return sum(self.counts) + self.zero

    def coarsen(self, scale: int) -> "Exponential":
        """Return it at a scale that is not finer: neighbours become one."""
        shift = self.scale - scale
        if shift <= 0:
            return self
        if not self.counts:
            return Exponential(scale, 0, (), self.zero)
        first = self.offset >> shift
        merged = [0] * (((self.offset + len(self.counts) - 1) >> shift) - first + 1)
        for index, count in enumerate(self.counts, self.offset):
            merged[(index >> shift) - first] += count
        return Exponential(scale, first, tuple(merged), self.zero)

    def is_like(self, before: "Buckets") -> bool:
        """Tell whether one can be taken from the other."""
        return isinstance(before, Exponential)

    def minus(self, before: "Buckets") -> "Exponential | None":
        """Return what came since, None where this is no growth of it."""
        if not isinstance(before, Exponential):
            return None
        scale = min(self.scale, before.scale)
        now, then = self.coarsen(scale), before.coarsen(scale)
        left = dict(enumerate(now.counts, now.offset))
        for index, count in enumerate(then.counts, then.offset):
            left[index] = left.get(index, 0) - count
        zero = now.zero - then.zero
        if zero < 0 or any(count < 0 for count in left.values()):
            return None
        return Exponential(scale, now.offset, tuple(left[index] for index in _indexes(now)), zero)

    def to_latency(self) -> Mapping[str, object] | None:
        """Return it as a sample holds it: bounds in milliseconds, what is about zero in the first bucket."""
        one = self._bounded()
        width = exp2(-one.scale)
        exponents = [index * width for index in range(one.offset, one.offset + len(one.counts) + 1)]
        bounds = [exp2(min(max(power, LEAST_EXPONENT), 60.0)) * 1_000 for power in exponents]
        return _compose_latency(bounds, [one.zero, *one.counts, 0])

    def _bounded(self) -> "Exponential":
        one = self._trimmed().coarsen(FINEST_SCALE)
        while len(one.counts) > MOST_EXPONENTIAL_BUCKETS:
            one = one.coarsen(one.scale - 1)
        return one

    def _trimmed(self) -> "Exponential":
        """Return it without the empty buckets at both ends."""
        full = [place for place, count in enumerate(self.counts) if count]
        if not full:
            return Exponential(self.scale, 0, (), self.zero)
        return Exponential(self.scale, self.offset + full[0], self.counts[full[0] : full[-1] + 1], self.zero)


Buckets = Explicit | Exponential


def _indexes(one: Exponential) -> range:
    return range(one.offset, one.offset + len(one.counts))


def _compose_latency(bounds: Sequence[float], counts: Sequence[int]) -> Mapping[str, object]:
    """Return bounds that rise and end before a day, with the counts; what falls together is added up."""
    kept: list[float] = []
    sums: list[int] = []
    waiting = 0
    for bound, count in zip(bounds, counts[:-1], strict=True):
        waiting += count
        rounded = round(bound, 6)
        if rounded > MAX_BOUND_MS:
            continue
        if kept and rounded <= kept[-1]:
            sums[-1] += waiting
        else:
            kept.append(int(rounded) if rounded.is_integer() else rounded)
            sums.append(waiting)
        waiting = 0
    return {"bounds": kept, "counts": [*sums, waiting + counts[-1]]}


def is_sound(bounds: Sequence[float], counts: Sequence[int]) -> bool:
    """Tell whether explicit buckets are as the data model says: finite bounds from zero that rise."""
    if not counts and not bounds:
        return True
    if len(counts) != len(bounds) + 1 or len(bounds) > MAX_BUCKETS:
        return False
    return all(isfinite(bound) and bound >= 0 for bound in bounds) and all(low < high for low, high in pairwise(bounds))


def dump_buckets(one: Buckets | None) -> dict[str, object] | None:
    """Return buckets as JSON holds them."""
    match one:
        case Explicit():
            return {"bounds": list(one.bounds), "counts": list(one.counts)}
        case Exponential():
            return {"scale": one.scale, "offset": one.offset, "counts": list(one.counts), "zero": one.zero}
        case None:
            return None


def load_buckets(kept: Mapping[str, object] | None) -> Buckets | None:
    """Return buckets from what `dump_buckets` gave."""
    match kept:
        case {"bounds": list(bounds), "counts": list(counts)}:
            return Explicit(tuple(bounds), tuple(counts))
        case {"scale": int(scale), "offset": int(offset), "counts": list(counts), "zero": int(zero)}:
            return Exponential(scale, offset, tuple(counts), zero)
        case _:
            return None
