"""`POST /v1/metrics` on the real ASGI application."""

import gzip
import json
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import BoundedSemaphore
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

from core import clock
from core.actors import DEMO
from flags.domain.purposes import Purpose
from flags.snapshots import KEEPER
from flags.tokens import USES
from flags.transitions import revoke_token
from health import intake, otlp, otlp_bounds, otlp_transitions
from health.models import OtlpSeries, Sample
from health.otlp_messages import DURATION, read_points
from health.tasks import forget_old_series
from tests.asgi import Answer, ask
from tests.factories.flags import make_environment, make_flag, make_site, make_token
from tests.factories.otlp import DELTA, data_point, export_body, to_protobuf

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/v1/metrics"
PROTOBUF = "application/x-protobuf"


class Service:
    """A service of a site that reports, and what the snapshots know of it."""

    def __init__(self) -> None:
        self.environment = make_environment()
        self.site, self.flag = make_site(), make_flag()
        self.token, self.raw = make_token(self.environment)
        self.now = clock.now()
        self.began = self.now - timedelta(minutes=4)
        self.resource: dict[str, object] = {"site": self.site.key, "till": "t1", "service.version": "1.3.0"}
        KEEPER.refresh()

    def point(self, *counts: int, seconds: float = 60, **more: Any) -> dict[str, Any]:
        at = self.began + timedelta(seconds=seconds)
        wanted: dict[str, Any] = {"began": self.began, "at": at, "counts": list(counts)}
        return data_point(**(wanted | more))

    def body(self, *points: dict[str, Any], **more: Any) -> dict[str, Any]:
        return export_body(*points, **({"resource": self.resource} | more))

    def post(self, *points: dict[str, Any], **more: Any) -> Answer:
        return self.send(json.dumps(self.body(*points, **more)).encode())

    def send(self, body: bytes, *, token: str | None = None, kind: str = "application/json", **more: str) -> Answer:
        headers = {"authorization": f"Bearer {token or self.raw}", "content-type": kind}
        return ask(
            PATH, method="POST", headers=headers | {name.replace("_", "-"): more[name] for name in more}, body=body
        )

    @property
    def requests(self) -> list[int]:
        return list(Sample.objects.order_by("ends_at", "pk").values_list("requests", flat=True))


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    # The worker threads' connections end with each request, so that none outlives the test.
    monkeypatch.setitem(settings.DATABASES["default"], "CONN_MAX_AGE", 0)
    KEEPER.clear()
    yield Service()
    KEEPER.clear()
    USES.flush()


def refused(answer: Answer) -> int:
    """Return how many data points an answer says were not taken."""
    return int(answer.json().get("partialSuccess", {}).get("rejectedDataPoints", 0))


def test_otlp__json__is_stored_with_everything_it_said(service: Service) -> None:
    point = service.point(3, 2, 1, attributes={"flag": service.flag.key, "http.route": "/sales/{id}"})

    answer = service.post(point)

    sample = Sample.objects.get()
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "application/json", b"{}")
    assert (sample.environment, sample.site, sample.flag) == (service.environment, service.site, service.flag)
    assert (sample.till, sample.release, sample.transaction) == ("t1", "1.3.0", "/sales/{id}")
    assert (sample.requests, sample.errors, sample.critical_errors) == (6, 0, 0)
    assert json.loads(sample.latency) == [[50, 500], [3, 2, 1]]
    assert sample.ends_at - sample.start_at == timedelta(seconds=60)


def test_otlp__protobuf__says_the_same_and_is_answered_in_protobuf(service: Service) -> None:
    answer = service.send(to_protobuf(service.body(service.point(3, 2, 1))), kind=PROTOBUF)

    assert (answer.status, answer.headers["content-type"], answer.body) == (200, PROTOBUF, b"")
    assert json.loads(Sample.objects.get().latency) == [[50, 500], [3, 2, 1]]


