"""What an environment serves, as values: the input of evaluation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from flags.domain.audience import RuleKind
from flags.domain.conditions import Condition
from flags.domain.purposes import Purpose

#: Variants with their weights in basis points, in the order of their buckets.
Split = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class RuleDefinition:
    """One rule: everyone, a segment (people by targeting key, or conditions), one site, or conditions.

    It gives `variant`, or, where `split` is not empty, one of the split's variants by bucket.
    `people` and `conditions` of a segment are alternatives: either makes a member.
    """

    kind: RuleKind
    variant: str
    phase: str = ""
    people: frozenset[str] = frozenset()
    site_key: str = ""
    conditions: tuple[Condition, ...] = ()
    split: Split = ()
    segment_key: str = ""


@dataclass(frozen=True)
class Override:
    """What an environment variable says of one flag. `is_off` beats even the kill switch's contrary."""

    variable: str
    variant: str
    is_off: bool


@dataclass(frozen=True)
class FlagDefinition:
    """One flag as one environment serves it; rules in the order they are asked."""

    key: str
    variants: Mapping[str, object]
    default_variant: str
    off_variant: str
    is_on: bool
    is_killed: bool
    rules: tuple[RuleDefinition, ...] = ()
    criticality: str = "important"
    override: Override | None = None


@dataclass(frozen=True)
class TokenDefinition:
    """A valid token, by the SHA-256 of its text."""

    token_id: int
    token_hash: str
    purpose: Purpose


@dataclass(frozen=True)
class EnvironmentDefinition:
    """Everything one environment serves, at one revision."""

    environment_id: int
    key: str
    revision: int
    changed_at: datetime
    flags: Mapping[str, FlagDefinition]
    tokens: tuple[TokenDefinition, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    site_keys: frozenset[str] = field(default=frozenset())
