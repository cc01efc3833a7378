"""What a plan with other choices does otherwise than the one it replaces, line by line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from itertools import zip_longest

from django.utils.translation import gettext as _

from core.templatetags.portal import clock_time, days
from flags.models import Environment, Segment, Site
from rollouts.domain.planning import PlannedPhase
from rollouts.drawing import Plan, PlanRequest
from rollouts.guardrail_words import say_guardrails
from rollouts.labels import PHASES, PLAN_CHOICES
from rollouts.models import Phase, PlanTemplateVersion, Release, Rollout
from rollouts.plan_requests import request_of


@dataclass(frozen=True)
class Difference:
    """A choice, or the days of a phase, in words: as it was and as it would be; empty where a side lacks it."""

    what: str
    before: str
    after: str


def compare_plans(old: Rollout, request: PlanRequest, plan: Plan) -> list[Difference]:
    """Return what differs, choices first, then the phases' days and guardrails: 15 queries at most."""
    return [
        *_compare_choices(request_of(old), request),
        *_compare_phases(old, request, plan.phases),
        *_compare_guardrails(old, plan),
    ]


def _compare_choices(old: PlanRequest, new: PlanRequest) -> Iterator[Difference]:
    before, after = _say_choices(old), _say_choices(new)
    codes = (code for code in before if before[code] != after[code])
    return (Difference(str(PLAN_CHOICES[code]), before[code], after[code]) for code in codes)


def _say_choices(one: PlanRequest) -> dict[str, str]:
    """Return each choice in words, by its code."""
    return {
        "release": _name(Release, one.release_id),
        "environment": _name(Environment, one.environment_id),
        "template": _name(PlanTemplateVersion, one.template_version_id),
        "promotion_time": _say_time(one.promotion_time),
        "allows_holidays": _("yes") if one.allows_holidays else _("no"),
        "day_seconds": "" if one.day_seconds is None else _("days of %(n)s s") % {"n": one.day_seconds},
        "testers": _name(Segment, one.testers_id),
        "pilots": ", ".join(sorted(pilot.label or pilot.targeting_key for pilot in one.pilots)),
        "sites": _name_sites(one.site_ids),
    }


def _say_time(value: time) -> str:
    return f"{value:%H:%M}"


def _compare_phases(old: Rollout, request: PlanRequest, planned: Sequence[PlannedPhase]) -> Iterator[Difference]:
    """Yield the phases whose days differ, in order; a rehearsal's days are numbers, and differ by their length."""
    if old.is_rehearsal or request.is_rehearsal:
        return
    stored = list(old.phases.order_by("position"))
    for index in range(max(len(stored), len(planned))):
        before = _say_phase(stored[index]) if index < len(stored) else ("", "")
        after = _say_phase(planned[index]) if index < len(planned) else ("", "")
        if before != after:
            yield Difference(after[0] or before[0], *(words for _kind, words in (before, after)))


def _compare_guardrails(old: Rollout, plan: Plan) -> Iterator[Difference]:
    """Yield the phases that override other guardrails than before, in order."""
    stored = list(old.phases.order_by("position"))
    before = [say_guardrails(phase.overrides) for phase in stored]
    after = [say_guardrails(phase.guardrails) for phase in plan.template]
    kinds = [str(phase.kind) for phase in (plan.template if len(after) >= len(before) else stored)]
    for kind, was, will_be in zip_longest(kinds, before, after, fillvalue=""):
        if was != will_be:
            what = _("%(phase)s: guardrails") % {"phase": PHASES[kind]}
            yield Difference(what, was or _("as in the environment"), will_be or _("as in the environment"))


def compare_stored_phases(
    before: Sequence[Phase], after: Sequence[Phase], *, is_rehearsal: bool
) -> Iterator[Difference]:
    """Yield the phases whose days differ between two readings of one plan; of a rehearsal, whose times of day do."""
    say = _say_times if is_rehearsal else days
    for old, new in zip(before, after, strict=True):
        was, will_be = say(old.starts_at, old.ends_at), say(new.starts_at, new.ends_at)
        if was != will_be:
            yield Difference(str(PHASES[str(new.kind)]), was, will_be)


def _say_times(start: datetime, end: datetime) -> str:
    return f"{clock_time(start)} – {clock_time(end)}"


def _say_phase(phase: Phase | PlannedPhase) -> tuple[str, str]:
    return str(PHASES[str(phase.kind)]), days(phase.starts_at, phase.ends_at)


def _name(model: type[Release | Environment | PlanTemplateVersion | Segment], pk: int | None) -> str:
    row = model.objects.filter(pk=pk).first() if pk is not None else None
    return "" if row is None else str(row)


def _name_sites(site_ids: Sequence[int]) -> str:
    names = dict(Site.objects.filter(pk__in=site_ids).values_list("pk", "name"))
    return " → ".join(names[pk] for pk in site_ids if pk in names)
