"""Bodies are whole before a thread is given to them: slow, endless and leaving senders cost none."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from releaseportal.bodies import WholeBodies
from tests.asgi import ask

SCOPE: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": []}


def _ask(messages: list[dict[str, Any]], *, is_silent_then: bool = False) -> tuple[list[Any], list[bytes]]:
    """Return what was sent to the client, and the bodies that reached the application."""
    sent: list[Any] = []
    reached: list[bytes] = []
    coming = iter(messages)

    async def receive() -> Any:
        message = next(coming, None)
        if message is None and is_silent_then:
            await asyncio.Event().wait()
        return message or {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        assert not message["more_body"]
        reached.append(message["body"])
        assert (await receive())["type"] == "http.disconnect"

    asyncio.run(WholeBodies(app, limit_bytes=10, seconds=0.05)(SCOPE, receive, send))
    return sent, reached


def _part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_body__in_parts__reaches_the_application_whole() -> None:
    sent, reached = _ask([_part(b"abc", more=True), _part(b"def")])
    assert (sent, reached) == ([], [b"abcdef"])


def test_body__in_parts__brings_its_length_which_django_reads_by() -> None:
    scopes: list[Any] = []
    parts = iter([_part(b"abc", more=True), _part(b"def")])

    async def receive() -> Any:
        return next(parts)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)

    scope = SCOPE | {"headers": [(b"transfer-encoding", b"chunked"), (b"content-type", b"application/json")]}
    asyncio.run(WholeBodies(app)(scope, receive, receive))  # type: ignore[arg-type]  # nothing is sent

    assert scopes[0]["headers"] == [(b"content-type", b"application/json"), (b"content-length", b"6")]


def test_body__too_large__is_413_before_anything_runs() -> None:
    sent, reached = _ask([_part(b"abcdef", more=True), _part(b"ghijkl", more=True)])
    assert (sent[0]["status"], reached) == (413, [])


def test_body__never_comes__is_408_and_no_thread_waits() -> None:
    sent, reached = _ask([_part(b"a", more=True)], is_silent_then=True)
    assert (sent[0]["status"], reached) == (408, [])


def test_body__sender_leaves__is_nobodys() -> None:
    sent, reached = _ask([_part(b"a", more=True)])
    assert (sent, reached) == ([], [])


@pytest.mark.django_db
def test_file__sent_to_a_page__is_kept_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    file = SimpleUploadedFile("big.bin", b"x" * 3_000_000)
    answer = Client().post("/account/login/", {"login": "mia", "password": "wrong", "file": file})

    assert answer.status_code in {200, 400, 403}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "charset", ["zip", "rot13", "idna", "punycode", "undefined", "utf-16", "unicode_escape", '""', "x;charset=utf-8"]
)
def test_charset__another_than_utf_8__is_refused_before_anything_is_decoded(charset: str) -> None:
    answer = ask("/account/login/", headers={"content-type": f"text/plain; charset={charset}"}, query="next=x")
    assert (answer.status, answer.json()["errorCode"]) == (400, "CHARSET_UNKNOWN")


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "utf8", '"utf-8"'])
@pytest.mark.django_db(transaction=True)
def test_charset__utf_8__is_read(charset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "CONN_MAX_AGE", 0)
    answer = ask("/account/login/", headers={"content-type": f"text/plain; charset={charset}", "host": "localhost"})
    assert answer.status == 200