@pytest.mark.parametrize(
    ("attributes", "errors"),
    [
        ({"http.response.status_code": 500}, 4),
        ({"http.response.status_code": 503, "error.type": "503"}, 4),
        ({"error.type": "ConnectionResetError"}, 4),
        ({"http.response.status_code": 404}, 0),
        ({"http.response.status_code": 422}, 0),
        ({"http.response.status_code": 302}, 0),
    ],
)
def test_otlp__errors__are_failures_of_ours_and_not_wrong_input(
    service: Service, attributes: dict[str, object], errors: int
) -> None:
    service.post(service.point(4, 0, 0, attributes=attributes))

    assert Sample.objects.get().errors == errors


def test_otlp__openfeature_name_of_a_flag__is_known(service: Service) -> None:
    service.post(service.point(1, 0, 0, attributes={"feature_flag.key": service.flag.key}))

    assert Sample.objects.get().flag == service.flag


def test_otlp__attribute_of_the_data_point__goes_before_the_resource(service: Service) -> None:
    other = make_site()
    KEEPER.refresh()

    service.post(service.point(1, 0, 0, attributes={"site": other.key}))

    assert Sample.objects.get().site == other


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_otlp__packed_body__is_unpacked(service: Service, encoding: str) -> None:
    plain = to_protobuf(service.body(service.point(1, 0, 0)))
    packed = gzip.compress(plain) if encoding == "gzip" else zlib.compress(plain)

    assert service.send(packed, kind=PROTOBUF, content_encoding=encoding).status == 200
    assert service.requests == [1]


def test_otlp__cumulative_over_exports__counts_what_came_between(service: Service) -> None:
    for seconds, count in ((60, 5), (120, 9), (180, 9)):
        service.post(service.point(count, 0, 0, seconds=seconds))

    assert service.requests == [5, 4, 0]
    assert Sample.objects.last().latency == ""  # type: ignore[union-attr]  # three samples


def test_otlp__same_bytes_again__count_once(service: Service) -> None:
    body = json.dumps(service.body(service.point(5, 0, 0))).encode()

    answers = [service.send(body) for _ in range(3)]

    assert [(answer.status, answer.body) for answer in answers] == [(200, b"{}")] * 3
    assert service.requests == [5]


def test_otlp__same_delta_bytes_again__count_once(service: Service) -> None:
    body = json.dumps(service.body(service.point(5, 0, 0), temporality=DELTA)).encode()

    for _ in range(3):
        service.send(body)

    assert service.requests == [5]
    assert not OtlpSeries.objects.exists()


def test_otlp__same_export_to_several_processes_at_once__counts_once(service: Service) -> None:
    bodies = [
        json.dumps(service.body(service.point(5, 0, 0, seconds=at, status=st))).encode()
        for at in (60, 120)
        for st in (200, 500)
    ]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(service.send, bodies * 4))

    assert {answer.status for answer in answers} == {200}
    assert sum(service.requests) == 10


def test_otlp__delta_points_out_of_order__each_count_in_their_own_minute(service: Service) -> None:
    for seconds in (120, 60):
        begin = service.began + timedelta(seconds=seconds - 60)
        service.post(service.point(5, 0, 0, seconds=seconds, began=begin), temporality=DELTA)

    ends = Sample.objects.order_by("ends_at").values_list("ends_at", flat=True)
    assert service.requests == [5, 5]
    assert ends[1] - ends[0] == timedelta(seconds=60)


def test_otlp__restarted_process__counts_from_zero(service: Service) -> None:
    service.post(service.point(50, 0, 0, seconds=120))
    began = service.began + timedelta(seconds=130)

    service.post(service.point(3, 0, 0, began=began, seconds=180))

    assert service.requests == [50, 3]


def test_otlp__two_processes_that_call_themselves_alike__are_not_taken_for_resets(service: Service) -> None:
    later = service.began + timedelta(seconds=5)
    for seconds, first, second in ((60, 100, 90), (120, 110, 95), (180, 120, 100)):
        service.post(service.point(first, 0, 0, seconds=seconds))
        service.post(service.point(second, 0, 0, seconds=seconds, began=later))

    assert sum(service.requests) == 220


