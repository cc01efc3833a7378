"""A flag's rules, as they stand in one environment, brought to another."""

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from flags.dependants import list_drivers
from flags.domain.promotion import Promotion, Sign
from flags.models import FlagState, Rule
from flags.promotion_queries import draw_promotion
from flags.transitions.locking import check_in_use, get_locked_states
from flags.transitions.ruling import write_rule


@transaction.atomic
def promote_rules(
    *,
    flag_id: int,
    source_id: int,
    target_id: int,
    seen_source_version: int,
    seen_target_version: int,
    actor: Actor,
    reason: str,
    now: datetime,
) -> bool:
    """Give the target environment what people laid in the source: on or off, and rules in order.

    True where something changed. What the person saw on both sides must still be so. Kill switches stay
    as they are. Refused while a rollout drives the flag in the target.
    """
    if source_id == target_id:
        raise InvalidInput("environments_alike")
    seen = {source_id: seen_source_version, target_id: seen_target_version}
    states = get_locked_states(flag_id=flag_id, seen_versions=seen)
    source, target = states[source_id], states[target_id]
    check_in_use(target.flag)
    if drivers := list_drivers(flag_id=flag_id, environment_id=target_id):
        labels = ", ".join(driver.label for driver in drivers)
        raise Refusal("flag_driven", rollouts=labels, environment=target.environment.key)
    promotion = draw_promotion(source, target)
    with recorded(actor=actor, reason=reason, now=now):
        if promotion.is_empty:
            return False
        lay_lines(target, promotion, now=now)
    return True


def lay_lines(target: FlagState, promotion: Promotion, *, now: datetime) -> None:
    """Write each line of the difference, and on or off; the caller holds the state's lock.

    Positions meet only at the end of the transaction.
    """
    standing = {rule.pk: rule for rule in target.rules.all()}
    for line in promotion.lines:
        rule = standing.get(line.rule_id)
        if line.sign is Sign.ADDED:
            content = line.content
            fresh = Rule(state=target, position=line.position, since=now)
            write_rule(fresh, content.audience, variant=content.variant, split=content.split)
        elif rule is not None and line.sign is Sign.REMOVED:
            rule.delete()
        elif rule is not None and rule.position != line.position:
            rule.position = line.position
            rule.save()
    if target.is_on != promotion.is_on:
        target.is_on = promotion.is_on
        target.save()
