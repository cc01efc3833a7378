"""What the pages of rollouts show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from core.domain.sparkline import Bar, draw_bars, level, trace_line
from flags.models import Segment, SegmentMember, Till
from health.complaint_queries import find_usual
from health.domain import complaints, error_rate
from health.domain.complaints import DAILY_COMPLAINT_LIMIT
from health.domain.critical_lane import CRITICAL_ERRORS
from health.domain.exposure import Exposure, list_exposed_sites
from health.domain.share_lane import WHOLE_BP
from health.domain.verdict import Judgement
from health.models import Guardrail
from health.queries import count_complaints_by_day, count_reporting_tills, error_series, judge_critical_lane
from recovery.readiness_queries import TargetLight, list_lights
from rollouts.acted import Acted, list_acted
from rollouts.action_queries import Doable, weigh_actions
from rollouts.confirmations import Confirmed, list_confirmations
from rollouts.domain.gates import GateResult
from rollouts.effective_guardrail import get_effective_guardrails
from rollouts.exposure_queries import exposures_of
from rollouts.gate_queries import judge_phase
from rollouts.guardrail_settings import Setting
from rollouts.hand_queries import list_flags_off
from rollouts.models import Rollback, Rollout, RolloutFlag
from rollouts.people_queries import list_exposed_segments
from rollouts.queries import judge_lanes, weigh_for_gates
from rollouts.shut_queries import list_shut_sites
from rollouts.track import Summary, summarise

SERIES_SPAN = timedelta(hours=1)
SERIES_BUCKETS = 30
#: The share of errors at the top of the chart, in limits: the limit lies in the middle of it.
CEILING_IN_LIMITS = 2
COMPLAINT_DAYS = 7
REPORTING_SPAN = timedelta(minutes=5)


@dataclass(frozen=True)
class Chart:
    """One figure of health: lines or bars in the box of `core.domain.sparkline`, and its numbers."""

    lines: Sequence[str] = ()
    bars: Sequence[Bar] = ()
    limit_y: float = 0.0
    value: float = 0.0
    total: int = 0
    limit: int = 0


@dataclass(frozen=True)
class Reach:
    """Whom taking everything back would touch, and who of them reports."""

    flags: int
    sites: int
    tills: int
    people: int
    reporting: int
    last_rollback: Rollback | None

    @property
    def last_containment(self) -> timedelta | None:
        """Return how long the last rollback took from detection to off."""
        if self.last_rollback is None:
            return None
        return self.last_rollback.contained_at - self.last_rollback.detected_at


@dataclass(frozen=True)
class Page:
    """Everything the page of a rollout shows."""

    summary: Summary
    gates: Sequence[GateResult]
    judgements: Sequence[Judgement]
    guardrail: Guardrail
    settings: Sequence[Setting]
    flags: Sequence[RolloutFlag]
    doable: Doable
    errors: Chart
    critical: Chart
    complaints: Chart
    usual_complaints: float | None
    reach: Reach
    confirmations: Sequence[Confirmed]
    acted: Sequence[Acted]
    lights: Sequence[TargetLight]

    @property
    def is_known_everywhere(self) -> bool:
        """Whether no till is missing that has to know what was switched."""
        return all(one.confirmation.is_complete for one in self.confirmations)


def compose_page(rollout: Rollout, *, now: datetime) -> Page:
    """Return what the page of a rollout shows, in a bounded number of queries."""
    exposures = exposures_of(rollout)
    critical_judgements = judge_critical_lane(exposures=exposures, now=now)
    guardrails = get_effective_guardrails(rollout)
    guardrail = guardrails.get(error_rate.LANE)
    complaint_limit = guardrails.get(complaints.LANE).most_a_day or DAILY_COMPLAINT_LIMIT
    judgements = [*critical_judgements, *judge_lanes(guardrails, exposures, now=now)]
    judgements.sort(key=lambda item: item.flag_key)
    flags = list(rollout.rollout_flags.select_related("flag").order_by("position"))
    switched_off = list_flags_off(rollout)
    off = switched_off | {row.flag.key for row in flags if row.rolled_back_at}
    shut = {site.pk: site.key for site in list_shut_sites(rollout)}
    summary = summarise(rollout, now=now, off=off, shut=shut)
    errors, critical = _chart_errors(rollout, critical_judgements, guardrail, now=now)
    return Page(
        summary=summary,
        guardrail=guardrail,
        settings=guardrails.list_settings([row.flag.key for row in flags]),
        gates=judge_phase(summary.phase, weigh_for_gates(rollout, judgements, now=now), now=now)
        if summary.phase
        else [],
        judgements=judgements,
        flags=flags,
        doable=weigh_actions(rollout),
        errors=errors,
        critical=critical,
        complaints=_chart_complaints(rollout, exposures, limit=complaint_limit, now=now),
        usual_complaints=find_usual(
            environment_key=rollout.environment.key,
            before=rollout.start_at,
            flag_keys=[exposure.flag_key for exposure in exposures],
            site_keys=list_exposed_sites(exposures),
            now=now,
            limit=complaint_limit,
        ),
        reach=measure_reach(rollout, [one for one in exposures if one.flag_key not in switched_off], now=now),
        confirmations=list_confirmations(rollout, off=off, shut=shut, now=now),
        acted=list_acted(rollout),
        lights=list_lights(environment_id=rollout.environment_id, now=now),
    )


def measure_reach(rollout: Rollout, exposures: Sequence[Exposure], *, now: datetime) -> Reach:
    """Return how many sites, tills and people have something of this rollout on; none of a site taken back."""
    keys = list_exposed_sites(exposures)
    shut = list_shut_sites(rollout)
    tills = (Till.objects.all() if keys is None else Till.objects.filter(site__key__in=keys)).exclude(site__in=shut)
    places = list(tills.values_list("site_id", "key"))
    segments = Segment.objects.filter(
        pk__in=list_exposed_segments(rollout, [exposure.flag_key for exposure in exposures])
    )
    members = SegmentMember.objects.filter(Q(site=None) | ~Q(site__in=shut), segment__in=segments)
    people = members.values("targeting_key").distinct().count()
    reporting = count_reporting_tills(
        environment_key=rollout.environment.key, till_keys=[key for _, key in places], since=now - REPORTING_SPAN
    )
    return Reach(
        flags=len(exposures),
        sites=len({site_id for site_id, _ in places}) if keys is None else len(keys - {site.key for site in shut}),
        tills=len(places),
        people=people,
        reporting=reporting,
        last_rollback=Rollback.objects.filter(rollout__environment=rollout.environment).order_by("-pk").first(),
    )


def _chart_errors(
    rollout: Rollout, judgements: Sequence[Judgement], guardrail: Guardrail, *, now: datetime
) -> tuple[Chart, Chart]:
    """Return the share of errors and the critical errors of the last hour, never from before the start."""
    since = max(now - SERIES_SPAN, min(rollout.start_at, now - timedelta(minutes=1)))
    points = error_series(environment_key=rollout.environment.key, since=since, until=now, buckets=SERIES_BUCKETS)
    requests = sum(point.requests for point in points)
    failed = sum(point.errors for point in points)
    shares = [point.errors / point.requests if point.requests else None for point in points]
    worst = max((judgement.k for judgement in judgements), default=0)
    limit = guardrail.threshold_bp / WHOLE_BP
    most = max([*(point.critical for point in points), 2 * CRITICAL_ERRORS])
    return (
        Chart(
            lines=trace_line(shares, ceiling=CEILING_IN_LIMITS * limit),
            limit_y=level(limit, ceiling=CEILING_IN_LIMITS * limit),
            value=100 * failed / requests if requests else 0.0,
            total=requests,
        ),
        Chart(
            bars=draw_bars([point.critical for point in points], ceiling=most),
            limit_y=level(CRITICAL_ERRORS, ceiling=most),
            total=worst,
            limit=CRITICAL_ERRORS,
        ),
    )


def _chart_complaints(rollout: Rollout, exposures: Sequence[Exposure], *, limit: int, now: datetime) -> Chart:
    """Return the complaints about this rollout on each of the last days; the last bar is today."""
    counts = count_complaints_by_day(
        environment_key=rollout.environment.key,
        flag_keys=[exposure.flag_key for exposure in exposures],
        site_keys=list_exposed_sites(exposures),
        now=now,
        days=COMPLAINT_DAYS,
    )
    ceiling = max([*counts, limit])
    return Chart(
        bars=draw_bars(counts, ceiling=ceiling),
        limit_y=level(limit, ceiling=ceiling),
        total=counts[-1],
        limit=limit,
    )
