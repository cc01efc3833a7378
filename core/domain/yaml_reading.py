"""Reads YAML that people write: values with their lines, and nothing that two readers could take differently.

Only events of the parser are used, so no tag can make an object and nothing nests into a recursion. Anchors,
tags, repeated keys and words of which YAML 1.1 and 1.2 think differently are refused with their line: `no` is
false to one reader and text to the next, `11:00` a time or the number 660.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from core.errors import InvalidInput

MOST_BYTES = 1_048_576
MOST_DEPTH = 30
MOST_VALUES = 200_000
MOST_DOCUMENTS = 2_000
#: Digits of a number: those of the largest float, written out.
MOST_DIGITS = 320

#: Keys and indexes from a document's root to a value.
Path = tuple[str | int, ...]

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+([eE][-+]?[0-9]+)?")
#: What YAML 1.2 (and so editors and validators) reads as no text.
_OF_1_2 = re.compile(
    r"|~|null|Null|NULL|true|True|TRUE|false|False|FALSE|[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
#: Taken for a yes or no, or for a number to the base of 60, by some readers of YAML 1.1 and not by all.
_OF_1_1 = re.compile(r"[yYnN]|[0-9]+(:[0-9]+)+")
_CONSTANTS: Mapping[str, object] = {"": None, "~": None, "null": None, "true": True, "false": False}
#: Where a mapping's key stands, which is no place of a value.
_KEY = -1
_TEXT_TAG = "tag:yaml.org,2002:str"
#: YAML 1.1's own reading of a bare word.
_RESOLVER: Any = yaml.resolver.Resolver()
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True)
class Document:
    """One document: its value of plain dicts, lists and scalars, and the line of each part, from 1."""

    value: Any
    lines: Mapping[Path, int]

    def line_of(self, path: Path = ()) -> int:
        """Return the line of a value, or of the nearest one around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines[path]


def is_read_alike(word: str) -> bool:
    """Tell whether every reader takes a bare word for a text."""
    if _OF_1_1.fullmatch(word) or _OF_1_2.fullmatch(word):
        return False
    return bool(_RESOLVER.resolve(yaml.ScalarNode, word, (True, False)) == _TEXT_TAG)


def read_documents(source: bytes | str) -> list[Document]:
    """Return the documents of a file; refuse what is too large, or not clear in every reader's eyes."""
    raw = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source
    if len(raw) > MOST_BYTES:
        raise InvalidInput("file_too_large", most=MOST_BYTES)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput("file_not_utf8") from None
    try:
        found = list(_Reader(text).read())
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        raise InvalidInput("file_no_yaml", line=mark.line + 1 if mark else 1, fault=fault.problem or "") from None
    except yaml.YAMLError as fault:
        raise InvalidInput("file_no_yaml", line=1, fault=str(fault).splitlines()[0]) from None
    if not found:
        raise InvalidInput("file_empty")
    return found


class _Reader:
    """Turns the parser's events into values, one document after the other."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_Loader))
        self._values = 0
        self._lines: dict[Path, int] = {}

    def read(self) -> Iterator[Document]:
        """Yield documents; an empty one, after a last `---`, is none."""
        count = 0
        for event in self._events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            self._lines = {}
            value = self._read(next(self._events), ())
            if value is None:
                continue
            count += 1
            if count > MOST_DOCUMENTS:
                raise InvalidInput("file_too_many", line=self._lines[()])
            yield Document(value, self._lines)

    def _read(self, event: Any, path: Path) -> Any:
        line = event.start_mark.line + 1
        self._values += 1
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise InvalidInput("file_anchor", line=line)
        if event.tag is not None:
            raise InvalidInput("file_tag", line=line, tag=str(event.tag)[:100])
        if self._values > MOST_VALUES:
            raise InvalidInput("file_too_many", line=line)
        if len(path) > MOST_DEPTH:
            raise InvalidInput("file_too_deep", line=line, most=MOST_DEPTH)
        self._lines[path] = line
        if isinstance(event, yaml.ScalarEvent):
            return _read_scalar(event, line=line)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._read_list(path)
        return self._read_mapping(path)

    def _read_list(self, path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._read(event, (*path, len(items))))
        return items

    def _read_mapping(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            if not isinstance(event, yaml.ScalarEvent | yaml.AliasEvent):
                raise InvalidInput("file_key_no_text", line=line)
            key = self._read(event, (*path, _KEY))
            if not isinstance(key, str):
                raise InvalidInput("file_word_unclear", line=line, word=str(getattr(event, "value", ""))[:100])
            if key in found:
                raise InvalidInput("file_key_twice", line=line, key=key[:100], first=self._lines[(*path, key)])
            found[key] = self._read(next(self._events), (*path, key))
            self._lines[(*path, key)] = line
        return found


def _read_scalar(event: Any, *, line: int) -> object:
    text: str = event.value
    if _UNSTORABLE.search(text):
        raise InvalidInput("file_character_unstorable", line=line)
    if not event.implicit[0] or is_read_alike(text):
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if len(text) <= MOST_DIGITS and _INTEGER.fullmatch(text):
        return int(text)
    if len(text) <= MOST_DIGITS and _FLOAT.fullmatch(text):
        return float(text)
    raise InvalidInput("file_word_unclear", line=line, word=text[:100])
