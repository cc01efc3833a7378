"""What a query of one's own says of a flag: only fresh readings, without a break, are a pass or a breach."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health.domain.exposure import Exposure
from health.domain.query_lane import (
    Comparison,
    QueryFacts,
    Reading,
    find_guardrail_id,
    find_run,
    judge_query,
    kind_of,
    make_lane,
    place_flag,
)
from health.domain.verdict import Judgement, Verdict
from tests.factories.core import NOW
from tests.factories.queries import moments

FACTS = QueryFacts(lane="query:7", name="Queue", comparison=Comparison.ABOVE, limit=10, lasting=timedelta(seconds=60))
LONG_AGO = timedelta(hours=1)


def _judge(
    *said: float | str,
    facts: QueryFacts = FACTS,
    since: timedelta = LONG_AGO,
    seen: timedelta | None = None,
    age: float = 0,
    every: float = 15,
) -> Judgement:
    exposure = Exposure(
        flag_key="buttons",
        environment_key="prod",
        since=NOW - since,
        everyone=True,
        site_keys=frozenset(),
        subject="rollout:1",
        epoch=1,
        is_newest=True,
        seen_at=None if seen is None else NOW - seen,
    )
    at = moments(len(said), until=NOW - timedelta(seconds=age), every=every)
    readings = [
        Reading(moment, None, one) if isinstance(one, str) else Reading(moment, one)
        for moment, one in zip(at, said, strict=True)
    ]
    return judge_query(exposure, facts, readings, now=NOW)


def test_query__beyond_at_every_reading_for_so_long__breaches_with_its_numbers() -> None:
    judgement = _judge(3, 11, 12, 13, 14, 15.5)

    assert (judgement.verdict, judgement.code, judgement.lane) == (Verdict.BREACH, "query_limit", "query:7")
    assert (judgement.n, judgement.k, judgement.threshold) == (6, 5, "> 10")
    assert (judgement.data["query"], judgement.data["value"], judgement.data["query_limit"]) == ("Queue", 15.5, 10)
    assert judgement.data["since"] == (NOW - timedelta(seconds=60)).isoformat()
    assert judgement.window_start == NOW - timedelta(seconds=60)
    assert judgement.detected_at == NOW


def test_query__beyond_for_longer__was_detected_when_it_had_lasted() -> None:
    assert _judge(*[11] * 9).detected_at == NOW - timedelta(seconds=60)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ((), "query_no_reading"),
        ((1, 1, 1, 1, "no_data"), "query_no_data"),
        ((11, 11, 11, 11, 11, "timed_out"), "query_timed_out"),
        ((11, 11, 11, 11, 11, "unreachable"), "query_unreachable"),
        ((1, 1, 1, 1, 1, "not_a_number"), "query_not_a_number"),
        ((1, 1, 1, 1, 1, "many_series"), "query_many_series"),
        ((11, 11, "timed_out", 11, 11), "query_beyond"),
        ((1, 1, "timed_out", 1, 1), "query_too_short"),
        ((11, 11, 1, 11, 11), "query_beyond"),
        ((1, 1, 1, 11, 1), "query_too_short"),
        ((11, 11, 11, 11), "query_beyond"),
        ((1, 1, 1, 1), "query_too_short"),
        ((1, 1, "unreachable", 1, 1, 1, 1, 1), "query_was_away"),
        ((11, 11, "unreachable", 11, 11, 11, 11, 11), "query_was_away"),
        ((11, 11, "refused", 11, 11, 11, 11, 11), "query_was_away"),
    ],
)
def test_query__without_whole_and_fresh_readings__neither_passes_nor_breaches(
    said: tuple[float | str, ...], code: str
) -> None:
    judgement = _judge(*said)

    assert (judgement.verdict, judgement.code) == (Verdict.INCONCLUSIVE, code)


def test_query__within_for_so_long__passes() -> None:
    assert (_judge(10, 9, 10, 0, 10).verdict, _judge(10, 9, 10, 0, 10).code) == (Verdict.PASS, "query_within")


def test_query__below__is_beyond_under_the_limit() -> None:
    below = QueryFacts(
        lane="query:7", name="Paid", comparison=Comparison.BELOW, limit=0.98, lasting=timedelta(seconds=60)
    )

    assert _judge(*[0.97] * 5, facts=below).verdict is Verdict.BREACH
    assert _judge(*[0.98] * 5, facts=below).verdict is Verdict.PASS


def test_query__after_its_source_was_away__counts_what_was_scraped_since() -> None:
    """A restarted Prometheus gives what it scraped before, for as long as it looks back."""
    back: list[float | str] = ["unreachable", *[11] * 24]

    assert _judge(*back[:-1]).verdict is Verdict.INCONCLUSIVE
    assert _judge(*back).verdict is Verdict.BREACH


def test_query__old_readings__say_nothing_of_now() -> None:
    assert _judge(*[1] * 9, age=121).code == "query_stale"
    assert _judge(*[11] * 9, age=121).code == "query_stale"
    assert _judge(*[11] * 9, age=120).verdict is Verdict.BREACH


def test_query__readings_far_apart__are_no_lasting_state() -> None:
    assert _judge(11, 11, 11, every=121).code == "query_was_away"
    assert _judge(1, 1, 1, every=121).code == "query_was_away"


def test_query__one_reading_after_nobody_asked__is_no_verdict_by_those_from_before() -> None:
    for value in (1.0, 11.0):
        before = [Reading(at, value) for at in moments(6, until=NOW - timedelta(seconds=121))]
        run = find_run(FACTS, [*before, Reading(NOW, value)], since=NOW - LONG_AGO)
        assert run.readings == []


def test_query__readings_from_before_the_flag_or_the_resume__do_not_count() -> None:
    assert _judge(*[11] * 9, since=timedelta(seconds=59)).code == "query_beyond"
    assert _judge(*[11] * 9, seen=timedelta(seconds=59)).code == "query_beyond"
    assert _judge(*[11] * 9, since=timedelta(seconds=60)).verdict is Verdict.BREACH
    assert _judge("unreachable", *[11] * 9, since=timedelta(seconds=134)).code == "query_was_away"


@given(
    said=st.lists(
        st.one_of(
            st.floats(allow_nan=False, allow_infinity=False),
            st.sampled_from(["no_data", "timed_out", "unreachable", "refused", "not_a_number", "partial"]),
        ),
        max_size=12,
    ),
    age=st.floats(min_value=0, max_value=400),
)
def test_query__a_verdict__stands_on_fresh_readings_of_one_side_alone(said: list[float | str], age: float) -> None:
    judgement = _judge(*said, age=age)
    last = said[-5:]

    if judgement.verdict is not Verdict.INCONCLUSIVE:
        assert age <= 120
        assert len(last) == 5
        assert all(isinstance(one, float) for one in last)
        beyond = {one > 10 for one in last if isinstance(one, float)}
        assert beyond == {judgement.verdict is Verdict.BREACH}


def test_lane__of_a_query__is_told_from_others() -> None:
    assert (make_lane(12), find_guardrail_id("query:12"), kind_of("query:12")) == ("query:12", 12, "query")
    assert [find_guardrail_id(lane) for lane in ("alert", "query", "query:x", "alert:12")] == [None] * 4
    assert kind_of("error_rate") == "error_rate"


@pytest.mark.parametrize(
    ("query", "key", "asked"),
    [
        ("sum(e{flag={flag}})", "buttons", 'sum(e{flag="buttons"})'),
        ('sum(e{flag="{flag}"})', "buttons", 'sum(e{flag="buttons"})'),
        ("sum(e{flag='{flag}'})", "buttons", 'sum(e{flag="buttons"})'),
        ("e{flag={flag}}", 'a"} or vector(0) #\\\n', 'e{flag="a\\"} or vector(0) #\\\\\\n"}'),
        ("sum(e)", "buttons", "sum(e)"),
    ],
)
def test_query__the_flags_key__is_a_string_there_and_nothing_else(query: str, key: str, asked: str) -> None:
    assert place_flag(query, flag_key=key) == asked
