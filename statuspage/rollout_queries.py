"""Rollouts as the public may know them: what is planned when, how far a release is, and what was taken back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db.models import Count, Max, Q

from rollouts.domain.lifecycle import DRIVEN, PROMISED, Status
from rollouts.domain.templates import PhaseKind
from rollouts.models import Phase, Rollback, Rollout, RolloutSite, Step
from rollouts.models.steps import PhaseStatus
from rollouts.month_queries import count_states
from statuspage.domain.affecting import ComponentKind
from statuspage.facts import MaintenanceFacts, RolloutFacts, Words
from statuspage.models import Component

#: So long after its moment a step may be noticed, since tills fetch their flags and people look.
WINDOW = timedelta(minutes=15)
AHEAD, BEHIND = timedelta(days=14), timedelta(days=7)
#: Only testers see it: nothing that the public could notice.
HIDDEN_PHASES = (PhaseKind.INTERNAL,)
#: Sites that are named; more are counted.
NAMED = 3


@dataclass(frozen=True)
class Planned:
    """A moment of a plan with whom it touches: sites by key, none where it is everybody or a group."""

    environment_id: int
    site_keys: frozenset[str]
    facts: MaintenanceFacts

    def touches(self, component: Component) -> bool:
        """Tell whether it is about a component."""
        return is_touched(component, environment_id=self.environment_id, site_keys=self.site_keys)


def is_touched(component: Component, *, environment_id: int, site_keys: Collection[str]) -> bool:
    """Tell whether what is planned in an environment is about a component: the sites it names, else the till."""
    if component.environment_id != environment_id:
        return False
    if site_keys:
        return component.site is not None and component.site.key in site_keys
    return component.kind == ComponentKind.TILL


def read_maintenances(environment_ids: Collection[int], *, now: datetime) -> list[Planned]:
    """Return what the rollout calendar promises and what it did lately, in its order: one query.

    A plan that is held or paused promises nothing; what was taken back or given up is not announced any more.
    """
    steps = Step.objects.filter(
        rollout__environment__in=environment_ids,
        rollout__is_rehearsal=False,
        due_at__gte=now - BEHIND,
        due_at__lt=now + AHEAD,
    ).exclude(phase__kind__in=HIDDEN_PHASES)
    rows = (
        steps.order_by()
        .values(
            *("rollout", "rollout__release__version", "rollout__environment", "rollout__status", "rollout__created_at"),
            *("phase", "due_at", "site__key", "site__name"),
        )
        .annotate(last_done_at=Max("done_at"), **count_states())
        .order_by("due_at", "rollout", "phase", "site__name")
    )
    moments = groupby(rows, key=lambda row: (row["due_at"], row["rollout"], row["phase"]))
    found = (_make_planned(list(group), now=now) for _moment, group in moments)
    return [one for one in found if one is not None]


def _make_planned(rows: Sequence[dict[str, Any]], *, now: datetime) -> Planned | None:
    first = rows[0]
    starts_at, ends_at = first["due_at"], first["due_at"] + WINDOW
    is_done = not any(row["planned"] for row in rows)
    status = _find_status(first["rollout__status"], is_done=is_done, starts_at=starts_at, ends_at=ends_at, now=now)
    if status is None or not any(row["planned"] or row["done"] for row in rows):
        return None
    done_at = max((row["last_done_at"] for row in rows if row["last_done_at"]), default=starts_at)
    named = {row["site__key"]: row["site__name"] for row in rows if row["site__key"]}
    keys = frozenset(named) if len(named) == len({row["site__key"] for row in rows}) else frozenset[str]()
    facts = MaintenanceFacts(
        id=f"r{first['rollout']}-{first['phase']}-{int(starts_at.timestamp())}",
        name=_name(first["rollout__release__version"], [named[key] for key in named if key in keys]),
        body=_BODY,
        status=status,
        component_ids=(),
        starts_at=starts_at,
        ends_at=ends_at,
        created_at=first["rollout__created_at"],
        updated_at={"scheduled": first["rollout__created_at"], "in_progress": starts_at}.get(status, done_at),
        resolved_at=done_at if status == "completed" else None,
    )
    return Planned(first["rollout__environment"], keys, facts)


def _find_status(status: str, *, is_done: bool, starts_at: datetime, ends_at: datetime, now: datetime) -> str | None:
    """Return how a moment of a plan stands, None where it is no promise any more."""
    if is_done:
        return "completed" if now >= ends_at else "verifying"
    if status not in DRIVEN or now >= ends_at:
        return None
    return "scheduled" if now < starts_at else "in_progress"


_BODY = Words(
    fr="De nouvelles fonctions arrivent en caisse. Aucune interruption n’est prévue.",
    en="New features arrive at the tills. No interruption is planned.",
)


def _name(version: str, sites: Sequence[str]) -> Words:
    where = ", ".join(sites[:NAMED])
    more = len(sites) - NAMED
    fr, en = (f" et {more} autres", f" and {more} more") if more > 0 else ("", "")
    tail_fr, tail_en = (f" : {where}{fr}", f": {where}{en}") if where else ("", "")
    return Words(fr=f"Mise à jour {version}{tail_fr}", en=f"Update {version}{tail_en}")


def read_rollouts(environment_ids: Collection[int], *, now: datetime) -> list[RolloutFacts]:
    """Return the real rollouts under way and those that ended lately, newest first: five queries at the most."""
    rows = Rollout.objects.filter(environment__in=environment_ids, is_rehearsal=False).filter(
        Q(status__in=[str(one) for one in PROMISED if one is not Status.SCHEDULED])
        | Q(status__in=[Status.COMPLETED, Status.ROLLED_BACK], ended_at__gte=now - BEHIND)
    )
    found = list(rows.select_related("release"))
    keys = [one.pk for one in found]
    running = Phase.objects.filter(rollout__in=keys, status=PhaseStatus.RUNNING).order_by("position")
    phases = dict(running.values_list("rollout", "kind"))
    sites = _count(RolloutSite.objects.filter(rollout__in=keys))
    done = Step.objects.filter(rollout__in=keys, status="done", site__isnull=False).order_by()
    reached = dict(done.values_list("rollout").annotate(n=Count("site", distinct=True)))
    rollbacks = Rollback.objects.filter(rollout__in=keys).order_by()
    back = dict(rollbacks.values_list("rollout").annotate(at=Max("contained_at")))
    return [
        RolloutFacts(
            id=one.pk,
            version=one.release.version,
            status="paused" if one.status == Status.HELD else one.status,
            phase=phases.get(one.pk, ""),
            sites_reached=reached.get(one.pk, 0),
            sites=sites.get(one.pk, 0),
            since=one.ended_at or one.start_at,
            taken_back_at=back.get(one.pk),
        )
        for one in found
    ]


def _count(rows: Any) -> dict[int, int]:
    return dict(rows.order_by().values_list("rollout").annotate(n=Count("pk")))
