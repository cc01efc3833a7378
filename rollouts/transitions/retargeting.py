"""Changes for whom the rest of a phase goes out: other people, another site, another share."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from django.db import transaction

from core.actors import Actor
from core.domain.business_time import at_local
from core.errors import InvalidInput, Refusal
from flags.domain.audience import RuleKind
from flags.domain.bucketing import TOTAL_BP
from flags.models import Site
from flags.transitions.locking import get_locked_segment
from rollouts.models import Phase, Rollout, Step, StepStatus
from rollouts.models.steps import say_whom
from rollouts.queries import list_steps_of_audience
from rollouts.transitions.edit_rules import check_day, check_not_promised, check_order, edit_plan


@dataclass(frozen=True)
class NewAudience:
    """For whom instead: the one of the three that is of the step's own kind."""

    segment_id: int | None = None
    site_id: int | None = None
    share_bp: int | None = None


@transaction.atomic
def change_audience(
    *,
    rollout_id: int,
    step_id: int,
    audience: NewAudience,
    actor: Actor,
    reason: str,
    now: datetime,
    seen_epoch: int | None = None,
) -> Rollout:
    """Give a step, and what its phase still plans for the same people or share, another audience.

    Another site takes the whole place. What is done stays with whom it was done for. Everyone stays everyone.
    """

    def edit(rollout: Rollout, step: Step) -> dict[str, object]:
        before = step.whom
        rows = list(list_steps_of_audience(step).filter(status=StepStatus.PLANNED, position__gte=step.position))
        if not rows or step.status != StepStatus.PLANNED:
            raise Refusal("step_not_planned")
        if step.segment_id is not None:
            after = _change_segment(rollout, rows, audience.segment_id)
        elif step.site is not None:
            after = _change_site(rollout, step.site, audience.site_id)
        elif step.share_bp is not None:
            after = _change_share(rollout, step, rows, audience.share_bp)
        else:
            raise Refusal("everyone_stays")
        return {"before": before, "audience": after}

    return edit_plan(
        rollout_id, step_id, edit, kind="audience_changed", actor=actor, reason=reason, now=now, seen=seen_epoch
    )


def _change_segment(rollout: Rollout, rows: list[Step], segment_id: int | None) -> str:
    if segment_id is None:
        raise InvalidInput("audience_missing")
    check_not_promised(rollout)
    segment = get_locked_segment(segment_id)
    if rollout.steps.filter(segment=segment).exists():
        raise Refusal("segment_in_plan", segment=segment.name)
    if segment.is_empty:
        raise Refusal("segment_empty", segment=segment.name)
    for row in rows:
        row.segment = segment
        row.save()
    return segment.name


def _change_site(rollout: Rollout, old: Site, site_id: int | None) -> str:
    """Put another site in a site's place, in all phases, on its days, at the same hours by the other's own clock."""
    site = None if site_id is None else Site.objects.filter(pk=site_id).first()
    if site is None:
        raise InvalidInput("audience_missing")
    check_not_promised(rollout)
    places = rollout.rollout_sites.filter(site__in=[old, site])
    if rollout.steps.filter(site=site).exists() or places.filter(site=site).exists():
        raise Refusal("site_in_plan", site=site.name)
    if rollout.steps.filter(site=old, status=StepStatus.DONE).exists():
        raise Refusal("site_begun", site=old.name)
    for place in places:
        place.site = site
        place.save()
    rows = list(rollout.steps.filter(site=old).select_related("site", "phase", "rollout").order_by("position"))
    for row in rows:
        there = row.due_at.astimezone(row.zone)
        row.site = site
        if rollout.day_seconds is None:
            row.due_at = at_local(there.date(), there.time(), zone=row.zone)
        row.save()
    for row in rows:
        if row.status == StepStatus.PLANNED:
            check_day(rollout, row, row.due_at)
    check_order(rollout)
    return site.name


def _change_share(rollout: Rollout, step: Step, rows: list[Step], share_bp: int | None) -> str:
    if share_bp is None:
        raise InvalidInput("audience_missing")
    if not 0 < share_bp < TOTAL_BP:
        raise InvalidInput("share_wrong")
    if step.share_bp is not None and share_bp > step.share_bp:
        check_not_promised(rollout)
    for row in rows:
        row.share_bp = share_bp
        row.save()
    _check_growing(step.phase)
    return say_whom(None, share_bp)


def _check_growing(phase: Phase) -> None:
    """Refuse where a flag's next share would be no more than the one before."""
    shares: dict[int, list[int]] = {}
    of_everyone = phase.steps.filter(audience_kind=RuleKind.EVERYONE).exclude(share_bp=None)
    for flag_id, share_bp in of_everyone.order_by("position").values_list("flag_id", "share_bp"):
        shares.setdefault(flag_id, []).append(share_bp or 0)
    if any(after <= before for staircase in shares.values() for before, after in pairwise(staircase)):
        raise Refusal("shares_not_growing")
