"""`POST /notices/v1/problems`: a till reports what does not work, with the flags in force. A lean route."""

from collections.abc import Mapping, Sequence

from anyio import to_thread
from django.db import InterfaceError, OperationalError, close_old_connections
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import clock
from core.actors import token
from core.errors import Refusal
from core.labels import say_refusal
from flags.cors import make_preflight, with_cors
from flags.domain.conditions import Context
from flags.domain.definition import EnvironmentDefinition
from flags.domain.evaluation import TargetingKeyMissing
from flags.domain.purposes import Purpose
from flags.domain.tokens import TokenIdentity
from flags.lean import LeanRefusal, check_token, get_snapshot, json_response, parse_json, read_body, refusal_response
from flags.models import ApiToken
from flags.snapshots import Snapshot
from health.intake import Desk
from health.models import ComplaintSeverity
from notices.domain.problems import MAX_BODY_BYTES, BadProblem, Origin, Problem, read_problem
from notices.transitions import Source, report_problem
from notices.transitions.reporting import TooOften

PATH = "/notices/v1/problems"
PURPOSES = frozenset({Purpose.CLIENT, Purpose.SERVER})
RETRY_SECONDS = 5
#: Reports worked on at once; beyond, tills are asked to wait, and keep what was written.
MOST_AT_ONCE = 8

DESK = Desk(limit=MOST_AT_ONCE)


async def take_problem(request: Request) -> Response:
    """Answer 201 with the complaint's number, 200 where it was logged before, 429 to what comes too often."""
    snapshot = None
    try:
        identity = check_token(request, purposes=PURPOSES)
        snapshot = get_snapshot(identity)
        body = await read_body(dict(request.scope["headers"]), request.receive, limit_bytes=MAX_BODY_BYTES)
        with DESK:
            answer = await to_thread.run_sync(_take, identity, snapshot, body)
    except LeanRefusal as refusal:
        answer = refusal_response(refusal)
    return with_cors(request, answer, snapshot)


def _take(identity: TokenIdentity, snapshot: Snapshot, body: bytes) -> Response:
    close_old_connections()
    try:
        return _log(identity, snapshot, _read(body, snapshot.definition))
    except TooOften as refusal:
        wait = {"Retry-After": str(refusal.seconds)}
        raise LeanRefusal(429, "TOO_OFTEN", "Too many from this site; send it again later.", headers=wait) from None
    except Refusal as refusal:
        raise LeanRefusal(refusal.status, refusal.code, say_refusal(refusal)) from None
    except (OperationalError, InterfaceError):
        again = {"Retry-After": str(RETRY_SECONDS)}
        raise LeanRefusal(503, "GENERAL", "The database is away; send it again.", headers=again) from None
    finally:
        close_old_connections()


def _read(body: bytes, definition: EnvironmentDefinition) -> Problem:
    try:
        problem = read_problem(
            parse_json(body),
            severities=ComplaintSeverity.values,
            flag_keys=definition.flags.keys(),
            now=clock.now(),
        )
    except BadProblem as bad:
        raise LeanRefusal(400, bad.code, bad.details) from None
    if problem.site_key not in definition.site_keys:
        raise LeanRefusal(404, "SITE_NOT_FOUND", "'site' names a site that the portal knows.")
    return problem


def _log(identity: TokenIdentity, snapshot: Snapshot, problem: Problem) -> Response:
    name = ApiToken.objects.values_list("name", flat=True).get(pk=identity.token_id)
    place = {"site": problem.site_key, "till": problem.till, "targetingKey": problem.targeting_key}
    context: Context = {name: value for name, value in place.items() if value}
    complaint, is_new = report_problem(
        environment_id=identity.environment_id,
        source=Source(Origin.TILL, identity.token_id),
        problem=problem,
        flags_in_force=list_flags_in_force(snapshot, context, told=problem.flags),
        actor=token(name),
        now=clock.now(),
    )
    return json_response({"number": complaint.pk}, status=201 if is_new else 200)


def list_flags_in_force(
    snapshot: Snapshot, context: Context, *, told: Mapping[str, str] | None = None
) -> Sequence[Mapping[str, str | None]]:
    """Return the flags that are not off for a place, and those of which a till says other than the portal, by key.

    `[{"flag", "variant", "till"}]`: the variant that the portal serves, empty where that depends on who asks, and the
    one that the till told, None where it told none.
    """
    told = told or {}
    found: list[Mapping[str, str | None]] = []
    for key, flag in sorted(snapshot.definition.flags.items()):
        try:
            variant = snapshot.evaluators[key](context).variant
        except TargetingKeyMissing:
            variant = ""
        said = told.get(key)
        if variant != flag.off_variant or said not in {None, variant}:
            found.append({"flag": key, "variant": variant, "till": said})
    return found


LEAN_ROUTES = [
    Route(PATH, take_problem, methods=["POST"]),
    Route(PATH, make_preflight("POST"), methods=["OPTIONS"]),
]
