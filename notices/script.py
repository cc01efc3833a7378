"""`GET /notices/v1/releaseportal.js`: the script that a till's page includes, at an address that stays.

Pages of any origin may load it: it holds nothing but code, and is sent without indentation and comments. Browsers
keep it for an hour and go on using what they have for a week while they ask for a newer one, so that a page that opens
without network has it as well.
"""

import hashlib
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flags.lean import is_unchanged

PATH = "/notices/v1/releaseportal.js"
FILE = Path(__file__).with_name("releaseportal.js")
COMMENTS = ("//", "/**")
HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "public, max-age=3600, stale-while-revalidate=604800, stale-if-error=604800",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}


@cache
def read_script() -> bytes:
    """Return the script as it is sent, read once for each process: each comment has its line."""
    lines = (line.strip() for line in FILE.read_text(encoding="utf-8").splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(COMMENTS)).encode()


async def answer_script(request: Request) -> Response:
    """Answer the script, 304 to whoever has it."""
    body = read_script()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = HEADERS | {"ETag": etag}
    if is_unchanged(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="text/javascript")


LEAN_ROUTES = [Route(PATH, answer_script, methods=["GET"])]
