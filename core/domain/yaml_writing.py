"""Writes YAML that people read and keep in git: the same bytes for the same values, no line ever folded.

Python's own emitter, not libyaml's, so that every machine writes alike.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from core.domain.yaml_reading import is_read_alike

#: A line of the file is a line of the text: a changed word is one changed line.
_NEVER = 10_000_000
#: Breaks of lines to some readers and not to others, and marks that nobody sees: written by their escapes.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]")


class _Dumper(yaml.SafeDumper):
    """Block style, lists set in, several lines as `|`, no anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:
        return True


def _write_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    if _INVISIBLE.search(text):
        style: str | None = '"'
    else:
        style = "|" if "\n" in text else None if is_read_alike(text) else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _write_text)


def write_documents(values: Iterable[Mapping[str, Any]], *, schema_url: str = "") -> str:
    """Return documents as one file; its first line leads editors to the schema."""
    head = f"# yaml-language-server: $schema={schema_url}\n" if schema_url else ""
    return head + "---\n".join(map(_write, values))


def _write(value: Mapping[str, Any]) -> str:
    text: str = yaml.dump(
        value, Dumper=_Dumper, allow_unicode=True, default_flow_style=False, sort_keys=False, width=_NEVER
    )
    return text


def tidy_text(text: str) -> str:
    """Return a text as files keep it: lines end alike whatever a browser sent, and nothing blank around it."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
