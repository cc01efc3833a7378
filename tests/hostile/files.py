"""Tells from a file, read as the program reads it that takes it, whether people's text acts in it."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

import yaml
from icalendar import Calendar
from markdown_it import MarkdownIt

from tests.hostile.judging import list_faults, list_markdown_faults

#: A spreadsheet takes a cell that begins so for a formula, whatever spaces stand before it.
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
#: What a spreadsheet may be told to separate cells by, beside the comma.
SEPARATORS = ";\t"


#: What other programs make of Markdown beside what the portal makes of it, as harmless.
MORE = {"h1": set[str](), "h2": set[str](), "code": {"class"}, "th": {"style"}, "td": {"style"}}


class _Any(MarkdownIt):
    def validateLink(self, _url: str) -> bool:  # noqa: N802  # the library's name
        return True


def judge(kind: str, body: str, twin: str) -> list[str]:
    """Return what is wrong with an answer of a media type; a type that nobody judges is wrong as well."""
    judged = JUDGES.get(kind)
    return [f"{kind}: nobody judges it"] if judged is None else list(judged(body, twin))


def judge_csv(body: str, twin: str) -> Iterator[str]:
    """No cell is a formula, by whatever mark the reader separates cells; no cell or line more than with harmless text.

    Marks and line ends within quotes separate nothing to a reader that knows quotes; `neutralise` guards those
    that do not, which read the plain lines.
    """
    rows, wanted = list(csv.reader(io.StringIO(body))), list(csv.reader(io.StringIO(twin)))
    if [len(row) for row in rows] != [len(row) for row in wanted]:
        yield "other rows or cells than with harmless text"
    for row in rows:
        for cell in row:
            yield from (f"a formula: {part!r}" for part in _list_cells(cell) if part.lstrip(" ").startswith(FORMULA))


def _list_cells(cell: str) -> Iterator[str]:
    """Give a cell whole, and what it falls into for a reader that separates by other marks."""
    yield cell.lstrip()
    for mark in [*SEPARATORS, ","]:
        for line in cell.splitlines():
            yield from line.split(mark)


def judge_calendar(body: str, twin: str) -> Iterator[str]:
    """The same entries with the same properties, in lines that are no longer than the format has them."""
    if _list_properties(body) != _list_properties(twin):
        yield "other entries or properties than with harmless text"
    yield from (f"a line of {len(line)} bytes" for line in body.encode().split(b"\r\n") if len(line) > 75)


def _list_properties(body: str) -> list[tuple[str, list[str]]]:
    return [(str(one.name), sorted(map(str, one))) for one in Calendar.from_ical(body).walk()]


def judge_json(body: str, twin: str) -> Iterator[str]:
    """The same structure; a text is a text."""
    if shape_of(json.loads(body)) != shape_of(json.loads(twin)):
        yield "another structure than with harmless text"


def judge_yaml(body: str, twin: str) -> Iterator[str]:
    """The same documents, with nothing that is more than plain values."""
    read = [list(yaml.safe_load_all(text)) for text in (body, twin)]
    if shape_of(read[0]) != shape_of(read[1]):
        yield "another structure than with harmless text"


def shape_of(value: Any) -> Any:
    """Return a value with each text and number by its type: words, which people write, have none of their own."""
    if isinstance(value, Mapping):
        return {key: shape_of(one) for key, one in value.items()}
    if isinstance(value, list):
        return sorted((shape_of(one) for one in value), key=repr)
    return type(value).__name__


def judge_markdown(body: str, _twin: str) -> Iterator[str]:
    """Nothing acts, though the reader's program lets HTML and every link through."""
    yield from list_markdown_faults(write_permissively(body), more=MORE)


def write_permissively(text: str) -> str:
    """Return Markdown as HTML as the most trusting program writes it."""
    html: str = _Any("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)
    return html


def judge_xml(body: str, twin: str) -> Iterator[str]:
    """The same elements."""
    if [one.tag for one in ElementTree.fromstring(body).iter()] != [
        one.tag for one in ElementTree.fromstring(twin).iter()
    ]:
        yield "other elements than with harmless text"


def judge_text(_body: str, _twin: str) -> Iterator[str]:
    """Plain text is only read; that no browser takes it for a page is told by its headers."""
    yield from ()


JUDGES: Mapping[str, Callable[[str, str], Any]] = {
    "text/html": list_faults,
    "text/csv": judge_csv,
    "text/calendar": judge_calendar,
    "application/json": judge_json,
    "application/schema+json": judge_json,
    "application/yaml": judge_yaml,
    "application/atom+xml": judge_xml,
    "application/rss+xml": judge_xml,
    "text/markdown": judge_markdown,
    "text/plain": judge_text,
}
