"""The end of a flag: archived, restored, or kept on purpose."""

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import Refusal
from core.history import recorded
from flags.dependants import list_uses_of_flag
from flags.life_queries import has_one_variant
from flags.story import lay_aside
from flags.transitions.locking import check_in_use, get_locked_flag
from flags.transitions.saving import save_row


@transaction.atomic
def archive_flag(*, flag_id: int, actor: Actor, reason: str, now: datetime, is_unasked: bool = False) -> bool:
    """Serve a flag no more: clients get their code's default. True where it was in use.

    Refused while it is on somewhere or a rollout under way brings it. Where a person says that no
    program asks for it any more, it may be on for everybody alike, and keeps that for a restoration.
    """
    flag = get_locked_flag(flag_id)
    # Locked, so that nobody switches it on meanwhile.
    rows = flag.states.select_for_update(of=("self",)).select_related("environment", "flag").order_by("pk")
    on = [state for state in rows if state.is_on and not state.is_killed]
    places = [state.environment.key for state in on if not (is_unasked and has_one_variant(state))]
    uses = list_uses_of_flag(flag_id)
    if places or uses:
        raise Refusal("flag_in_use", uses=", ".join([*places, *uses]))
    with recorded(actor=actor, reason=reason, now=now):
        if flag.archived_at is not None:
            return False
        flag.archived_at = now
        flag.save()
        lay_aside(flag, now=now)
    return True


@transaction.atomic
def restore_flag(*, flag_id: int, actor: Actor, reason: str, now: datetime) -> bool:
    """Serve an archived flag again, with the states it had; True where it was archived."""
    flag = get_locked_flag(flag_id)
    with recorded(actor=actor, reason=reason, now=now):
        if flag.archived_at is None:
            return False
        flag.archived_at = None
        flag.save()
    return True


@transaction.atomic
def keep_flag(*, flag_id: int, actor: Actor, reason: str, now: datetime) -> bool:
    """Keep a flag on purpose, without a day to be removed by; True where it was not kept yet."""
    flag = get_locked_flag(flag_id)
    check_in_use(flag)
    with recorded(actor=actor, reason=reason, now=now):
        if flag.is_permanent:
            return False
        flag.is_permanent, flag.expires_on = True, None
        save_row(flag)
        lay_aside(flag, now=now)
    return True
