"""A drawn plan as the planning page shows it: phases, and in each a line for each moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flags.domain.opening import Skip
from flags.models import Flag, Site
from flags.sentences import say_share
from health.guardrail_queries import read_guardrails
from rollouts.domain.planning import PlannedPhase
from rollouts.domain.skipping import Skips
from rollouts.drawing import Plan
from rollouts.guardrail_settings import Setting, list_settings_of_phase


@dataclass(frozen=True)
class MomentView:
    """What goes on at one moment: for a site, or for the phase's people."""

    due_at: datetime
    day: int
    audience: str
    audience_name: str
    site_zone: str
    flags: Sequence[str]
    skips: Sequence[Skip]


@dataclass(frozen=True)
class PlannedPhaseView:
    phase: PlannedPhase
    moments: Sequence[MomentView]
    settings: Sequence[Setting]


def view_plan(plan: Plan, *, environment_key: str) -> list[PlannedPhaseView]:
    """Return the plan with the names of flags and sites in place of their keys, and its guardrails: three queries."""
    keys = {step.flag_key for phase in plan.phases for step in phase.steps}
    names = dict(Flag.objects.filter(key__in=keys).values_list("key", "name"))
    sites = {site.key: site for site in Site.objects.all()}
    guardrails = read_guardrails([environment_key])
    return [
        PlannedPhaseView(
            phase,
            _list_moments(phase, plan.skips, names=names, sites=sites),
            list_settings_of_phase(
                guardrails=guardrails,
                environment_key=environment_key,
                flag_keys=sorted(keys),
                overrides=asked.guardrails,
                support=asked.support,
            ),
        )
        for phase, asked in zip(plan.phases, plan.template, strict=True)
    ]


def _list_moments(
    phase: PlannedPhase, skips: Skips, *, names: dict[str, str], sites: dict[str, Site]
) -> list[MomentView]:
    flags: dict[tuple[datetime, int, str, str, int | None], list[str]] = {}
    for step in phase.steps:
        line = (step.due_at, step.day, step.audience, step.site_key, step.share_bp)
        flags.setdefault(line, []).append(names.get(step.flag_key, step.flag_key))
    lines = []
    for (due_at, day, audience, site_key, share_bp), keys in flags.items():
        site = sites.get(site_key)
        name, zone = (site.name, site.time_zone) if site else ("", "")
        name = name if share_bp is None else say_share(share_bp)
        lines.append(MomentView(due_at, day, audience, name, zone, keys, skips.get((due_at, site_key), ())))
    return lines
