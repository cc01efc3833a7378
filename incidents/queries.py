"""Reads of incidents."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from flags.reach import Confirmation, confirm_flags
from incidents.domain.clock import Happened, Kind, Life, replay
from incidents.domain.lifecycle import RUNNING
from incidents.domain.tiers import Tier, deadline_of, used_bp
from incidents.models import Incident
from rollouts.models import RollbackFlag


@dataclass(frozen=True)
class Clock:
    """The RTO clock at a moment: `used_bp` in basis points, `left` negative where missed, `taken` since detection."""

    deadline: datetime
    used_bp: int
    left: timedelta
    is_running: bool
    taken: timedelta
    seen_at: datetime
    is_commanded: bool = True

    @property
    def is_missed(self) -> bool:
        return self.left < timedelta()

    @property
    def figure(self) -> str:
        """The time left, or missed by, as h:mm:ss."""
        minutes, seconds = divmod(int(abs(self.left.total_seconds())), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"

    @property
    def tone(self) -> str:
        """How bad it looks: warn from half of the time or while nobody commands, bad from 80 %."""
        if self.used_bp >= 8_000:
            return "bad"
        return "warn" if self.used_bp >= 5_000 or not self.is_commanded else "ok"


def read_clock(incident: Incident, *, now: datetime) -> Clock:
    """Return the clock: it starts at detection and stops at verified restoration, or in what it is merged into."""
    tier = Tier(incident.highest_tier)
    end = incident.restored_at or incident.merged_at or now
    deadline = deadline_of(detected_at=incident.detected_at, tier=tier)
    return Clock(
        deadline=deadline,
        used_bp=used_bp(detected_at=incident.detected_at, tier=tier, now=end),
        left=deadline - end,
        is_running=incident.restored_at is None and incident.merged_at is None,
        taken=end - incident.detected_at,
        seen_at=now,
        is_commanded=incident.commander_id is not None,
    )


def life_of(incident: Incident) -> Life:
    """Return an incident as its clock sees it."""
    return Life(
        detected_at=incident.detected_at,
        highest_tier=Tier(incident.highest_tier),
        acknowledged_at=incident.acknowledged_at,
        mitigated_at=incident.mitigated_at,
        restored_at=incident.restored_at,
    )


def replay_clock(incident: Incident) -> list[tuple[Happened, Life]]:
    """Return what moved an incident's clock, with the clock as it stood then: read from its timeline alone."""
    rows = incident.timeline.filter(code__in=list(Kind)).order_by("pk").values_list("at", "code", "data")
    return list(replay(_read_happened(*row) for row in rows))


def _read_happened(at: datetime, code: str, data: dict[str, str]) -> Happened:
    tier, began = data.get("tier"), data.get("detected_at")
    return Happened(at, Kind(code), Tier(tier) if tier else None, datetime.fromisoformat(began) if began else None)


def list_incidents(*, environment_key: str | None = None, running_first: bool = False) -> QuerySet[Incident]:
    """Return incidents, newest first; those whose clock runs before all others if asked."""
    rows = Incident.objects.select_related("environment", "commander")
    rows = rows.annotate(is_over=~Q(status__in=RUNNING)).order_by("is_over", "-pk") if running_first else rows
    return rows if environment_key is None else rows.filter(environment__key=environment_key)


def open_incidents(*, environment_key: str | None = None) -> QuerySet[Incident]:
    """Return the incidents whose clock runs."""
    return list_incidents(environment_key=environment_key).filter(status__in=RUNNING)


def with_clocks(incidents: Iterable[Incident], *, now: datetime) -> list[tuple[Incident, Clock]]:
    """Return each incident with its clock."""
    return [(incident, read_clock(incident, now=now)) for incident in incidents]


def confirm_taken_back(incident: Incident, *, now: datetime) -> dict[str, Confirmation]:
    """Return, by flag key, which tills have what the incident's rollback took back: four queries.

    Of a site that was taken back its own tills alone are asked.
    """
    rollback = incident.rollback
    if rollback is None:
        return {}
    flags = dict(RollbackFlag.objects.filter(rollback=rollback).values_list("flag_id", "flag__key"))
    sites = None if rollback.site_id is None else [rollback.site_id]
    found = confirm_flags(environment_id=incident.environment_id, flag_ids=flags, now=now, site_ids=sites)
    return {flags[flag_id]: confirmation for flag_id, confirmation in found.items()}
