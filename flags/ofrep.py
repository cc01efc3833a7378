"""OFREP 0.3.0: single and bulk evaluation (contracts §3)."""

import hashlib
import json
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import clock
from flags.contacts import CONTACTS
from flags.cors import answer_preflight, with_cors
from flags.domain.evaluation import Evaluation, Evaluator
from flags.domain.purposes import Purpose
from flags.freshness import catch_up
from flags.lean import LeanRefusal, check_token, get_snapshot, json_response, parse_json, read_body, refusal_response
from flags.snapshots import Snapshot
from flags.stream import compose_event_streams

BODY_LIMIT_BYTES = 65_536
PURPOSES = frozenset({Purpose.SERVER, Purpose.CLIENT})


async def evaluate_one(request: Request) -> Response:
    """Answer `POST /ofrep/v1/evaluate/flags/{key}`."""
    key = request.path_params["key"]
    try:
        identity = check_token(request, purposes=PURPOSES)
        snapshot = get_snapshot(identity)
        evaluator = _get_evaluator(snapshot, key)
        context = await _read_context(request)
    except LeanRefusal as refusal:
        return with_cors(request, refusal_response(refusal, key=key))
    CONTACTS.note(snapshot.definition, context, now=clock.now())
    return with_cors(request, json_response(_show(evaluator(context))), snapshot)


async def evaluate_all(request: Request) -> Response:
    """Answer `POST /ofrep/v1/evaluate/flags`; the ETag is of the whole answer."""
    try:
        identity = check_token(request, purposes=PURPOSES)
        snapshot = await catch_up(request, get_snapshot(identity))
        context = await _read_context(request)
    except LeanRefusal as refusal:
        return with_cors(request, refusal_response(refusal))
    shown = [_show(evaluate(context)) for evaluate in snapshot.evaluators.values()]
    CONTACTS.note(snapshot.definition, context, now=clock.now())
    body = json.dumps(
        {
            "flags": shown,
            "metadata": {"environment": snapshot.definition.key},
            "eventStreams": compose_event_streams(identity),
        },
        separators=(",", ":"),
    )
    etag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
    if etag in _split_etags(request.headers.get("if-none-match", "")):
        return with_cors(request, Response(status_code=304, headers={"ETag": etag}), snapshot)
    answer = Response(body, headers={"ETag": etag}, media_type="application/json")
    return with_cors(request, answer, snapshot)


def _get_evaluator(snapshot: Snapshot, key: str) -> Evaluator:
    evaluator = snapshot.evaluators.get(key)
    if evaluator is None:
        raise LeanRefusal(404, "FLAG_NOT_FOUND", f"There is no flag '{key}' in {snapshot.definition.key}.")
    return evaluator


async def _read_context(request: Request) -> Mapping[str, object]:
    """Return the evaluation context; an empty body or `{}` is the empty context."""
    body = await read_body(request, limit_bytes=BODY_LIMIT_BYTES)
    if not body.strip():
        return {}
    parsed = parse_json(body)
    if not isinstance(parsed, dict):
        raise LeanRefusal(400, "PARSE_ERROR", "The body is an object with a 'context'.")
    context = parsed.get("context", {})
    if not isinstance(context, dict):
        raise LeanRefusal(400, "INVALID_CONTEXT", "'context' is an object.")
    key = context.get("targetingKey")
    if key is not None and not isinstance(key, str):
        raise LeanRefusal(400, "INVALID_CONTEXT", "'targetingKey' is a string.")
    return context


def _show(evaluation: Evaluation) -> dict[str, object]:
    return {
        "key": evaluation.flag_key,
        "value": evaluation.value,
        "reason": str(evaluation.reason),
        "variant": evaluation.variant,
        "metadata": dict(evaluation.metadata),
    }


def _split_etags(header: str) -> set[str]:
    return {part.strip().removeprefix("W/") for part in header.split(",") if part.strip()}


LEAN_ROUTES = [
    Route("/ofrep/v1/evaluate/flags", evaluate_all, methods=["POST"]),
    Route("/ofrep/v1/evaluate/flags", answer_preflight, methods=["OPTIONS"]),
    Route("/ofrep/v1/evaluate/flags/{key:path}", evaluate_one, methods=["POST"]),
    Route("/ofrep/v1/evaluate/flags/{key:path}", answer_preflight, methods=["OPTIONS"]),
]
