"""Reads of sites that were taken back: rules above all others keep a rollout's flags off there, until given back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flags.models import Flag, Rule, Site
from rollouts.models import Rollback, Rollout, Scope

#: The phase that the rule of a site which was taken back carries into evaluations.
TAKEN_BACK = "taken_back"


@dataclass(frozen=True)
class TakenBack:
    """What a real rollout took back at a site and has not given back since: when, why, which flags."""

    rollout: Rollout
    at: datetime
    reason: str
    flags: Sequence[Flag]


def step_origin(rollout: Rollout) -> str:
    """Return what the rules that a rollout's steps lay are known by, in this attempt."""
    return f"rollout:{rollout.pk}:{rollout.attempt}"


def shut_origin(rollout: Rollout) -> str:
    """Return the origin of rules that keep a site off: apart from those of steps, which may be laid beside."""
    return f"{step_origin(rollout)}:shut"


def list_shut_sites(rollout: Rollout) -> list[Site]:
    """Return the sites that were taken back and not given back since, by name: one query."""
    rules = Rule.objects.filter(origin=shut_origin(rollout), phase=TAKEN_BACK)
    return list(Site.objects.filter(pk__in=rules.values("site")).order_by("name"))


def list_taken_back_at(site: Site) -> list[TakenBack]:
    """Return what is taken back at a site, of each rollout the last, newest first: one query, three where some is."""
    origins = set(Rule.objects.filter(site=site, phase=TAKEN_BACK).values_list("origin", flat=True))
    if not origins:
        return []
    rows = Rollback.objects.filter(scope=Scope.SITE, site=site, rollout__is_rehearsal=False).order_by("-pk")
    last: dict[int, Rollback] = {}
    for row in rows.select_related("rollout__release", "rollout__environment").prefetch_related("rollback_flags__flag"):
        if row.attempt == row.rollout.attempt and shut_origin(row.rollout) in origins:
            last.setdefault(row.rollout_id, row)
    return [
        TakenBack(row.rollout, row.contained_at, row.reason, [one.flag for one in row.rollback_flags.all()])
        for row in last.values()
    ]
