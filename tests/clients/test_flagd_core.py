"""flagd's evaluator of JavaScript, unmodified, on the exported definition: where it agrees, where not (contract 4)."""

import json
import random
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

import mmh3

from flags.domain.audience import RuleKind
from flags.domain.definition import EnvironmentDefinition, FlagDefinition, RuleDefinition
from flags.domain.evaluation import compile_flag
from flags.domain.flagd_export import export_environment
from tests.clients.packages import NODE
from tests.factories.targeting import random_context, random_flag

FLAGS, CONTEXTS = 400, 10
PATIENCE_SECONDS = 120
PEOPLE = [f"person-{number}" for number in range(400)]


def _ask(packages: Path, cases: Sequence[tuple[FlagDefinition, Sequence[dict[str, Any]]]]) -> list[list[Any]]:
    """Return what flagd-core says of each flag in each of its contexts."""
    given = [{"definition": _export(flag), "contexts": contexts} for flag, contexts in cases]
    done = subprocess.run(
        [NODE, "flagd.mjs"],
        cwd=packages,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[list[Any]] = json.loads(done.stdout)
    return found


def _export(flag: FlagDefinition) -> dict[str, Any]:
    environment = EnvironmentDefinition(1, "prod", 1, datetime(2026, 1, 1, tzinfo=UTC), {flag.key: flag})
    return dict(export_environment(environment))


def _random_plain(chance: random.Random) -> dict[str, Any]:
    """Return a context as tills send it: texts without space around, numbers and booleans that JSON can hold.

    On lists it compares, that evaluator fails; of a version's text it takes spaces and line ends off.
    """
    context = random_context(chance)
    return {name: value for name, value in context.items() if _is_plain(value)}


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return value == value.strip()
    return isinstance(value, bool | int) or (isinstance(value, float) and isfinite(value))


def test_flagd_core__flags_without_a_split__gives_the_same(packages: Path) -> None:
    chance = random.Random(7)
    flags = [random_flag(chance) for _ in range(FLAGS)]
    whole = [replace(flag, rules=tuple(rule for rule in flag.rules if not rule.split)) for flag in flags]
    cases = [(flag, [_random_plain(chance) for _ in range(CONTEXTS)]) for flag in whole]

    found = _ask(packages, cases)

    for (flag, contexts), answers in zip(cases, found, strict=True):
        evaluate = compile_flag(flag)
        for context, answer in zip(contexts, answers, strict=True):
            mine = evaluate(context)
            assert answer["variant"] == mine.variant, (flag.rules, context)
            assert _as_javascript(answer["value"]) == _as_javascript(mine.value)


def _as_javascript(value: object) -> object:
    """Return a number as a language knows it that has only floats; anything else unchanged."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_flagd_core__a_split__still_hashes_the_plain_text_and_so_differs(packages: Path) -> None:
    rule = RuleDefinition(RuleKind.EVERYONE, "", split=(("on", 5_000), ("off", 5_000)))
    variants: dict[str, object] = {"on": True, "off": False}
    flag = FlagDefinition("buttons", variants, "off", "off", is_on=True, is_killed=False, rules=(rule,))
    contexts: list[dict[str, Any]] = [{"targetingKey": who} for who in PEOPLE]

    [answers] = _ask(packages, [(flag, contexts)])

    said = [answer["variant"] for answer in answers]
    plain = [(mmh3.hash(f"buttons{who}", signed=False) * 10_000) >> 32 for who in PEOPLE]
    assert said == ["on" if bucket < 5_000 else "off" for bucket in plain]
    evaluate = compile_flag(flag)
    assert said != [evaluate(context).variant for context in contexts]