def test_otlp__process_that_began_yesterday__is_no_spike(service: Service) -> None:
    yesterday = service.now - timedelta(days=1)

    answer = service.post(service.point(500_000, 0, 0, began=yesterday))
    service.post(service.point(500_004, 0, 0, began=yesterday, seconds=120))

    assert refused(answer) == 0
    assert service.requests == [4]


def test_otlp__exponential_histogram__is_counted_with_its_durations(service: Service) -> None:
    def point(seconds: int, zero: int, *counts: int) -> dict[str, Any]:
        body = service.point(sum(counts) + zero, seconds=seconds)
        kept = {key: body[key] for key in ("startTimeUnixNano", "timeUnixNano", "count", "attributes")}
        buckets = {"offset": -1, "bucketCounts": [str(count) for count in counts]}
        return kept | {"scale": 0, "zeroCount": str(zero), "positive": buckets}

    service.post(point(60, 1, 2, 3), kind="exponentialHistogram")
    service.post(point(120, 1, 4, 3), kind="exponentialHistogram")

    samples = Sample.objects.order_by("ends_at")
    assert [json.loads(sample.latency) for sample in samples] == [
        [[500, 1000, 2000], [1, 2, 3, 0]],
        [[500, 1000], [0, 2, 0]],
    ]


def test_otlp__bad_points_between__lose_no_good_one_and_are_told(service: Service) -> None:
    answer = service.post(
        service.point(1, 0, 0, attributes={"site": "atlantis"}),
        service.point(2, 0, 0),
        service.point(1, 0, 0, attributes={"flag": "nothing"}),
        service.point(1, 0, 0, count="7"),
        service.point(1, 0, 0, explicitBounds=[0.5, 0.05]),
        service.point(1, 0, 0, seconds=3_600),
    )

    told = answer.json()["partialSuccess"]
    assert (answer.status, told["rejectedDataPoints"], service.requests) == (200, "5", [2])
    for code in ("UNKNOWN_SITE", "UNKNOWN_FLAG", "INVALID_COUNT", "INVALID_LATENCY", "START_IN_FUTURE"):
        assert code in told["errorMessage"]


def test_otlp__bad_points_in_protobuf__are_told_in_protobuf(service: Service) -> None:
    answer = service.send(to_protobuf(service.body(service.point(1, 0, 0), resource={})), kind=PROTOBUF)

    told = ExportMetricsServiceResponse.FromString(answer.body).partial_success
    assert (answer.status, told.rejected_data_points) == (200, 1)
    assert "'site' is missing" in told.error_message


@pytest.mark.parametrize(
    "given",
    [
        {"unit": "min"},
        {"temporality": 0},
        {"kind": "gauge"},
        {"kind": "sum"},
    ],
)
def test_otlp__metric_of_another_kind__is_refused(service: Service, given: dict[str, Any]) -> None:
    answer = service.post(service.point(1, 0, 0), **given)

    assert (refused(answer), service.requests) == (1, [])


def test_otlp__metrics_of_other_names__pass_in_silence(service: Service) -> None:
    answer = service.post(service.point(1, 0, 0), name="process.cpu.time")

    assert (answer.status, answer.body, service.requests) == (200, b"{}", [])


def test_otlp__name_of_before_the_stable_conventions__is_told_and_not_counted_twice(service: Service) -> None:
    answer = service.post(service.point(1, 0, 0), name="http.server.duration", unit="ms")

    assert "OTEL_SEMCONV_STABILITY_OPT_IN" in answer.json()["partialSuccess"]["errorMessage"]
    assert (refused(answer), service.requests) == (0, [])


def test_otlp__point_without_a_recorded_value__says_nothing(service: Service) -> None:
    answer = service.post(service.point(0, 0, 0, flags=1))

    assert (answer.body, service.requests) == (b"{}", [])


