"""Message catalogues without GNU gettext: extract, merge, compile (development only, needs Babel).

Templates go through Django's own `templatize`, which turns them into what an extractor of Python
reads; so the catalogue holds exactly what Django will look up.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
SKIPPED = {".venv", ".git", ".data", "tests", "migrations", "node_modules", "docs"}


def find_sources(base: Path) -> Iterator[Path]:
    """Yield the Python files and templates whose words are translated, in a stable order."""
    for path in sorted([*base.rglob("*.py"), *base.rglob("*.html"), *base.rglob("*.txt")]):
        parts = path.relative_to(base).parts
        if SKIPPED.isdisjoint(parts) and (path.suffix == ".py" or "templates" in parts):
            yield path


def extract_messages(base: Path) -> Catalog:
    """Return a catalogue of every message id in the sources, with where it stands."""
    catalogue = Catalog(charset="utf-8")
    for path in find_sources(base):
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".py":
            # What is left of a template has no meaning as Python, its indentation least of all.
            text = "\n".join(line.lstrip() for line in templatize(text, origin=str(path)).splitlines())
        where = path.relative_to(base).as_posix()
        for _line, message, comments, context in extract(
            "python", io.BytesIO(text.encode()), KEYWORDS, ("Translators:",)
        ):
            catalogue.add(message, locations=[(where, 0)], auto_comments=comments, context=context)
    return catalogue


def read_catalogue(path: Path, *, language: str) -> Catalog:
    """Return the catalogue at a path, an empty one where there is none."""
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def merge(catalogue: Catalog, *, template: Catalog) -> Catalog:
    """Bring a translated catalogue up to the sources: new ids come in empty, gone ones leave."""
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    return catalogue


def find_missing(catalogue: Catalog, *, template: Catalog) -> list[str]:
    """Return the ids of the sources without a whole translation."""
    missing = []
    for message in template:
        if not message.id:
            continue
        found = catalogue.get(message.id if isinstance(message.id, str) else message.id[0], message.context)
        strings = (
            [] if found is None else ([found.string] if isinstance(found.string, str) else list(found.string or ()))
        )
        if found is None or found.fuzzy or not strings or not all(strings):
            missing.append(str(message.id))
    return missing


#: What French sets a space before, and after its opening quotation mark: never the end of a line.
BEFORE, AFTER = re.compile(r"(?<=\S) (?=[:;!?»]|%(?![(sd]))"), re.compile(r"(?<=«) ")


def set_spaces(words: str) -> str:
    """Return French words with the spaces that may not break, and typographic apostrophes."""
    return AFTER.sub("\u00a0", BEFORE.sub("\u00a0", re.sub(r"(?<=\w)'(?=\w)", "’", words)))


def set_type(catalogue: Catalog) -> Catalog:
    """Set the translations of a French catalogue as French is set."""
    for message in catalogue:
        if message.id and isinstance(message.string, str):
            message.string = set_spaces(message.string)
        elif message.id and message.string:
            message.string = tuple(set_spaces(words) for words in message.string)
    return catalogue


def write_catalogue(catalogue: Catalog, path: Path) -> None:
    """Write the .po and the compiled .mo beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue, width=110, omit_header=False, sort_output=True, include_lineno=False)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalogue)
