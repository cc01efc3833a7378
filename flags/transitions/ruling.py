"""Rules of a flag in one environment, in their order."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from flags.domain.audience import RuleAudience, RuleKind
from flags.models import Flag, FlagState, Rule
from flags.transitions.locking import check_in_use, get_locked_state

ON_VARIANT = "on"


@transaction.atomic
def add_rule(
    *,
    flag_id: int,
    environment_id: int,
    audience: RuleAudience,
    variant: str,
    phase: str,
    origin: str,
    actor: Actor,
    reason: str,
    now: datetime,
    seen_version: int | None = None,
) -> Rule:
    """Add a rule at the end and switch the flag on; the same rule twice is the same rule."""
    state = get_locked_state(flag_id=flag_id, environment_id=environment_id, seen_version=seen_version)
    check_in_use(state.flag)
    if variant not in state.flag.variants:
        raise InvalidInput("variant_unknown", variant=variant, flag=state.flag.key)
    with recorded(actor=actor, reason=reason, now=now):
        rule = next((row for row in state.rules.all() if _says(row, audience, variant=variant)), None)
        if rule is None:
            rule = append_rule(state, audience, variant=variant, phase=phase, origin=origin, now=now)
        if not state.is_on:
            state.is_on = True
            state.save()
    return rule


@transaction.atomic
def remove_rule(*, rule_id: int, actor: Actor, reason: str, now: datetime, seen_version: int | None = None) -> None:
    """Remove one rule that a person laid; a rollout's rules go by the rollout alone."""
    rule = _get_own_rule(rule_id, seen_version=seen_version)
    with recorded(actor=actor, reason=reason, now=now):
        rule.delete()


@transaction.atomic
def move_rule(
    *, rule_id: int, earlier: bool, actor: Actor, reason: str, now: datetime, seen_version: int | None = None
) -> bool:
    """Let a rule that a person laid be asked one place earlier or later; True where it moved."""
    rule = _get_own_rule(rule_id, seen_version=seen_version)
    rows = Rule.objects.filter(state=rule.state)
    other = (
        rows.filter(position__lt=rule.position).order_by("-position").first()
        if earlier
        else rows.filter(position__gt=rule.position).order_by("position").first()
    )
    with recorded(actor=actor, reason=reason, now=now):
        if other is None:
            return False
        rule.position, other.position = other.position, rule.position
        rule.save()
        other.save()
    return True


def _get_own_rule(rule_id: int, *, seen_version: int | None) -> Rule:
    """Return a rule under its state's lock; refuse one that is gone or that a rollout laid."""
    found = Rule.objects.select_related("state").filter(pk=rule_id).first()
    if found is None:
        raise Refusal("changed_meanwhile")
    state = get_locked_state(
        flag_id=found.state.flag_id, environment_id=found.state.environment_id, seen_version=seen_version
    )
    rule = Rule.objects.filter(pk=rule_id, state=state).first()
    if rule is None:
        raise Refusal("changed_meanwhile")
    if rule.origin:
        raise Refusal("rule_of_rollout")
    return rule


@transaction.atomic
def remove_rules(
    *, flag_id: int, environment_id: int, origin_prefix: str, actor: Actor, reason: str, now: datetime
) -> int:
    """Remove the rules whose origin begins so; return how many."""
    state = get_locked_state(flag_id=flag_id, environment_id=environment_id)
    found = list(state.rules.filter(origin__startswith=origin_prefix))
    with recorded(actor=actor, reason=reason, now=now):
        for rule in found:
            rule.delete()
    return len(found)


def _says(rule: Rule, audience: RuleAudience, *, variant: str) -> bool:
    """Tell whether a stored rule gives this audience this variant."""
    stored = RuleAudience(RuleKind(rule.kind), segment_id=rule.segment_id, site_id=rule.site_id)
    return stored == audience and rule.variant == variant


def append_rule(
    state: FlagState, audience: RuleAudience, *, variant: str, phase: str, origin: str, now: datetime
) -> Rule:
    last = state.rules.aggregate(last=Max("position"))["last"]
    rule = Rule(
        state=state,
        position=1 if last is None else last + 1,
        kind=audience.kind,
        segment_id=audience.segment_id,
        site_id=audience.site_id,
        variant=variant,
        phase=phase,
        origin=origin,
        since=now,
    )
    rule.save()
    return rule


def on_variant(flag: Flag) -> str:
    """Return the variant that "on" means: `on`, else the first that is not the off variant."""
    if ON_VARIANT in flag.variants:
        return ON_VARIANT
    return next((name for name in flag.variants if name != flag.off_variant), flag.default_variant)