def test_otlp__too_many_series__are_refused_and_the_known_go_on(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp_transitions, "MOST_SERIES", 1)
    service.post(service.point(1, 0, 0))

    answer = service.post(service.point(4, 0, 0, seconds=120), service.point(1, 0, 0, seconds=120, status=500))

    assert (refused(answer), service.requests) == (1, [1, 3])


def test_otlp__series_silent_for_a_day__are_forgotten_and_the_others_stay(service: Service) -> None:
    service.post(service.point(1, 0, 0), service.point(1, 0, 0, status=500))
    old = OtlpSeries.objects.order_by("key").first()
    assert old is not None
    OtlpSeries.objects.filter(pk=old.pk).update(seen_at=service.now - timedelta(hours=25))

    assert (forget_old_series(), OtlpSeries.objects.count()) == (1, 1)


@pytest.mark.parametrize("kind", [PROTOBUF, "application/json"])
@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"{", b"[]", b'{"resourceMetrics": 3}', b"[" * 100_000])
def test_otlp__malformed_body__is_400_with_a_status(service: Service, kind: str, body: bytes) -> None:
    answer = service.send(body, kind=kind)

    assert (answer.status, answer.headers["content-type"]) == (400, kind)
    assert b"PARSE_ERROR" in answer.body


HOSTILE = ["", "a\x00b", "x" * 5_000, "💥" * 300, -1, 10**40, 1e308, True, None, [], [[[]]], {}, "NaN", "Infinity"]


def test_otlp__hostile_values_anywhere__are_refused_and_never_a_fault(service: Service) -> None:
    answers = []
    for name in service.point(1, 0, 0):
        answers += [service.post(service.point(1, 0, 0) | {name: value}) for value in HOSTILE]
    for name in ("site", "flag", "till", "service.version", "http.route", "error.type"):
        answers += [service.post(service.point(1, 0, 0, attributes={name: text})) for text in HOSTILE[:4]]

    assert {answer.status for answer in answers} <= {200, 400}


def test_otlp__empty_body__takes_nothing(service: Service) -> None:
    assert service.send(b"", kind=PROTOBUF).status == 200


def test_otlp__body_that_unpacks_to_far_more__is_413(service: Service) -> None:
    bomb = gzip.compress(b" " * (otlp.MAX_INFLATED_BYTES + 1))

    assert len(bomb) < 10_000
    assert service.send(bomb, content_encoding="gzip").status == 413


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [(b"plain", "gzip", 400), (gzip.compress(b"{}")[:-6], "gzip", 400), (b"{}", "br", 415), (b"{}", "identity", 200)],
)
def test_otlp__packing_that_is_none__is_refused(service: Service, body: bytes, encoding: str, status: int) -> None:
    assert service.send(body, content_encoding=encoding).status == status


def test_otlp__too_many_points__is_413(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_bounds, "MOST_POINTS", 1)

    assert service.post(service.point(1, 0, 0), service.point(1, 0, 0, status=500)).status == 413
    assert service.requests == []


def message(field: int, body: bytes) -> bytes:
    """Return a field of a protobuf message that holds another message."""
    size, length = len(body), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([field << 3 | 2, *length, size]) + body


EMPTY = message(1, b"")
DELTA_POINTS = message(1, DURATION.encode()) + message(9, EMPTY * 1_500_000 + b"\x10\x01")
#: What is a few thousand bytes when it is sent, and millions of values when it is read.
SWARMS = {
    "points": (PROTOBUF, message(1, message(2, message(2, DELTA_POINTS)))),
    "resources": (PROTOBUF, EMPTY * 2_000_000),
    "scopes": (PROTOBUF, message(1, message(2, b"") * 2_000_000)),
    "metrics": (PROTOBUF, message(1, message(2, message(2, b"") * 1_500_000))),
    "attributes": (PROTOBUF, message(1, message(1, EMPTY * 1_500_000))),
    "objects": ("application/json", b'{"resourceMetrics":[' + b"{}," * 1_300_000 + b"{}]}"),
}


