"""On the exported definition flagd's own evaluator gives what the portal gives (contracts §4)."""

import json
import logging
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext

from flags.domain.definition import EnvironmentDefinition, FlagDefinition
from flags.domain.evaluation import Reason, TargetingKeyMissing, compile_flag
from flags.domain.flagd_export import export_environment, export_flag
from tests.factories.targeting import random_context, random_flag

FLAGS, CONTEXTS = 600, 10


def _export(flag: FlagDefinition) -> str:
    environment = EnvironmentDefinition(1, "prod", 1, datetime(2026, 1, 1, tzinfo=UTC), {flag.key: flag})
    return json.dumps(export_environment(environment))


def _ask_flagd(core: FlagdCore, flag: FlagDefinition, context: dict[str, Any]) -> tuple[object, str | None, str]:
    attributes = {name: value for name, value in context.items() if name != "targetingKey"}
    asked = EvaluationContext(targeting_key=context.get("targetingKey"), attributes=attributes)
    found = core._resolve(flag.key, None, asked)  # each resolve_* is this with a check of the type
    return found.value, found.variant, str(found.reason)


@pytest.mark.parametrize("seed", range(2))
def test_agreement__random_flags_and_contexts__flagd_gives_the_same(seed: int) -> None:
    logging.getLogger("openfeature.contrib").disabled = True  # it logs each value of another type
    chance = random.Random(seed)
    seen = dict.fromkeys([*map(str, Reason), "key missing"], 0)
    for _ in range(FLAGS):
        flag = random_flag(chance)
        core, evaluate = FlagdCore(), compile_flag(flag)
        core.set_flags(_export(flag))
        for _ in range(CONTEXTS):
            context = random_context(chance)
            value, variant, _reason = _ask_flagd(core, flag, context)
            try:
                mine = evaluate(context)
            except TargetingKeyMissing:
                # flagd falls through to the default variant; the portal says that it cannot tell.
                assert variant == flag.default_variant
                seen["key missing"] += 1
                continue
            assert (mine.variant, mine.value) == (variant, value), (flag, context)
            assert type(mine.value) is type(value)
            seen[str(mine.reason)] += 1

    assert all(count > 20 for count in seen.values()), seen


def test_export__off_and_killed__are_enabled_with_the_off_variant() -> None:
    for changes in ({"is_on": False}, {"is_killed": True}):
        given: dict[str, Any] = {"is_on": True, "is_killed": False, **changes}
        flag = FlagDefinition("f", {"on": True, "off": False}, "on", "off", **given)

        exported = export_flag(flag)

        assert (exported["state"], exported["defaultVariant"]) == ("ENABLED", "off")
        assert "targeting" not in exported
