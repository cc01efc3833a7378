"""Latency histograms of every client on one scale: bins that grow by 5 %, from one millisecond to a day.

Bin 0 is [0, 1) ms, bin i is [1.05^(i-1), 1.05^i) ms. A histogram holds the bins with something in
them; counts are fractions where a client's bucket covers several bins. A quantile read from it is
off by less than 5 % beyond what the client's own buckets lose.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from math import ceil, log

RATIO = 1.05
LONGEST_MS = 86_400_000
#: Where each bin begins; beyond the last edge nothing is told apart.
EDGES: tuple[float, ...] = (0.0, *(RATIO**power for power in range(ceil(log(LONGEST_MS) / log(RATIO)) + 1)))
#: How many sets of bounds are remembered: tills of one make send the same.
MOST_SCALES = 256

Histogram = dict[int, float]


def spread(bounds: Sequence[float], counts: Sequence[int]) -> Histogram:
    """Return a client's histogram on our scale: `counts` has one entry more than the rising `bounds`, in ms.

    What lies in a bucket is taken to be spread evenly over it. Of what lies beyond the last bound nothing
    more is known: it goes into the bin that begins there.
    """
    found: Histogram = {}
    for shares, count in zip(_map_buckets(tuple(bounds)), counts, strict=True):
        if count:
            for place, share in shares:
                found[place] = found.get(place, 0.0) + count * share
    return found


@lru_cache(maxsize=MOST_SCALES)
def _map_buckets(bounds: tuple[float, ...]) -> tuple[tuple[tuple[int, float], ...], ...]:
    """Return for each bucket which share of it each bin gets; the shares of a bucket sum to 1."""
    shares = [tuple(_share_bucket(low, high)) for low, high in pairwise((0.0, *bounds))]
    last = bounds[-1] if bounds else 0.0
    return (*shares, ((_find_bin(last), 1.0),))


def _share_bucket(low: float, high: float) -> Iterator[tuple[int, float]]:
    first, last = _find_bin(low), _find_bin(high)
    if first == last:
        yield first, 1.0
        return
    for place in range(first, last + 1):
        begin = max(low, EDGES[place])
        end = high if place == last else EDGES[place + 1]
        if end > begin:
            yield place, (end - begin) / (high - low)


def _find_bin(milliseconds: float) -> int:
    return bisect_right(EDGES, milliseconds) - 1


def merge(histograms: Iterable[Mapping[int, float]]) -> Histogram:
    """Return the sum of histograms."""
    found: Histogram = {}
    for histogram in histograms:
        for place, count in histogram.items():
            found[place] = found.get(place, 0.0) + count
    return found


def count_all(histogram: Mapping[int, float]) -> float:
    """Return how many are in it."""
    return sum(histogram.values())


def find_quantile(histogram: Mapping[int, float], share: float) -> float | None:
    """Return the milliseconds that this share of all stays below, None of an empty one."""
    total = count_all(histogram)
    if total <= 0:
        return None
    wanted, below = share * total, 0.0
    places = sorted(place for place, count in histogram.items() if count > 0)
    for place in places:
        count = histogram[place]
        if below + count >= wanted:
            return read_place(place, max(wanted - below, 0.0) / count)
        below += count
    return read_place(places[-1], 1.0)


def count_above(histogram: Mapping[int, float], milliseconds: float) -> float:
    """Return how many took this long or longer: of the bin that the bound lies in, the part above it."""
    at = _find_bin(max(milliseconds, 0.0))
    above = sum(count for place, count in histogram.items() if place > at)
    inside = histogram.get(at, 0.0)
    if not inside or at >= len(EDGES) - 1:
        return above + inside
    begin, end = EDGES[at], EDGES[at + 1]
    return above + inside * (end - max(milliseconds, 0.0)) / (end - begin)


def read_place(place: int, share: float) -> float:
    """Return the milliseconds that lie this share into a bin."""
    begin = EDGES[place]
    if place >= len(EDGES) - 1:
        return begin
    return begin + share * (EDGES[place + 1] - begin)
