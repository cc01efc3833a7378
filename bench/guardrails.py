"""How often the ratio guardrails disturb a healthy fleet, and how soon they see a fault, in simulated rollouts.

The detector is that of `health.domain.sequential`, of many flags at once (`Detectors`; a test holds the two together).
Beside it stand Wilson bounds looked at every fifteen seconds: with one error of a till's minute counted, as they were
before, and with the confidence that they would need to leave as many healthy rollouts alone, whatever the traffic.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from health.domain.sequential import BREACH_EVIDENCE, CLUMP, HIGHEST_SHARE, MOST_WORTH, MULTIPLES
from health.domain.wilson import quantile

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

LIMIT = 0.05
FLAGS = 8
#: Ten days of nine hours.
MINUTES = 10 * 9 * 60
LOOKS_A_MINUTE = 4
HEALTHY_MINUTES = 60
HEALTHY_RATE = 0.01
BASE_RATES = (0.005, 0.01, 0.02)
FAULTY_RATES = (0.10, 0.20)
CLUMPS = (1, 3)
#: Share of rollouts that may be disturbed, and of faults that must be seen.
MOST_DISTURBED, LEAST_CAUGHT = 0.01, 0.99
#: Slower than 1.2 times the usual p95: of lognormal latencies (sigma 0.5) as they were, and 40 % slower.
USUALLY_SLOW, SLOW_AT_40_PERCENT = 0.0223, 0.0907
WINDOWS = ((5, 20), (15, 50))
LEAST_ERRORS = 8
#: Evidence below which a healthy flag is looked at once a minute.
WARM = 10.0


@dataclass(frozen=True)
class Traffic:
    """`tills` that each send so many requests a minute while a flag is on."""

    tills: int
    a_minute: float

    def __str__(self) -> str:
        return f"{self.tills * self.a_minute:3.0f}/min, {self.tills:2} till{'s' if self.tills > 1 else ' '}"


TRAFFIC = (Traffic(1, 5), Traffic(4, 5), Traffic(20, 5), Traffic(4, 25))


@dataclass
class Detectors:
    """One detector for each flag, after the minutes that are over."""

    flags: int
    limit: float = LIMIT
    spread: Floats = field(init=False)
    whole: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.spread = np.zeros((len(MULTIPLES), self.flags))
        self.whole = np.zeros((len(MULTIPLES), self.flags))
        shares = np.minimum(np.array(MULTIPLES) * self.limit, HIGHEST_SHARE)[:, None]
        self._error = np.log(shares / self.limit)
        self._success = np.log((1 - shares) / (1 - self.limit))

    def look(self, minute: "Minutes") -> tuple[Floats, Floats]:
        """Return what the bets are worth with the minute under way."""
        spread = self._error * minute.spread_errors + self._success * minute.spread_requests
        whole = (self._error * minute.errors + self._success * (minute.requests - minute.errors)) / CLUMP
        is_seen = minute.requests > 0
        return (
            np.where(is_seen, _bound((self.spread + 1) * np.exp(np.minimum(spread, 50))), self.spread),
            np.where(is_seen, _bound((self.whole + 1) * np.exp(np.minimum(whole, 50))), self.whole),
        )

    def close(self, minute: "Minutes") -> None:
        """Take a minute in that is over."""
        self.spread, self.whole = self.look(minute)

    def pick(self, flags: Counts) -> "Detectors":
        """Return the detectors of some flags."""
        part = Detectors(len(flags), self.limit)
        part.spread, part.whole = self.spread[:, flags], self.whole[:, flags]
        return part

    def weigh(self, minute: "Minutes | None" = None) -> Floats:
        """Return the evidence of each flag, with the minute under way if there is one."""
        spread, whole = (self.spread, self.whole) if minute is None else self.look(minute)
        weighed: Floats = (spread.mean(axis=0) + whole.mean(axis=0)) / 2
        return weighed


def _bound(worth: Floats) -> Floats:
    return np.minimum(worth, MOST_WORTH)


@dataclass(frozen=True)
class Minutes:
    """One minute of each flag, as `health.domain.sequential.Minute`."""

    requests: Counts
    errors: Counts
    spread_requests: Floats
    spread_errors: Counts


def sum_tills(requests: Counts, errors: Counts) -> Minutes:
    """Return each flag's minute from its tills' ones, flags by tills."""
    has_error = errors > 0
    successes = np.where(has_error, (requests - errors) / (errors + 1.0), requests)
    return Minutes(requests.sum(1), errors.sum(1), successes.sum(1), has_error.sum(1))


class Tills:
    """Draws what the tills of many flags report. A clump: that many failing requests of a till in a row."""

    def __init__(self, traffic: Traffic, *, flags: int, clump: int, seed: int) -> None:
        self._dice = np.random.default_rng(seed)
        self._shape = (flags, traffic.tills)
        self._traffic = traffic
        self._clump = clump
        self._owed = np.zeros(self._shape, dtype=np.int64)

    def play(self, *, rate: float) -> tuple[Counts, Counts]:
        """Return requests and errors of the next minute, flags by tills."""
        requests = self._dice.poisson(self._traffic.a_minute, self._shape)
        begun = self._dice.binomial(requests, rate / self._clump)
        failing = self._owed + begun * self._clump
        errors = np.minimum(failing, requests)
        # What is left of a clump fails next.
        self._owed = np.minimum(failing - errors, self._clump - 1)
        return requests, errors

    def split(self, requests: Counts, errors: Counts) -> Iterator[tuple[Counts, Counts]]:
        """Yield what of a minute was there at each look within it; the last look sees all of it."""
        n, k = np.zeros_like(requests), np.zeros_like(errors)
        for left in range(LOOKS_A_MINUTE, 0, -1):
            more = self._dice.binomial(requests - n, 1 / left)
            k = k + self._dice.hypergeometric(errors - k, requests - n - (errors - k), more)
            n = n + more
            yield n, k


class Wilson:
    """Wilson's lower bound over five and fifteen minutes above the limit, at two looks in a row."""

    def __init__(self, *, flags: int, confidence_z: float) -> None:
        self._z = confidence_z
        longest = max(span for span, _least in WINDOWS) * LOOKS_A_MINUTE
        self._seen: deque[tuple[Counts, Counts]] = deque(maxlen=longest)
        self._before = [np.zeros(flags, dtype=bool) for _ in WINDOWS]

    def look(self, requests: Counts, errors: Counts) -> NDArray[np.bool_]:
        """Take one look's new requests and errors in; return which flags breach."""
        self._seen.append((requests, errors))
        found = np.zeros(len(requests), dtype=bool)
        for number, (n, k, least) in enumerate(self._sum_windows()):
            breach = (n >= least) & (k >= LEAST_ERRORS) & (_wilson_lower(k, n, z=self._z) > LIMIT)
            found |= breach & self._before[number]
            self._before[number] = breach
        return found

    def _sum_windows(self) -> Iterator[tuple[Counts, Counts, int]]:
        looks = list(self._seen)
        for span, least in WINDOWS:
            last = looks[-span * LOOKS_A_MINUTE :]
            yield np.sum([one[0] for one in last], axis=0), np.sum([one[1] for one in last], axis=0), least


