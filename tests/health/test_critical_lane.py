"""The critical lane: one integrity failure, or three critical errors from two tills in ten minutes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from health.domain.critical_lane import SampleFacts, judge_critical
from health.domain.exposure import Exposure
from health.domain.verdict import Judgement, Verdict

NOW = datetime(2026, 11, 4, 9, 30, tzinfo=UTC)
EXPOSURE = Exposure(
    flag_key="price_buttons",
    environment_key="prod",
    since=NOW - timedelta(hours=1),
    everyone=False,
    site_keys=frozenset({"lyon"}),
    subject="rollout:1",
    epoch=3,
)
NEWEST = replace(EXPOSURE, is_newest=True)


def _sample(
    *,
    critical: int = 0,
    integrity: int = 0,
    till: str = "t1",
    ago: float = 60,
    flag: str | None = "price_buttons",
    site: str = "lyon",
) -> SampleFacts:
    received_at = NOW - timedelta(seconds=ago)
    return SampleFacts(
        received_at=received_at,
        start_at=received_at - timedelta(seconds=30),
        ends_at=received_at,
        site_key=site,
        till=till,
        flag_key=flag,
        requests=10,
        critical_errors=critical,
        integrity_errors=integrity,
    )


def _judge(*samples: SampleFacts, exposure: Exposure = EXPOSURE) -> Judgement:
    return judge_critical(exposure, samples, now=NOW)


def test_critical_lane__no_data__is_inconclusive() -> None:
    judgement = _judge()

    assert (judgement.verdict, judgement.code, judgement.n) == (Verdict.INCONCLUSIVE, "no_data", 0)


def test_critical_lane__samples_without_requests__is_inconclusive() -> None:
    assert _judge(replace(_sample(), requests=0)).verdict is Verdict.INCONCLUSIVE


def test_critical_lane__requests_without_critical_errors__passes() -> None:
    judgement = _judge(_sample(), _sample(till="t2"))

    assert (judgement.verdict, judgement.n, judgement.k) == (Verdict.PASS, 20, 0)
    assert (judgement.window_start, judgement.window_end) == (NOW - timedelta(minutes=10), NOW)


@pytest.mark.parametrize(
    ("samples", "verdict"),
    [
        ([_sample(critical=1, till="t1"), _sample(critical=1, till="t2")], Verdict.INCONCLUSIVE),
        ([_sample(critical=3, till="t1")], Verdict.INCONCLUSIVE),
        ([_sample(critical=2, till="t1"), _sample(critical=2, till="t1")], Verdict.INCONCLUSIVE),
        ([_sample(critical=2, till="t1"), _sample(critical=1, till="t2")], Verdict.BREACH),
        ([_sample(critical=9, till="t1"), _sample(critical=0, till="t2")], Verdict.INCONCLUSIVE),
        ([_sample(integrity=1)], Verdict.BREACH),
    ],
    ids=[
        "two of two tills",
        "three of one",
        "four of one in two samples",
        "three of two",
        "second is clean",
        "integrity",
    ],
)
def test_critical_lane__errors_and_tills__breaches_from_three_of_two(
    samples: list[SampleFacts], verdict: Verdict
) -> None:
    assert _judge(*samples).verdict is verdict


def test_critical_lane__error_that_is_both_critical_and_integrity__counts_once() -> None:
    judgement = _judge(replace(_sample(critical=1, integrity=1), requests=1))

    assert (judgement.n, judgement.k) == (1, 1)


def test_critical_lane__tills_not_named__count_as_one_for_each_site() -> None:
    one_site = [_sample(critical=2, till="", ago=100), _sample(critical=2, till="", ago=50)]
    two_sites = [_sample(critical=2, till="", site="lyon"), _sample(critical=1, till="", site="lille")]

    assert _judge(*one_site).verdict is Verdict.INCONCLUSIVE
    assert _judge(*two_sites).verdict is Verdict.BREACH


@pytest.mark.parametrize(
    ("ago", "verdict"),
    [(600, Verdict.BREACH), (600.001, Verdict.INCONCLUSIVE), (0.001, Verdict.BREACH), (0, Verdict.INCONCLUSIVE)],
)
def test_critical_lane__window__is_half_open_on_the_time_of_receipt(ago: float, verdict: Verdict) -> None:
    assert _judge(_sample(integrity=1, ago=ago)).verdict is verdict


def test_critical_lane__old_sample_received_just_now__counts() -> None:
    late = replace(_sample(integrity=1), start_at=NOW - timedelta(minutes=50), ends_at=NOW - timedelta(minutes=49))

    assert _judge(late).verdict is Verdict.BREACH


def test_critical_lane__sample_of_before_the_exposure__does_not_count() -> None:
    ended = replace(_sample(integrity=1), start_at=EXPOSURE.since - timedelta(seconds=30), ends_at=EXPOSURE.since)
    straddling = replace(ended, ends_at=EXPOSURE.since + timedelta(microseconds=1))

    assert _judge(ended).verdict is Verdict.INCONCLUSIVE
    assert _judge(straddling).verdict is Verdict.BREACH


def test_critical_lane__errors_that_name_another_flag__are_not_this_flags() -> None:
    judgement = _judge(_sample(), _sample(integrity=1, flag="category_boxes"), exposure=NEWEST)

    assert judgement.verdict is Verdict.PASS


def test_critical_lane__breach__is_detected_at_the_sample_that_completed_it() -> None:
    judgement = _judge(
        _sample(critical=1, till="t2", ago=20), _sample(critical=2, till="t1", ago=90), _sample(critical=1, ago=5)
    )

    assert judgement.detected_at == NOW - timedelta(seconds=20)
    assert judgement.data == {"tills": ["t1", "t2"], "sites": ["lyon"]}


def test_critical_lane__errors_without_a_flag__count_for_the_newest_exposure_only() -> None:
    samples = [_sample(critical=2, flag=None), _sample(critical=1, flag=None, till="t2")]

    assert _judge(*samples, exposure=NEWEST).verdict is Verdict.BREACH
    assert _judge(*samples, exposure=EXPOSURE).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("exposure", "verdict"),
    [
        (NEWEST, Verdict.INCONCLUSIVE),
        (replace(NEWEST, site_keys=frozenset({"lille"})), Verdict.BREACH),
        (replace(NEWEST, everyone=True), Verdict.BREACH),
    ],
    ids=["another site", "this site", "everyone"],
)
def test_critical_lane__errors_without_a_flag__count_where_the_site_sees_it(
    exposure: Exposure, verdict: Verdict
) -> None:
    assert _judge(_sample(integrity=1, flag=None, site="lille"), exposure=exposure).verdict is verdict


def test_critical_lane__overall_errors_that_a_flags_sample_explains__count_once_for_that_flag() -> None:
    samples = [
        _sample(critical=3, flag="category_boxes", till="t1"),
        _sample(critical=3, flag=None, till="t1"),
        _sample(integrity=1, flag="category_boxes", till="t2"),
        _sample(integrity=1, flag=None, till="t2"),
    ]

    judgement = _judge(*samples, exposure=NEWEST)

    assert (judgement.verdict, judgement.k) == (Verdict.INCONCLUSIVE, 0)


def test_critical_lane__overall_errors_beyond_those_explained__are_the_excess() -> None:
    samples = [
        _sample(critical=1, flag="category_boxes", till="t1"),
        _sample(critical=3, flag=None, till="t1"),
        _sample(critical=1, flag=None, till="t2"),
    ]

    judgement = _judge(*samples, exposure=NEWEST)

    assert (judgement.verdict, judgement.k) == (Verdict.BREACH, 3)


def test_critical_lane__explanation_from_another_time__explains_nothing() -> None:
    samples = [_sample(integrity=1, flag="category_boxes", ago=300), _sample(integrity=1, flag=None, ago=60)]

    assert _judge(*samples, exposure=NEWEST).verdict is Verdict.BREACH


def test_critical_lane__one_error_of_a_flag__explains_one_overall_error_only() -> None:
    named = _sample(integrity=1, flag="category_boxes", ago=60)
    first, second = (_sample(integrity=1, flag=None, ago=75), _sample(integrity=1, flag=None, ago=45))

    judgement = _judge(named, first, second, exposure=NEWEST)

    assert (judgement.verdict, judgement.k) == (Verdict.BREACH, 1)


@pytest.mark.parametrize("since", [NOW - timedelta(minutes=3), NOW - timedelta(minutes=10), NOW - timedelta(hours=1)])
def test_critical_lane__window__never_reaches_back_before_the_step(since: datetime) -> None:
    judgement = _judge(_sample(), exposure=replace(EXPOSURE, since=since))

    assert judgement.window_start == max(since, NOW - timedelta(minutes=10))


@pytest.mark.parametrize(
    ("ago", "verdict"), [(100, Verdict.BREACH), (150, Verdict.BREACH), (151, Verdict.INCONCLUSIVE)]
)
def test_critical_lane__errors_without_a_flag_from_before_the_site_had_it__do_not_count(
    ago: float, verdict: Verdict
) -> None:
    # The flag came to testers an hour ago and to this site three minutes ago; a sample lasts thirty seconds.
    exposure = replace(NEWEST, site_since={"lyon": NOW - timedelta(seconds=180)})

    assert _judge(_sample(integrity=1, flag=None, ago=ago), exposure=exposure).verdict is verdict


def test_critical_lane__errors_without_a_flag_once_everyone_has_it__count_anywhere() -> None:
    everyone = replace(NEWEST, everyone=True, site_keys=frozenset(), everyone_since=NOW - timedelta(minutes=2))

    assert _judge(_sample(integrity=1, flag=None, site="brest"), exposure=everyone).verdict is Verdict.BREACH
    early = _judge(_sample(integrity=1, flag=None, site="brest", ago=120), exposure=everyone)
    assert early.verdict is Verdict.INCONCLUSIVE
