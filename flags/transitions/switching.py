"""Kill switch, on and off, in one environment."""

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.history import recorded
from flags.domain.audience import RuleAudience
from flags.models import FlagState
from flags.transitions.locking import check_in_use, get_locked_state
from flags.transitions.ruling import append_rule, on_variant


@transaction.atomic
def kill_flag(*, flag_id: int, environment_id: int, actor: Actor, reason: str, now: datetime) -> bool:
    """Set the kill switch; True where it was not set before."""
    state = get_locked_state(flag_id=flag_id, environment_id=environment_id)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        if state.is_killed:
            return False
        state.killed_at = now
        state.kill_reason = recording.reason
        state.save()
    return True


@transaction.atomic
def release_flag(
    *,
    flag_id: int,
    environment_id: int,
    actor: Actor,
    reason: str,
    now: datetime,
    set_at: datetime | None = None,
) -> bool:
    """Lift the kill switch and nothing else; True where it was lifted. With `set_at` that one only: not a later one."""
    state = get_locked_state(flag_id=flag_id, environment_id=environment_id)
    with recorded(actor=actor, reason=reason, now=now):
        if not state.is_killed or set_at not in {None, state.killed_at}:
            return False
        _lift_kill(state)
        state.save()
    return True


@transaction.atomic
def switch_on(
    *,
    flag_id: int,
    environment_id: int,
    actor: Actor,
    reason: str,
    now: datetime,
    seen_version: int | None = None,
) -> bool:
    """Lift the kill switch and switch on; True where something changed.

    A flag with rules is on for whom they say; one without any gets a rule for everyone, since
    its default variant would leave it off for all.
    """
    state = get_locked_state(flag_id=flag_id, environment_id=environment_id, seen_version=seen_version)
    check_in_use(state.flag)
    with recorded(actor=actor, reason=reason, now=now):
        has_rules = state.rules.exists()
        if state.is_on and not state.is_killed and has_rules:
            return False
        if not has_rules:
            append_rule(state, RuleAudience.everyone(), variant=on_variant(state.flag), phase="", origin="", now=now)
        if not state.is_on or state.is_killed:
            _lift_kill(state)
            state.is_on = True
            state.save()
    return True


@transaction.atomic
def switch_off(*, flag_id: int, environment_id: int, actor: Actor, reason: str, now: datetime) -> bool:
    """Switch off, keeping the rules; True where it was on."""
    state = get_locked_state(flag_id=flag_id, environment_id=environment_id)
    with recorded(actor=actor, reason=reason, now=now):
        if not state.is_on:
            return False
        state.is_on = False
        state.save()
    return True


def _lift_kill(state: FlagState) -> None:
    state.killed_at = None
    state.kill_reason = ""
