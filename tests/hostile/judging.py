"""Tells from a page, read as a browser reads it, whether anything in it came out of people's text."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from core.markdown import ALLOWED, SCHEMES

#: Where people's Markdown stands; elsewhere their text makes no element at all.
PROSE = ".prose"
#: Attributes whose value is ours, and as it is with harmless text.
OURS = {"class", "type", "rel", "target", "role", "method", "enctype", "http-equiv", "name"}
ADDRESSES = {"href", "src", "action", "formaction", "xlink:href", "data", "poster", "cite", "background", "srcset"}
#: What acts, or changes how the page looks, wherever it stands.
FORBIDDEN = {"style", "srcdoc", "ping", "dynsrc", "lowsrc"}
#: What other programs write for a table's columns.
ALIGNED = re.compile(r"text-align:(left|center|right)")
SAFE = SCHEMES | {"", "webcal", "data"}

Shape = Counter[tuple[str, ...]]


def list_faults(page: str, twin: str) -> list[str]:
    """Return how a page differs from the one with harmless text in elements, attributes and addresses."""
    tree, harmless = LexborHTMLParser(page), LexborHTMLParser(twin)
    faults = [*_judge_prose(tree), *_judge_whole(tree)]
    _take_out_prose(harmless)
    shape, wanted = _read_shape(tree), _read_shape(harmless)
    faults += [f"more: {' '.join(one)} ×{number}" for one, number in (shape - wanted).items()]
    faults += [f"less: {' '.join(one)} ×{number}" for one, number in (wanted - shape).items()]
    return faults


def list_markdown_faults(html: str, *, more: Mapping[str, set[str]] = {}) -> list[str]:
    """Return what stands in HTML that no Markdown of people's may become; another program may write `more`."""
    tree = LexborHTMLParser(f'<div class="prose">{html}</div>')
    return [*_judge_prose(tree, more=more), *_judge_whole(tree)]


def _nodes(tree: LexborHTMLParser) -> Iterator[LexborNode]:
    if tree.root is not None:
        yield from tree.root.traverse(include_text=False)


def _judge_whole(tree: LexborHTMLParser) -> Iterator[str]:
    for node in _nodes(tree):
        for name, value in node.attributes.items():
            if name.startswith("on") or (name in FORBIDDEN and not ALIGNED.fullmatch(value or "")):
                yield f"<{node.tag} {name}={value!r}>"
            if name in ADDRESSES and not _is_safe(value or ""):
                yield f"<{node.tag} {name}={value!r}>"
        if node.tag == "script" and not node.attributes.get("src") and (node.text() or "").strip():
            yield f"<script> {node.text()!r}"


def _judge_prose(tree: LexborHTMLParser, *, more: Mapping[str, set[str]] = {}) -> Iterator[str]:
    """Judge people's Markdown, and take it out of the tree."""
    for prose in tree.css(PROSE):
        for node in prose.traverse(include_text=False):
            if node == prose:
                continue
            name = str(node.tag)
            if name not in ALLOWED and name not in more:
                yield f"<{name}> in Markdown"
                continue
            rights = ALLOWED.get(name, set()) | more.get(name, set()) | ({"rel"} if name == "a" else set())
            yield from (f"<{name} {one}> in Markdown" for one in node.attributes if one not in rights)
            href = node.attributes.get("href") or ""
            if node.tag == "a" and "href" in node.attributes and not _may_be_pressed(href):
                yield f"a link to {href!r} in Markdown"
    _take_out_prose(tree)


def _take_out_prose(tree: LexborHTMLParser) -> None:
    for prose in tree.css(PROSE):
        prose.inner_html = ""


def _may_be_pressed(href: str) -> bool:
    parts = urlsplit(href)
    inside = href.startswith("/") and not href.startswith(("//", "/\\")) and not set(href) & set("\t\r\n")
    return inside or parts.scheme in SCHEMES


def _is_safe(value: str) -> bool:
    """Tell whether an address is one that a page of ours may have, as browsers read it: without tabs and line ends."""
    read = "".join(value.split("\t")).replace("\n", "").replace("\r", "").strip("".join(map(chr, range(33))))
    head = read.split("?", 1)[0].split("#", 1)[0].split("/", 1)[0]
    scheme = head.partition(":")[0].lower() if ":" in head else ""
    return scheme in SAFE and not (scheme == "data" and not read.lower().startswith("data:image/"))


def _read_shape(tree: LexborHTMLParser) -> Shape:
    """Return how often each element stands in its parent with its attributes, and our values of these."""
    found: Shape = Counter()
    for node in _nodes(tree):
        parent = str(node.parent.tag) if node.parent else ""
        attributes = sorted(_say(name, value or "") for name, value in node.attributes.items())
        found[(parent, str(node.tag), *attributes)] += 1
    return found


def _say(name: str, value: str) -> str:
    if name in ADDRESSES:
        return f"{name}={_shorten(value)}"
    if name in OURS or name.startswith(("hx-", "data-hx-")):
        return f"{name}={_number(value)}"
    return name


def _shorten(address: str) -> str:
    """Return where an address leads as far as that is ours: words may stand in its query, or be a part of it."""
    parts = urlsplit(address)
    if parts.scheme not in {"", "http", "https"}:
        return f"{parts.scheme}:"
    if parts.netloc:
        return f"{parts.scheme}://{parts.netloc}"
    steps = parts.path.split("/")
    return _number(f"{'/'.join(steps[:3])} {len(steps)}")


def _number(text: str) -> str:
    """Return a text with every number alike: rows have other numbers from one build to the next."""
    return re.sub(r"\d+", "9", text)
