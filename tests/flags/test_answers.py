"""What evaluation remembers and what it refuses, on definitions alone: no database."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from flags.answers import MOST_BODY_BYTES, MOST_POLLS, Answers, Asked, Poll
from flags.contacts import CONTACTS
from flags.domain import versions
from flags.domain.audience import RuleKind
from flags.domain.conditions import Condition, Operator, compile_conditions
from flags.domain.definition import EnvironmentDefinition, FlagDefinition, RuleDefinition, TokenDefinition
from flags.domain.purposes import Purpose
from flags.domain.tokens import hash_token
from flags.snapshots import KEEPER
from tests.asgi import Answer, ask

ALL = "/ofrep/v1/evaluate/flags"
RAW = "rp_server_of_this_test"
VARIANTS: dict[str, object] = {"on": True, "off": False, "half": 1.0, "été": "🛒"}


def _define(**changes: Any) -> EnvironmentDefinition:
    split = RuleDefinition(RuleKind.EVERYONE, "", split=(("on", 2_500), ("off", 7_500)))
    given: dict[str, Any] = {
        "environment_id": 1,
        "key": "prod",
        "revision": 7,
        "changed_at": datetime(2026, 11, 24, tzinfo=UTC),
        "flags": {
            "plain": FlagDefinition("plain", VARIANTS, "half", "off", is_on=True, is_killed=False),
            "odd": FlagDefinition("odd", VARIANTS, "été", "off", is_on=True, is_killed=False),
            "share": FlagDefinition("share", VARIANTS, "off", "off", is_on=True, is_killed=False, rules=(split,)),
        },
        "tokens": (TokenDefinition(1, hash_token(RAW), Purpose.SERVER),),
    }
    return EnvironmentDefinition(**(given | changes))


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    monkeypatch.setattr(CONTACTS, "_new", {})
    monkeypatch.setattr("flags.tokens.USES._uses", {})
    KEEPER.clear()
    KEEPER.serve([_define()])
    assert KEEPER.portfolio is not None
    yield KEEPER.portfolio.snapshots[1].answers
    KEEPER.clear()


def _send(path: str = ALL, *, body: bytes = b"{}", root: str = "", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ask(path, method="POST", headers={"authorization": f"Bearer {RAW}"} | named, body=body, root=root)


@pytest.mark.parametrize(
    "context", [b"", b"{}", b'{"context": {"targetingKey": ""}}', b'{"context": {"targetingKey": "\\ud800"}}']
)
def test_split__without_a_usable_targeting_key__is_said_for_that_flag_alone(served: Answers, context: bytes) -> None:
    one, every = _send(f"{ALL}/share", body=context), _send(body=context)

    assert (one.status, one.json()["key"], one.json()["errorCode"]) == (400, "share", "TARGETING_KEY_MISSING")
    assert one.json()["errorDetails"]
    assert every.status == 200
    plain, odd, share = every.json()["flags"]
    assert share == one.json()
    assert (plain["value"], odd["variant"]) == (1.0, "été")
    assert b'"value":1.0,' in every.body


def test_split__with_a_targeting_key__is_the_same_alone_and_among_all(served: Answers) -> None:
    body = b'{"context": {"targetingKey": "ana"}}'

    one, every = _send(f"{ALL}/share", body=body).json(), _send(body=body).json()

    assert one["reason"] == "SPLIT"
    assert one in every["flags"]


def test_poll__asked_again_unchanged__still_counts_for_reach(served: Answers) -> None:
    body = b'{"context": {"till": "lyon-1"}}'
    etag = _send(body=body).headers["etag"]
    CONTACTS._new.clear()

    answer = _send(body=body, if_none_match=etag)

    assert (answer.status, answer.headers["etag"]) == (304, etag)
    assert list(CONTACTS._new) == [(1, "lyon-1")]


def test_poll__of_a_newer_snapshot__is_answered_anew(served: Answers) -> None:
    etag = _send().headers["etag"]
    KEEPER.clear()
    KEEPER.serve([_define(flags={})])

    assert _send(if_none_match=etag).status == 200


def test_poll__another_etag_than_remembered__is_answered_whole(served: Answers) -> None:
    first = _send()

    again = _send(if_none_match='"another"')

    assert (again.status, again.body, again.headers["etag"]) == (200, first.body, first.headers["etag"])


def test_polls__random_keys_without_end__are_forgotten(served: Answers) -> None:
    for number in range(2 * MOST_POLLS + 10):
        served.remember(Asked(1, 1, b"%d" % number), Poll(b"", {}))

    assert len(served._polls) <= MOST_POLLS


def test_polls__a_long_body__is_not_kept(served: Answers) -> None:
    asked = Asked(1, 1, b" " * (MOST_BODY_BYTES + 1))

    served.remember(asked, Poll(b"", {}))

    assert served.recall(asked) is None


def test_versions__a_long_text__is_read_and_not_kept() -> None:
    before = versions._remember.cache_info().currsize
    holds = compile_conditions([Condition("v", Operator.VERSION_AT_LEAST, "1.0.0")])

    assert holds({"v": "1.2.3-" + "a" * 200})
    assert not holds({"v": "x" * 200})
    assert versions._remember.cache_info().currsize <= before + 1


@pytest.mark.parametrize("text", ["1.2.3-" + "a" * 251, "1.2.3-" + "a." * 30_000 + "a", "9" * 50_000])
def test_versions__an_endless_text__is_none_and_costs_nobody_time(text: str) -> None:
    holds = compile_conditions([Condition("v", Operator.VERSION_AT_LEAST, "1.0.0")])

    assert not holds({"v": text})


@pytest.mark.parametrize(("path", "count"), [(ALL, 3), (f"{ALL}/plain", 1)])
def test_evaluate__below_a_path_of_a_proxy__answers_the_same(served: Answers, path: str, count: int) -> None:
    answer = _send(f"/portal{path}", root="/portal")

    assert answer.status == 200
    assert len(answer.json().get("flags", [1])) == count


def test_evaluate__a_fault_of_ours__is_500_without_a_word_of_the_inside(
    served: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> bytes:
        raise KeyError("secret")

    monkeypatch.setattr(served, "write_all", fail)

    answer = _send()

    assert (answer.status, answer.json()["errorCode"]) == (500, "GENERAL")
    assert b"secret" not in answer.body


@pytest.mark.parametrize(
    "body", ['{"context": {"targetingKey": "ana"}}'.encode("utf-16"), b'{"context": {"a": 1e999, "b": "\\ud800"}}']
)
def test_evaluate__odd_json_that_python_reads__is_read(served: Answers, body: bytes) -> None:
    assert _send(f"{ALL}/plain", body=body).status == 200


def test_write__metadata_and_order__are_those_of_the_definition(served: Answers) -> None:
    written = json.loads(served.write_all({"targetingKey": "ana"}, streams=b"[]"))

    assert [one["key"] for one in written["flags"]] == ["plain", "odd", "share"]
    assert (written["metadata"], written["eventStreams"]) == ({"environment": "prod"}, [])
