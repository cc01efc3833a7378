"""Is a share above its limit? A test that may be looked at all the time.

A Shiryaev-Roberts e-detector: each minute a new bet is opened that from now on the share is above the limit, and every
bet's worth is multiplied by the likelihood ratio of what was seen since. Where the share is at its limit or below, a
bet's worth is 1 on average, whenever one looks; so their sum exceeds N no sooner than after N minutes with data on
average (J. Shin, A. Ramdas, A. Rinaldo, "E-detectors", The New England Journal of Statistics in Data Science 2, 2024;
M. Pollak, "Average run lengths of an optimal method of detecting a change in distribution", Annals of Statistics 15,
1987). How far above the limit is not known, so the bets are spread over several shares, and over two ways to count:

- **spread**: of a till's minute only what came until its first error, so that a clump of errors of one cause counts
  once, however long it is;
- **whole**: every request, with the evidence of a third of them: right for clumps of up to three requests, and what a
  till sees that sells so fast that no minute is without error.

Which evidence is a breach was found by simulation: docs/adr/0044, `python -m bench guardrails`.
"""

from dataclasses import dataclass
from datetime import datetime
from math import exp, log

#: The shares that are bet on, as multiples of the limit.
MULTIPLES = (1.5, 2.0, 3.0, 4.0, 8.0)
#: Where among them the share lies whose evidence tells people since when it grows.
TOLD = 1
#: No share that is bet on exceeds this.
HIGHEST_SHARE = 0.9
#: So many errors may be of one cause where each is counted.
CLUMP = 3
#: From here on it is a breach: a flag exactly at its limit is disturbed once in so many minutes with data.
BREACH_EVIDENCE = 25_000.0
#: From here on something is suspected, and no phase ends.
SUSPICION = 100.0
#: Worth is not counted beyond, so that a fault that has passed is believed to have passed.
MOST_WORTH = 1e7
_MOST_LOG = log(MOST_WORTH)

_NOTHING = (0.0,) * len(MULTIPLES)


@dataclass(frozen=True, slots=True)
class Minute:
    """What tills reported in one minute, summed over them.

    `spread_errors`: tills that had an error in it; `spread_requests`: what succeeded at each till until its first
    error, taken in the middle where the order is not known: of k errors in n requests (n - k) / (k + 1).
    """

    requests: int = 0
    errors: int = 0
    spread_requests: float = 0.0
    spread_errors: int = 0

    def __add__(self, other: "Minute") -> "Minute":
        return Minute(
            self.requests + other.requests,
            self.errors + other.errors,
            self.spread_requests + other.spread_requests,
            self.spread_errors + other.spread_errors,
        )


@dataclass(frozen=True, slots=True)
class Detector:
    """What all bets are worth after the minutes that were taken in, by multiple and way to count.

    `since`, `requests`, `errors`: what was seen since the evidence began to grow, for people to read: since the
    cumulative sum `rise` of the log likelihood ratios (E. S. Page, "Continuous inspection schemes", Biometrika 41,
    1954) last was 0.
    """

    spread: tuple[float, ...] = _NOTHING
    whole: tuple[float, ...] = _NOTHING
    rise: float = 0.0
    since: datetime | None = None
    requests: int = 0
    errors: int = 0

    @property
    def evidence(self) -> float:
        """Return what a bet of 1 in each minute has become, on average over the bets: odds to 1."""
        return (sum(self.spread) + sum(self.whole)) / (2 * len(MULTIPLES))


def spread(*, requests: int, errors: int) -> Minute:
    """Return one till's minute."""
    if not errors:
        return Minute(requests, 0, float(requests), 0)
    return Minute(requests, errors, (requests - errors) / (errors + 1), 1)


def advance(detector: Detector, minute: Minute, *, at: datetime, limit: float) -> Detector:
    """Return the detector after one more minute that began at `at`; `limit`: the share, 0 to 1.

    A minute that is not over yet can be taken in the same way: ask for the evidence, and keep the detector from before.
    """
    if not minute.requests:
        return detector
    shares = [min(multiple * limit, HIGHEST_SHARE) for multiple in MULTIPLES]
    spread_ratios = [
        _log_ratio(minute.spread_errors, minute.spread_requests, share=share, limit=limit) for share in shares
    ]
    whole_ratios = [
        _log_ratio(minute.errors, minute.requests - minute.errors, share=share, limit=limit) / CLUMP for share in shares
    ]
    told = spread_ratios[TOLD] + whole_ratios[TOLD]
    is_new = detector.rise == 0.0
    return Detector(
        spread=_grow(detector.spread, spread_ratios),
        whole=_grow(detector.whole, whole_ratios),
        rise=min(max(detector.rise + told, 0.0), _MOST_LOG),
        since=at if is_new else detector.since,
        requests=minute.requests + (0 if is_new else detector.requests),
        errors=minute.errors + (0 if is_new else detector.errors),
    )


def _log_ratio(errors: float, successes: float, *, share: float, limit: float) -> float:
    """Return the logarithm of how much likelier this is at a share than at the limit."""
    return errors * log(share / limit) + successes * log((1 - share) / (1 - limit))


def _grow(worths: tuple[float, ...], ratios: list[float]) -> tuple[float, ...]:
    """Return what the bets are worth, a new one among them, after what was seen."""
    grown = (
        min(exp(min(log(worth + 1) + ratio, _MOST_LOG)), MOST_WORTH)
        for worth, ratio in zip(worths, ratios, strict=True)
    )
    return tuple(grown)
