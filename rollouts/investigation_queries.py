"""Reads of investigations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Case, F, IntegerField, QuerySet, Value, When

from core.models import User
from core.roles import CAPABILITIES, Capability
from flags.queries import get_flag_names, get_site_names
from health.domain.complaints import Code, group_alike
from health.models import Complaint
from rollouts.domain.investigating import ASKING_LANES, State
from rollouts.domain.lifecycle import UNDER_WAY
from rollouts.models import Investigation, Rollout
from rollouts.queries import TakeableFlag, list_takeable

#: Of more complaints than these a page shows the first.
MOST_SHOWN = 200


def is_investigated(rollout_id: int, *, code: str, day: date) -> bool:
    """Tell whether a day needs no further word by this rule or lane: one query.

    A small pilot's rules ask once a day; the limit asks once more, whatever was asked before, and so does a lane.
    """
    rows = Investigation.objects.filter(rollout=rollout_id, day=day)
    asks_for_itself = code == Code.LIMIT or code in ASKING_LANES
    return (rows.filter(code=code) if asks_for_itself else rows.exclude(code__in=ASKING_LANES)).exists()


def list_investigations(*, state: str = "") -> QuerySet[Investigation]:
    """Return investigations, open ones first by their deadline, then the newest."""
    order = Case(When(status=State.OPEN, then=Value(0)), default=Value(1), output_field=IntegerField())
    urgent = Case(When(status=State.OPEN, then="deadline_at"))
    rows = Investigation.objects.select_related("rollout__release", "rollout__environment", "owner")
    rows = rows.annotate(order=order, urgent=urgent).order_by("order", "urgent", "-pk")
    return rows.filter(status=state) if state else rows


def list_open_investigations(*, rollout: Rollout | None = None) -> list[Investigation]:
    """Return what somebody must look at now, of one rollout or of all, the most urgent first: one query."""
    rows = list_investigations(state=State.OPEN)
    return list(rows if rollout is None else rows.filter(rollout=rollout))


def list_overdue(*, now: datetime) -> QuerySet[Investigation]:
    """Return open investigations whose deadline has passed."""
    return list_investigations(state=State.OPEN).filter(deadline_at__lte=now)


def list_investigators() -> QuerySet[User]:
    """Return the people who may look into it, by name."""
    roles = [str(role) for role, held in CAPABILITIES.items() if Capability.HANDLE_INCIDENTS in held]
    people = User.objects.filter(is_active=True, groups__name__in=roles).distinct()
    return people.order_by("last_name", "first_name", "username")


@dataclass(frozen=True)
class Share:
    """How many of the complaints counted name a flag, or come from a site."""

    name: str
    count: int


@dataclass(frozen=True)
class Findings:
    """What an investigation's page shows: the complaints in groups of like words, and how they spread."""

    groups: Sequence[Sequence[Complaint]]
    flags: Sequence[Share]
    sites: Sequence[Share]
    reclassified: int


def find_findings(investigation: Investigation) -> Findings:
    """Return the complaints as they were counted, with their words as far as these are kept: three queries."""
    rows = Complaint.objects.filter(pk__in=investigation.complaint_ids).select_related("site", "flag")
    rows = rows.annotate(said=F("words__text"))
    found = {row.pk: row for row in rows.order_by("pk")[:MOST_SHOWN]}
    said = {pk: str(row.said or "") for pk, row in found.items()}
    return Findings(
        groups=[[found[pk] for pk in group] for group in group_alike(said)],
        flags=_share(investigation.evidence["flags"], get_flag_names()),
        sites=_share(investigation.evidence.get("sites", {}), get_site_names()),
        reclassified=sum(row.status != "new" for row in found.values()),
    )


def _share(counts: Mapping[str, int], names: Mapping[str, str]) -> list[Share]:
    # JSON objects come back in an order of their own.
    rows = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Share(names.get(key, key), count) for key, count in rows]


def list_ways_back(investigation: Investigation) -> list[TakeableFlag]:
    """Return the flags that can go back, the first suspect first; none once the rollout is over."""
    rollout = investigation.rollout
    if rollout.status not in UNDER_WAY:
        return []
    named = investigation.evidence["flags"]
    flags = [one for one in list_takeable(rollout) if one.is_on]
    return sorted(flags, key=lambda one: -named.get(one.row.flag.key, 0))
