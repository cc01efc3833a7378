"""The error-rate guardrail: a slow and a fast window, judged so that noise does not fire (design §5).

The numbers and why they are what they are: docs/explanation/guardrails.md, docs/adr/0013.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor

from health.domain.exposure import Exposure
from health.domain.verdict import Judgement, Verdict
from health.domain.wilson import quantile, wilson_lower, wilson_upper

LANE = "error_rate"
DEFAULT_THRESHOLD_BP = 500
#: Below 1 % every shop breaches; above 10 % a busy till's clumps would hide a fault.
LEAST_THRESHOLD_BP, MOST_THRESHOLD_BP = 100, 1_000
WHOLE_BP = 10_000
#: Codes of too few requests for a pass, whatever they say.
TOO_LITTLE = frozenset({"no_requests", "too_few_requests"})
LEAST_ERRORS = 8
BREACH_Z = quantile(0.9999)
PASS_Z = quantile(0.95)
#: Two evaluations in a row breach, at least this far apart and with new data between.
APART = timedelta(seconds=10)
#: The longest sample covers five minutes: who has sent nothing for longer is silent.
LONGEST_SAMPLE = timedelta(minutes=5)
SILENT_AFTER = timedelta(minutes=6)
#: Of a till's minute one error counts, and one more for each so many requests beyond.
REQUESTS_FOR_AN_ERROR = 5


@dataclass(frozen=True)
class Window:
    name: str
    span: timedelta
    least_requests: int


SLOW = Window("slow", timedelta(minutes=15), 50)
FAST = Window("fast", timedelta(minutes=5), 20)
#: The faster is named first where both breach.
WINDOWS = (FAST, SLOW)


@dataclass(frozen=True)
class Cell:
    """Samples of one till in one minute that end in the same windows; flag None: all of its requests."""

    flag_key: str | None
    site_key: str
    till: str
    minute: datetime
    is_fast: bool
    requests: int
    errors: int
    start_at: datetime
    ends_at: datetime
    received_at: datetime


@dataclass(frozen=True)
class Figures:
    """A window's numbers: k counts a clump of errors once, `errors` all of them."""

    n: int
    k: int
    errors: int
    newest_at: datetime | None

    @property
    def rate_bp(self) -> int | None:
        return floor(WHOLE_BP * self.errors / self.n) if self.n else None


@dataclass(frozen=True)
class Memory:
    """A breach seen once: when, and the newest sample received by then."""

    began_at: datetime
    newest_at: datetime


@dataclass(frozen=True)
class Assessment:
    """What the samples say of one flag now, before any memory."""

    exposure: Exposure
    threshold_bp: int
    now: datetime
    exposed: Mapping[str, Figures]
    unexposed: Mapping[str, Figures]
    last_sample_at: datetime | None


def window_start(exposure: Exposure, window: Window, *, now: datetime) -> datetime:
    """Return where a window begins: never before the step, nor before what a person has seen."""
    return max(now - window.span, exposure.since, *([exposure.seen_at] if exposure.seen_at else []))


def assess(exposure: Exposure, cells: Sequence[Cell], *, now: datetime, threshold_bp: int) -> Assessment:
    """Return the figures of both windows, at the exposed sites pooled and at the unexposed ones."""
    since = window_start(exposure, SLOW, now=now)
    inside = [cell for cell in cells if cell.start_at >= since]
    own = [cell for cell in inside if cell.flag_key == exposure.flag_key]
    sites = {cell.site_key for cell in own}
    others = [
        cell
        for cell in inside
        if cell.flag_key is None and cell.site_key not in sites and not exposure.covers_site(cell.site_key)
    ]
    return Assessment(
        exposure=exposure,
        threshold_bp=threshold_bp,
        now=now,
        exposed={window.name: _count(own, window) for window in WINDOWS},
        unexposed={window.name: _count(others, window) for window in WINDOWS},
        last_sample_at=max((cell.ends_at for cell in own), default=None),
    )


def list_breaching(assessment: Assessment) -> list[Window]:
    """Return the windows that breach at this evaluation."""
    return [
        window
        for window in WINDOWS
        if _is_breach(assessment.exposed[window.name], window, threshold_bp=assessment.threshold_bp)
    ]


def remember(assessment: Assessment, memory: Mapping[str, Memory]) -> dict[str, Memory]:
    """Return what to remember for the next evaluation: a breach keeps its beginning, anything else forgets it."""
    kept = {}
    for window in list_breaching(assessment):
        newest_at = assessment.exposed[window.name].newest_at
        if newest_at is not None:
            kept[window.name] = memory.get(window.name, Memory(assessment.now, newest_at))
    return kept


