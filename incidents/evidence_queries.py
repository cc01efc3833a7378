"""What the portal knows of an incident by itself: the numbers, the guardrails' words, who was exposed, the timeline.

What only grows is pointed at (decisions, timeline), what may change is copied: frozen, it reads the same for good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q

from health.models import Complaint, ComplaintStatus, Decision
from incidents.domain.tiers import Tier, deadline_of
from incidents.models import Incident, TimelineEntry
from rollouts.models import Rollback, Step, StepStatus

#: What guardrails said so long before the detection belongs to it.
BEFORE = timedelta(hours=1)
MOST_DECISIONS = 50
MOST_ENTRIES = 500
#: The moments of an incident, in the order they come.
MOMENTS = ("detected_at", "opened_at", "acknowledged_at", "mitigated_at", "restored_at")


@dataclass(frozen=True)
class Moment:
    """A moment of the incident, and how long after the detection it came."""

    code: str
    at: datetime
    after: timedelta


@dataclass(frozen=True)
class Exposed:
    """Who saw a flag, and since when. `whom` is a name, or `everyone` as a code."""

    flag_key: str
    whom: str
    since: datetime


@dataclass(frozen=True)
class TakenBack:
    """A rollback of the incident's rollout in that time; `reason` is a sentence of core.reasons, or a person's."""

    at: datetime
    trigger: str
    flag_keys: Sequence[str]
    reason: str


@dataclass(frozen=True)
class Evidence:
    """All of it, as it was when it was frozen, or as it is now."""

    at: datetime
    is_frozen: bool
    moments: Sequence[Moment]
    deadline: datetime
    is_in_time: bool | None
    flag_keys: Sequence[str]
    site_keys: Sequence[str]
    exposed: Sequence[Exposed]
    complaints: int
    complaints_by_site: Sequence[tuple[str, int]]
    taken_back: Sequence[TakenBack]
    decisions: Sequence[Decision]
    timeline: Sequence[TimelineEntry]


def compose_evidence(incident: Incident, *, now: datetime) -> dict[str, Any]:
    """Return what is known up to now, as it is frozen in a post-mortem: at most seven queries."""
    since, until = incident.detected_at - BEFORE, incident.restored_at or now
    by_site = _count_complaints(incident, since=since, until=until)
    newest = incident.timeline.order_by("-pk").values_list("pk", flat=True).first()
    return {
        "at": now.isoformat(),
        "moments": {name: at.isoformat() for name in MOMENTS if (at := getattr(incident, name)) is not None},
        "deadline": deadline_of(detected_at=incident.detected_at, tier=Tier(incident.highest_tier)).isoformat(),
        "flags": list(incident.flag_keys),
        "sites": list(incident.site_keys),
        "exposed": _list_exposed(incident, until=until),
        "complaints": by_site,
        "taken_back": _list_taken_back(incident, since=since, until=until),
        "decisions": _list_decisions(incident, since=since, until=until),
        "timeline_up_to": newest or 0,
    }


def read_evidence(incident: Incident, frozen: Mapping[str, Any] | None, *, now: datetime) -> Evidence:
    """Return the evidence for a page: as it was frozen, or as it is where it is not."""
    found = compose_evidence(incident, now=now) if frozen is None else frozen
    moments = {name: datetime.fromisoformat(at) for name, at in found["moments"].items()}
    deadline, restored_at = datetime.fromisoformat(found["deadline"]), moments.get("restored_at")
    decisions = Decision.objects.filter(pk__in=found["decisions"]).order_by("pk") if found["decisions"] else []
    newest = incident.timeline.filter(pk__lte=found["timeline_up_to"]).order_by("-at", "-pk")[:MOST_ENTRIES]
    return Evidence(
        at=datetime.fromisoformat(found["at"]),
        is_frozen=frozen is not None,
        moments=[
            Moment(name, moments[name], moments[name] - moments["detected_at"]) for name in MOMENTS if name in moments
        ],
        deadline=deadline,
        is_in_time=None if restored_at is None else restored_at <= deadline,
        flag_keys=found["flags"],
        site_keys=found["sites"],
        exposed=[Exposed(one["flag"], one["whom"], datetime.fromisoformat(one["since"])) for one in found["exposed"]],
        complaints=sum(found["complaints"].values()),
        complaints_by_site=sorted(found["complaints"].items(), key=lambda pair: (-pair[1], pair[0])),
        taken_back=[
            TakenBack(datetime.fromisoformat(one["at"]), one["trigger"], one["flags"], one["reason"])
            for one in found["taken_back"]
        ],
        decisions=list(decisions),
        timeline=list(reversed(newest)),
    )


def _count_complaints(incident: Incident, *, since: datetime, until: datetime) -> dict[str, int]:
    """Return the complaints of that time by site: about the incident's flags or from its sites, where it names some."""
    rows = Complaint.objects.filter(
        environment=incident.environment_id, status=ComplaintStatus.NEW, logged_at__gte=since, logged_at__lte=until
    )
    if incident.flag_keys or incident.site_keys:
        rows = rows.filter(Q(flag__key__in=incident.flag_keys) | Q(site__key__in=incident.site_keys))
    counted = rows.order_by().values_list("site__key").annotate(n=Count("pk"))
    return dict(counted)


def _list_exposed(incident: Incident, *, until: datetime) -> list[dict[str, str]]:
    """Return who was given the incident's flags by its rollout before it ended: of all flags where it names none."""
    if incident.rollout_id is None:
        return []
    rows = Step.objects.filter(rollout=incident.rollout_id, status=StepStatus.DONE, done_at__lte=until)
    if incident.flag_keys:
        rows = rows.filter(flag__key__in=incident.flag_keys)
    grouped = rows.order_by().values("flag__key", "site__name", "segment__name").annotate(since=Min("done_at"))
    return [
        {
            "flag": row["flag__key"],
            "whom": row["site__name"] or row["segment__name"] or "everyone",
            "since": row["since"].isoformat(),
        }
        for row in sorted(grouped, key=lambda row: row["since"])
    ]


def _list_taken_back(incident: Incident, *, since: datetime, until: datetime) -> list[dict[str, Any]]:
    if incident.rollout_id is None:
        return []
    rows = Rollback.objects.filter(rollout=incident.rollout_id, contained_at__gte=since, contained_at__lte=until)
    return [
        {
            "at": row.contained_at.isoformat(),
            "trigger": row.trigger,
            "flags": sorted(one.flag.key for one in row.rollback_flags.all()),
            "reason": row.reason,
        }
        for row in rows.order_by("pk").prefetch_related("rollback_flags__flag")
    ]


def _list_decisions(incident: Incident, *, since: datetime, until: datetime) -> list[int]:
    """Return what guardrails decided in that time: about the incident's rollout, else about its flags."""
    rows = Decision.objects.filter(environment_key=incident.environment.key, at__gte=since, at__lte=until)
    if incident.rollout_id is not None:
        rows = rows.filter(subject=f"rollout:{incident.rollout_id}")
    elif incident.flag_keys:
        rows = rows.filter(flag_key__in=incident.flag_keys)
    else:
        return []
    return list(rows.order_by("pk").values_list("pk", flat=True)[:MOST_DECISIONS])
