"""OFREP 0.3.0 (contracts §3) on the real ASGI application."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.actors import DEMO
from flags.domain.audience import RuleAudience
from flags.domain.conditions import Condition, Operator
from flags.domain.purposes import Purpose
from flags.domain.values import ValueType
from flags.models import Environment, Flag
from flags.snapshots import KEEPER
from flags.tokens import USES
from flags.transitions import NewMember, add_rule, create_segment, edit_rule, kill_flag, revoke_token
from tests.asgi import Answer, ask
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_site, make_token

pytestmark = pytest.mark.django_db(transaction=True)

BY: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": NOW}
ALL = "/ofrep/v1/evaluate/flags"
ORIGIN = "https://till.example"


class Shop:
    """An environment with a flag that is on for one site and one segment, and a client's token."""

    def __init__(self) -> None:
        self.environment: Environment = make_environment(allowed_origins=[ORIGIN])
        self.flag: Flag = make_flag(key="price_buttons", criticality="critical")
        self.site = make_site()
        pilots = create_segment(key="pilots", name="Pilots", members=[NewMember("ana")], **BY)
        for audience, phase in (
            (RuleAudience.for_segment(pilots.pk), "pilot"),
            (RuleAudience.for_site(self.site.pk), "per-site"),
        ):
            add_rule(
                flag_id=self.flag.pk,
                environment_id=self.environment.pk,
                audience=audience,
                variant="on",
                phase=phase,
                origin="",
                **BY,
            )
        self.token, self.raw = make_token(self.environment, purpose=Purpose.CLIENT)
        KEEPER.refresh()

    def send(
        self, path: str = ALL, *, body: Any = b"{}", method: str = "POST", token: str | None = None, **headers: str
    ) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(path, method=method, headers={"authorization": f"Bearer {token or self.raw}"} | named, body=body)

    def ask_one(self, key: str = "price_buttons", **context: Any) -> Answer:
        return self.send(f"{ALL}/{key}", body=json.dumps({"context": context}).encode())

    def ask_all(self, **headers: str) -> Answer:
        return self.send(body=b'{"context": {"targetingKey": "ana"}}', **headers)

    def kill(self) -> None:
        kill_flag(flag_id=self.flag.pk, environment_id=self.environment.pk, **BY)
        KEEPER.refresh()


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    # The worker threads' connections end with each request, so that none outlives the test.
    monkeypatch.setitem(settings.DATABASES["default"], "CONN_MAX_AGE", 0)
    KEEPER.clear()
    yield Shop()
    KEEPER.clear()
    USES.flush()


def test_single__a_person_of_the_list__gets_the_rule_with_its_phase(shop: Shop) -> None:
    answer = shop.ask_one(targetingKey="ana")

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {
        "key": "price_buttons",
        "value": True,
        "reason": "TARGETING_MATCH",
        "variant": "on",
        "metadata": {"criticality": "critical", "layer": "rule", "phase": "pilot"},
    }


def test_single__a_till_of_the_site__gets_it_without_a_targeting_key(shop: Shop) -> None:
    answer = shop.ask_one(site=shop.site.key, till="t-17").json()

    assert (answer["value"], answer["metadata"]["site"]) == (True, shop.site.key)


SIZES: dict[str, object] = {"small": 8, "large": 12}
NEW_TILLS = (Condition("app_version", Operator.VERSION_AT_LEAST, "1.3.0"),)


def _make_split(shop: Shop, *, share_bp: int) -> int:
    """Make a flag whose new tills get `large` for a share of people; return its rule."""
    flag = make_flag(
        key="tile_size", value_type=ValueType.INTEGER, variants=SIZES, default_variant="small", off_variant="small"
    )
    rule = add_rule(
        flag_id=flag.pk,
        environment_id=shop.environment.pk,
        audience=RuleAudience.where(NEW_TILLS),
        variant="",
        split=(("large", share_bp), ("small", 10_000 - share_bp)),
        phase="",
        origin="",
        **BY,
    )
    KEEPER.refresh()
    return rule.pk


def _find_large(shop: Shop, *, version: str = "1.3.2") -> set[str]:
    people = [f"person-{number}" for number in range(200)]
    said = {one: shop.ask_one("tile_size", targetingKey=one, app_version=version).json() for one in people}
    assert all(said[one]["value"] == SIZES[said[one]["variant"]] for one in people)
    return {one for one in people if said[one]["variant"] == "large"}


def test_single__a_stored_split_of_an_integer_flag__grows_without_losing_anybody(shop: Shop) -> None:
    rule_id = _make_split(shop, share_bp=2_500)

    quarter = _find_large(shop)

    assert 25 < len(quarter) < 75
    assert shop.ask_one("tile_size", targetingKey="person-1", app_version="1.3.2").json()["reason"] == "SPLIT"
    assert _find_large(shop, version="1.2.9") == set()

    half = (("large", 5_000), ("small", 5_000))
    edit_rule(rule_id=rule_id, audience=RuleAudience.where(NEW_TILLS), variant="", split=half, **BY)
    KEEPER.refresh()

    assert quarter < _find_large(shop)


