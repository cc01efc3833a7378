"""The route of the compliance report, and what it says."""

from datetime import datetime, timedelta
from typing import Annotated

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router
from pydantic import Field

from core import clock
from core.clock import get_zone
from core.errors import InvalidInput
from flags.rest import REFUSED, Answer, Refused, caller_of
from incidents.domain.compliance import Line, Part, Tally, Times
from incidents.domain.tiers import Tier
from incidents.report_forms import MOST_MONTHS, find_usual_first
from incidents.report_queries import Wish, compose_report
from rollouts.domain.month import Month, find_month

router = Router(tags=["Incidents"])

MonthText = Annotated[str, Query(max_length=7, description="A month, `2026-12`; in the portal's zone")]
Seconds = Annotated[int | None, Field(description="None: it happened to none of them yet")]


class TimesAnswer(Answer):
    incidents: int
    mean_seconds: Seconds
    median_seconds: Seconds
    p90_seconds: Seconds


class TallyAnswer(Answer):
    """`overdue` runs past its deadline and is missed already; `running` is open within its time."""

    month: str | None = Field(description="None: not told apart by it; so for tier and site")
    tier: Tier | None
    site: str | None = Field(description="Empty: the incidents that name no site")
    incidents: int
    in_time: int
    late: int
    overdue: int
    running: int
    in_time_bp: int | None = Field(description="Of those decided, rounded down; null where none is")
    acknowledge: TimesAnswer
    mitigate_mean_seconds: Seconds
    restore: TimesAnswer


class PartAnswer(Answer):
    total: TallyAnswer
    months: list[TallyAnswer]
    tiers: list[TallyAnswer]
    sites: list[TallyAnswer] = Field(description="An incident at several sites counts for each: they add up to more")


class ReportAnswer(Answer):
    """Incidents of the token's environment; rehearsals stand apart. What is not known is null, never 0."""

    environment: str
    since: str
    until: str
    made_at: datetime
    incidents: PartAnswer
    rehearsals: PartAnswer


@router.get(
    "/incidents/report",
    response={200: ReportAnswer, REFUSED: Refused},
    operation_id="report_incidents",
    summary="How many incidents were restored in time, and how long it took",
)
def report(
    request: HttpRequest,
    since: MonthText = "",
    until: MonthText = "",
    tier: Tier | None = None,
    site: Annotated[str | None, Query(max_length=100)] = None,
) -> ReportAnswer:
    """The first and the last month, both included; without them the month that runs and eleven before it."""
    caller, now = caller_of(request), clock.now()
    first, last = _read_months(since, until, today=timezone.localdate(now).strftime("%Y-%m"))
    wish = Wish(first, last, environment_key=caller.environment.key, tier=tier, site_key=site)
    found = compose_report(wish, zone=get_zone(), now=now)
    return ReportAnswer(
        environment=caller.environment.key,
        since=str(first),
        until=str(last),
        made_at=now,
        incidents=_say_part(found.real),
        rehearsals=_say_part(found.rehearsed),
    )


def _read_months(since: str, until: str, *, today: str) -> tuple[Month, Month]:
    last = find_month(until or today)
    first = find_month(since) if since or last is None else find_usual_first(last)
    if first is None or last is None or not 0 <= first.count_to(last) < MOST_MONTHS:
        raise InvalidInput("report_months_unreadable", limit=MOST_MONTHS)
    return first, last


def _say_part(part: Part) -> PartAnswer:
    return PartAnswer(
        total=_say_line(Line(part.total)),
        months=[_say_line(line) for line in part.months],
        tiers=[_say_line(line) for line in part.tiers],
        sites=[_say_line(line) for line in part.sites],
    )


def _say_line(line: Line) -> TallyAnswer:
    tally: Tally = line.tally
    return TallyAnswer(
        month=None if line.month is None else f"{line.month:%Y-%m}",
        tier=line.tier,
        site=line.site,
        incidents=tally.number,
        in_time=tally.in_time,
        late=tally.late,
        overdue=tally.overdue,
        running=tally.running,
        in_time_bp=tally.share_bp,
        acknowledge=_say_times(tally.acknowledge),
        mitigate_mean_seconds=_say_length(tally.mitigate.mean),
        restore=_say_times(tally.restore),
    )


def _say_times(times: Times) -> TimesAnswer:
    return TimesAnswer(
        incidents=times.number,
        mean_seconds=_say_length(times.mean),
        median_seconds=_say_length(times.median),
        p90_seconds=_say_length(times.p90),
    )


def _say_length(value: timedelta | None) -> int | None:
    return None if value is None else int(value.total_seconds())