def _wilson_lower(k: Counts, n: Counts, *, z: float) -> Floats:
    n = np.maximum(n, 1)
    rate, scale = k / n, 1 + z * z / n
    half = z * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    bound: Floats = (rate + z * z / (2 * n) - half) / scale
    return bound


@dataclass(frozen=True)
class Calm:
    """Healthy rollouts: which share was disturbed, and the z with which Wilson bounds would disturb 1 %."""

    traffic: Traffic
    rate: float
    clump: int
    disturbed: float
    #: The highest logarithm of any flag's evidence; a breach is at 10.1.
    highest: float
    wilson_z: float

    @property
    def is_within(self) -> bool:
        return self.disturbed <= MOST_DISTURBED

    def __str__(self) -> str:
        over = "" if self.is_within else "  OVER"
        return (
            f"healthy  {self.traffic}  errors {self.rate:5.1%} {_say_clump(self.clump)}   "
            f"disturbed {self.disturbed:6.2%} of rollouts   highest {self.highest:4.1f}   "
            f"Wilson would need z = {self.wilson_z:4.1f}{over}"
        )


def play_calm(traffic: Traffic, *, rate: float, clump: int, rollouts: int, seed: int) -> Calm:
    """Play healthy rollouts of eight flags over ten days, looked at four times a minute."""
    flags = rollouts * FLAGS
    tills = Tills(traffic, flags=flags, clump=clump, seed=seed)
    detectors = Detectors(flags)
    most, scores = np.zeros(flags), np.zeros(flags)
    seen: deque[tuple[Counts, Counts]] = deque(maxlen=max(span for span, _least in WINDOWS))
    for _minute in range(MINUTES):
        requests, errors = tills.play(rate=rate)
        # No healthy minute makes a breach of less: the others are looked at when the minute is over.
        warm = np.flatnonzero((detectors.weigh() >= WARM) & (errors.sum(1) > 0))
        part = detectors.pick(warm)
        for n, k in tills.split(requests[warm], errors[warm]):
            most[warm] = np.maximum(most[warm], part.weigh(sum_tills(n, k)))
        minute = sum_tills(requests, errors)
        detectors.close(minute)
        np.maximum(most, detectors.weigh(), out=most)
        seen.append((minute.requests, minute.errors))
        np.maximum(scores, _score(seen), out=scores)
    worst = most.reshape(rollouts, FLAGS).max(axis=1)
    score = np.sort(scores.reshape(rollouts, FLAGS).max(axis=1))[-max(1, int(rollouts * MOST_DISTURBED))]
    disturbed = float(np.mean(worst >= BREACH_EVIDENCE))
    return Calm(traffic, rate, clump, disturbed, float(np.log(worst.max())), float(score))


