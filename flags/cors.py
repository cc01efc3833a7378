"""Which pages' scripts may read the lean routes: those of the origins an environment allows."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from flags.snapshots import KEEPER, Snapshot

ALLOWED_HEADERS = "Authorization, X-API-Key, Content-Type, If-None-Match, Last-Event-ID"
EXPOSED_HEADERS = "ETag, Retry-After"


def make_preflight(*methods: str) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers a browser's OPTIONS for an address that takes these methods."""
    allowed = ", ".join((*methods, "OPTIONS"))

    async def answer(request: Request) -> Response:
        """Allow the origins of any environment: the question carries no token."""
        origin = request.headers.get("origin", "")
        if not _is_known_anywhere(origin):
            return Response(status_code=403)
        return Response(
            status_code=204,
            headers={
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Allow-Methods": allowed,
                "Access-Control-Allow-Headers": ALLOWED_HEADERS,
                "Access-Control-Max-Age": "600",
                "Vary": "Origin",
            },
        )

    return answer


answer_preflight = make_preflight("POST")


def _is_known_anywhere(origin: str) -> bool:
    portfolio = KEEPER.portfolio
    return portfolio is not None and any(
        origin in snapshot.definition.allowed_origins for snapshot in portfolio.snapshots.values()
    )


def with_cors(request: Request, answer: Response, snapshot: Snapshot | None = None) -> Response:
    """Let a page of an allowed origin read the answer."""
    answer.headers.update(allow_origin(request.headers.get("origin", ""), snapshot))
    return answer


def allow_origin(origin: str, snapshot: Snapshot | None = None) -> dict[str, str]:
    """Return the headers that let a page of an allowed origin read an answer, none for another's.

    An answer with flags is for its own environment's origins. A refusal says nothing of any
    environment and may come before it is known whose it is: it is for the origins of all.
    """
    known = origin in snapshot.definition.allowed_origins if snapshot else _is_known_anywhere(origin)
    if not known:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": EXPOSED_HEADERS,
        "Vary": "Origin",
    }