def test_bulk__a_stored_split_without_a_targeting_key__is_said_for_that_flag_alone(shop: Shop) -> None:
    _make_split(shop, share_bp=2_500)

    answer = shop.send(body=b'{"context": {"app_version": "1.3.2"}}')

    found = {one["key"]: one for one in answer.json()["flags"]}
    assert found["tile_size"]["errorCode"] == "TARGETING_KEY_MISSING"
    assert found["price_buttons"]["value"] is False
    alone = shop.ask_one("tile_size", app_version="1.3.2")
    assert (alone.status, alone.json()["errorCode"]) == (400, "TARGETING_KEY_MISSING")
    assert shop.ask_one("tile_size", app_version="1.2.9").json()["value"] == 8


@pytest.mark.parametrize("body", [b"", b"  ", b"{}", b'{"context": {}}', b'{"context": {"targetingKey": ""}}'])
def test_single__no_context__is_evaluated_as_nobody(shop: Shop, body: bytes) -> None:
    answer = shop.send(f"{ALL}/price_buttons", body=body)

    assert (answer.status, answer.json()["value"], answer.json()["reason"]) == (200, False, "DEFAULT")


def test_single__killed__is_disabled_for_all(shop: Shop) -> None:
    shop.kill()

    answer = shop.ask_one(targetingKey="ana").json()
    assert (answer["value"], answer["variant"], answer["reason"]) == (False, "off", "DISABLED")


@pytest.mark.parametrize("key", ["nothing", "price_buttons/x", "é", "x" * 300])
def test_single__an_unknown_flag__is_404_even_with_a_broken_body(shop: Shop, key: str) -> None:
    answer = shop.send(f"{ALL}/{key}", body=b"{broken")

    assert answer.status == 404
    assert (answer.json()["key"], answer.json()["errorCode"]) == (key, "FLAG_NOT_FOUND")
    assert answer.json()["errorDetails"]


BROKEN = [
    (b"{broken", "PARSE_ERROR"),
    (b"\xff\xfe", "PARSE_ERROR"),
    (b'{"context": NaN}', "PARSE_ERROR"),
    (b'{"context": {"a": Infinity}}', "PARSE_ERROR"),
    (b"[" * 60_000, "PARSE_ERROR"),
    (b'{"context": {"a": ' + b"9" * 5_000 + b"}}", "PARSE_ERROR"),
    (b"[]", "PARSE_ERROR"),
    (b"7", "PARSE_ERROR"),
    (b"null", "PARSE_ERROR"),
    (b'{"context": []}', "INVALID_CONTEXT"),
    (b'{"context": null}', "INVALID_CONTEXT"),
    (b'{"context": "ana"}', "INVALID_CONTEXT"),
    (b'{"context": {"targetingKey": 7}}', "INVALID_CONTEXT"),
    (b'{"context": {"targetingKey": ["ana"]}}', "INVALID_CONTEXT"),
]


@pytest.mark.parametrize(("body", "code"), BROKEN)
@pytest.mark.parametrize("path", [ALL, f"{ALL}/price_buttons"])
def test_evaluate__a_wrong_body__is_400_with_its_code(shop: Shop, path: str, body: bytes, code: str) -> None:
    answer = shop.send(path, body=body)

    assert (answer.status, answer.json()["errorCode"]) == (400, code)
    assert answer.json()["errorDetails"]


@pytest.mark.parametrize(
    "context",
    [{"targetingKey": "ana\x00"}, {"site": {"deep": [1, {}]}}, {"site": 10**40}, {"site": "\ud800"}, {"é": None}],
)
def test_evaluate__odd_but_valid_values__are_nobody(shop: Shop, context: dict[str, Any]) -> None:
    assert shop.ask_one(**context).json()["value"] is False


def test_evaluate__the_same_key_twice__the_last_counts(shop: Shop) -> None:
    body = b'{"context": {"targetingKey": "bo", "targetingKey": "ana"}}'

    assert shop.send(f"{ALL}/price_buttons", body=body).json()["value"] is True


@pytest.mark.parametrize("path", [ALL, f"{ALL}/price_buttons"])
@pytest.mark.parametrize("in_parts", [False, True])
def test_evaluate__ten_megabytes__are_413(shop: Shop, path: str, in_parts: bool) -> None:
    body = (b"x" * 65_536 for _ in range(160)) if in_parts else b"x" * 10_485_760

    answer = shop.send(path, body=body)

    assert (answer.status, answer.json()["errorCode"]) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer "}, {"authorization": "Basic abc"}, {"x-api-key": "x"}]
)
@pytest.mark.parametrize("path", [ALL, f"{ALL}/price_buttons", f"{ALL}/nothing"])
def test_evaluate__without_a_valid_token__is_401(shop: Shop, path: str, headers: dict[str, str]) -> None:
    answer = ask(path, method="POST", headers=headers, body=b"{}")

    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["errorDetails"]