def judge_error_rate(assessment: Assessment, memory: Mapping[str, Memory]) -> Judgement:
    """Return the verdict, given the breaches remembered from earlier evaluations."""
    breaching = list_breaching(assessment)
    confirmed = [window for window in breaching if _is_confirmed(assessment, window, memory)]
    if confirmed:
        window = confirmed[0]
        everywhere = _is_breach(assessment.unexposed[window.name], window, threshold_bp=assessment.threshold_bp)
        code = "error_rate_everywhere" if everywhere else "error_rate"
        began_at = memory[window.name].began_at
        return _say(assessment, window, Verdict.BREACH, code, is_lower=True, detected_at=began_at)
    if breaching:
        return _say(assessment, breaching[0], Verdict.INCONCLUSIVE, "error_rate_suspected", is_lower=True)
    verdict, code = _judge_calm(assessment)
    return _say(assessment, SLOW, verdict, code)


def _judge_calm(assessment: Assessment) -> tuple[Verdict, str]:
    """Return pass, or why it is none. A pass counts every error: clumps excuse a breach, never make a pass."""
    figures = assessment.exposed[SLOW.name]
    if assessment.last_sample_at is None or not figures.n:
        return Verdict.INCONCLUSIVE, "no_requests"
    if assessment.last_sample_at < assessment.now - SILENT_AFTER:
        return Verdict.INCONCLUSIVE, "source_silent"
    threshold = assessment.threshold_bp / WHOLE_BP
    if wilson_upper(0, figures.n, z=PASS_Z) >= threshold:
        return Verdict.INCONCLUSIVE, "too_few_requests"
    if wilson_upper(figures.errors, figures.n, z=PASS_Z) < threshold:
        return Verdict.PASS, "error_rate_low"
    return Verdict.INCONCLUSIVE, "error_rate_unsure"


def _is_confirmed(assessment: Assessment, window: Window, memory: Mapping[str, Memory]) -> bool:
    before = memory.get(window.name)
    newest_at = assessment.exposed[window.name].newest_at
    if before is None or newest_at is None:
        return False
    return assessment.now - before.began_at >= APART and newest_at > before.newest_at


def _is_breach(figures: Figures, window: Window, *, threshold_bp: int) -> bool:
    return (
        figures.n >= window.least_requests
        and figures.k >= LEAST_ERRORS
        and wilson_lower(figures.k, figures.n, z=BREACH_Z) > threshold_bp / WHOLE_BP
    )


def _count(cells: Iterable[Cell], window: Window) -> Figures:
    n = errors = 0
    newest_at: datetime | None = None
    minutes: dict[tuple[str, str, datetime], tuple[int, int]] = {}
    for cell in cells:
        if window is FAST and not cell.is_fast:
            continue
        n += cell.requests
        errors += cell.errors
        newest_at = max(newest_at or cell.received_at, cell.received_at)
        place = (cell.site_key, cell.till, cell.minute)
        before = minutes.get(place, (0, 0))
        minutes[place] = (before[0] + cell.requests, before[1] + cell.errors)
    k = sum(count_clumps(requests=requests, errors=failed) for requests, failed in minutes.values())
    return Figures(n, k, errors, newest_at)


def count_clumps(*, requests: int, errors: int) -> int:
    """Return how many of a till's errors in one minute count.

    One; a till with ten requests a minute or more has one counted for each five of them. With one
    alone, a till of twenty requests a minute could fail every time and never exceed 5 %.
    """
    return min(errors, max(requests // REQUESTS_FOR_AN_ERROR, 1))


def _say(
    assessment: Assessment,
    window: Window,
    verdict: Verdict,
    code: str,
    *,
    is_lower: bool = False,
    detected_at: datetime | None = None,
) -> Judgement:
    """Return the judgement: a breach with its lower bound, anything else with its upper one."""
    figures = assessment.exposed[window.name]
    bound_bp = None
    if figures.n and is_lower:
        bound_bp = floor(WHOLE_BP * wilson_lower(figures.k, figures.n, z=BREACH_Z))
    elif figures.n:
        bound_bp = ceil(WHOLE_BP * wilson_upper(figures.errors, figures.n, z=PASS_Z))
    return Judgement(
        verdict=verdict,
        lane=LANE,
        flag_key=assessment.exposure.flag_key,
        n=figures.n,
        k=figures.k if is_lower else figures.errors,
        window_start=window_start(assessment.exposure, window, now=assessment.now),
        window_end=assessment.now,
        threshold=f"{assessment.threshold_bp / 100:g} %",
        code=code,
        data={
            "window": window.name,
            "minutes": int(window.span.total_seconds() // 60),
            "errors": figures.errors,
            "threshold_bp": assessment.threshold_bp,
        },
        detected_at=detected_at,
        bound_bp=bound_bp,
        baseline_bp=assessment.unexposed[window.name].rate_bp,
    )
