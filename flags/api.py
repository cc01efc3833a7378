"""What scripts ask about flags (contracts §2): `/api/v1`, with a manage token of the environment."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flags.domain.definition import FlagDefinition
from flags.domain.explanation import explain
from flags.domain.purposes import Purpose
from flags.explaining import write_explanation
from flags.lean import LeanRefusal, check_token, get_snapshot, json_response, parse_json, read_body, refusal_response
from flags.snapshots import Snapshot

BODY_LIMIT_BYTES = 65_536
PURPOSES = frozenset({Purpose.MANAGE})


async def explain_flag(request: Request) -> Response:
    """Answer why a context gets its value of a flag: what is served, by whom it was decided, rule by rule."""
    try:
        snapshot = get_snapshot(check_token(request, purposes=PURPOSES))
        flag = _get_flag(snapshot, request)
        headers = dict(request.scope["headers"])
        context = _read_context(await read_body(headers, request.receive, limit_bytes=BODY_LIMIT_BYTES))
    except LeanRefusal as refusal:
        return refusal_response(refusal)
    told = write_explanation(explain(flag, context))
    return json_response(told | {"environment": snapshot.definition.key, "revision": snapshot.definition.revision})


def _get_flag(snapshot: Snapshot, request: Request) -> FlagDefinition:
    environment, key = request.path_params["environment"], request.path_params["key"]
    here = snapshot.definition
    if environment != here.key:
        raise LeanRefusal(403, "FORBIDDEN", f"This token is of '{here.key}', not of '{environment}'.")
    if key not in here.flags:
        raise LeanRefusal(404, "FLAG_NOT_FOUND", f"There is no flag '{key}' in {here.key}.")
    return here.flags[key]


def _read_context(body: bytes) -> dict[str, object]:
    if not body.strip():
        return {}
    parsed = parse_json(body)
    context = parsed.get("context", {}) if isinstance(parsed, dict) else None
    if not isinstance(context, dict):
        raise LeanRefusal(400, "INVALID_CONTEXT", "The body is an object with a 'context', an object.")
    return context


EXPLAIN_PATH = "/api/v1/environments/{environment}/flags/{key}/explain"
LEAN_ROUTES = [
    Route(EXPLAIN_PATH, explain_flag, methods=["POST"]),
]

_TEXT = {"type": "string"}
#: What the OpenAPI document says of this route, which stands before the library that writes it.
DOCUMENT: dict[str, Any] = {
    EXPLAIN_PATH: {
        "post": {
            "operationId": "explain_flag",
            "tags": ["Flags"],
            "summary": "Explain a value",
            "description": "Why a context gets its value of a flag: which layer decided, and each rule that was asked.",
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": _TEXT} for name in ("environment", "key")
            ],
            "requestBody": {
                "content": {
                    "application/json": {
                        "schema": {"type": "object", "properties": {"context": {"type": "object"}}},
                        "examples": {"till": {"value": {"context": {"targetingKey": "till-1", "site": "lyon"}}}},
                    }
                }
            },
            "responses": {
                "200": {
                    "description": "OK",
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {
                                    "environment": _TEXT,
                                    "revision": {"type": "integer"},
                                    "decided_by": _TEXT,
                                },
                            }
                        }
                    },
                }
            },
        }
    }
}
