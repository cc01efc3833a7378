"""Every refusal that the source can raise has its words, and no words wait for a refusal that is never raised."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.apps import apps
from django.conf import settings

from core.errors import Refusal
from core.labels import REFUSALS

BASE = Path(settings.BASE_DIR)
APPS = (
    *("core", "notifications", "flags", "health", "recovery", "rollouts", "procedures", "incidents", "notices"),
    *("announcements", "statuspage", "releaseportal"),
)
#: Where a code is computed: the functions whose returned literals it is one of.
COMPUTED = {
    "announcements/transitions/drafting.py:_check_links": ["announcements/transitions/drafting.py:_check_links"],
    "notices/transitions/reporting.py:_check_limit": ["notices/transitions/reporting.py:__init__"],
    "core/domain/documents.py:_refuse": ["core/domain/documents.py:_find_code"],
    "recovery/transitions/targeting.py:check_wish": ["recovery/transitions/targeting.py:_find_fault"],
    "rollouts/domain/template_check.py:check_phases": [
        "rollouts/domain/template_check.py:_find_fault",
        "rollouts/domain/phase_guardrails.py:find_fault",
    ],
    "rollouts/transitions/overriding.py:_check_wish": ["rollouts/domain/phase_guardrails.py:find_fault"],
}
COMPUTING = [function for functions in COMPUTED.values() for function in functions]
_CODE = re.compile(r"[a-z]+(_[a-z]+)+")


@dataclass(frozen=True)
class Raised:
    """One `Refusal(…)` in the source; `code` is empty where it is no literal."""

    code: str
    function: str
    line: int
    data: frozenset[str]


def _names_of(kind: type[Refusal]) -> set[str]:
    return {kind.__name__}.union(*(_names_of(below) for below in kind.__subclasses__()))


def _read(path: str) -> ast.Module:
    return ast.parse((BASE / path).read_text(encoding="utf-8"))


@cache
def _list_raised() -> tuple[Raised, ...]:
    return tuple(_find_raised())


def _find_raised() -> Iterator[Raised]:
    kinds = _names_of(Refusal)
    for path in sorted(path for app in APPS for path in (BASE / app).rglob("*.py")):
        where = str(path.relative_to(BASE))
        for function, call in _list_calls(_read(where), function=where):
            if getattr(call.func, "attr", getattr(call.func, "id", "")) not in kinds:
                continue
            first = call.args[0] if call.args else None
            code = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
            data = frozenset(keyword.arg for keyword in call.keywords if keyword.arg)
            yield Raised(code=code, function=function, line=call.lineno, data=data)


def _list_calls(node: ast.AST, *, function: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield each call with the function, as `path:name`, that it stands in."""
    path = function.partition(":")[0]
    for child in ast.iter_child_nodes(node):
        inside = f"{path}:{child.name}" if isinstance(child, ast.FunctionDef) else function
        if isinstance(child, ast.Call):
            yield inside, child
        yield from _list_calls(child, function=inside)


def _list_computed(function: str) -> set[str]:
    """Return the literals that look like codes in a function, its docstring aside."""
    path, name = function.split(":")
    [found] = [n for n in ast.walk(_read(path)) if isinstance(n, ast.FunctionDef) and n.name == name]
    literals = {n.value for part in found.body[1:] for n in ast.walk(part) if isinstance(n, ast.Constant)}
    return {value for value in literals if isinstance(value, str) and _CODE.fullmatch(value)}


def _list_worded(app: str) -> list[str]:
    """Return the codes of an app's own tables, in `labels.py` and `*_labels.py`, as their source spells them."""
    tables = [
        node.value
        for path in (BASE / app).glob("*labels.py")
        for node in _read(str(path.relative_to(BASE))).body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "REFUSALS"
    ]
    return [ast.literal_eval(key) for table in tables if isinstance(table, ast.Dict) for key in table.keys if key]


def test_refusals__raised_in_the_source__all_have_words() -> None:
    raised = _list_raised()

    assert {f"{one.function} {one.code}" for one in raised if one.code and one.code not in REFUSALS} == set()
    assert {one.function for one in raised if not one.code} == set(COMPUTED)
    for function in COMPUTING:
        assert _list_computed(function) - set(REFUSALS) == set()


def test_refusals__words__are_of_a_refusal_that_is_raised() -> None:
    raised = {one.code for one in _list_raised()}.union(*(_list_computed(function) for function in COMPUTING))

    assert set(REFUSALS) - raised == set()


def test_refusals__words__stand_in_one_table_only() -> None:
    counted = Counter(code for app in APPS for code in _list_worded(app))

    assert set(counted) == set(REFUSALS)
    assert {code for code, times in counted.items() if times > 1} == set()


def test_refusals__raised__carry_what_their_words_name() -> None:
    lacking = {
        f"{one.function}, line {one.line}: {sorted(needed)}"
        for one in _list_raised()
        if one.code and (needed := set(re.findall(r"%\((\w+)\)", str(REFUSALS[one.code]))) - one.data)
    }

    assert lacking == set()


def test_apps__with_words__are_all_looked_at() -> None:
    ours = {config.name for config in apps.get_app_configs() if Path(config.path).parent == BASE}

    assert ours == set(APPS)
