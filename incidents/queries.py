"""Reads of incidents."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q, QuerySet

from core.searching import find_number, fits
from flags.reach import Confirmation, confirm_flags
from incidents.domain.lifecycle import RUNNING
from incidents.domain.tiers import Tier, deadline_of, used_bp
from incidents.models import ActionItem, ActionKind, Incident, PostMortem
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
    """Return the clock: it starts at detection and stops at verified restoration."""
    tier = Tier(incident.highest_tier)
    end = incident.restored_at or now
    deadline = deadline_of(detected_at=incident.detected_at, tier=tier)
    return Clock(
        deadline=deadline,
        used_bp=used_bp(detected_at=incident.detected_at, tier=tier, now=end),
        left=deadline - end,
        is_running=incident.restored_at is None,
        taken=end - incident.detected_at,
        seen_at=now,
        is_commanded=incident.commander_id is not None,
    )


def list_incidents(*, environment_key: str | None = None, running_first: bool = False) -> QuerySet[Incident]:
    """Return incidents, newest first; those whose clock runs before all others if asked."""
    rows = Incident.objects.select_related("environment", "commander")
    rows = rows.annotate(is_over=~Q(status__in=RUNNING)).order_by("is_over", "-pk") if running_first else rows
    return rows if environment_key is None else rows.filter(environment__key=environment_key)


def open_incidents(*, environment_key: str | None = None) -> QuerySet[Incident]:
    """Return the incidents whose clock runs."""
    return list_incidents(environment_key=environment_key).filter(status__in=RUNNING)


def search_incidents(words: Sequence[str]) -> QuerySet[Incident]:
    """Return the incidents with these words in their title, or with this number; those whose clock runs first."""
    rows = list_incidents(running_first=True)
    number = find_number(words)
    named = fits(words, "title", "environment__key")
    return rows.filter(named if number is None else named | Q(pk=number))


def with_clocks(incidents: Iterable[Incident], *, now: datetime) -> list[tuple[Incident, Clock]]:
    """Return each incident with its clock."""
    return [(incident, read_clock(incident, now=now)) for incident in incidents]


def find_gaps(post_mortem: PostMortem) -> list[str]:
    """Return, as codes of refusals, what a post-mortem still lacks before its incident may be closed."""
    items = list(post_mortem.action_items.all())
    gaps = []
    if not post_mortem.root_cause.strip():
        gaps.append("root_cause_missing")
    if not post_mortem.documentation_updates.strip() and not any(i.kind == ActionKind.DOCUMENTATION for i in items):
        gaps.append("documentation_missing")
    if not any(item.kind == ActionKind.PREVENTIVE for item in items):
        gaps.append("measures_missing")
    return gaps


def list_due_measures(*, today: date) -> QuerySet[ActionItem]:
    """Return the measures that are due or overdue and not done, whatever the incident's state."""
    rows = ActionItem.objects.filter(done_at=None, due_on__lte=today, owner__is_active=True)
    return rows.select_related("post_mortem").order_by("pk")


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
