"""The house keeps its promises: diagrams, French, docs, lengths."""

import ast
import re
from pathlib import Path

from django.conf import settings
from django.core.management import get_commands, load_command_class

from flags.domain.purposes import Purpose
from releaseportal import catalogues
from releaseportal.diagrams import draw_states
from releaseportal.schedule import SCHEDULE

BASE = Path(settings.BASE_DIR)
APPS = (
    *("core", "notifications", "flags", "health", "recovery", "rollouts", "procedures", "incidents", "notices"),
    *("announcements", "statuspage", "releaseportal"),
)


def _sources() -> list[Path]:
    return [path for app in APPS for path in sorted((BASE / app).rglob("*.py")) if "migrations" not in path.parts]


def test_state_diagrams__drawn_again__are_those_in_the_docs() -> None:
    page = (BASE / "docs/explanation/states.md").read_text(encoding="utf-8")

    assert page == draw_states(), "run manage.py diagrams"


def test_french__every_message_of_the_sources__is_translated() -> None:
    path = BASE / "locale/fr/LC_MESSAGES/django.po"

    missing = catalogues.find_missing(
        catalogues.read_catalogue(path, language="fr"), template=catalogues.extract_messages(BASE)
    )

    assert missing == [], "run manage.py translations and fill in locale/fr/LC_MESSAGES/django.po"


def test_french__placeholders__are_those_of_the_message() -> None:
    catalogue = catalogues.read_catalogue(BASE / "locale/fr/LC_MESSAGES/django.po", language="fr")
    named = re.compile(r"%\((\w+)\)[sd]|%[sd]")

    wrong = [
        message.id
        for message in catalogue
        if isinstance(message.id, str)
        and message.id
        and set(named.findall(message.id)) != set(named.findall(str(message.string)))
    ]

    assert wrong == []


def test_settings__every_variable_read__has_its_line_in_the_docs() -> None:
    reads = re.compile(
        r"(?:\benv\.\w+\(|\bis_on\(|\b(?:environ|ENVIRON|environment|given)(?:\.get\(|\[))\s*\"([A-Z][A-Z_]+)\""
    )
    sources = [*_sources(), BASE / "manage.py", *sorted((BASE / "tests").rglob("*.py"))]
    read = {name for path in sources for name in reads.findall(path.read_text(encoding="utf-8"))}
    read |= set(re.findall(r"^([A-Z_]+) \?=", (BASE / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    page = (BASE / "docs/reference/settings.md").read_text(encoding="utf-8")

    assert {"PORT", "HOST", "DEMO", "DATA_DIR", "STREAM_LIMIT", "PORTAL_CI", "PYTHON"} <= read
    assert {name for name in read if f"| `{name}` |" not in page} == set()


def test_commands__each_of_ours__has_its_line_in_the_docs() -> None:
    page = (BASE / "docs/reference/commands.md").read_text(encoding="utf-8")
    ours = {name for name, app in get_commands().items() if app in APPS}

    assert {"up", "flag", "migrate", "load_demo"} <= ours
    assert {name for name in ours if not re.search(rf"^\| `manage\.py {name}\b", page, flags=re.MULTILINE)} == set()
    assert set(re.findall(r"^\| `manage\.py (\w+)", page, flags=re.MULTILINE)) - ours == set()


def test_make__each_target__has_its_line_in_the_docs() -> None:
    page = (BASE / "docs/reference/commands.md").read_text(encoding="utf-8")
    [phony] = re.findall(r"^\.PHONY: (.+)$", (BASE / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert set(re.findall(r"^\| `make ([\w-]+)`", page, flags=re.MULTILINE)) == set(phony.split())


def test_tokens__each_purpose__says_in_the_docs_what_it_may() -> None:
    page = (BASE / "docs/reference/http.md").read_text(encoding="utf-8")

    assert {purpose for purpose in Purpose if f"| `{purpose}` |" not in page} == set()


def test_source_files__length__hides_no_second_noun() -> None:
    long = {str(path.relative_to(BASE)) for path in _sources() if len(path.read_text().splitlines()) > 400}

    assert long == set()


def test_domain_modules__names__no_catch_alls() -> None:
    forbidden = {"services.py", "utils.py", "helpers.py", "managers.py"}

    assert {str(path) for path in _sources() if path.name in forbidden} == set()


def test_schedule__every_task__exists() -> None:
    for row in SCHEDULE:
        module, name = row.task.rsplit(".", 1)
        path = BASE / (module.replace(".", "/") + ".py")
        functions = {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}
        assert name in functions, row.task


def test_french__apostrophes__are_typographic() -> None:
    catalogue = catalogues.read_catalogue(BASE / "locale/fr/LC_MESSAGES/django.po", language="fr")

    straight = [message.id for message in catalogue if message.id and re.search(r"\w'\w", str(message.string))]

    assert straight == []


def test_french__spaces_before_high_signs__do_not_break() -> None:
    assert (
        catalogues.set_spaces("Pourquoi ? « ici » : 5 % l'un")
        == "Pourquoi\u00a0? «\u00a0ici\u00a0»\u00a0: 5\u00a0% l’un"
    )
    assert catalogues.set_spaces("de %(limit)s %(unit)s, %s") == "de %(limit)s %(unit)s, %s"
    catalogue = catalogues.read_catalogue(BASE / "locale/fr/LC_MESSAGES/django.po", language="fr")

    breaking = [
        message.id
        for message in catalogue
        for words in ([message.string] if isinstance(message.string, str) else message.string or [])
        if message.id and words != catalogues.set_spaces(words)
    ]

    assert breaking == [], "run manage.py translations"


def test_advisory_locks__each__has_a_number_of_its_own() -> None:
    named = re.compile(r"^(\w+_LOCK) = ([\d_]+)$", flags=re.MULTILINE)
    found = [one for path in _sources() for one in named.findall(path.read_text(encoding="utf-8"))]

    assert {"DECLARE_LOCK", "MEMORY_LOCK", "INTAKE_LOCK"} <= {name for name, _number in found}
    assert len({number for _name, number in found}) == len(found)


def test_commands__each_of_ours__loads_no_pages_for_checks() -> None:
    """A person at the shell would wait twice as long; `migrate` makes the checks."""
    ours = {name: load_command_class(app, name) for name, app in get_commands().items() if app in APPS}

    assert {name for name, command in ours.items() if command.requires_system_checks} <= {"migrate", "flush"}
