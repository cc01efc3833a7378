"""The overview's list: each feature once, what is worst first."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from flags.models import Environment
from health.domain.exposure import Exposure
from health.domain.verdict import Verdict
from health.overview_queries import count_verdicts, list_feature_health
from health.queries import judge_critical_lane
from health.rollup_transitions import roll_up_counts
from health.sample_transitions import record_samples
from health.verdict_transitions import store_judgement
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_site
from tests.factories.health import make_value

pytestmark = pytest.mark.django_db

WINDOW: dict[str, datetime] = {"since": NOW - timedelta(hours=1), "until": NOW + timedelta(minutes=1)}


@pytest.fixture
def environment() -> Environment:
    return make_environment()


def _judge(environment: Environment, flag_key: str, *, lane: str, verdict: Verdict) -> None:
    exposure = Exposure(
        flag_key=flag_key,
        environment_key=environment.key,
        since=NOW - timedelta(hours=1),
        everyone=True,
        site_keys=frozenset(),
        subject="rollout:1",
        epoch=1,
    )
    judgement = judge_critical_lane(exposures=[exposure], now=NOW)[0]
    store_judgement(judgement=replace(judgement, lane=lane, verdict=verdict), exposure=exposure, now=NOW)


def test_features__of_all_verdicts__the_worst_comes_first(environment: Environment) -> None:
    for key, verdict in (("a", Verdict.PASS), ("b", Verdict.INCONCLUSIVE), ("c", Verdict.BREACH), ("d", Verdict.ERROR)):
        _judge(environment, make_flag(key=key).key, lane="error_rate", verdict=verdict)

    found = list_feature_health(environment_key=environment.key, **WINDOW)

    assert [one.flag_key for one in found] == ["c", "d", "b", "a"]
    assert [one.flag_key for one in found if one.is_urgent] == ["c", "d"]
    assert count_verdicts(found) == [("breach", 1), ("error", 1), ("inconclusive", 1), ("pass", 1)]


def test_feature__of_two_lanes__is_as_its_worst_lane(environment: Environment) -> None:
    flag = make_flag()
    _judge(environment, flag.key, lane="critical", verdict=Verdict.PASS)
    _judge(environment, flag.key, lane="error_rate", verdict=Verdict.BREACH)

    (found,) = list_feature_health(environment_key=environment.key, **WINDOW)

    assert (found.verdict, [one.lane for one in found.lanes]) == ("breach", ["error_rate", "critical"])


def test_feature__reported_but_never_judged__has_its_figures(
    environment: Environment, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    flag = make_flag()
    for key, errors in (("brest", 1), ("lyon", 2)):
        value = make_value(site=make_site(key=key).key, flag=flag.key, now=NOW, requests=10, errors=errors)
        record_samples(source="token:1", environment_id=environment.pk, values=[value], now=NOW)
    roll_up_counts()

    with django_assert_num_queries(2):
        (found,) = list_feature_health(environment_key=environment.key, **WINDOW)

    assert (found.verdict, found.requests, found.errors, len(found.sites)) == ("", 20, 3, 2)
    assert count_verdicts([found]) == []
