"""Reading the samples' body: every field's type and bound, no good sample lost for a bad one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health.domain import samples
from health.domain.samples import Reading, read_samples
from tests.factories.health import sample_body

NOW = datetime(2026, 11, 4, 9, 30, tzinfo=UTC)


def _read(*items: Any) -> Reading:
    return read_samples(list(items), site_keys={"lyon"}, flag_keys={"price_buttons"}, now=NOW)


def _body(**given: Any) -> dict[str, Any]:
    return sample_body(site="lyon", start=NOW - timedelta(seconds=30)) | given


def test_read_samples__all_fields__are_kept() -> None:
    latency = {"bounds": [10, 50.5], "counts": [6, 3, 1]}

    reading = _read(
        _body(
            id="a",
            till="t1",
            flag="price_buttons",
            release="1.3.0",
            transaction="validate-sale",
            requests=10,
            errors=3,
            critical_errors=2,
            integrity_errors=1,
            latency_ms=latency,
        )
    )

    value = reading.accepted[0]
    assert (value.client_id, value.till, value.flag_key, value.release) == ("a", "t1", "price_buttons", "1.3.0")
    assert (value.requests, value.errors, value.critical_errors, value.integrity_errors) == (10, 3, 2, 1)
    assert value.latency == latency
    assert (value.start_at, value.ends_at) == (NOW - timedelta(seconds=30), NOW)


def test_read_samples__optional_fields_null__count_as_missing() -> None:
    reading = _read(
        _body(
            till=None,
            flag=None,
            release=None,
            transaction=None,
            critical_errors=None,
            integrity_errors=None,
            latency_ms=None,
        )
    )

    value = reading.accepted[0]
    assert (value.till, value.flag_key, value.critical_errors, value.latency) == ("", None, 0, None)


def test_read_samples__one_bad_of_three__loses_no_good_one() -> None:
    reading = _read(_body(id="a"), _body(id="b", site="atlantis"), _body(id="c"))

    assert [value.client_id for value in reading.accepted] == ["a", "c"]
    assert [(one["index"], one["errorCode"]) for one in reading.rejected] == [(1, "UNKNOWN_SITE")]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"id": 7}, "INVALID_FIELD"),
        ({"id": ""}, "INVALID_FIELD"),
        ({"id": "x" * 201}, "INVALID_FIELD"),
        ({"id": "nul\x00"}, "INVALID_FIELD"),
        ({"id": "half \ud800"}, "INVALID_FIELD"),
        ({"site": None}, "INVALID_FIELD"),
        ({"site": ["lyon"]}, "INVALID_FIELD"),
        ({"site": "\ud800"}, "INVALID_FIELD"),
        ({"site": "Lyon"}, "UNKNOWN_SITE"),
        ({"flag": "nothing"}, "UNKNOWN_FLAG"),
        ({"flag": {}}, "INVALID_FIELD"),
        ({"till": 3}, "INVALID_FIELD"),
        ({"release": "9" * 51}, "INVALID_FIELD"),
        ({"transaction": "t" * 101}, "INVALID_FIELD"),
        ({"seconds": 0}, "INVALID_FIELD"),
        ({"seconds": 301}, "INVALID_FIELD"),
        ({"seconds": 30.0}, "INVALID_FIELD"),
        ({"seconds": True}, "INVALID_FIELD"),
        ({"seconds": "30"}, "INVALID_FIELD"),
        ({"requests": -1}, "INVALID_COUNT"),
        ({"requests": True}, "INVALID_COUNT"),
        ({"requests": 10.0}, "INVALID_COUNT"),
        ({"requests": float("nan")}, "INVALID_COUNT"),
        ({"requests": 10**30}, "INVALID_COUNT"),
        ({"requests": None}, "INVALID_COUNT"),
        ({"errors": 11}, "INVALID_COUNT"),
        ({"errors": 1, "critical_errors": 2}, "INVALID_COUNT"),
        ({"errors": 1, "integrity_errors": 2}, "INVALID_COUNT"),
        ({"critical_errors": "1"}, "INVALID_COUNT"),
    ],
)
def test_read_samples__wrong_field__is_rejected_with_its_code(given: dict[str, Any], code: str) -> None:
    reading = _read(_body(**given))

    assert reading.accepted == []
    assert [one["errorCode"] for one in reading.rejected] == [code]


@pytest.mark.parametrize(
    "start",
    [
        None,
        1_700_000_000,
        "",
        "yesterday",
        "2026-11-04",
        "2026-11-04T09:00",
        "2026-11-04T09:00:00",
        "20261104T090000Z",
        "2026-W45-3T09:00:00Z",
        "2026-13-04T09:00:00Z",
        "2026-11-04T25:00:00Z",
        "٢٠٢٦-11-04T09:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "2026-11-04T09:00:00Z\n",
    ],
)
def test_read_samples__start_not_rfc_3339__is_rejected(start: object) -> None:
    reading = _read(_body() | {"start": start})

    assert [one["errorCode"] for one in reading.rejected] == ["INVALID_TIME"]


@pytest.mark.parametrize("start", ["2026-11-04T09:00:00Z", "2026-11-04t09:00:00z", "2026-11-04 10:00:00.1234567+01:00"])
def test_read_samples__start_in_any_rfc_3339_form__is_taken(start: str) -> None:
    assert len(_read(_body() | {"start": start}).accepted) == 1


@pytest.mark.parametrize(
    ("away", "codes"),
    [
        (timedelta(minutes=5), []),
        (timedelta(minutes=5, seconds=1), ["START_IN_FUTURE"]),
        (-timedelta(days=7), []),
        (-timedelta(days=7, seconds=1), ["START_TOO_OLD"]),
    ],
)
def test_read_samples__start_at_the_bounds__five_minutes_and_seven_days(away: timedelta, codes: list[str]) -> None:
    reading = _read(_body() | {"start": (NOW + away).isoformat()})

    assert [one["errorCode"] for one in reading.rejected] == codes


@pytest.mark.parametrize(
    "latency",
    [
        [],
        "fast",
        {},
        {"bounds": [10], "counts": [10]},
        {"bounds": [10, 10], "counts": [10, 0, 0]},
        {"bounds": [50, 10], "counts": [10, 0, 0]},
        {"bounds": [-1], "counts": [10, 0]},
        {"bounds": [True], "counts": [10, 0]},
        {"bounds": ["10"], "counts": [10, 0]},
        {"bounds": [float("nan")], "counts": [10, 0]},
        {"bounds": [float("inf")], "counts": [10, 0]},
        {"bounds": [10**400], "counts": [10, 0]},
        {"bounds": [10], "counts": [9, 0]},
        {"bounds": [10], "counts": [11, -1]},
        {"bounds": [10], "counts": [10.0, 0]},
        {"bounds": [10], "counts": [True, 9]},
        {"bounds": list(range(201)), "counts": [10] + [0] * 201},
    ],
)
def test_read_samples__wrong_histogram__is_rejected(latency: object) -> None:
    reading = _read(_body(latency_ms=latency))

    assert [one["errorCode"] for one in reading.rejected] == ["INVALID_LATENCY"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(field=st.sampled_from([*_body(), "till", "flag", "critical_errors", "latency_ms"]), value=JSON)
def test_read_samples__anything_in_any_field__is_accepted_or_rejected_never_a_fault(field: str, value: object) -> None:
    reading = _read(_body() | {field: value}, value)

    assert len(reading.accepted) + len(reading.rejected) == 2


ODD: list[Any] = [
    None,
    "",
    0,
    1,
    1.0,
    True,
    -1,
    "x" * 51,
    "x" * 101,
    "x" * 201,
    "a\0",
    "\ud800",
    10**7 + 1,
    10**30,
    [],
    {},
]


def test_read_samples__any_field_is_odd__is_read_as_field_by_field(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = {"flag": "price_buttons", "till": "t1", "release": "1.3.0", "transaction": "pay", "critical_errors": 0}
    items: list[Any] = [_body(**sound), 1, [], None]
    items += [_body(**sound | {name: odd}) for name in [*_body(**sound), "latency_ms"] for odd in ODD]

    quick = _read(*items)
    monkeypatch.setattr(samples, "_read_sound", lambda *_, **__: None)
    careful = _read(*items)

    assert quick == careful
    assert quick.accepted
    assert len(quick.rejected) > 100
