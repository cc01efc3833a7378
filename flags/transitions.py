"""Writes to flags: one function an action, in one transaction, with its actor and reason."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import Max

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from flags.domain.audience import RuleAudience, RuleKind
from flags.domain.purposes import Purpose
from flags.domain.tokens import PREFIX_CHARACTERS, compose_token, hash_token
from flags.models import (
    ApiToken,
    Criticality,
    Environment,
    Flag,
    FlagState,
    Rule,
    Segment,
    SegmentMember,
    Site,
    Till,
)

#: The variants of a plain on/off flag.
BOOLEAN_VARIANTS: Mapping[str, object] = {"on": True, "off": False}
ON_VARIANT = "on"

M = TypeVar("M", bound=models.Model)


def get_locked_state(*, flag_id: int, environment_id: int) -> FlagState:
    """Return the locked state of a flag in an environment; refuse what does not exist."""
    try:
        return FlagState.objects.select_for_update(of=("self",)).get(flag_id=flag_id, environment_id=environment_id)
    except FlagState.DoesNotExist:
        raise InvalidInput("flag_unknown", flag=flag_id, environment=environment_id) from None


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
def release_flag(*, flag_id: int, environment_id: int, actor: Actor, reason: str, now: datetime) -> bool:
    """Lift the kill switch and nothing else; True where it was set."""
    state = get_locked_state(flag_id=flag_id, environment_id=environment_id)
    with recorded(actor=actor, reason=reason, now=now):
        if not state.is_killed:
            return False
        _lift_kill(state)
        state.save()
    return True


@transaction.atomic
def switch_on(*, flag_id: int, environment_id: int, actor: Actor, reason: str, now: datetime) -> bool:
    """Lift the kill switch and switch on; True where something changed.

    A flag with rules is on for whom they say; one without any gets a rule for everyone, since
    its default variant would leave it off for all.
    """
    state = get_locked_state(flag_id=flag_id, environment_id=environment_id)
    with recorded(actor=actor, reason=reason, now=now):
        has_rules = state.rules.exists()
        if state.is_on and not state.is_killed and has_rules:
            return False
        if not has_rules:
            _append_rule(state, RuleAudience.everyone(), variant=on_variant(state.flag), phase="", origin="", now=now)
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
) -> Rule:
    """Add a rule at the end and switch the flag on; the same rule twice is the same rule."""
    state = get_locked_state(flag_id=flag_id, environment_id=environment_id)
    if variant not in state.flag.variants:
        raise InvalidInput("variant_unknown", variant=variant, flag=state.flag.key)
    with recorded(actor=actor, reason=reason, now=now):
        rule = next((row for row in state.rules.all() if _says(row, audience, variant=variant)), None)
        if rule is None:
            rule = _append_rule(state, audience, variant=variant, phase=phase, origin=origin, now=now)
        if not state.is_on:
            state.is_on = True
            state.save()
    return rule


@transaction.atomic
def remove_rule(*, rule_id: int, actor: Actor, reason: str, now: datetime) -> None:
    """Remove one rule of a flag."""
    rule = Rule.objects.select_related("state").filter(pk=rule_id).first()
    if rule is None:
        raise Refusal("changed_meanwhile")
    get_locked_state(flag_id=rule.state.flag_id, environment_id=rule.state.environment_id)
    with recorded(actor=actor, reason=reason, now=now):
        rule.delete()


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


def _append_rule(
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


def _lift_kill(state: FlagState) -> None:
    state.killed_at = None
    state.kill_reason = ""


def on_variant(flag: Flag) -> str:
    """Return the variant that "on" means: `on`, else the first that is not the off variant."""
    if ON_VARIANT in flag.variants:
        return ON_VARIANT
    return next((name for name in flag.variants if name != flag.off_variant), flag.default_variant)


def _create(thing: M) -> M:
    """Save a new row after full validation; refuse a taken key or a wrong value."""
    try:
        thing.full_clean()
        thing.save()
    except ValidationError as error:
        raise InvalidInput("values_wrong", fields="; ".join(error.messages)) from None
    except IntegrityError:
        raise InvalidInput("key_taken") from None
    return thing


@transaction.atomic
def create_environment(
    *,
    key: str,
    name: str,
    position: int,
    is_production: bool,
    actor: Actor,
    reason: str,
    now: datetime,
    requires_approval: bool = False,
    allowed_origins: Sequence[str] = (),
) -> Environment:
    """Create an environment with an off state for every flag there is."""
    with recorded(actor=actor, reason=reason, now=now):
        environment = _create(
            Environment(
                key=key,
                name=name,
                position=position,
                is_production=is_production,
                requires_approval=requires_approval,
                allowed_origins=list(allowed_origins),
            )
        )
        for flag in Flag.objects.order_by("pk"):
            FlagState(flag=flag, environment=environment).save()
    return environment


@transaction.atomic
def create_site(
    *,
    key: str,
    name: str,
    city: str,
    actor: Actor,
    reason: str,
    now: datetime,
    time_zone: str = "Europe/Paris",
    opening_weekdays: Sequence[int] = (1, 2, 3, 4, 5, 6),
    phone: str = "",
) -> Site:
    """Create a site; weekdays are ISO numbers."""
    with recorded(actor=actor, reason=reason, now=now):
        return _create(
            Site(
                key=key,
                name=name,
                city=city,
                time_zone=time_zone,
                opening_weekdays=list(opening_weekdays),
                phone=phone,
            )
        )


@transaction.atomic
def create_till(*, site_id: int, key: str, name: str, actor: Actor, reason: str, now: datetime) -> Till:
    """Create a till of a site under its pseudonymous id."""
    with recorded(actor=actor, reason=reason, now=now):
        return _create(Till(site_id=site_id, key=key, name=name))


@transaction.atomic
def create_flag(
    *,
    key: str,
    name: str,
    actor: Actor,
    reason: str,
    now: datetime,
    description: str = "",
    variants: Mapping[str, object] = BOOLEAN_VARIANTS,
    default_variant: str = "off",
    off_variant: str = "off",
    owner: str = "",
    cashier_note_fr: str = "",
    documentation_url: str = "",
    criticality: str = Criticality.IMPORTANT,
    expires_on: date | None = None,
) -> Flag:
    """Create a flag, off in every environment."""
    if default_variant not in variants or off_variant not in variants:
        raise InvalidInput("variant_unknown", variant=default_variant, flag=key)
    with recorded(actor=actor, reason=reason, now=now):
        flag = _create(
            Flag(
                key=key,
                name=name,
                description=description,
                variants=dict(variants),
                default_variant=default_variant,
                off_variant=off_variant,
                owner=owner,
                cashier_note_fr=cashier_note_fr,
                documentation_url=documentation_url,
                criticality=criticality,
                expires_on=expires_on,
            )
        )
        for environment in Environment.objects.order_by("key"):
            FlagState(flag=flag, environment=environment).save()
    return flag


@dataclass(frozen=True)
class NewMember:
    """A person to be put into a segment."""

    targeting_key: str
    label: str = ""
    site_id: int | None = None


@transaction.atomic
def create_segment(
    *,
    key: str,
    name: str,
    members: Sequence[NewMember],
    actor: Actor,
    reason: str,
    now: datetime,
    description: str = "",
) -> Segment:
    """Create a segment with its people."""
    with recorded(actor=actor, reason=reason, now=now):
        segment = _create(Segment(key=key, name=name, description=description))
        for member in members:
            _create(
                SegmentMember(
                    segment=segment, targeting_key=member.targeting_key, label=member.label, site_id=member.site_id
                )
            )
    return segment


@transaction.atomic
def create_token(
    *, environment_id: int, purpose: Purpose, name: str, actor: Actor, reason: str, now: datetime
) -> tuple[ApiToken, str]:
    """Create a token; return it with its text, which is stored nowhere and can be shown only now."""
    raw = compose_token(purpose=purpose, secret=secrets.token_urlsafe(32))
    with recorded(actor=actor, reason=reason, now=now):
        token = _create(
            ApiToken(
                environment_id=environment_id,
                purpose=purpose,
                name=name,
                token_hash=hash_token(raw),
                prefix=raw[:PREFIX_CHARACTERS],
                created_at=now,
            )
        )
    return token, raw


@transaction.atomic
def revoke_token(*, token_id: int, actor: Actor, reason: str, now: datetime) -> bool:
    """Revoke a token; True where it was valid."""
    token = ApiToken.objects.select_for_update(of=("self",)).filter(pk=token_id).first()
    if token is None:
        raise InvalidInput("token_unknown")
    with recorded(actor=actor, reason=reason, now=now):
        if token.revoked_at is not None:
            return False
        token.revoked_at = now
        token.save()
    return True
