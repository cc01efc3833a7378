"""A phase's own guardrails, set by hand in a plan that is not over."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from health.domain.guardrail import LIMITS
from health.guardrail_queries import Guardrails, read_guardrails
from rollouts.domain.approving import EditKind
from rollouts.domain.lifecycle import ENDED, Status
from rollouts.domain.phase_guardrails import PhaseGuardrail, find_fault, is_looser, put_in
from rollouts.guardrail_settings import Setting, make_setting
from rollouts.models import Phase, PhaseStatus, Rollout
from rollouts.story import add_event
from rollouts.transitions.locking import get_locked_rollout


@transaction.atomic
def override_guardrail(
    *,
    rollout_id: int,
    phase_id: int,
    wish: PhaseGuardrail,
    actor: Actor,
    reason: str,
    now: datetime,
    seen_epoch: int | None = None,
) -> Phase:
    """Say what one lane does while a phase runs; an empty wish leaves it as flag and environment have it.

    Approvals of the plan before are of another hash. Once a plan that others approved is scheduled, nothing of it
    is loosened before it begins; afterwards people decide, and its story says that it was.
    """
    rollout = get_locked_rollout(rollout_id, seen_epoch=seen_epoch)
    if rollout.status in ENDED:
        raise Refusal("rollout_over")
    phase = rollout.phases.filter(pk=phase_id).first()
    if phase is None:
        raise Refusal("changed_meanwhile")
    if phase.status == PhaseStatus.DONE:
        raise Refusal("phase_ended")
    _check_wish(wish, phase)
    before, after = phase.overrides, put_in(phase.overrides, wish)
    if after == before:
        raise Refusal("guardrail_as_it_is")
    guardrails = read_guardrails([rollout.environment.key])
    keys = list(rollout.rollout_flags.order_by("position").values_list("flag__key", flat=True))
    was = _list_settings(rollout, phase, wish.lane, keys, overrides=before, guardrails=guardrails)
    then = _list_settings(rollout, phase, wish.lane, keys, overrides=after, guardrails=guardrails)
    loosened = any(is_looser(old.standing, new.standing) for old, new in zip(was, then, strict=True))
    if loosened and rollout.status == Status.SCHEDULED and rollout.environment.required_approvals:
        raise Refusal("guardrail_is_approved", environment=rollout.environment.key)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        phase.guardrails = [asdict(one) for one in after]
        phase.save()
        rollout.epoch += 1
        rollout.save()
        kind: EditKind = "guardrail_loosened" if loosened else "guardrail_changed"
        data = {
            "phase": phase.kind,
            "lane": wish.lane,
            "was": asdict(was[0].standing),
            "then": asdict(then[0].standing),
        }
        add_event(rollout, kind=kind, actor=actor, reason=recording.reason, now=now, data=data)
    return phase


def _check_wish(wish: PhaseGuardrail, phase: Phase) -> None:
    fault = "" if wish.lane in LIMITS and wish.is_empty else find_fault([wish])
    if fault:
        raise InvalidInput(fault, phase=phase.position)


def _list_settings(
    rollout: Rollout,
    phase: Phase,
    lane: str,
    flag_keys: Collection[str],
    *,
    overrides: Sequence[PhaseGuardrail],
    guardrails: Guardrails,
) -> list[Setting]:
    """Return what the lane comes to: first for flags without their own guardrail, then for each."""
    return [
        make_setting(
            lane,
            key,
            guardrails=guardrails,
            environment_key=rollout.environment.key,
            overrides=overrides,
            support=phase.support,
        )
        for key in (None, *flag_keys)
    ]