@dataclass(frozen=True)
class Delays:
    """Minutes from a fault to its breach; infinite where it was not seen in ten days."""

    minutes: Floats

    @property
    def caught(self) -> float:
        return float(np.mean(np.isfinite(self.minutes)))

    def __str__(self) -> str:
        ranked = np.sort(self.minutes)
        median, p99 = ranked[len(ranked) // 2], ranked[int(len(ranked) * 0.99)]
        return f"{self.caught:6.1%} {median:7.1f} {p99:7.1f}"


@dataclass(frozen=True)
class Fault:
    """A fault after a healthy hour, as each test sees it: caught, median and p99 of the delay in minutes."""

    name: str
    traffic: Traffic
    detector: Delays
    capped: Delays
    calibrated: Delays

    @property
    def is_within(self) -> bool:
        return self.detector.caught >= LEAST_CAUGHT

    def __str__(self) -> str:
        over = "" if self.is_within else "  UNDER"
        return (
            f"{self.name}  {self.traffic}   {self.detector}   "
            f"Wilson, one a till and minute {self.capped}   as calm as this {self.calibrated}{over}"
        )


@dataclass(frozen=True)
class Change:
    """What a fault does to the share of bad requests."""

    name: str
    healthy: float
    faulty: float
    clump: int


def play_fault(traffic: Traffic, change: Change, *, runs: int, wilson_z: float, seed: int) -> Fault:
    """Play one flag many times: an hour as usual, then the fault, until every test has seen it or ten days are over."""
    tills = Tills(traffic, flags=runs, clump=change.clump, seed=seed)
    detectors = Detectors(runs)
    capped = Wilson(flags=runs, confidence_z=quantile(0.9999))
    calibrated = Wilson(flags=runs, confidence_z=wilson_z)
    seen = {test: np.full(runs, np.inf) for test in ("detector", "capped", "calibrated")}
    for minute in range(HEALTHY_MINUTES + MINUTES):
        requests, errors = tills.play(rate=change.healthy if minute < HEALTHY_MINUTES else change.faulty)
        before = sum_tills(np.zeros_like(requests), np.zeros_like(errors))
        for look, (n, k) in enumerate(tills.split(requests, errors), start=1):
            after = sum_tills(n, k)
            more = after.requests - before.requests
            found = {
                "detector": detectors.weigh(after) >= BREACH_EVIDENCE,
                "capped": capped.look(more, after.spread_errors - before.spread_errors),
                "calibrated": calibrated.look(more, after.errors - before.errors),
            }
            now = minute - HEALTHY_MINUTES + look / LOOKS_A_MINUTE
            for test, breach in found.items():
                # Whoever fires before the fault has disturbed a healthy flag: the other table counts that.
                seen[test] = np.where(breach & (now > 0) & np.isinf(seen[test]), now, seen[test])
            before = after
        detectors.close(after)
        if all(np.isfinite(moments).all() for moments in seen.values()) or _is_hopeless(minute, seen):
            break
    return Fault(change.name, traffic, *(Delays(seen[test]) for test in ("detector", "capped", "calibrated")))


def _is_hopeless(minute: int, seen: Mapping[str, Floats]) -> bool:
    """Tell whether the detector has seen every fault and the others have had two days more to see it."""
    return minute > HEALTHY_MINUTES + 2 * 9 * 60 and bool(np.isfinite(seen["detector"]).all())


def _score(seen: Sequence[tuple[Counts, Counts]]) -> Floats:
    """Return how many standard deviations each flag's windows lie above the limit, Wilson's own measure."""
    found = np.zeros(len(seen[0][0]))
    for span, least in WINDOWS:
        last = list(seen)[-span:]
        n = np.maximum(np.sum([one[0] for one in last], axis=0), 1)
        k = np.sum([one[1] for one in last], axis=0)
        score = (k / n - LIMIT) / np.sqrt(LIMIT * (1 - LIMIT) / n)
        found = np.maximum(found, np.where((n >= least) & (k >= LEAST_ERRORS), score, 0.0))
    return found


def _say_clump(clump: int) -> str:
    return "single        " if clump == 1 else f"in clumps of {clump}"


def measure(*, rollouts: int, runs: int) -> Iterator[Calm | Fault]:
    """Yield the table: healthy fleets first, then faults, each beside Wilson bounds."""
    # One confidence for all: nobody tells a rule how much a shop sells, nor how its errors come.
    wilson_z = 0.0
    for traffic in TRAFFIC:
        for rate, clump in [*product(BASE_RATES, CLUMPS), (USUALLY_SLOW, 1)]:
            calm = play_calm(traffic, rate=rate, clump=clump, rollouts=rollouts, seed=clump)
            wilson_z = max(wilson_z, calm.wilson_z)
            yield calm
    for traffic in TRAFFIC:
        for faulty, clump in product(FAULTY_RATES, CLUMPS):
            fault = Change(f"errors {faulty:4.0%} {_say_clump(clump)}", HEALTHY_RATE, faulty, clump)
            yield play_fault(traffic, fault, runs=runs, wilson_z=wilson_z, seed=11 + clump)
        slower = Change("p95 40 % slower           ", USUALLY_SLOW, SLOW_AT_40_PERCENT, 1)
        yield play_fault(traffic, slower, runs=runs, wilson_z=wilson_z, seed=13)
