"""A problem that comes from a till or by a site's link becomes a complaint, with what stood around it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from flags.models import Flag, Site
from health.domain.complaints import MAX_REPORTER_CHARACTERS
from health.models import Complaint
from health.transitions import log_complaint
from notices.domain.problems import Origin, Problem, find_wait_seconds, look_back
from notices.models import ProblemReport

#: Reports of one site are counted one after the other, so that none slips past the limit beside another.
REPORT_LOCK = 7_140_231


class TooOften(Refusal):
    """So many reports came from here that this one must wait; `seconds` says how long."""

    status = 429

    def __init__(self, seconds: int) -> None:
        """Tell after how many seconds the next one is taken."""
        super().__init__("problem_too_often", seconds=seconds)
        self.seconds = seconds


@dataclass(frozen=True)
class Source:
    """Where a report comes from: a client token's till, or the link of a site."""

    origin: Origin
    key: int

    @property
    def token_id(self) -> int | None:
        return self.key if self.origin is Origin.TILL else None

    @property
    def link_id(self) -> int | None:
        return self.key if self.origin is Origin.LINK else None


@transaction.atomic
def report_problem(
    *,
    environment_id: int,
    source: Source,
    problem: Problem,
    flags_in_force: Sequence[Mapping[str, str | None]],
    actor: Actor,
    now: datetime,
) -> tuple[Complaint, bool]:
    """Log what somebody reports, counted like any complaint; return it, and whether it is new.

    The same `request_id` of the same source again is answered with what was logged, and counts for no limit. Raises
    InvalidInput for a site nobody knows, TooOften beyond the limits of `notices.domain.problems`.
    """
    site_id = Site.objects.filter(key=problem.site_key).values_list("pk", flat=True).first()
    if site_id is None:
        raise InvalidInput("site_unknown", site=problem.site_key)
    with transaction.get_connection().cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [REPORT_LOCK, site_id])
    request_id = f"{source.origin}:{source.key}:{problem.request_id}"
    logged = Complaint.objects.filter(environment=environment_id, request_id=request_id).first()
    if logged is not None:
        return logged, False
    _check_limit(source, site_id=site_id, now=now)
    flag = Flag.objects.filter(key=problem.flag_key).first() if problem.flag_key else None
    complaint = log_complaint(
        environment_id=environment_id,
        site_id=site_id,
        flag_id=flag.pk if flag else None,
        text=problem.text,
        severity=problem.severity,
        # Who gives no name is told apart by the pseudonyms there are: a till says the same twice, and it counts once.
        reporter=(problem.reporter or problem.targeting_key or problem.till)[:MAX_REPORTER_CHARACTERS],
        request_id=request_id,
        actor=actor,
        now=now,
    )
    ProblemReport.objects.create(
        complaint=complaint,
        origin=source.origin,
        token_id=source.token_id,
        link_id=source.link_id,
        site_id=site_id,
        till=problem.till,
        targeting_key=problem.targeting_key,
        flags=list(flags_in_force),
        occurred_at=problem.occurred_at,
        received_at=now,
    )
    return complaint, True


def _check_limit(source: Source, *, site_id: int, now: datetime) -> None:
    most, within = look_back()
    rows = ProblemReport.objects.filter(
        site=site_id, token=source.token_id, link=source.link_id, received_at__gt=now - within
    )
    before = list(rows.order_by("-received_at").values_list("received_at", flat=True)[:most])
    seconds = find_wait_seconds(before, now=now)
    if seconds:
        raise TooOften(seconds)
