"""Reasons that programs write: English in history, the reader's language on every page."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from core.reasons import BETWEEN, REASONS, VALUES, _pattern, say_reason, write_reason

BASE = Path(settings.BASE_DIR)
APPS = (
    *("core", "flags", "health", "recovery", "rollouts", "procedures", "incidents", "notifications", "statuspage"),
    "releaseportal",
)
PLACE = re.compile(r"%\((\w+)\)s")


def _sample(code: str) -> str:
    return write_reason(code, **{name: f"{name}-1" for name in PLACE.findall(REASONS[code])})


@pytest.mark.parametrize("code", sorted(REASONS))
def test_reason__each_code__is_english_in_history_and_translated_when_shown(code: str) -> None:
    written = _sample(code)

    with translation.override("en"):
        assert say_reason(written) == written
    with translation.override("fr"):
        values = {name: f"{name}-1" for name in PLACE.findall(REASONS[code])}
        assert say_reason(written) == gettext(REASONS[code]) % values


@pytest.mark.parametrize("code", sorted(REASONS))
def test_reason__each_code__is_found_again_as_itself_only(code: str) -> None:
    known = [other for other in REASONS if _pattern(REASONS[other]).fullmatch(_sample(code))]

    assert known == [code]


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "Prices are wrong",
        "due by the plan",
        "Due by the plan, says Mia",
        "100 % of %(flags)s; %s",
        "Due by the plan; but wrong",
        "Due by the plan\nSwitched off by hand: x\ny",
    ],
)
def test_reason__typed_by_a_person__is_shown_as_typed(typed: str) -> None:
    with translation.override("fr"):
        assert say_reason(typed) == typed


def test_reason__several_at_once__are_each_said() -> None:
    written = BETWEEN.join([write_reason("soaking"), write_reason("guardrails_do_not_pass")])

    with translation.override("fr"):
        first, second = (say_reason(write_reason(code)) for code in ("soaking", "guardrails_do_not_pass"))
        assert say_reason(written) == f"{first}; {second}"


def test_reason__value_that_is_a_code__is_said_in_words() -> None:
    written = write_reason("rule_added", release="1.3", environment="prod", phase="per_site")

    with translation.override("fr"):
        assert str(VALUES["phase"]["per_site"]) in say_reason(written)
        assert "per_site" not in say_reason(written)


def test_reason__every_sentence_that_the_sources_write__is_in_the_table() -> None:
    """A sentence written straight into a call would be shown in English to everybody."""
    written = {
        text
        for app in APPS
        for path in sorted((BASE / app).rglob("*.py"))
        if not {"migrations", "demo"} & set(path.parts)
        for text in _reasons_in(ast.parse(path.read_text(encoding="utf-8")))
    }

    assert len(written) > 5
    assert written <= set(REASONS.values())


def _reasons_in(tree: ast.AST) -> list[str]:
    """Return literal reasons: `reason="…"` in calls and as a default, f-strings, and REASON constants."""
    found: list[ast.expr | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "reason":
            found.append(node.value)
        elif isinstance(node, ast.FunctionDef):
            arguments = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            found += [default for argument, default in arguments if argument.arg == "reason"]
        elif isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id.startswith("REASON_") for target in node.targets
        ):
            found.append(node.value)
    texts = [one.value for one in found if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value]
    return texts + [ast.unparse(one) for one in found if isinstance(one, ast.JoinedStr)]


def test_patterns__each__are_bounded() -> None:
    """One `.+` after another is tried in every combination: a long hostile text would hold all readers up."""
    for sentence in REASONS.values():
        assert not re.search(r"\.[+*]", _pattern(sentence).pattern), sentence


@pytest.mark.parametrize("text", ["Release x" + " in " * 250 + ", phase " * 115 + "\nq", "Release " * 240])
def test_say__a_hostile_text__is_left_as_it_is(text: str) -> None:
    with translation.override("fr"):
        assert say_reason(text) == text
