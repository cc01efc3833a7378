"""The files of the page as a web process holds them: ready to be sent, packed and not, with their ETags."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from statuspage.bodies import Bodies, content_type_of

Header = tuple[bytes, bytes]

MAX_AGE_SECONDS = 15
#: A program may read these from any page.
OPEN_ENDINGS = (".json", ".atom", ".rss")
POLICY = (
    b"default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_REFUSED = re.compile(rb"gzip\s*;\s*q=0(?:\.0*)?\s*(?:,|$)")


@dataclass(frozen=True)
class Shape:
    """A file in one encoding: its ETag, and what is sent with it."""

    etag: bytes
    body: bytes
    headers: list[Header]
    headers_unchanged: list[Header]


@dataclass(frozen=True)
class Entry:
    plain: Shape
    packed: Shape

    def choose(self, accept_encoding: bytes) -> Shape:
        """Return the shape that a reader takes."""
        takes = b"gzip" in accept_encoding and not _REFUSED.search(accept_encoding)
        return self.packed if takes else self.plain


Shelf = Mapping[str, Entry]


def fill_shelf(bodies: Bodies) -> Shelf:
    """Return an entry for each file, by its path."""
    return {path: _make_entry(path, body) for path, body in bodies.items()}


def _make_entry(path: str, body: bytes) -> Entry:
    digest = hashlib.sha256(body).hexdigest()[:24].encode()
    shared = _list_headers(path)
    # Without a time in it, so that the same file is packed alike by every process.
    packed = gzip.compress(body, compresslevel=9, mtime=0)
    return Entry(
        plain=_make_shape(b'"%s"' % digest, body, shared),
        packed=_make_shape(b'"%s-gz"' % digest, packed, shared, (b"content-encoding", b"gzip")),
    )


def _make_shape(etag: bytes, body: bytes, shared: list[Header], *more: Header) -> Shape:
    same = [(b"etag", etag), *shared]
    return Shape(etag, body, [*same, *more, (b"content-length", b"%d" % len(body))], same)


def _list_headers(path: str) -> list[Header]:
    found: list[Header] = [
        (b"content-type", content_type_of(path).encode()),
        (b"cache-control", b"public, max-age=%d" % MAX_AGE_SECONDS),
        # The folder's own page is French for whoever does not ask for English.
        (b"vary", b"Accept-Encoding, Accept-Language" if path == "index.html" else b"Accept-Encoding"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if path.endswith(OPEN_ENDINGS):
        return [*found, (b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"ETag")]
    found += [(b"content-security-policy", POLICY), (b"referrer-policy", b"no-referrer")]
    if settings.SECURE_HSTS_SECONDS:
        found.append((b"strict-transport-security", b"max-age=%d" % settings.SECURE_HSTS_SECONDS))
    return found
