"""Before and after: each phase of a rollout, and the release as a whole, beside the baseline frozen before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from core.domain.business_time import local_day
from flags.models import Site
from health.chart_queries import LONGEST_IN_MINUTES, By, Counted, Took, Where, Window, count_windows, time_windows
from health.complaint_trace import count_daily
from health.domain import error_rate, performance
from health.domain.complaints import DAILY_COMPLAINT_LIMIT
from health.guardrail_queries import read_guardrails
from health.models import Baseline, Decision
from rollouts.domain.validation import (
    P95,
    Complaints,
    ErrorRate,
    Limits,
    compare_complaints,
    compare_error_rate,
    compare_p95,
    share_bp,
)
from rollouts.models import Rollback, Rollout, RolloutEvent, StepStatus
from rollouts.phase_windows import PhaseWindow, find_release_window, list_phase_windows

MOST_ACTS = 500


@dataclass(frozen=True)
class Figures:
    """What was measured in a stretch, beside the baseline. All requests, or those with a flag on, or of a site."""

    key: str
    requests: int
    errors: int
    critical_errors: int
    error_rate: ErrorRate
    p95: Sequence[P95]


@dataclass(frozen=True)
class ActDone:
    """What was held or taken back, and what a guardrail said. `trigger`: the guardrail, or `manual`."""

    at: datetime
    act: str
    trigger: str
    flags: Sequence[str]
    site: str | None
    reason: str


@dataclass(frozen=True)
class Part:
    """A phase, or the release as a whole (`phase` None). `since` None: it has not begun."""

    phase: str | None
    number: int | None
    status: str
    since: datetime | None
    until: datetime | None
    figures: Figures
    complaints: Complaints
    by_flag: Sequence[Figures]
    exposed_flags: Sequence[str]
    exposed_sites: Sequence[str]
    reached_everyone: bool
    acts: Sequence[ActDone]


@dataclass(frozen=True)
class BaselineSaid:
    """What was usual, and how much is known of it."""

    frozen_at: datetime
    first_on: date
    last_on: date
    excluded_days: Sequence[str]
    requests: int
    error_rate_bp: int | None
    complaints_per_day: float


@dataclass(frozen=True)
class Report:
    """Everything the report says; `by_site` is of the release as a whole."""

    made_at: datetime
    baseline: BaselineSaid | None
    limits: Limits
    release: Part
    phases: Sequence[Part]
    by_site: Sequence[Figures]


@dataclass(frozen=True)
class _Sums:
    """What was read, by window and key."""

    counted: Mapping[tuple[str, str], Counted]
    took: Mapping[tuple[str, str], Sequence[Took]]


def compose_report(rollout: Rollout, *, now: datetime) -> Report:
    """Return the report as it stands, in a number of queries that grows with the phases alone."""
    phases = list_phase_windows(rollout, now=now)
    whole = find_release_window(phases)
    windows = [one.window for one in phases if one.window] + ([whole] if whole else [])
    maker = _Maker(rollout, windows, now=now)
    return Report(
        made_at=now,
        baseline=maker.baseline,
        limits=maker.limits,
        release=maker.make_part(None, whole),
        phases=[maker.make_part(one, one.window) for one in phases],
        by_site=maker.list_sites(whole),
    )


class _Maker:
    """Reads what a report is made of, once, and puts its parts together."""

    def __init__(self, rollout: Rollout, windows: Sequence[Window], *, now: datetime) -> None:
        self.rollout, self.windows, self.now = rollout, windows, now
        self.baseline = _find_baseline(rollout)
        self.limits = _get_limits(rollout)
        key = rollout.environment.key
        self.flag_keys = list(rollout.rollout_flags.order_by("position").values_list("flag__key", flat=True))
        self.every = self._read(Where(key), windows)
        self.of_flags = self._read(Where(key, By.FLAG, self.flag_keys), windows)
        self.acts = _list_acts(rollout)
        steps = rollout.steps.filter(status=StepStatus.DONE).order_by()
        self.flag_steps = list(steps.values_list("phase_id", "flag__key").distinct())
        self.site_steps = list(steps.values_list("phase_id", "audience_kind", "site__key").distinct())

    def _read(self, where: Where, windows: Sequence[Window]) -> _Sums:
        counted = {(one.window, one.key): one for one in count_windows(where, windows)}
        took: dict[tuple[str, str], list[Took]] = {}
        for by_hour in (False, True):
            asked = [one for one in windows if (one.until - one.since > LONGEST_IN_MINUTES) is by_hour]
            if not asked:
                continue
            for one in time_windows(where, asked, subject=self.rollout.subject, by_hour=by_hour):
                took.setdefault((one.window, one.key), []).append(one)
        return _Sums(counted, took)

    def make_part(self, phase: PhaseWindow | None, window: Window | None) -> Part:
        """Return a phase's part, the whole release's for None."""
        mine = None if phase is None else phase.phase.pk
        flags = {key for pk, key in self.flag_steps if mine in (None, pk)}
        places = [(kind, site) for pk, kind, site in self.site_steps if mine in (None, pk)]
        name = window.key if window else ""
        return Part(
            phase=phase.phase.kind if phase else None,
            number=phase.number if phase else None,
            status=phase.phase.status if phase else self.rollout.status,
            since=window.since if window else None,
            until=window.until if window else None,
            figures=self._say(self.every, name, ""),
            complaints=self._count_complaints(window),
            by_flag=[self._say(self.of_flags, name, key) for key in self.flag_keys if key in flags],
            exposed_flags=[key for key in self.flag_keys if key in flags],
            exposed_sites=sorted({site for _kind, site in places if site}),
            reached_everyone=any(kind == "everyone" for kind, _site in places),
            acts=[one for one in self.acts if window and window.since <= one.at <= window.until],
        )

    def list_sites(self, window: Window | None) -> list[Figures]:
        """Return the figures of each site that reported anything in the release's time."""
        if window is None:
            return []
        sums = self._read(Where(self.rollout.environment.key, By.SITE), [window])
        keys = {key for _window, key in sums.counted}
        ordered = [key for key in Site.objects.order_by("name").values_list("key", flat=True) if key in keys]
        return [self._say(sums, window.key, key) for key in ordered]

    def _say(self, sums: _Sums, window: str, key: str) -> Figures:
        one = sums.counted.get((window, key)) or Counted(window, key, 0, 0, 0)
        baseline_bp = self.baseline.error_rate_bp if self.baseline else None
        rate = compare_error_rate(
            baseline_bp=baseline_bp, requests=one.requests, errors=one.errors, limit_bp=self.limits.error_rate_bp
        )
        p95 = [
            compare_p95(
                transaction=took.transaction,
                requests=took.requests,
                compared=took.compared,
                usual_ms=took.usual_ms,
                p95_ms=took.p95_ms,
                limit_bp=self.limits.p95_rise_bp,
            )
            for took in sums.took.get((window, key), [])
        ]
        return Figures(key, one.requests, one.errors, one.critical_errors, rate, p95)

    def _count_complaints(self, window: Window | None) -> Complaints:
        baseline = self.baseline.complaints_per_day if self.baseline else None
        limit = self.limits.complaints_per_day
        if window is None:
            return compare_complaints({}, days=0, baseline_per_day=baseline, limit=limit)
        zone = ZoneInfo(self.rollout.zone)
        daily = count_daily(Where(self.rollout.environment.key), window).get("", {})
        days = (local_day(window.until, zone=zone) - local_day(window.since, zone=zone)).days + 1
        return compare_complaints(daily, days=days, baseline_per_day=baseline, limit=limit)


