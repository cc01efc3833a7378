"""Files of documents: what an import would change, refusals with their line, and what commands read and say."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
from django.conf import settings
from django.core.management.base import CommandError, OutputWrapper
from django.db import transaction
from django.utils.functional import lazy

from core.domain.difference import Line, compare_texts
from core.domain.documents import Format
from core.domain.yaml_reading import MOST_BYTES, Document, read_documents
from core.domain.yaml_reading import Path as Place
from core.errors import InvalidInput, Refusal
from core.labels import say_refusal

SCHEMAS = "schemas/"
#: Exit code of a dry run that would change something; 1 is a refusal.
WOULD_CHANGE = 2
#: The reason that a dry run's writes carry until they are taken back.
DRY_RUN = "Dry run"
STDIN = "-"

T = TypeVar("T", bound=msgspec.Struct)
C = TypeVar("C", bound="Change")
R = TypeVar("R")
_say_later = lazy(say_refusal, str)


@dataclass(frozen=True)
class Change:
    """What an import does to one thing: its document before, empty for a new thing, and after."""

    key: str
    before: str
    after: str

    @property
    def is_new(self) -> bool:
        return not self.before

    @property
    def lines(self) -> tuple[Line, ...]:
        return compare_texts(self.before, self.after)


@dataclass(frozen=True)
class Import(Generic[C]):
    """What an import changes; `fingerprint` stands for the file and for what it was compared with."""

    fingerprint: str
    changes: tuple[C, ...]
    unchanged: tuple[str, ...]


def find_schema_url(kind: Format[Any]) -> str:
    """Return where a kind's schema is published."""
    return f"{settings.SCHEMAS_URL}/{SCHEMAS}{kind.schema_name}"


def read_file(source: bytes | str, kind: Format[T]) -> list[tuple[Document, T]]:
    """Return the documents of a file with their content; refuse one that is of another kind or not clear."""
    return [(document, kind.read(document)) for document in read_documents(source)]


def check_once(document: Document, key: str, seen: set[str]) -> None:
    """Refuse a second document about the same thing; remember this one."""
    if key in seen:
        raise InvalidInput("file_thing_twice", line=document.line_of(("key",)), key=key)
    seen.add(key)


@contextmanager
def at_line(document: Document, *path: str | int) -> Iterator[None]:
    """Tell the line of what is refused within the block, where a block inside has not told it."""
    place: Place = tuple(path)
    try:
        yield
    except Refusal as refusal:
        if "line" in refusal.data:
            raise
        number = refusal.data.get("phase")
        where = (*place, "phases", number - 1) if isinstance(number, int) else place
        raise InvalidInput(
            "file_refused", line=document.line_of(where), cause=refusal.code, words=_say_later(refusal)
        ) from refusal


def run_import(write: Callable[[], R], *, is_dry_run: bool) -> R:
    """Do an import in one transaction; a dry run does the same and takes it back, so that both refuse alike."""
    with transaction.atomic():
        done = write()
        if is_dry_run:
            transaction.set_rollback(True)
    return done


def add_import(parser: ArgumentParser, *, what: str) -> None:
    """Add what every import takes, beside its reason."""
    parser.add_argument("file", metavar="FILE", help=f"YAML with {what}; - reads what is piped in")
    parser.add_argument(
        "--dry-run", action="store_true", help=f"show what would change and write nothing; exit {WOULD_CHANGE} if so"
    )


def read_source(name: str) -> bytes:
    """Return a file's bytes, at most one more than a file may have."""
    if name == STDIN:
        return sys.stdin.buffer.read(MOST_BYTES + 1)
    try:
        with Path(name).open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as fault:
        raise CommandError(f"The file '{name}' cannot be read: {fault.strerror}.") from None


def say_changes(changes: Sequence[Change], stdout: OutputWrapper, *, more: Callable[[Any], Iterator[str]]) -> None:
    """Print each change as a difference, with what `more` says of it."""
    for change in changes:
        stdout.write(f"{change.key}: {'new' if change.is_new else 'changed'}")
        for line in change.lines:
            stdout.write(f"  {line.mark} {line.text}".rstrip())
        for words in more(change):
            stdout.write(f"  {words}")


def end_import(done: Import[Any], stdout: OutputWrapper, *, is_dry_run: bool) -> None:
    """Print what was, or would be, done; a dry run that would change something ends with its own exit code."""
    if not done.changes:
        stdout.write("nothing to change")
        return
    count = f"{len(done.changes)} of {len(done.changes) + len(done.unchanged)}"
    stdout.write(f"{count} would change; nothing was written" if is_dry_run else f"{count} changed")
    if is_dry_run:
        raise SystemExit(WOULD_CHANGE)
