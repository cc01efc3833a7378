"""Rules of a flag in one environment, in their order."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded, save_many
from flags.domain.audience import RuleAudience, RuleKind
from flags.domain.bucketing import SplitFault, check_split
from flags.domain.definition import Split
from flags.domain.variables import pick_on_variant
from flags.models import Flag, FlagState, Rule
from flags.transitions.locking import check_in_use, get_locked_segment, get_locked_state


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
    split: Split = (),
    seen_version: int | None = None,
) -> Rule:
    """Add a rule at the end and switch the flag on; the same rule twice is the same rule.

    It gives `variant`, or with an empty one `split`.
    """
    state = get_locked_state(flag_id=flag_id, environment_id=environment_id, seen_version=seen_version)
    check_in_use(state.flag)
    split = check_gift(state.flag, variant=variant, split=split)
    with recorded(actor=actor, reason=reason, now=now):
        rule = next((row for row in state.rules.all() if _says(row, audience, variant=variant, split=split)), None)
        if rule is None:
            rule = append_rule(state, audience, variant=variant, split=split, phase=phase, origin=origin, now=now)
        if not state.is_on:
            state.is_on = True
            state.save()
    return rule


@transaction.atomic
def lay_rule(
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
    split: Split = (),
) -> Rule:
    """Let an origin's rule for an audience give this, and switch the flag on.

    What it gave this audience before, a smaller share, is changed in its place: a rule behind it would
    never be asked.
    """
    state = get_locked_state(flag_id=flag_id, environment_id=environment_id)
    check_in_use(state.flag)
    split = check_gift(state.flag, variant=variant, split=split)
    with recorded(actor=actor, reason=reason, now=now):
        own = (row for row in state.rules.filter(origin=origin) if _is_for(row, audience))
        rule = next(own, None)
        if rule is None:
            rule = append_rule(state, audience, variant=variant, split=split, phase=phase, origin=origin, now=now)
        elif not _says(rule, audience, variant=variant, split=split):
            rule.since, rule.phase = now, phase
            write_rule(rule, audience, variant=variant, split=split)
        if not state.is_on:
            state.is_on = True
            state.save()
    return rule


@transaction.atomic
def lift_rule(
    *,
    flag_id: int,
    environment_id: int,
    audience: RuleAudience,
    origin: str,
    phase: str,
    actor: Actor,
    reason: str,
    now: datetime,
) -> bool:
    """Remove the rule that an origin laid for an audience in a phase; False where there is none."""
    state = get_locked_state(flag_id=flag_id, environment_id=environment_id)
    found = [row for row in state.rules.filter(origin=origin, phase=phase) if _is_for(row, audience)]
    with recorded(actor=actor, reason=reason, now=now):
        for rule in found:
            rule.delete()
    return bool(found)


@transaction.atomic
def shut_site(
    *,
    flag_id: int,
    environment_id: int,
    site_id: int,
    phase: str,
    origin: str,
    actor: Actor,
    reason: str,
    now: datetime,
) -> Rule:
    """Let a rule above all others keep a flag off at a site."""
    state = get_locked_state(flag_id=flag_id, environment_id=environment_id)
    audience, variant = RuleAudience.for_site(site_id), state.flag.off_variant
    with recorded(actor=actor, reason=reason, now=now):
        own = (row for row in state.rules.filter(origin=origin, phase=phase) if _is_for(row, audience))
        rule = next(own, None)
        if rule is None:
            later = list(state.rules.all())
            for row in later:
                row.position += 1
            save_many(later, ["position"])
            rule = Rule(state=state, position=1, phase=phase, origin=origin, since=now)
            write_rule(rule, audience, variant=variant, split=())
    return rule


@transaction.atomic
def edit_rule(
    *,
    rule_id: int,
    audience: RuleAudience,
    variant: str,
    split: Split,
    actor: Actor,
    reason: str,
    now: datetime,
    seen_version: int | None = None,
) -> Rule:
    """Change whom a person's rule is for and what it gives, in its place; a larger share keeps whom it had."""
    rule = _get_own_rule(rule_id, seen_version=seen_version)
    check_in_use(rule.state.flag)
    split = check_gift(rule.state.flag, variant=variant, split=split)
    with recorded(actor=actor, reason=reason, now=now):
        if not _says(rule, audience, variant=variant, split=split):
            rule.since = now
            write_rule(rule, audience, variant=variant, split=split)
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


def check_gift(flag: Flag, *, variant: str, split: Split) -> Split:
    """Return the split; refuse an unknown variant, or weights that are not a whole."""
    if variant and not split:
        if variant not in flag.variants:
            raise InvalidInput("variant_unknown", variant=variant, flag=flag.key)
        return ()
    try:
        return check_split(split, variants=flag.variants)
    except SplitFault:
        raise InvalidInput("split_not_whole") from None


def _is_for(rule: Rule, audience: RuleAudience) -> bool:
    return RuleAudience(RuleKind(rule.kind), rule.segment_id, rule.site_id, rule.asked) == audience


def _says(rule: Rule, audience: RuleAudience, *, variant: str, split: Split) -> bool:
    """Tell whether a stored rule gives this audience this."""
    return _is_for(rule, audience) and rule.variant == variant and rule.pieces == split


def append_rule(
    state: FlagState,
    audience: RuleAudience,
    *,
    variant: str,
    phase: str,
    origin: str,
    now: datetime,
    split: Split = (),
) -> Rule:
    """Write a rule behind those there are; the caller holds the state's lock."""
    last = state.rules.aggregate(last=Max("position"))["last"]
    rule = Rule(state=state, position=1 if last is None else last + 1, phase=phase, origin=origin, since=now)
    write_rule(rule, audience, variant=variant, split=split)
    return rule


def write_rule(rule: Rule, audience: RuleAudience, *, variant: str, split: Split) -> None:
    """Save a rule that says this; the caller holds its state's lock."""
    if audience.segment_id is not None:
        # Locked, so that nobody deletes it before this rule is there.
        get_locked_segment(audience.segment_id)
    rule.kind, rule.segment_id, rule.site_id = audience.kind, audience.segment_id, audience.site_id
    rule.conditions = [one.as_json() for one in audience.conditions]
    rule.variant, rule.split = variant, [list(piece) for piece in split]
    rule.save()


def on_variant(flag: Flag) -> str:
    """Return the variant that "on" means for a flag."""
    return pick_on_variant(flag.variants, off_variant=flag.off_variant, default_variant=flag.default_variant)
