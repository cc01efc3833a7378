"""`/status/…`: the public page, in front of routing and of Django; from memory, so that it outlives the database."""

from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from flags.lean import LeanRefusal, is_named, refusal_response
from statuspage.keeper import PAGE
from statuspage.page import FIRST, FOLDERS
from statuspage.shelf import MAX_AGE_SECONDS, Header

PREFIX = "/status/"
READS = frozenset({"GET", "HEAD"})
RETRY_SECONDS = 2
PREFLIGHT: list[Header] = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD"),
    (b"access-control-allow-headers", b"If-None-Match, Content-Type"),
    (b"access-control-max-age", b"86400"),
]


class StatusFirst:
    """Answers the public page itself and hands everything else on, other paths below `/status/` too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            root: str = scope.get("root_path", "")
            if root and path.startswith(root):
                path = path[len(root) :]
            if path.startswith(PREFIX) or path == PREFIX[:-1]:
                await self._answer(path[len(PREFIX) :], scope, receive, send, is_folder=path.endswith("/"))
                return
        await self._app(scope, receive, send)

    async def _answer(self, path: str, scope: Scope, receive: Receive, send: Send, *, is_folder: bool) -> None:
        shelf = PAGE.shelf
        if not shelf:
            later = {"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"}
            refusal = LeanRefusal(503, "GENERAL", "The status page is not loaded yet; ask again.", headers=later)
            await refusal_response(refusal)(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if not path or path == "en":
            found = _find_folder(path, is_folder=is_folder, query=scope["query_string"], headers=headers)
            if found is not None:
                await _redirect(send, scope.get("root_path", "") + PREFIX + found)
                return
        name = _find_name(path, scope["query_string"])
        if name not in shelf:
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await _send(send, 204, PREFLIGHT, b"")
        elif scope["method"] not in READS:
            refusal = LeanRefusal(405, "METHOD_NOT_ALLOWED", "This address takes GET.", headers={"Allow": "GET, HEAD"})
            await refusal_response(refusal)(scope, receive, send)
        else:
            shape = shelf[name].choose(headers.get(b"accept-encoding", b""))
            known = headers.get(b"if-none-match")
            if known is not None and (known == b"*" or is_named(shape.etag, known)):
                await _send(send, 304, shape.headers_unchanged, b"")
            else:
                await _send(send, 200, shape.headers, b"" if scope["method"] == "HEAD" else shape.body)


def _find_folder(path: str, *, is_folder: bool, query: bytes, headers: dict[bytes, bytes]) -> str | None:
    """Return where the folder of the reader's language is, None where the reader is there.

    French is the first; a reader whose browser wants English before French is sent to the English page.
    """
    if path == "en":
        return "en/"
    asked = _read_language(query)
    if asked is None and is_folder:
        asked = _find_wanted(headers.get(b"accept-language", b""))
    if asked == "en":
        return FOLDERS["en"]
    return None if is_folder else ""


def _read_language(query: bytes) -> str | None:
    """Return the language of `?lang=`, None where it names none that there is."""
    if not query:
        return None
    [found, *_more] = parse_qs(query.decode("latin-1")).get("lang", [""])
    return found if found in FOLDERS else None


def _find_wanted(accepted: bytes) -> str:
    """Return the language that a browser asks for first of those there are, French where it asks for none of them."""
    best, language = 0.0, FIRST
    for part in accepted.decode("latin-1").split(","):
        tag, _, weight = part.strip().partition(";q=")
        code = tag.strip().lower().partition("-")[0]
        quality = _read_quality(weight)
        if code in FOLDERS and quality > best:
            best, language = quality, code
    return language


def _read_quality(weight: str) -> float:
    try:
        return float(weight) if weight else 1.0
    except ValueError:
        return 0.0


def _find_name(path: str, query: bytes) -> str:
    """Return which file is asked for: the folder's page, and an answer of the API or a feed in `?lang=`."""
    name = f"{path}index.html" if not path or path.endswith("/") else path
    if not query or name.endswith(".html") or name.startswith(FOLDERS["en"]):
        return name
    return f"{FOLDERS[_read_language(query) or FIRST]}{name}"


async def _redirect(send: Send, path: str) -> None:
    headers = [
        (b"location", path.encode("latin-1")),
        (b"vary", b"Accept-Language"),
        (b"cache-control", b"public, max-age=%d" % MAX_AGE_SECONDS),
        (b"content-length", b"0"),
    ]
    await _send(send, 302, headers, b"")


async def _send(send: Send, status: int, headers: list[Header], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
