"""Rules as sentences, in the language in force."""

from collections.abc import Iterable

from django.utils import formats
from django.utils.translation import gettext as _

from flags.domain.conditions import Condition, parse_conditions
from flags.domain.definition import Split
from flags.labels import OPERATORS
from flags.models import Rule


def say_share(weight_bp: int) -> str:
    """Return basis points as a percentage, e.g. "12.5 %"."""
    decimals = 0 if weight_bp % 100 == 0 else 1 if weight_bp % 10 == 0 else 2
    return _("%(n)s %%") % {"n": formats.number_format(weight_bp / 100, decimals)}


def say_gift(variant: str, split: Split) -> str:
    """Return what a rule gives, e.g. "“on”" or "“on” for 25 %, “off” for 75 %"."""
    if not split:
        return _("“%(variant)s”") % {"variant": variant}
    pieces = [(name, weight) for name, weight in split if weight]
    return ", ".join(
        _("“%(variant)s” for %(share)s") % {"variant": name, "share": say_share(weight)} for name, weight in pieces
    )


def say_value(value: object) -> str:
    """Return what a condition compares with: texts in quotation marks, several with commas."""
    if isinstance(value, tuple):
        return ", ".join(say_value(one) for one in value)
    if isinstance(value, bool):
        return _("true") if value else _("false")
    return _("“%(text)s”") % {"text": value} if isinstance(value, str) else str(value)


def say_condition(condition: Condition) -> str:
    """Return one condition, e.g. "app_version is at least the version “1.3.0”"."""
    code = f"not {condition.operator}" if condition.is_negated else str(condition.operator)
    return f"{condition.attribute} {OPERATORS[code]} {say_value(condition.value)}"


def say_conditions(conditions: Iterable[Condition]) -> str:
    """Return conditions that must all hold."""
    return _(" and ").join(say_condition(one) for one in conditions)


def say_whom(rule: Rule) -> str:
    """Return whom a stored rule or a row of its history is for, e.g. "Pilots", "everyone", "those whose …"."""
    if rule.segment or rule.site:
        return str(rule.segment or rule.site)
    if rule.segment_id:
        return _("a segment that was deleted")
    if rule.conditions:
        # A row of history has the fields of a rule and none of its properties.
        return _("those whose %(conditions)s") % {"conditions": say_conditions(parse_conditions(rule.conditions))}
    return _("everyone")
