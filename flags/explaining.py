"""Why somebody gets a value: asked on a page, in the shell and by programs."""

import json
import math
from collections.abc import Iterable
from typing import Any

from core.errors import InvalidInput
from flags.definitions import define_flag, load_surroundings
from flags.domain.conditions import ATTRIBUTE
from flags.domain.explanation import Explanation, RuleAnswer, explain
from flags.models import FlagState


def explain_state(state: FlagState, context: dict[str, object]) -> Explanation:
    """Return how a flag's evaluation in an environment comes to its value: four queries."""
    rules = state.rules.order_by("position")
    return explain(define_flag(state, rules, load_surroundings()), context)


def compose_context(
    *, who: str = "", site: str = "", till: str = "", attributes: Iterable[str] = ()
) -> dict[str, object]:
    """Return an evaluation context; what is empty is not in it.

    Each attribute is `name=value`; a value that reads as JSON number, true or false is one, all else is text.
    """
    context: dict[str, object] = {}
    for attribute in attributes:
        name, equals, text = attribute.partition("=")
        if not equals or not ATTRIBUTE.fullmatch(name.strip()):
            raise InvalidInput("attribute_unreadable", text=attribute[:100])
        context[name.strip()] = _read_scalar(text.strip())
    named = {"targetingKey": who, "site": site, "till": till}
    return context | {name: value for name, value in named.items() if value}


def _read_scalar(text: str) -> object:
    try:
        found = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
    return found if isinstance(found, bool | int | float) else text


def write_explanation(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as JSON, in codes: `decided_by` is the layer, null where a targeting key is missing."""
    evaluation = explanation.evaluation
    return {
        "key": explanation.flag.key,
        "value": evaluation.value if evaluation else None,
        "variant": evaluation.variant if evaluation else None,
        "reason": str(evaluation.reason) if evaluation else "ERROR",
        "error_code": None if evaluation else "TARGETING_KEY_MISSING",
        "decided_by": str(evaluation.layer) if evaluation else None,
        "variable": explanation.flag.override.variable if explanation.flag.override else None,
        "rule": evaluation.rule_index + 1 if evaluation and evaluation.rule_index is not None else None,
        "rules_asked": [_write_answer(answer) for answer in explanation.rules],
        "rules_not_asked": explanation.not_asked,
    }


def _write_answer(answer: RuleAnswer) -> dict[str, Any]:
    rule = answer.rule
    return {
        "rule": answer.number,
        "kind": str(rule.kind),
        "segment": rule.segment_key or None,
        "site": rule.site_key or None,
        "fits": answer.fits,
        "why": str(answer.why),
        "variant": rule.variant or None,
        "split": [list(piece) for piece in rule.split] or None,
        "bucket": answer.bucket,
        "conditions": [
            one.condition.as_json() | {"found": _show_found(one.found), "holds": one.holds} for one in answer.conditions
        ],
    }


def _show_found(found: object) -> object:
    """Return what a context said, as far as JSON and a reader can take it."""
    if isinstance(found, str):
        return found.encode("utf-8", "replace").decode()
    if isinstance(found, float) and not math.isfinite(found):
        return str(found)
    return found if found is None or isinstance(found, bool | int | float) else type(found).__name__
