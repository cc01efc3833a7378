"""`GET /notices/v1/current`: what tills tell their cashiers. A lean route in front of the ORM, entered in a thread."""

import hashlib
import json
from collections.abc import Awaitable, Callable

from anyio import to_thread
from django.db import InterfaceError, OperationalError, close_old_connections
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import clock
from flags.cors import make_preflight, with_cors
from flags.domain.purposes import Purpose
from flags.lean import LeanRefusal, check_token, get_snapshot, is_unchanged, refusal_response
from flags.snapshots import Snapshot
from rollouts.notice_queries import Notice, find_picture, list_notices

PURPOSES = frozenset({Purpose.CLIENT, Purpose.SERVER})
PATH = "/notices/v1/current"
PICTURE_PATH = "/notices/v1/pictures/"
RETRY_SECONDS = 5
#: Notices are in French, as their notes are.
LANGUAGE = "fr"

Answer = Callable[[Request, Snapshot], Response]


def _with_token(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """Let a till's token open an address that reads the database, also for pages of allowed origins."""

    async def guarded(request: Request) -> Response:
        snapshot = None
        try:
            snapshot = get_snapshot(check_token(request, purposes=PURPOSES))
            found = await to_thread.run_sync(_ask_database, answer, request, snapshot)
        except LeanRefusal as refusal:
            found = refusal_response(refusal)
        return with_cors(request, found, snapshot)

    return guarded


def _ask_database(answer: Answer, request: Request, snapshot: Snapshot) -> Response:
    close_old_connections()
    try:
        return answer(request, snapshot)
    except (OperationalError, InterfaceError):
        retry = {"Retry-After": str(RETRY_SECONDS)}
        raise LeanRefusal(503, "GENERAL", "The database is away; ask again.", headers=retry) from None
    finally:
        close_old_connections()


def _answer_current(request: Request, snapshot: Snapshot) -> Response:
    site = request.query_params.get("site", "")
    definition = snapshot.definition
    if site not in definition.site_keys:
        raise LeanRefusal(404, "SITE_NOT_FOUND", "Name a site that the portal knows: ?site=KEY.")
    notices = list_notices(
        site, environment_id=definition.environment_id, definitions=definition.flags, now=clock.now()
    )
    body = json.dumps({"notices": [_write(one) for one in notices]}, separators=(",", ":"), ensure_ascii=False)
    etag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if is_unchanged(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def _write(notice: Notice) -> dict[str, object]:
    flag, picture = notice.flag, notice.flag.note_picture
    return {
        "id": notice.key,
        "kind": "new_feature",
        "flag": flag.key,
        "title": flag.name,
        "text": flag.cashier_note_fr.strip(),
        "language": LANGUAGE,
        "picture": picture
        and {"url": f"{PICTURE_PATH}{picture.key}.webp", "width": picture.width, "height": picture.height},
        "documentation": flag.documentation_url or None,
        "since": notice.since.isoformat(),
        "until": notice.until.isoformat(),
    }


def _answer_picture(request: Request, _snapshot: Snapshot) -> Response:
    content = find_picture(request.path_params["key"])
    if content is None:
        raise LeanRefusal(404, "PICTURE_NOT_FOUND", "There is no such picture.")
    headers = {"Cache-Control": "private, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(content, headers=headers, media_type="image/webp")


LEAN_ROUTES = [
    Route(PATH, _with_token(_answer_current), methods=["GET"]),
    Route(PATH, make_preflight("GET"), methods=["OPTIONS"]),
    Route(f"{PICTURE_PATH}{{key:str}}.webp", _with_token(_answer_picture), methods=["GET"]),
    Route(f"{PICTURE_PATH}{{key:str}}.webp", make_preflight("GET"), methods=["OPTIONS"]),
]
