"""All flags of an environment as a flagd flag definition (contracts §4), for flagd and its in-process providers."""

import hashlib
import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flags.domain.flagd_export import export_environment
from flags.domain.purposes import Purpose
from flags.lean import LeanRefusal, check_token, get_snapshot, is_unchanged, refusal_response
from flags.snapshots import Snapshot

PURPOSES = frozenset({Purpose.SERVER})
#: Environment → its newest snapshot asked for, with body and ETag: each is written once a revision.
_exports: dict[int, tuple[Snapshot, str, str]] = {}


async def answer_flags(request: Request) -> Response:
    """Answer `GET /flagd/v1/flags.json`: the token's environment; 304 where the client has it."""
    try:
        snapshot = get_snapshot(check_token(request, purposes=PURPOSES))
    except LeanRefusal as refusal:
        return refusal_response(refusal)
    body, etag = _export(snapshot)
    if is_unchanged(request, etag):
        return Response(status_code=304, headers={"ETag": etag})
    return Response(body, headers={"ETag": etag}, media_type="application/json")


def _export(snapshot: Snapshot) -> tuple[str, str]:
    """Return the body and its ETag, from memory where this snapshot was asked for before."""
    kept = _exports.get(snapshot.definition.environment_id)
    if kept is None or kept[0] is not snapshot:
        body = json.dumps(export_environment(snapshot.definition), separators=(",", ":"), ensure_ascii=False)
        etag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
        kept = _exports[snapshot.definition.environment_id] = (snapshot, body, etag)
    return kept[1], kept[2]


LEAN_ROUTES = [Route("/flagd/v1/flags.json", answer_flags, methods=["GET"])]
