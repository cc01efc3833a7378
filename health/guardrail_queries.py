"""Reads how lanes are set, and what they decided."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q, QuerySet

from health.domain.complaints import DAILY_COMPLAINT_LIMIT
from health.domain.guardrail import FLAPPING_SPAN, LIMITS, Act, Unit
from health.models import Decision, Guardrail, Lane, Mode


@dataclass(frozen=True)
class Guardrails:
    """The guardrails of some environments, by environment, lane and flag; flag None: what holds for every other."""

    rows: Mapping[tuple[str, str, str | None], Guardrail] = field(default_factory=dict)

    def get(self, *, environment_key: str, lane: str, flag_key: str | None = None) -> Guardrail:
        """Return what a lane does for a flag: its own guardrail, else the environment's, else the default (unsaved)."""
        found = self.rows.get((environment_key, lane, flag_key)) or self.rows.get((environment_key, lane, None))
        return found or make_default(lane)

    def is_overridden(self, *, environment_key: str, lane: str, flag_key: str) -> bool:
        """Tell whether a flag has a guardrail of its own."""
        return (environment_key, lane, flag_key) in self.rows


def make_default(lane: str) -> Guardrail:
    """Return what a lane does where nobody has set it; unsaved."""
    limits = LIMITS[lane]
    a_day = limits.unit == Unit.A_DAY
    return Guardrail(
        lane=lane,
        mode=Mode(limits.default_mode),
        threshold_bp=0 if a_day else limits.default,
        most_a_day=limits.default if a_day else None,
    )


def get_complaint_limit(environment_key: str) -> int:
    """Return how many complaints a day an environment bears; the next is too many: one query."""
    limit = get_guardrail(environment_key=environment_key, lane=Lane.COMPLAINTS).most_a_day
    return DAILY_COMPLAINT_LIMIT if limit is None else limit


def read_guardrails(environment_keys: Collection[str]) -> Guardrails:
    """Return the guardrails of some environments: one query."""
    rows = Guardrail.objects.filter(environment__key__in=environment_keys).select_related("environment", "flag")
    return Guardrails({(row.environment.key, row.lane, row.flag.key if row.flag else None): row for row in rows})


def get_guardrail(*, environment_key: str, lane: str, flag_key: str | None = None) -> Guardrail:
    """Return what a lane does in an environment, for a flag or for those without their own: one query."""
    return read_guardrails([environment_key]).get(environment_key=environment_key, lane=lane, flag_key=flag_key)


def list_settings(*, environment_key: str) -> list[Guardrail]:
    """Return what each lane does in an environment for flags without their own guardrail: one query."""
    guardrails = read_guardrails([environment_key])
    return [guardrails.get(environment_key=environment_key, lane=lane) for lane in LIMITS]


def list_holds(*, subjects: Collection[str], now: datetime) -> dict[tuple[str, str, str], list[datetime]]:
    """Return when lanes held within a day, by subject, lane and flag: one query."""
    rows = Decision.objects.filter(subject__in=subjects, act=Act.HELD, at__gt=now - FLAPPING_SPAN)
    found: dict[tuple[str, str, str], list[datetime]] = {}
    for subject, lane, flag_key, at in rows.values_list("subject", "lane", "flag_key", "at"):
        found.setdefault((subject, lane, flag_key), []).append(at)
    return found


def list_decisions(*, environment_key: str, at_most: int, flag_key: str = "", lane: str = "") -> Sequence[Decision]:
    """Return the newest decisions of an environment: one query."""
    return list(filter_decisions(environment_key=environment_key, flag_key=flag_key, lane=lane)[:at_most])


def filter_decisions(*, environment_key: str, flag_key: str = "", lane: str = "") -> QuerySet[Decision]:
    """Return the decisions of an environment, of one flag or lane where these are named, the newest first."""
    rows = Decision.objects.filter(environment_key=environment_key)
    if flag_key:
        rows = rows.filter(flag_key=flag_key)
    if lane:
        # The queries of one's own have a lane each, which begins alike.
        rows = rows.filter(Q(lane=lane) | Q(lane__startswith=f"{lane}:"))
    return rows


def list_overrides(environment_key: str) -> list[Guardrail]:
    """Return the guardrails of single flags in an environment, by lane and flag: one query."""
    rows = Guardrail.objects.filter(environment__key=environment_key, flag__isnull=False, lane__in=Lane.values)
    return list(rows.select_related("flag").order_by("lane", "flag__name"))
