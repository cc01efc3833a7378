"""The portal's own application, with one constant answer beside it on the same server.

What the constant answer costs is what this server costs before any code of the portal runs.
"""

from starlette.types import Receive, Scope, Send

from releaseportal.asgi import application as portal

CONSTANT_PATH = "/bench/constant"
_BODY = b'{"key":"constant","value":true,"reason":"STATIC","variant":"on","metadata":{}}'
_HEADERS = [(b"content-length", b"%d" % len(_BODY)), (b"content-type", b"application/json")]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer the constant path; hand everything else to the portal untouched."""
    if scope["type"] != "http" or scope["path"] != CONSTANT_PATH:
        await portal(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})
