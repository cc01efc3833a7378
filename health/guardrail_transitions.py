"""Writes how lanes are set."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput
from core.history import recorded
from core.versions import check_version
from flags.models import Environment, Flag
from health.domain.guardrail import LIMITS, Unit
from health.guardrail_models import LONGEST_COOL_DOWN
from health.guardrail_queries import make_default
from health.models import Guardrail, GuardrailScope, Lane, Mode


@dataclass(frozen=True)
class GuardrailWish:
    """How a lane is to be set; `flag_id` None: for every flag without its own guardrail.

    Its limit is in `threshold_bp`, or `most_a_day` where the lane counts by day.
    """

    lane: str
    mode: str
    threshold_bp: int = 0
    scope: str = GuardrailScope.FLAG
    cool_down_minutes: int | None = None
    flag_id: int | None = None
    most_a_day: int | None = None


@transaction.atomic
def set_guardrail(
    *,
    environment_id: int,
    wish: GuardrailWish,
    actor: Actor,
    reason: str,
    now: datetime,
    seen_version: int | None = None,
) -> Guardrail:
    """Say what a lane does in an environment and from which share on, for all flags or for one."""
    check_wish(wish)
    # The environment's row stands for the guardrail that may not exist yet.
    if not Environment.objects.select_for_update(of=("self",)).filter(pk=environment_id).exists():
        raise InvalidInput("environment_unknown", environment=environment_id)
    rows = Guardrail.objects.filter(environment_id=environment_id, lane=wish.lane)
    own = rows.filter(flag=None) if wish.flag_id is None else rows.filter(flag_id=wish.flag_id)
    guardrail = own.first() or make_default(wish.lane)
    check_version(guardrail, seen_version)
    guardrail.environment_id = environment_id
    guardrail.flag_id = wish.flag_id
    with recorded(actor=actor, reason=reason, now=now):
        guardrail.mode = wish.mode
        guardrail.scope = wish.scope
        guardrail.threshold_bp = wish.threshold_bp
        guardrail.most_a_day = wish.most_a_day
        if wish.cool_down_minutes is not None:
            guardrail.cool_down_minutes = wish.cool_down_minutes
        guardrail.save()
    return guardrail


def check_wish(wish: GuardrailWish) -> None:
    """Refuse what a lane cannot be set to."""
    if wish.lane not in Lane.values or wish.mode not in Mode.values or wish.scope not in GuardrailScope.values:
        raise InvalidInput("guardrail_unknown")
    limits = LIMITS[wish.lane]
    if wish.mode not in limits.modes:
        raise InvalidInput("guardrail_mode_wrong")
    if wish.flag_id is not None and not limits.by_flag:
        raise InvalidInput("guardrail_without_flags")
    _check_limit(wish)
    if wish.cool_down_minutes is not None and not 0 <= wish.cool_down_minutes <= LONGEST_COOL_DOWN:
        raise InvalidInput("cool_down_wrong", most=LONGEST_COOL_DOWN)
    if wish.flag_id is not None and not Flag.objects.filter(pk=wish.flag_id).exists():
        raise InvalidInput("flag_unknown", flag=wish.flag_id)


def _check_limit(wish: GuardrailWish) -> None:
    limits = LIMITS[wish.lane]
    if limits.unit == Unit.A_DAY:
        if wish.most_a_day is None or wish.threshold_bp or not limits.least <= wish.most_a_day <= limits.most:
            raise InvalidInput("limit_a_day_wrong", least=limits.least, most=limits.most)
    elif wish.most_a_day is not None or not limits.least <= wish.threshold_bp <= limits.most:
        raise InvalidInput("threshold_wrong", least=limits.least // 100, most=limits.most // 100)


@transaction.atomic
def forget_guardrail(*, guardrail_id: int, actor: Actor, reason: str, now: datetime) -> None:
    """Take a flag's own guardrail away: what holds for the others holds for it again."""
    guardrail = Guardrail.objects.select_for_update(of=("self",)).filter(pk=guardrail_id, flag__isnull=False).first()
    if guardrail is None:
        raise InvalidInput("guardrail_unknown")
    with recorded(actor=actor, reason=reason, now=now):
        guardrail.delete()
