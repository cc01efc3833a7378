"""A flag as a document of a file: one declaration for its check and its published schema.

The kill switch is not in it: no file sets or lifts one. Nor are rules that a rollout laid.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from core.domain.documents import Format
from core.domain.yaml_writing import tidy_text
from core.errors import InvalidInput
from flags.domain.bucketing import TOTAL_BP
from flags.domain.conditions import (
    ATTRIBUTE,
    MAX_CHOICES,
    MAX_CONDITIONS,
    Condition,
    ConditionFault,
    Operator,
    parse_conditions,
)
from flags.domain.definition import Split
from flags.domain.file_texts import Day, Key
from flags.domain.values import ValueFault, ValueType, accept_variants

KIND, VERSION = "flag", 1

VariantName = Annotated[str, Meta(min_length=1, max_length=100)]
Value = bool | int | float | str | dict[str, Any]
Choices = Annotated[tuple[str | int | float, ...], Meta(min_length=1, max_length=MAX_CHOICES)]


class PieceFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One piece of a split."""

    variant: Annotated[VariantName, Meta(description="What this piece of the people gets")]
    weight_bp: Annotated[int, Meta(ge=0, le=TOTAL_BP, description="How large it is, in basis points: 2500 is 25 %")]


class ConditionFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One question about an attribute that a program sends."""

    attribute: Annotated[
        str, Meta(pattern=f"^{ATTRIBUTE.pattern}(?!\\n)$", examples=["version"], description="Its name")
    ]
    operator: Annotated[Operator, Meta(description="How it is compared")]
    value: Annotated[
        bool | int | float | str | Choices, Meta(description="With what; for `one_of` a list of texts or of numbers")
    ]
    negated: Annotated[bool, Meta(description="Holds where the rest does not")] = False


class RuleFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="kind"):
    """What each rule gives: one variant, or by bucket one of a split whose pieces are together 10,000."""

    variant: Annotated[VariantName | Literal[""], Meta(description="What they get, where there is no split")] = ""
    split: Annotated[
        tuple[PieceFile, ...], Meta(description="Variants by bucket, in this order; a larger share keeps whom it had")
    ] = ()

    @property
    def pieces(self) -> Split:
        """Its split as evaluation takes it."""
        return tuple((piece.variant, piece.weight_bp) for piece in self.split)


class EveryoneFile(RuleFile, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag="everyone"):
    """A rule for everyone."""


class SegmentFile(RuleFile, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag="segment"):
    """A rule for a segment."""

    segment: Annotated[Key, Meta(description="The segment's key")]


class SiteFile(RuleFile, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag="site"):
    """A rule for a site."""

    site: Annotated[Key, Meta(description="The site's key")]


class WhereFile(RuleFile, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag="conditions"):
    """A rule for whomever all conditions hold."""

    conditions: Annotated[
        tuple[ConditionFile, ...], Meta(min_length=1, max_length=MAX_CONDITIONS, description="All of them must hold")
    ]


AnyRule = EveryoneFile | SegmentFile | SiteFile | WhereFile


class EnvironmentFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A flag in one environment: on or off, and the rules that people laid."""

    is_on: Annotated[bool, Meta(description="Off, everybody gets the off variant; a kill switch stands above")]
    rules: Annotated[tuple[AnyRule, ...], Meta(description="Asked in this order; the first that fits decides")] = ()


class FlagFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A feature flag: what it is, and how it stands in environments."""

    kind: Annotated[Literal["flag"], Meta(description="What this document is")]
    schema: Annotated[Literal[1], Meta(description="The version of this schema")]
    key: Annotated[Key, Meta(description="What programs ask for: an unknown key makes a new flag")]
    name: Annotated[str, Meta(min_length=1, max_length=200, description="What people read")]
    description: Annotated[str, Meta(description="What it switches")] = ""
    value_type: Annotated[ValueType, Meta(description="The one type of all its values")]
    variants: Annotated[
        dict[VariantName, Value], Meta(min_length=1, description="Values by the variant's name; a flag keeps them")
    ]
    default_variant: Annotated[VariantName, Meta(description="Where no rule fits; a flag keeps it")]
    off_variant: Annotated[VariantName, Meta(description="Where the flag is off; a flag keeps it")]
    criticality: Annotated[
        Literal["critical", "important", "minor"], Meta(description="How much hangs on what it switches")
    ]
    owner: Annotated[str, Meta(max_length=100, description="Who answers for it")] = ""
    cashier_note_fr: Annotated[str, Meta(description="What cashiers are told, in French")] = ""
    documentation_url: Annotated[str, Meta(max_length=200, description="Where more is written")] = ""
    expires_on: Annotated[Day | None, Meta(description="When it is to be gone from the code")] = None
    is_permanent: Annotated[bool, Meta(description="Kept on purpose: it has no day to be gone by")] = False
    environments: Annotated[
        dict[Key, EnvironmentFile],
        Meta(description="By the environment's key; an import reads those that it is asked for"),
    ] = {}


FORMAT = Format(KIND, VERSION, FlagFile, title="Release Portal: a flag")
#: What clients know of a flag: it never changes.
LASTING = ("value_type", "variants", "default_variant", "off_variant")
TEXTS = ("name", "description", "owner", "cashier_note_fr", "documentation_url")


def settle(content: FlagFile) -> FlagFile:
    """Return a document as the portal would export it: texts tidy, values exactly of their type, names in order.

    Refuses variants that are not all of the flag's type, and conditions that ask what cannot be asked.
    """
    try:
        variants = accept_variants(content.variants, value_type=content.value_type)
    except ValueFault as fault:
        raise InvalidInput("variant_not_typed", variant=fault.variant, type=str(content.value_type)) from None
    return msgspec.structs.replace(
        content,
        **{name: tidy_text(getattr(content, name)) for name in TEXTS},
        variants={name: _settle_value(variants[name]) for name in sorted(variants)},
        environments={key: _settle_environment(content.environments[key]) for key in sorted(content.environments)},
    )


def read_conditions(rule: WhereFile) -> tuple[Condition, ...]:
    """Return a rule's conditions as values; refuse what cannot be asked."""
    try:
        return parse_conditions(msgspec.to_builtins(rule.conditions))
    except ConditionFault as fault:
        raise InvalidInput("condition_wrong", part=fault.part) from None


def write_conditions(conditions: tuple[Condition, ...]) -> tuple[ConditionFile, ...]:
    """Return conditions as a document says them."""
    return msgspec.convert([one.as_json() for one in conditions], tuple[ConditionFile, ...])


def write_document(content: FlagFile) -> dict[str, Any]:
    """Return a document of plain values; what is as by default is left out."""
    document: dict[str, Any] = msgspec.to_builtins(content)
    return document


def _settle_environment(content: EnvironmentFile) -> EnvironmentFile:
    rules = [
        msgspec.structs.replace(rule, conditions=write_conditions(read_conditions(rule)))
        if isinstance(rule, WhereFile)
        else rule
        for rule in content.rules
    ]
    return msgspec.structs.replace(content, rules=tuple(rules))


def _settle_value(value: Any) -> Any:
    """Return a value as jsonb gives it back: inside an object it keeps numbers, not their types."""
    return _settle_part(value) if isinstance(value, dict) else value


def _settle_part(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _settle_part(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_settle_part(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