def _find_baseline(rollout: Rollout) -> BaselineSaid | None:
    row = Baseline.objects.filter(subject=rollout.subject).first()
    if row is None or not row.requests:
        return None
    return BaselineSaid(
        frozen_at=row.frozen_at,
        first_on=row.first_on,
        last_on=row.last_on,
        excluded_days=row.excluded,
        requests=row.requests,
        error_rate_bp=share_bp(row.errors, row.requests),
        complaints_per_day=round(row.complaints_a_day, 2),
    )


def _get_limits(rollout: Rollout) -> Limits:
    """Return the environment's limits: 5 % and 20 % where nobody has set others."""
    key = rollout.environment.key
    guardrails = read_guardrails([key])
    return Limits(
        error_rate_bp=guardrails.get(environment_key=key, lane=error_rate.LANE).threshold_bp,
        p95_rise_bp=guardrails.get(environment_key=key, lane=performance.LANE).threshold_bp,
        complaints_per_day=DAILY_COMPLAINT_LIMIT,
    )


def _list_acts(rollout: Rollout) -> list[ActDone]:
    """Return what was held or taken back and what guardrails said, in order of time: three queries and a prefetch."""
    back = Rollback.objects.filter(rollout=rollout).select_related("site").prefetch_related("rollback_flags__flag")
    held = RolloutEvent.objects.filter(rollout=rollout, kind="held").order_by("-pk")[:MOST_ACTS]
    said = Decision.objects.filter(subject=rollout.subject).order_by("-pk")[:MOST_ACTS]
    acts = [
        *(
            ActDone(
                at=one.contained_at,
                act="rolled_back",
                trigger=one.trigger,
                flags=sorted(row.flag.key for row in one.rollback_flags.all()),
                site=one.site.key if one.site else None,
                reason=one.reason,
            )
            for one in back[:MOST_ACTS]
        ),
        *(ActDone(one.at, "held", str(one.data.get("code", "")), [], None, one.reason) for one in held),
        *(
            ActDone(one.at, one.act, one.lane, [one.flag_key], one.site_key or None, one.code)
            for one in said
            if one.act not in {"held", "rolled_back"}
        ),
    ]
    return sorted(acts, key=lambda one: one.at)
