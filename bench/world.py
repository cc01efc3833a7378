"""What the throughput is measured on: flags of each kind, as definitions of the pure domain."""

from collections.abc import Iterator
from dataclasses import replace

from flags.domain.audience import RuleKind
from flags.domain.conditions import Condition, Operator
from flags.domain.definition import EnvironmentDefinition, FlagDefinition, RuleDefinition

PLAIN = "plain"
VARIANTS: dict[str, object] = {"on": True, "off": False}
THREE_CONDITIONS = (
    Condition("site", Operator.ONE_OF, ("lyon", "nantes", "lille")),
    Condition("release", Operator.VERSION_AT_LEAST, "1.3.0"),
    Condition("role", Operator.EQUALS, "cashier"),
)
QUARTER = (("on", 2_500), ("off", 7_500))
#: Above every revision that the database will count to: what the bench serves stays served.
REVISION = 10**12


def make_context(number: int) -> dict[str, object]:
    """Return the context of one till and person for whom all three conditions hold."""
    return {
        "targetingKey": f"person-{number}",
        "till": f"till-{number}",
        "site": "lyon",
        "release": "1.4.2",
        "role": "cashier",
    }


def make_plain(key: str) -> FlagDefinition:
    """Return a flag that is on and has no rule."""
    return FlagDefinition(key, VARIANTS, default_variant="on", off_variant="off", is_on=True, is_killed=False)


def make_targeted(key: str) -> FlagDefinition:
    """Return a flag with one rule: three conditions, then a quarter of the people."""
    rule = RuleDefinition(RuleKind.CONDITIONS, "on", conditions=THREE_CONDITIONS, split=QUARTER)
    return replace(make_plain(key), default_variant="off", rules=(rule,))


def make_ruled(key: str, *, rules: int) -> FlagDefinition:
    """Return a flag whose rules all say no: each is asked."""
    rule = RuleDefinition(RuleKind.SITE, "on", site_key="nowhere")
    return replace(make_plain(key), default_variant="off", rules=(rule,) * rules)


def list_flags(count: int) -> Iterator[FlagDefinition]:
    """Yield so many flags as a shop has them: plain, one site, three conditions with a split, in turn."""
    if count == 1:
        yield make_plain(PLAIN)
        return
    makers = (make_plain, lambda key: make_ruled(key, rules=1), make_targeted)
    for number in range(count):
        yield makers[number % 3](f"flag-{number:03}")


def furnish(found: EnvironmentDefinition, flags: Iterator[FlagDefinition]) -> EnvironmentDefinition:
    """Return an environment with its tokens and these flags, at a revision no database reaches."""
    return replace(found, revision=REVISION, flags={flag.key: flag for flag in flags})
