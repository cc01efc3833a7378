"""Kinds of documents that files hold: each declared once, as a msgspec struct, which checks it and is its schema."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

import msgspec

from core.domain.yaml_reading import Document, Path
from core.errors import InvalidInput

T = TypeVar("T", bound=msgspec.Struct)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLACE = re.compile(r"^(?P<what>.*?)(?: - at (?:`key` in )?`\$(?P<path>[^`]*)`)?$", re.DOTALL)
_PARTS = re.compile(r"\.(\w+)|\[(\d+)\]|\[(\.\.\.)\]")


@dataclass(frozen=True)
class Format(Generic[T]):
    """A kind of document at one version; `struct` declares its fields, `kind` and `schema` first."""

    kind: str
    version: int
    struct: type[T]
    title: str

    @property
    def schema_name(self) -> str:
        """The name under which the schema is published; a change that old files do not fit makes a new one."""
        return f"{self.kind}.v{self.version}.json"

    def write_schema(self, *, url: str) -> dict[str, Any]:
        """Return the JSON schema (2020-12) of one document."""
        root = self._components
        return {"$schema": DIALECT, "$id": url, "title": self.title, "$ref": root[0]["$ref"], "$defs": root[1]}

    def read(self, document: Document) -> T:
        """Return a document's content; refuse what the schema refuses, with the line."""
        value = document.value
        if not isinstance(value, dict):
            raise InvalidInput("file_kind_wrong", line=document.line_of(), kind=self.kind)
        if value.get("kind") != self.kind:
            raise InvalidInput("file_kind_wrong", line=document.line_of(("kind",)), kind=self.kind)
        if isinstance(value.get("schema"), int) and value["schema"] > self.version:
            raise InvalidInput("file_too_new", line=document.line_of(("schema",)), known=self.version)
        try:
            return msgspec.convert(value, self.struct, strict=True)
        except msgspec.ValidationError as fault:
            raise self._refuse(document, str(fault)) from None

    @cached_property
    def _components(self) -> tuple[dict[str, Any], dict[str, Any]]:
        (root,), components = msgspec.json.schema_components((self.struct,), ref_template="#/$defs/{name}")
        return root, components

    def _refuse(self, document: Document, words: str) -> InvalidInput:
        """Return msgspec's words as a refusal with line and field."""
        found = _PLACE.fullmatch(words)
        what, place = (found["what"], found["path"] or "") if found else (words, "")
        path = self._find_path(document.value, words, place)
        field = next((part for part in reversed(path) if isinstance(part, str)), "")
        code, said = _find_code(what)
        data = {"field": field} | said
        if code == "file_value_unknown":
            data["choices"] = ", ".join(dict.fromkeys(str(one) for one in self._list_told(path, "enum")))
        if code == "file_text_wrong":
            data["example"] = next(self._list_told(path, "examples"), "")
        where = (*path, data["field"]) if code == "file_field_unknown" else path
        return InvalidInput(code, line=document.line_of(where), **data)

    def _find_path(self, value: Any, words: str, place: str) -> Path:
        """Return the path that msgspec names; it does not say which key of a mapping, so halves are tried."""
        path: Path = ()
        for name, index, any_key in _PARTS.findall(place):
            if not any_key:
                path = (*path, name or int(index))
                continue
            keys = _get(value, path)
            keys = list(keys) if isinstance(keys, dict) else []
            while len(keys) > 1:
                half = keys[: len(keys) // 2]
                keys = half if self._is_wrong(_keep(value, path, half), words) else keys[len(half) :]
            if not keys or not self._is_wrong(_keep(value, path, keys), words):
                return path
            path = (*path, keys[0])
        return path

    def _is_wrong(self, value: Any, words: str) -> bool:
        try:
            msgspec.convert(value, self.struct, strict=True)
        except msgspec.ValidationError as fault:
            return str(fault) == words
        return False

    def _list_told(self, path: Path, keyword: str) -> Iterator[Any]:
        """Yield what the schema says under a keyword about the values at a path."""
        root, components = self._components
        nodes: list[Mapping[str, Any]] = [root]
        for part in (*path, None):
            nodes = [node for one in nodes for node in _unfold(one, components)]
            if part is not None:
                nodes = [below for one in nodes if (below := _step(one, part)) is not None]
        for node in nodes:
            yield from node.get(keyword, [node["const"]] if keyword == "enum" and "const" in node else [])


def _find_code(what: str) -> tuple[str, dict[str, str]]:
    """Return the code for what msgspec says of a value, and the names and numbers in its words."""
    patterns = {
        r"Object contains unknown field `(?P<field>.*)`": "file_field_unknown",
        r"Object missing required field `(?P<field>.*)`": "file_field_missing",
        r"Invalid (enum )?value .*": "file_value_unknown",
        r"Expected `\w+` of length (?P<bound>.*)": "file_length_wrong",
        r"Expected `str` matching regex .*": "file_text_wrong",
        r"Expected `\w+` (?P<bound>[<>].*)": "file_number_wrong",
        r"Expected `str( \| null)?`, got .*": "file_wants_text",
        r"Expected `bool`, got .*": "file_wants_yes_or_no",
        r"Expected `(int|float)( \| null)?`, got .*": "file_wants_number",
        r"Expected `array`, got .*": "file_wants_list",
        r"Expected `object`, got .*": "file_wants_fields",
    }
    for pattern, code in patterns.items():
        if match := re.fullmatch(pattern, what, re.DOTALL):
            said = {name: text[:100] for name, text in match.groupdict().items()}
            return code, {name: text.replace("<=", "≤").replace(">=", "≥") for name, text in said.items()}
    return "file_value_wrong", {}


def _unfold(node: Mapping[str, Any], components: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a schema's alternatives, references followed."""
    if "$ref" in node:
        yield from _unfold(components[node["$ref"].rsplit("/", 1)[1]], components)
    elif "anyOf" in node:
        for one in node["anyOf"]:
            yield from _unfold(one, components)
    else:
        yield node


def _step(node: Mapping[str, Any], part: str | int) -> Any:
    """Return the schema of what lies under a key or an index, None where it says none."""
    if isinstance(part, int):
        return node.get("items")
    return node.get("properties", {}).get(part) or node.get("additionalProperties") or None


def _get(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


def _keep(value: Any, path: Path, keys: Sequence[str]) -> Any:
    """Return a value with all other keys of the mapping at a path left out."""
    if not path:
        return {key: value[key] for key in keys}
    head, rest = path[0], path[1:]
    if isinstance(value, list):
        return [_keep(one, rest, keys) if index == head else one for index, one in enumerate(value)]
    return value | {head: _keep(value[head], rest, keys)}
