"""People's Markdown as harmless HTML: CommonMark with tables and strikethrough, cleaned with an allow-list.

Raw HTML is shown as text; headings begin below those of the page; links go to the web, mail, a phone or this portal
only and tell nobody where they were pressed. Pictures are refused: a picture from elsewhere tells its server who reads.
What leaves the portal as a file of Markdown is shown by a program that may let everything through: `defuse_markdown`.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

#: A page's own headings end here; `#` in a text begins one below.
HEADINGS_BELOW = 2
#: Elements that a text may hold, with their attributes.
ALLOWED: dict[str, set[str]] = {
    **{name: set() for name in ("p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "li")},
    **{name: set() for name in ("h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td")},
    "ol": {"start"},
    "a": {"href", "title"},
}
SCHEMES = {"https", "http", "mailto", "tel"}
#: What Markdown reads as more than itself.
_MARKS = re.compile(r"([\\`*_\[\]<>#|~&])")
_ESCAPED = re.compile(r"\\([\\`*_\[\]<>#|~&])")
#: What is defused may lay bare what it hid: so often at the most, then nothing is left that could act.
_MOST_LOOKS = 5


def render_markdown(text: str) -> SafeString:
    """Return a text as HTML that may stand in any page; empty for an empty text."""
    cleaned = nh3.clean(
        _parser().render(text),
        tags=set(ALLOWED),
        attributes={name: given for name, given in ALLOWED.items() if given},
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(cleaned)  # noqa: S308  # cleaned by the allow-list above, whatever the parser made of it


def write_plain(text: object) -> str:
    """Return a text as one line that Markdown shows as it is."""
    return _MARKS.sub(r"\\\1", " ".join(str(text).split()))


def defuse_markdown(text: str) -> str:
    """Return Markdown that acts in no program, be it one that lets HTML, pictures and every link through.

    A block in which anything would act is written as it is typed, with all its marks; the others stay. What is
    opened and never closed ends with the text.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")
    for _look in range(_MOST_LOOKS):
        tokens = _trusting_parser().parse(text)
        spots = list(_find_acting(tokens))
        if not spots:
            return text + _close_fence(tokens, text)
        lines = text.split("\n")
        for first, last in spots:
            lines[first:last] = [_escape(line) for line in lines[first:last]]
        text = "\n".join(lines)
    return "\n".join(_escape(line) for line in text.split("\n"))


def _escape(line: str) -> str:
    """Return a line with a backslash before each mark that has none yet."""
    return _MARKS.sub(r"\\\1", _ESCAPED.sub(r"\1", line))


def _find_acting(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Give the lines of each block that holds HTML, a picture, or a link that the portal would not make one."""
    at = (0, 0)
    for token in tokens:
        if token.map is not None:
            at = (token.map[0], token.map[1])
        if token.type == "html_block" or any(map(_is_acting, token.children or ())):
            yield at


def _is_acting(token: Token) -> bool:
    is_closed = token.type == "link_open" and not _parser().validateLink(str(token.attrGet("href")))
    return is_closed or token.type in {"html_inline", "image"}


def _close_fence(tokens: Sequence[Token], text: str) -> str:
    """Return what ends a fence that is open at a text's end, empty where none is."""
    if not tokens or tokens[-1].type != "fence":
        return ""
    last, mark = text.rstrip("\n").rpartition("\n")[2].strip(), tokens[-1].markup
    first, end = tokens[-1].map or (0, 0)
    is_closed = end - first > 1 and last.startswith(mark) and not last.strip(mark[0])
    return "" if is_closed else f"\n{mark}"


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802  # the library's name
        """Tell whether a link may be one: to a known scheme, or to a page of this portal. The parser has encoded it."""
        scheme, colon, _rest = url.partition(":")
        return bool(colon and scheme.lower() in SCHEMES) or (url.startswith("/") and not url.startswith("//"))


class _TrustingParser(MarkdownIt):
    def validateLink(self, _url: str) -> bool:  # noqa: N802  # the library's name
        return True


@cache
def _trusting_parser() -> MarkdownIt:
    return _TrustingParser("commonmark", {"html": True}).enable(["table", "strikethrough"])


@cache
def _parser() -> MarkdownIt:
    parser = _Parser("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    parser.disable("image")
    parser.core.ruler.push("lower_headings", _lower_headings)
    return parser


def _lower_headings(state: object) -> None:
    for token in getattr(state, "tokens", ()):
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1:]) + HEADINGS_BELOW, 6)}"
