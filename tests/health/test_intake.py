"""`POST /telemetry/v1/samples` on the real ASGI application."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError

from core import clock
from core.actors import DEMO
from flags.domain.purposes import Purpose
from flags.models import Environment, Flag, Site
from flags.snapshots import KEEPER
from flags.tokens import USES
from flags.transitions import revoke_token
from health import intake
from health.models import Sample
from tests.asgi import Answer, ask
from tests.factories.flags import make_environment, make_flag, make_site, make_token
from tests.factories.health import sample_body

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/telemetry/v1/samples"


class Fleet:
    """An environment with a site, a flag and a telemetry token that the snapshots know."""

    def __init__(self) -> None:
        self.environment: Environment = make_environment()
        self.site: Site = make_site()
        self.flag: Flag = make_flag()
        self.token, self.raw = make_token(self.environment)
        KEEPER.refresh()

    def body(self, **given: Any) -> dict[str, Any]:
        return sample_body(site=self.site.key, start=clock.now() - timedelta(seconds=30)) | given

    def post(self, *samples: Any) -> Answer:
        return self.send(json.dumps({"samples": list(samples)}).encode())

    def send(self, body: Any, *, token: str | None = None) -> Answer:
        return ask(PATH, method="POST", headers={"authorization": f"Bearer {token or self.raw}"}, body=body)


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    # The worker threads' connections end with each request, so that none outlives the test.
    monkeypatch.setitem(settings.DATABASES["default"], "CONN_MAX_AGE", 0)
    KEEPER.clear()
    yield Fleet()
    KEEPER.clear()
    USES.flush()


def test_intake__good_sample__is_stored_with_everything_it_said(fleet: Fleet) -> None:
    answer = fleet.post(fleet.body(id="a", till="t1", flag=fleet.flag.key, errors=2, critical_errors=1))

    sample = Sample.objects.get()
    assert (answer.status, answer.json()) == (202, {"accepted": 1, "duplicates": 0, "rejected": []})
    assert (sample.source, sample.environment, sample.site, sample.flag) == (
        f"token:{fleet.token.pk}",
        fleet.environment,
        fleet.site,
        fleet.flag,
    )
    assert (sample.client_id, sample.till, sample.requests, sample.errors, sample.critical_errors) == (
        "a",
        "t1",
        10,
        2,
        1,
    )
    assert sample.ends_at - sample.start_at == timedelta(seconds=30)


def test_intake__histogram__is_stored_with_what_it_said(fleet: Fleet) -> None:
    latency = {"bounds": [10, 50], "counts": [7, 2, 1]}

    fleet.post(fleet.body(latency_ms=latency))

    assert json.loads(Sample.objects.get().latency) == [[10, 50], [7, 2, 1]]


def test_intake__no_samples__is_accepted(fleet: Fleet) -> None:
    assert fleet.post().json() == {"accepted": 0, "duplicates": 0, "rejected": []}


def test_intake__bad_ones_between__are_named_by_index_and_code(fleet: Fleet) -> None:
    answer = fleet.post(
        fleet.body(site="atlantis"), fleet.body(), "no object", fleet.body(flag="nothing"), fleet.body(requests=-1)
    )

    assert answer.status == 202
    assert answer.json()["accepted"] == 1
    assert [(one["index"], one["errorCode"]) for one in answer.json()["rejected"]] == [
        (0, "UNKNOWN_SITE"),
        (2, "INVALID_SAMPLE"),
        (3, "UNKNOWN_FLAG"),
        (4, "INVALID_COUNT"),
    ]
    assert all(one["errorDetails"] for one in answer.json()["rejected"])


def test_intake__text_that_no_database_can_hold__is_rejected(fleet: Fleet) -> None:
    answer = fleet.send(
        b'{"samples": [' + json.dumps(fleet.body(id="a")).encode().replace(b'"a"', rb'"\ud800"') + b"]}"
    )

    assert (answer.status, answer.json()["rejected"][0]["errorCode"]) == (202, "INVALID_FIELD")


def test_intake__repeated_samples__count_once_and_are_told(fleet: Fleet) -> None:
    sample = fleet.body(id="a")
    fleet.post(sample)

    again = fleet.post(sample | {"requests": 99}, fleet.body(id="b"), fleet.body(id="b"))

    assert again.json() == {"accepted": 1, "duplicates": 2, "rejected": []}
    assert sorted(Sample.objects.values_list("client_id", "requests")) == [("a", 10), ("b", 10)]


def test_intake__same_id_from_another_token__is_another_sample(fleet: Fleet) -> None:
    _, other = make_token(fleet.environment)
    KEEPER.refresh()
    sample = fleet.body(id="a")
    fleet.post(sample)

    answer = fleet.send(json.dumps({"samples": [sample]}).encode(), token=other)

    assert answer.json()["accepted"] == 1


def test_intake__same_samples_in_opposite_order_at_once__are_counted_exactly(fleet: Fleet) -> None:
    samples = [fleet.body(id=f"s{number}") for number in range(200)]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda turn: fleet.post(*samples[:: (-1) ** turn]), range(4)))

    assert [answer.status for answer in answers] == [202] * 4
    assert sum(answer.json()["accepted"] for answer in answers) == 200
    assert sum(answer.json()["duplicates"] for answer in answers) == 600
    assert Sample.objects.count() == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"samples": null}',
        b'{"samples": {}}',
        b'{"samples": [NaN]}',
        b"[" * 100_000,
    ],
)
def test_intake__body_of_the_wrong_form__is_a_parse_error(fleet: Fleet, body: bytes) -> None:
    answer = fleet.send(body)

    assert (answer.status, answer.json()["errorCode"]) == (400, "PARSE_ERROR")


def test_intake__number_beyond_every_float__is_rejected(fleet: Fleet) -> None:
    body = json.dumps({"samples": [fleet.body(requests=12345)]}).encode().replace(b"12345", b"1e999")

    assert fleet.send(body).json()["rejected"][0]["errorCode"] == "INVALID_COUNT"


def test_intake__ten_megabytes__is_too_large_declared_or_not(fleet: Fleet) -> None:
    declared = fleet.send(b" " * 10_000_000)
    in_parts = fleet.send([b" " * 100_000] * 100)

    assert [answer.status for answer in (declared, in_parts)] == [413, 413]
    assert not Sample.objects.exists()


def test_intake__a_thousand_samples__are_taken_and_one_more_is_not(fleet: Fleet) -> None:
    sample = fleet.body()
    thousand = [sample | {"id": str(number)} for number in range(1_000)]

    assert fleet.post(*thousand).json()["accepted"] == 1_000
    assert fleet.post(*thousand, fleet.body()).status == 413


def test_intake__without_a_valid_token__is_401_and_names_the_scheme(fleet: Fleet) -> None:
    revoke_token(token_id=fleet.token.pk, actor=DEMO, reason="lost", now=clock.now())
    KEEPER.refresh()

    answers = [fleet.post(fleet.body()), fleet.send(b"{}", token="rp_telemetry_x"), ask(PATH, method="POST")]

    assert [answer.status for answer in answers] == [401] * 3
    assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}
    assert not Sample.objects.exists()


@pytest.mark.parametrize("purpose", [purpose for purpose in Purpose if purpose is not Purpose.TELEMETRY])
def test_intake__token_for_another_purpose__is_403(fleet: Fleet, purpose: Purpose) -> None:
    _, raw = make_token(fleet.environment, purpose=purpose)
    KEEPER.refresh()

    assert fleet.send(b'{"samples": []}', token=raw).status == 403


def test_intake__foreign_token__writes_to_its_own_environment_only(fleet: Fleet) -> None:
    other = make_environment()
    _, raw = make_token(other)
    KEEPER.refresh()

    fleet.send(json.dumps({"samples": [fleet.body()]}).encode(), token=raw)

    assert Sample.objects.get().environment == other


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_intake__another_method__is_405_and_names_the_one_it_takes(fleet: Fleet, method: str) -> None:
    answer = ask(PATH, method=method)

    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_intake__before_the_first_snapshot__says_when_to_come_again(fleet: Fleet) -> None:
    KEEPER.clear()

    answer = fleet.post(fleet.body())

    assert (answer.status, answer.headers["retry-after"].isdigit()) == (503, True)


def test_intake__database_away__says_when_to_come_again(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> int:
        raise OperationalError("the server closed the connection unexpectedly")

    monkeypatch.setattr(intake, "record_samples", fail)

    answer = fleet.post(fleet.body())

    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


def test_intake__too_many_at_once__says_when_to_come_again(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "DESK", intake.Desk(limit=0))

    answer = fleet.post(fleet.body())

    assert (answer.status, answer.headers["retry-after"]) == (429, "1")


def test_intake__refused_requests__give_their_place_back(fleet: Fleet) -> None:
    fleet.send(b"{")
    fleet.post(fleet.body())

    assert intake.DESK.busy == 0
