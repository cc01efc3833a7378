"""What programs call × hostile bodies: an answer below 500, and whatever is refused changes nothing."""

import json
from collections.abc import Iterator

import pytest
from django.conf import settings
from starlette.routing import Route

from flags.api import LEAN_ROUTES as API_ROUTES
from flags.domain.purposes import Purpose
from flags.flagd import LEAN_ROUTES as FLAGD_ROUTES
from flags.ofrep import LEAN_ROUTES as OFREP_ROUTES
from flags.snapshots import KEEPER
from flags.stream import LEAN_ROUTES as STREAM_ROUTES
from flags.tokens import USES
from health.hooks import LEAN_ROUTES as HOOK_ROUTES
from health.intake import LEAN_ROUTES as TELEMETRY_ROUTES
from health.otlp import LEAN_ROUTES as OTLP_ROUTES
from notices.lean import LEAN_ROUTES as NOTICE_ROUTES
from releaseportal.probes import LEAN_ROUTES as PROBE_ROUTES
from tests.asgi import ask
from tests.digest import name_changes, take_digest
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db(transaction=True)

ROUTES: list[Route] = [
    *OFREP_ROUTES,
    *STREAM_ROUTES,
    *FLAGD_ROUTES,
    *API_ROUTES,
    *TELEMETRY_ROUTES,
    *HOOK_ROUTES,
    *OTLP_ROUTES,
    *NOTICE_ROUTES,
    *PROBE_ROUTES,
]
VALUES = [
    "",
    "a\x00b",
    "x" * 5_000,
    "💥" * 300,
    "<script>",
    -1,
    10**40,
    1e308,
    True,
    None,
    [],
    [[[]]],
    {},
    {"": {"": 0}},
]
DEEP = b'{"context":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
RAW = [b"", b"null", b"[]", b'"', b"\xff\xfe", b'{"samples": 1}', b'{"context": NaN}', b'{"context": 1e999}', DEEP]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    # The worker threads' connections end with each request, so that none outlives the test.
    monkeypatch.setitem(settings.DATABASES["default"], "CONN_MAX_AGE", 0)
    KEEPER.clear()
    yield make_world()
    KEEPER.clear()
    USES.flush()


def _paths(world: World) -> list[str]:
    names = {"environment": world.environment.key, "key": world.flags[0].key}
    posts = [route.path for route in ROUTES if "POST" in (route.methods or ())]
    return [path.replace("{key:path}", "{key}").format(**names) for path in posts]


def _bodies() -> list[bytes]:
    sample = {"id": "a", "site": "lyon", "start": "2026-11-24T08:00:00Z", "seconds": 60, "requests": 1}
    told = [{"context": {"targetingKey": value, "site": value, "till": value}} for value in VALUES]
    whole = [{"context": value} for value in VALUES]
    samples = [{"samples": [sample | dict.fromkeys([*sample, "till", "flag", "errors"], value)]} for value in VALUES]
    one_wrong = [{"samples": [sample | {name: value}]} for name in sample for value in VALUES]
    alert = {"status": "firing", "startsAt": "2026-11-24T08:00:00Z", "fingerprint": "a", "labels": {"alertname": "A"}}
    alerts = [
        {"version": version, "alerts": [alert | {name: value}]}
        for version in ("4", "1")
        for name in [*alert, "annotations", "endsAt"]
        for value in VALUES
    ]
    return [json.dumps(body).encode() for body in [*told, *whole, *samples, *one_wrong, *alerts]] + RAW


def test_programs__hostile_bodies__are_answered_and_change_nothing_where_refused(world: World) -> None:
    KEEPER.refresh()
    before, faults = take_digest(), []
    bodies = _bodies()

    for path in _paths(world):
        for _token_id, raw in world.tokens.values():
            # A token of another purpose is refused before the body is looked at.
            for number, body in enumerate(bodies):
                answer = ask(path, method="POST", headers={"authorization": f"Bearer {raw}"}, body=body)
                is_stored = answer.status == 202 and answer.json()["accepted"]
                if answer.status >= 500 or (answer.status == 403 and number):
                    faults.append(f"{path}: {answer.status} to {body[:80]!r}")
                if answer.status == 403:
                    break
                if is_stored:
                    before = take_digest()
            if (after := take_digest()) != before:
                faults.append(f"{path}: changed {name_changes(before, after)}")

    assert faults == []


def test_programs__every_purpose__is_let_in_somewhere_or_reads_only(world: World) -> None:
    KEEPER.refresh()
    let_in = {
        purpose
        for path in _paths(world)
        for purpose, (_id, raw) in world.tokens.items()
        if ask(path, method="POST", headers={"authorization": f"Bearer {raw}"}, body=b"{}").status != 403
    }

    assert let_in == set(Purpose)


@pytest.mark.parametrize(
    "token", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer " + "x" * 9_000, "Bearer \x00", "Bearer é"]
)
def test_programs__hostile_token__is_refused(world: World, token: str) -> None:
    KEEPER.refresh()
    before = take_digest()

    answers = {path: ask(path, method="POST", headers={"authorization": token}).status for path in _paths(world)}

    assert set(answers.values()) == {401}
    assert take_digest() == before
