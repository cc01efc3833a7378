"""`GET /notices/v1/current`: what tills tell their cashiers. A lean route in front of the ORM, entered in a thread."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from anyio import to_thread
from django.db import InterfaceError, OperationalError, close_old_connections
from django.utils import translation
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import clock
from flags.cors import make_preflight, with_cors
from flags.domain.conditions import Context
from flags.domain.definition import EnvironmentDefinition
from flags.domain.purposes import Purpose
from flags.domain.tokens import TokenIdentity
from flags.lean import LeanRefusal, check_token, get_snapshot, is_unchanged, refusal_response
from flags.snapshots import Snapshot
from flags.stream import get_period, write_stream_token
from notices.domain.board import BoardNotice, list_concerning, list_shown
from notices.keeper import BOARDS, Board
from notices.queries import load_boards
from notices.stream import PATH as STREAM_PATH
from notifications.labels import mark_language
from rollouts.notice_queries import Notice as FlagNotice
from rollouts.notice_queries import find_picture, is_given, list_notices

PURPOSES = frozenset({Purpose.CLIENT, Purpose.SERVER})
PATH = "/notices/v1/current"
PICTURE_PATH = "/notices/v1/pictures/"
RETRY_SECONDS = 5
#: What cashiers read, and what their notes on new features are in.
LANGUAGE = "fr"
LANGUAGES = frozenset({"fr", "en"})

Answer = Callable[[Request, TokenIdentity, Snapshot], Response]

#: What was last told of new features by environment and site: what goes on being told while the database is away.
_kept_notes: dict[tuple[int, str], list[FlagNotice]] = {}


@dataclass(frozen=True)
class Asked:
    """Which till asks, as flags see it, and in which language."""

    site: str
    context: Context
    language: str


def _with_token(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """Let a till's token open an address that reads the database, also for pages of allowed origins."""

    async def guarded(request: Request) -> Response:
        snapshot = None
        try:
            identity = check_token(request, purposes=PURPOSES)
            snapshot = get_snapshot(identity)
            found = await to_thread.run_sync(_ask_database, answer, request, identity, snapshot)
        except LeanRefusal as refusal:
            found = refusal_response(refusal)
        return with_cors(request, found, snapshot)

    return guarded


def _ask_database(answer: Answer, request: Request, identity: TokenIdentity, snapshot: Snapshot) -> Response:
    close_old_connections()
    try:
        return answer(request, identity, snapshot)
    except (OperationalError, InterfaceError):
        raise _refuse_outage() from None
    finally:
        close_old_connections()


def _refuse_outage() -> LeanRefusal:
    retry = {"Retry-After": str(RETRY_SECONDS)}
    return LeanRefusal(503, "GENERAL", "The database is away; ask again.", headers=retry)


def _answer_current(request: Request, identity: TokenIdentity, snapshot: Snapshot) -> Response:
    now, definition = clock.now(), snapshot.definition
    asked = _read_asked(request, definition)
    board, notes = _read(asked.site, definition, now=now)
    shown = list_concerning(
        list_shown(board, site_key=asked.site, now=now), flags=definition.flags, context=asked.context
    )
    told = [write_notice(one, asked.language) for one in shown] + [_write_note(one, asked.language) for one in notes]
    body = json.dumps(
        {"notices": told, "stream": _write_stream(identity, asked.site, now=now)},
        separators=(",", ":"),
        ensure_ascii=False,
    )
    etag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if is_unchanged(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def _read_asked(request: Request, definition: EnvironmentDefinition) -> Asked:
    query = request.query_params
    site = query.get("site", "")
    if site not in definition.site_keys:
        raise LeanRefusal(404, "SITE_NOT_FOUND", "Name a site that the portal knows: ?site=KEY.")
    language = query.get("language", LANGUAGE)
    if language not in LANGUAGES:
        raise LeanRefusal(400, "LANGUAGE_UNKNOWN", "'language' is fr or en.")
    named = {name: query[name] for name in ("till", "targetingKey") if query.get(name)}
    return Asked(site, {"site": site} | named, language)


def _read(site: str, definition: EnvironmentDefinition, *, now: datetime) -> tuple[Board, list[FlagNotice]]:
    """Return what stands and the notes on new features: what was last known where the database is away."""
    key = (definition.environment_id, site)
    try:
        board = load_boards(now=now, environment_id=definition.environment_id).get(definition.environment_id, ())
        notes = list_notices(site, environment_id=definition.environment_id, definitions=definition.flags, now=now)
    except (OperationalError, InterfaceError):
        kept = BOARDS.find_board(definition.environment_id)
        if kept is None:
            raise _refuse_outage() from None
        known = _kept_notes.get(key, [])
        return kept, [one for one in known if now < one.until and is_given(definition.flags.get(one.flag.key), site)]
    _kept_notes[key] = notes
    return board, notes


def _write_stream(identity: TokenIdentity, site: str, *, now: datetime) -> str:
    """Return the address of the stream, relative to this one; the same throughout a period."""
    query = {"t": write_stream_token(identity, period=get_period(now)), "site": site}
    return f"{STREAM_PATH}?{urlencode(query)}"


def write_notice(notice: BoardNotice, language: str) -> dict[str, object]:
    """Return a notice as tills get it: in a language, else in the one it is said in, with a mark."""
    spoken, words = notice.say(language)
    return {
        "id": f"notice:{notice.number}",
        "kind": "announcement",
        "level": str(notice.level),
        "flag": None,
        "title": words.title,
        "text": words.text,
        "language": spoken,
        "mark": _mark(spoken, language),
        "hotline": notice.hotline or None,
        "next_update_at": notice.next_update_at and notice.next_update_at.isoformat(),
        "picture": None,
        "documentation": None,
        "since": notice.starts_at.isoformat(),
        "until": notice.ends_at and notice.ends_at.isoformat(),
    }


def _mark(spoken: str, language: str) -> str | None:
    """Return what says that words are not in the till's language, in that language."""
    if spoken == language:
        return None
    with translation.override(language):
        return mark_language("", spoken).strip()


def _write_note(note: FlagNotice, language: str) -> dict[str, object]:
    flag, picture = note.flag, note.flag.note_picture
    return {
        "id": note.key,
        "kind": "new_feature",
        "level": "info",
        "flag": flag.key,
        "title": flag.name,
        "text": flag.cashier_note_fr.strip(),
        "language": LANGUAGE,
        "mark": _mark(LANGUAGE, language),
        "hotline": None,
        "next_update_at": None,
        "picture": picture
        and {"url": f"{PICTURE_PATH}{picture.key}.webp", "width": picture.width, "height": picture.height},
        "documentation": flag.documentation_url or None,
        "since": note.since.isoformat(),
        "until": note.until.isoformat(),
    }


def _answer_picture(request: Request, _identity: TokenIdentity, _snapshot: Snapshot) -> Response:
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