def test_evaluate__the_key_header__opens_too(shop: Shop) -> None:
    assert ask(ALL, method="POST", headers={"x-api-key": shop.raw}, body=b"{}").status == 200


@pytest.mark.parametrize("purpose", [Purpose.TELEMETRY, Purpose.MANAGE])
def test_evaluate__a_token_for_another_purpose__is_403(shop: Shop, purpose: Purpose) -> None:
    _token, raw = make_token(shop.environment, purpose=purpose)
    KEEPER.refresh()

    assert shop.send(token=raw).status == 403


def test_evaluate__another_environments_token__sees_its_own_flags_alone(shop: Shop) -> None:
    _token, raw = make_token(make_environment(), purpose=Purpose.SERVER)
    KEEPER.refresh()

    answer = shop.send(f"{ALL}/price_buttons", body=b'{"context": {"targetingKey": "ana"}}', token=raw)
    assert (answer.json()["value"], answer.json()["reason"]) == (False, "DISABLED")


def test_evaluate__a_revoked_token__is_401(shop: Shop) -> None:
    revoke_token(token_id=shop.token.pk, **BY)
    KEEPER.refresh()

    assert shop.send().status == 401


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
@pytest.mark.parametrize("path", [ALL, f"{ALL}/price_buttons"])
def test_evaluate__another_method__is_405_and_names_the_right_one(shop: Shop, path: str, method: str) -> None:
    answer = shop.send(path, method=method)

    assert answer.status == 405
    assert "POST" in answer.headers["allow"]


def test_bulk__every_flag__with_an_etag(shop: Shop) -> None:
    make_flag(key="tickets")
    KEEPER.refresh()

    answer = shop.ask_all()

    assert [(one["key"], one["value"]) for one in answer.json()["flags"]] == [
        ("price_buttons", True),
        ("tickets", False),
    ]
    assert answer.json()["metadata"] == {"environment": shop.environment.key}
    assert answer.headers["etag"].startswith('"')


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', '"other",{}, "more"'])
def test_bulk__the_etag_sent_back__is_304_without_body(shop: Shop, form: str) -> None:
    etag = shop.ask_all().headers["etag"]

    answer = shop.ask_all(if_none_match=form.format(etag))

    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", etag)


def test_bulk__another_person_or_an_edit__is_never_304(shop: Shop) -> None:
    etag = shop.ask_all().headers["etag"]

    assert shop.send(body=b'{"context": {"targetingKey": "bo"}}', if_none_match=etag).status == 200
    shop.kill()
    assert shop.ask_all(if_none_match=etag).status == 200


def test_evaluate__any_number_of_times__touches_no_database(shop: Shop) -> None:
    with CaptureQueriesContext(connection) as queries:
        for _ in range(3):
            shop.ask_one(targetingKey="ana")
            shop.ask_all()

    assert len(queries) == 0


def test_evaluate__before_the_first_snapshot__is_503_and_says_when_to_come_back(shop: Shop) -> None:
    KEEPER.clear()

    answer = shop.ask_all()

    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


def test_cors__a_known_origin__may_read_the_answer(shop: Shop) -> None:
    answer = shop.ask_all(origin=ORIGIN)

    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-expose-headers"] == "ETag, Retry-After"
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("path", [ALL, f"{ALL}/nothing"])
@pytest.mark.parametrize("token", [None, "wrong"])
def test_cors__a_known_origin__may_read_a_refusal_too(shop: Shop, path: str, token: str | None) -> None:
    answer = shop.send(path, body=b"{broken", token=token, origin=ORIGIN)

    assert answer.status in {400, 401, 404}
    assert answer.headers["access-control-allow-origin"] == ORIGIN


def test_cors__an_unknown_origin__gets_no_leave(shop: Shop) -> None:
    answer = shop.ask_all(origin="https://elsewhere.example")

    assert answer.status == 200
    assert "access-control-allow-origin" not in answer.headers


def test_cors__another_environments_origin__gets_no_leave_for_this_one(shop: Shop) -> None:
    make_environment(allowed_origins=["https://other.example"])
    KEEPER.refresh()

    assert "access-control-allow-origin" not in shop.ask_all(origin="https://other.example").headers


@pytest.mark.parametrize("path", [ALL, f"{ALL}/price_buttons"])
def test_cors__preflight_of_a_known_origin__allows_what_clients_send(shop: Shop, path: str) -> None:
    answer = ask(path, method="OPTIONS", headers={"origin": ORIGIN, "access-control-request-method": "POST"})

    assert answer.status == 204
    assert answer.headers["access-control-allow-methods"] == "POST, OPTIONS"
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert {"Authorization", "X-API-Key", "Content-Type", "If-None-Match", "Last-Event-ID"} <= set(allowed)


def test_cors__preflight_of_an_unknown_origin__is_403(shop: Shop) -> None:
    assert ask(ALL, method="OPTIONS", headers={"origin": "https://elsewhere.example"}).status == 403
