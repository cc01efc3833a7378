"""Flags themselves: what they are, in every environment."""

from collections.abc import Mapping
from datetime import date, datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput
from core.history import recorded
from flags.domain.values import ValueFault, ValueType, accept_variants
from flags.models import Criticality, Environment, Flag, FlagState
from flags.transitions.locking import get_locked_flag, lock_making
from flags.transitions.saving import check_key_reads_apart, save_row

#: Taken by an address of the pages beside those of flags.
RESERVED_KEYS = frozenset({"removal"})
#: The variants of a plain on/off flag.
BOOLEAN_VARIANTS: Mapping[str, object] = {"on": True, "off": False}


@transaction.atomic
def create_flag(
    *,
    key: str,
    name: str,
    actor: Actor,
    reason: str,
    now: datetime,
    description: str = "",
    value_type: ValueType = ValueType.BOOLEAN,
    variants: Mapping[str, object] = BOOLEAN_VARIANTS,
    default_variant: str = "off",
    off_variant: str = "off",
    owner: str = "",
    cashier_note_fr: str = "",
    documentation_url: str = "",
    criticality: str = Criticality.IMPORTANT,
    expires_on: date | None = None,
    is_permanent: bool = False,
) -> Flag:
    """Create a flag, off in every environment; refuse variants that are not all of its type."""
    for served in (default_variant, off_variant):
        if served not in variants:
            raise InvalidInput("variant_unknown", variant=served, flag=key)
    if key in RESERVED_KEYS:
        raise InvalidInput("key_reserved", key=key)
    _check_stay(is_permanent=is_permanent, expires_on=expires_on)
    lock_making()
    check_key_reads_apart(key, others=Flag.objects.values_list("key", flat=True))
    with recorded(actor=actor, reason=reason, now=now):
        flag = save_row(
            Flag(
                key=key,
                name=name,
                description=description,
                value_type=value_type,
                variants=_check_variants(variants, value_type=value_type),
                default_variant=default_variant,
                off_variant=off_variant,
                owner=owner,
                cashier_note_fr=cashier_note_fr,
                documentation_url=documentation_url,
                criticality=criticality,
                expires_on=expires_on,
                is_permanent=is_permanent,
            )
        )
        for environment in Environment.objects.order_by("key"):
            FlagState(flag=flag, environment=environment).save()
    return flag


def _check_variants(variants: Mapping[str, object], *, value_type: ValueType) -> dict[str, object]:
    """Return the variants as they are stored; refuse a value of another type."""
    try:
        return accept_variants(variants, value_type=value_type)
    except ValueFault as fault:
        raise InvalidInput("variant_not_typed", variant=fault.variant, type=value_type) from None


@transaction.atomic
def edit_flag(
    *,
    flag_id: int,
    name: str,
    description: str,
    owner: str,
    cashier_note_fr: str,
    documentation_url: str,
    criticality: str,
    expires_on: date | None,
    is_permanent: bool,
    actor: Actor,
    reason: str,
    now: datetime,
    seen_version: int | None = None,
) -> Flag:
    """Change what a flag says of itself; key and variants stay, for clients know them."""
    _check_stay(is_permanent=is_permanent, expires_on=expires_on)
    flag = get_locked_flag(flag_id, seen_version=seen_version)
    flag.name, flag.description, flag.owner = name, description, owner
    flag.cashier_note_fr, flag.documentation_url = cashier_note_fr, documentation_url
    flag.criticality, flag.expires_on, flag.is_permanent = criticality, expires_on, is_permanent
    with recorded(actor=actor, reason=reason, now=now):
        return save_row(flag)


def _check_stay(*, is_permanent: bool, expires_on: date | None) -> None:
    """Refuse a flag that is kept on purpose and is to leave all the same."""
    if is_permanent and expires_on is not None:
        raise InvalidInput("permanent_expires")
