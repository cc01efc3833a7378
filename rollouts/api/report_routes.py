"""The route of a rollout's report before and after, and what it says."""

from datetime import date, datetime

from django.http import HttpRequest
from ninja import Router
from pydantic import ConfigDict, Field

from core import clock
from flags.rest import REFUSED, Answer, Refused, caller_of
from rollouts.api.schemas import get_own_rollout
from rollouts.domain.validation import Verdict
from rollouts.health_report import Report, compose_report
from rollouts.models import Rollout

router = Router(tags=["Rollouts"])


class _Said(Answer):
    model_config = ConfigDict(from_attributes=True)


class LimitsAnswer(_Said):
    error_rate_bp: int
    p95_rise_bp: int
    complaints_per_day: int


class ErrorRateAnswer(_Said):
    baseline_bp: int | None
    measured_bp: int | None
    change_bp: int | None = Field(description="Measured less baseline, in basis points of all requests")
    verdict: Verdict


class P95Answer(_Said):
    transaction: str
    requests: int
    compared_requests: int = Field(description="Of the requests, those at hours and sites that have a baseline")
    baseline_ms: float | None
    measured_ms: float
    change_bp: int | None = Field(description="How much longer than the baseline, in basis points of it")
    verdict: Verdict


class ComplaintsAnswer(_Said):
    baseline_per_day: float | None
    measured_per_day: float | None
    change_per_day: float | None
    total: int
    days: int
    worst_day: int
    worst_on: date | None
    verdict: Verdict


class FiguresAnswer(_Said):
    key: str = Field(description="A flag's or a site's key; empty: all requests")
    requests: int
    errors: int
    critical_errors: int
    error_rate: ErrorRateAnswer
    p95: list[P95Answer]


class ActAnswer(_Said):
    at: datetime
    act: str
    trigger: str = Field(description="The guardrail, or why it is held; `manual`: a person")
    flags: list[str]
    site: str | None
    reason: str


class PartAnswer(_Said):
    phase: str | None = Field(description="None: the release as a whole")
    number: int | None
    status: str
    since: datetime | None
    until: datetime | None
    figures: FiguresAnswer
    complaints: ComplaintsAnswer
    by_flag: list[FiguresAnswer]
    exposed_flags: list[str]
    exposed_sites: list[str]
    reached_everyone: bool
    acts: list[ActAnswer]


class BaselineAnswer(_Said):
    frozen_at: datetime
    first_on: date
    last_on: date
    excluded_days: list[str]
    requests: int
    error_rate_bp: int | None
    complaints_per_day: float


class HealthReport(_Said):
    """Each phase and the release beside what was usual before; what is not known is null, never 0."""

    rollout: int
    release_version: str
    environment: str
    made_at: datetime
    baseline: BaselineAnswer | None
    limits: LimitsAnswer
    release: PartAnswer
    phases: list[PartAnswer]
    by_site: list[FiguresAnswer]


def say_report(rollout: Rollout, report: Report) -> HealthReport:
    """Return a report as programs read it."""
    return HealthReport(
        rollout=rollout.pk,
        release_version=rollout.release.version,
        environment=rollout.environment.key,
        made_at=report.made_at,
        baseline=BaselineAnswer.model_validate(report.baseline) if report.baseline else None,
        limits=LimitsAnswer.model_validate(report.limits),
        release=PartAnswer.model_validate(report.release),
        phases=[PartAnswer.model_validate(one) for one in report.phases],
        by_site=[FiguresAnswer.model_validate(one) for one in report.by_site],
    )


@router.get(
    "/rollouts/{int:rollout_id}/health-report",
    response={200: HealthReport, REFUSED: Refused},
    operation_id="show_health_report",
    summary="Show a rollout's health before and after",
)
def show(request: HttpRequest, rollout_id: int) -> HealthReport:
    """Requests, errors, response times and complaints of each phase and of the release, beside the frozen baseline."""
    rollout = get_own_rollout(caller_of(request), rollout_id)
    return say_report(rollout, compose_report(rollout, now=clock.now()))
