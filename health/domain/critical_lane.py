"""The critical lane: no rate, no waiting (design §5).

One data-integrity failure, or three critical errors from two tills within ten minutes, breaches.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from health.domain.exposure import Exposure
from health.domain.verdict import Judgement, Verdict

LANE = "critical"
WINDOW = timedelta(minutes=10)
CRITICAL_ERRORS = 3
TILLS = 2
THRESHOLD = f"{CRITICAL_ERRORS} critical errors from {TILLS} tills, or 1 integrity error"


@dataclass(frozen=True)
class SampleFacts:
    """What the lane needs of a stored sample; `till` is empty where the sample names none.

    Samples of one site that name no till count as one till: that they came from two is not known.
    """

    received_at: datetime
    start_at: datetime
    ends_at: datetime
    site_key: str
    till: str
    flag_key: str | None
    requests: int
    critical_errors: int
    integrity_errors: int

    @property
    def source(self) -> tuple[str, str]:
        """The till, or the site's unnamed one."""
        return ("", self.till) if self.till else (self.site_key, "")

    @property
    def bad(self) -> int:
        """Errors of either kind; one that is both is one, so this is at most `requests`."""
        return max(self.critical_errors, self.integrity_errors)


def window_start(exposure: Exposure, *, now: datetime) -> datetime:
    """Return where the window begins: never before the flag's first step."""
    return max(now - WINDOW, exposure.since)


def judge_critical(exposure: Exposure, samples: Sequence[SampleFacts], *, now: datetime) -> Judgement:
    """Return the lane's verdict on one exposure from the samples of its environment.

    The window is trailing and half-open on the time of receipt: a till that was cut off still
    counts when it comes back; what happened before the exposure began does not.
    """
    inside = [
        sample for sample in samples if now - WINDOW <= sample.received_at < now and sample.ends_at > exposure.since
    ]
    own = [sample for sample in inside if sample.flag_key == exposure.flag_key]
    if exposure.is_newest:
        own += _unattributed(exposure, inside)
    own.sort(key=lambda sample: sample.received_at)
    n = sum(sample.requests for sample in own)
    k = sum(sample.bad for sample in own)
    found = _find_breach(own)
    if found is not None:
        verdict, code = Verdict.BREACH, found[0]
    elif not own or not n:
        verdict, code = Verdict.INCONCLUSIVE, "no_data"
    else:
        verdict, code = (
            (Verdict.PASS, "no_critical_errors") if not k else (Verdict.INCONCLUSIVE, "some_critical_errors")
        )
    return Judgement(
        verdict=verdict,
        lane=LANE,
        flag_key=exposure.flag_key,
        n=n,
        k=k,
        window_start=window_start(exposure, now=now),
        window_end=now,
        threshold=THRESHOLD,
        code=code,
        data={
            "tills": sorted({sample.till for sample in own if sample.bad and sample.till}),
            "sites": sorted({sample.site_key for sample in own if sample.bad}),
        },
        detected_at=found[1] if found else None,
    )


def _find_breach(own: Iterable[SampleFacts]) -> tuple[str, datetime] | None:
    """Return the code and the moment of receipt that completed a breach, None without one."""
    critical = 0
    tills: set[tuple[str, str]] = set()
    for sample in own:
        if sample.integrity_errors:
            return "integrity_error", sample.received_at
        if sample.critical_errors:
            critical += sample.critical_errors
            tills.add(sample.source)
        if critical >= CRITICAL_ERRORS and len(tills) >= TILLS:
            return "critical_errors", sample.received_at
    return None


def _unattributed(exposure: Exposure, inside: Sequence[SampleFacts]) -> list[SampleFacts]:
    """Return overall samples, each with only the errors that no sample of a flag explains.

    Such evidence names no flag; the one activated last at that site is the first suspect. What began
    before the flag came to that site is not its doing.
    """
    named = [sample for sample in inside if sample.flag_key is not None and sample.bad]
    overall = [sample for sample in inside if sample.flag_key is None and sample.bad]
    critical = [sample.critical_errors for sample in named]
    integrity = [sample.integrity_errors for sample in named]
    found = []
    for sample in sorted(overall, key=lambda one: (one.start_at, one.received_at)):
        explaining = [index for index, other in enumerate(named) if _is_same_time_and_till(other, sample)]
        rest = replace(
            sample,
            critical_errors=_spend(critical, explaining, wanted=sample.critical_errors),
            integrity_errors=_spend(integrity, explaining, wanted=sample.integrity_errors),
        )
        since = exposure.find_site_since(sample.site_key)
        if rest.bad and since is not None and sample.start_at >= since:
            found.append(rest)
    return found


def _is_same_time_and_till(named: SampleFacts, overall: SampleFacts) -> bool:
    return named.source == overall.source and named.start_at < overall.ends_at and overall.start_at < named.ends_at


def _spend(purse: list[int], indices: Sequence[int], *, wanted: int) -> int:
    """Take up to `wanted` from the purse's places, each error once; return what they did not cover."""
    for index in indices:
        taken = min(purse[index], wanted)
        purse[index] -= taken
        wanted -= taken
    return wanted