@pytest.mark.parametrize("name", SWARMS)
def test_otlp__millions_of_empty_messages__are_413_before_anybody_goes_through_them(
    service: Service, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    kind, body = SWARMS[name]
    read: list[object] = []
    monkeypatch.setattr(otlp, "read_points", lambda *given, **_: read.append(given))

    answer = service.send(gzip.compress(body), kind=kind, content_encoding="gzip")

    assert (answer.status, read) == (413, [])
    assert b"TOO_MANY_SAMPLES" in answer.body


def test_otlp__point_with_more_attributes_than_an_sdk_keeps__loses_no_other(service: Service) -> None:
    many = {f"a{number}": "x" for number in range(300)}

    answer = service.post(service.point(1, 0, 0, attributes=many), service.point(2, 0, 0, status=201))

    assert (answer.status, refused(answer), service.requests) == (200, 1, [2])


def test_otlp__more_at_once_than_are_read__wait_and_are_taken(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp, "READING", BoundedSemaphore(1))
    has_room: list[bool] = []

    def watched(*given: Any, **named: Any) -> Any:
        has_room.append(otlp.READING.acquire(blocking=False))
        return read_points(*given, **named)

    monkeypatch.setattr(otlp, "read_points", watched)
    bodies = [json.dumps(service.body(service.point(1, 0, 0, status=200 + n))).encode() for n in range(8)]

    with ThreadPoolExecutor(len(bodies)) as pool:
        answers = list(pool.map(service.send, bodies))

    assert {answer.status for answer in answers} == {200}
    assert (sum(service.requests), has_room) == (8, [False] * 8)


def test_otlp__another_content_type__is_415(service: Service) -> None:
    assert service.send(b"{}", kind="text/plain").status == 415


def test_otlp__without_a_valid_token__is_401_with_a_status_in_its_encoding(service: Service) -> None:
    revoke_token(token_id=service.token.pk, actor=DEMO, reason="lost", now=clock.now())
    KEEPER.refresh()

    in_json, in_protobuf = service.send(b"{}"), service.send(b"", kind=PROTOBUF)

    assert (in_json.status, in_json.headers["www-authenticate"], in_json.json()["code"]) == (401, "Bearer", 16)
    assert (in_protobuf.status, in_protobuf.body[:2]) == (401, b"\x08\x10")


@pytest.mark.parametrize("purpose", [purpose for purpose in Purpose if purpose is not Purpose.TELEMETRY])
def test_otlp__token_for_another_purpose__is_403(service: Service, purpose: Purpose) -> None:
    _, raw = make_token(service.environment, purpose=purpose)
    KEEPER.refresh()

    answer = service.send(b"{}", token=raw)

    assert (answer.status, answer.json()["code"]) == (403, 7)


def test_otlp__token_as_api_key__is_known(service: Service) -> None:
    headers = {"x-api-key": service.raw, "content-type": "application/json"}

    assert ask(PATH, method="POST", headers=headers, body=b"{}").status == 200


def test_otlp__database_away__says_when_to_come_again_and_loses_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> int:
        raise OperationalError("the server closed the connection unexpectedly")

    with monkeypatch.context() as broken:
        broken.setattr(otlp_transitions, "record_samples", fail)
        answer = service.post(service.point(5, 0, 0))
    service.post(service.point(5, 0, 0))

    assert (answer.status, answer.headers["retry-after"], answer.json()["code"]) == (503, "5", 14)
    assert service.requests == [5]


def test_otlp__too_many_at_once__says_when_to_come_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "DESK", intake.Desk(limit=0))

    answer = service.post(service.point(1, 0, 0))

    assert (answer.status, answer.headers["retry-after"]) == (429, "1")


def test_otlp__another_method__is_405(service: Service) -> None:
    assert ask(PATH).status == 405
