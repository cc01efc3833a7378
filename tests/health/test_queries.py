"""Judgements from stored samples, and counts of complaints by civil day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from pytest_django import DjangoAssertNumQueries

from core.actors import DEMO
from flags.models import ApiToken, Environment, Flag, Site
from health import queries
from health.complaint_queries import list_heard_today, list_usual_counts
from health.domain.complaints import Voice, count_voices, is_over_limit
from health.domain.exposure import Exposure
from health.domain.verdict import Verdict
from health.models import Sample, StoredVerdict
from health.queries import (
    count_complaints,
    count_complaints_by_day,
    error_series,
    judge_critical_lane,
)
from health.similar_queries import list_similar
from health.transitions import mark_duplicate, mark_spam
from health.verdict_transitions import store_judgement
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_site, make_token
from tests.factories.health import make_complaint, make_sample

pytestmark = pytest.mark.django_db

BY: dict[str, Any] = {"actor": DEMO, "reason": "said so", "now": NOW}


@pytest.fixture
def environment() -> Environment:
    return make_environment()


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def flag(environment: Environment) -> Flag:
    return make_flag()


@pytest.fixture
def token(environment: Environment) -> ApiToken:
    return make_token(environment)[0]


def _expose(flag: Flag, environment: Environment, site: Site, **given: Any) -> Exposure:
    wanted: dict[str, Any] = {
        "flag_key": flag.key,
        "environment_key": environment.key,
        "since": NOW - timedelta(hours=1),
        "everyone": False,
        "site_keys": frozenset({site.key}),
        "subject": "rollout:1",
        "epoch": 1,
        "is_newest": False,
    }
    return Exposure(**(wanted | given))


def test_judge__three_critical_errors_of_two_tills__breach(
    environment: Environment, site: Site, flag: Flag, token: ApiToken
) -> None:
    completed_at = NOW - timedelta(seconds=20)
    make_sample(token, site=site, flag=flag.key, till="t1", errors=2, critical_errors=2, received_at=completed_at)
    make_sample(
        token,
        site=site,
        flag=flag.key,
        till="t2",
        errors=1,
        critical_errors=1,
        received_at=NOW - timedelta(seconds=90),
    )

    (judgement,) = judge_critical_lane(exposures=[_expose(flag, environment, site)], now=NOW)

    assert (judgement.verdict, judgement.code, judgement.n, judgement.k) == (Verdict.BREACH, "critical_errors", 20, 3)
    assert judgement.detected_at == completed_at


def test_judge__errors_of_another_environment__do_not_count(
    environment: Environment, site: Site, flag: Flag, token: ApiToken
) -> None:
    elsewhere = make_environment()
    make_sample(token, site=site, flag=flag.key, errors=1, integrity_errors=1, received_at=NOW - timedelta(seconds=9))

    (judgement,) = judge_critical_lane(exposures=[_expose(flag, elsewhere, site)], now=NOW)

    assert judgement.verdict is Verdict.INCONCLUSIVE


def test_judge__eight_exposures__take_as_many_queries_as_one(
    environment: Environment,
    site: Site,
    flag: Flag,
    token: ApiToken,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    exposures = [_expose(make_flag(), environment, site) for _ in range(8)]
    for number in range(20):
        make_sample(token, site=site, flag=flag.key, till=f"t{number}", errors=1, critical_errors=1)

    with django_assert_num_queries(4):  # two, within a savepoint
        judge_critical_lane(exposures=exposures, now=NOW + timedelta(seconds=1))


def test_judge__no_exposure__judges_nothing() -> None:
    assert judge_critical_lane(exposures=[], now=NOW) == []


@pytest.mark.parametrize("fault", [ZeroDivisionError("zero"), KeyError("gone"), ValueError("wrong")])
def test_judge__fault_inside__is_an_error_never_healthy(
    environment: Environment, site: Site, flag: Flag, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(queries, "judge_critical", fail)

    (judgement,) = judge_critical_lane(exposures=[_expose(flag, environment, site)], now=NOW)

    assert (judgement.verdict, judgement.code) == (Verdict.ERROR, "fault")


def test_judge__samples_cannot_be_read__is_an_error_for_each(
    environment: Environment, site: Site, flag: Flag, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise DatabaseError("timeout")

    monkeypatch.setattr(queries, "_read_facts", fail)

    judgements = judge_critical_lane(exposures=[_expose(flag, environment, site)] * 2, now=NOW)

    assert [one.verdict for one in judgements] == [Verdict.ERROR] * 2
    assert not Sample.objects.exists()  # the connection still answers


def test_store_judgement__the_same_again__is_stored_once_for_each_epoch(
    environment: Environment, site: Site, flag: Flag
) -> None:
    exposure = _expose(flag, environment, site)
    (judgement,) = judge_critical_lane(exposures=[exposure], now=NOW)
    later = _expose(flag, environment, site, epoch=2)

    stored = [
        store_judgement(judgement=judgement, exposure=exposure, now=NOW),
        store_judgement(judgement=judgement, exposure=exposure, now=NOW),
        store_judgement(judgement=judgement, exposure=later, now=NOW),
    ]

    assert stored == [True, False, True]
    assert list(StoredVerdict.objects.values_list("epoch", "verdict")) == [(2, "inconclusive"), (1, "inconclusive")]


def test_count_voices__same_person_and_topic__count_once() -> None:
    voices = [
        Voice("Marie", "price_buttons", "slow"),
        Voice(" marie ", "price_buttons", "very slow"),
        Voice("Marie", "category_boxes", "slow"),
        Voice("Marie", None, "The drawer  opens"),
        Voice("Marie", None, "the drawer opens"),
        Voice("Paul", "price_buttons", "slow"),
        Voice("", "price_buttons", "slow"),
        Voice("", "price_buttons", "slow"),
    ]

    assert count_voices(voices) == 6


def test_is_over_limit__tenth_and_eleventh__the_eleventh_is() -> None:
    assert [is_over_limit(10), is_over_limit(11)] == [False, True]


def test_count_complaints__spam_and_duplicates__do_not_count(environment: Environment, site: Site) -> None:
    first, second, third = (make_complaint(environment, site=site) for _ in range(3))
    mark_duplicate(complaint_id=second.pk, original_id=first.pk, **BY)
    mark_spam(complaint_id=third.pk, **BY)

    count = count_complaints(environment_key=environment.key, now=NOW)

    assert count == 1


def test_count_complaints__of_a_release__its_flags_anywhere_and_unnamed_ones_of_its_sites(
    environment: Environment, site: Site, flag: Flag
) -> None:
    other_site, other_flag = make_site(), make_flag()
    for place in (site, other_site):
        for suspect in (flag, other_flag, None):
            make_complaint(environment, site=place, flag=suspect)
    make_complaint(make_environment(), site=site, flag=flag)

    count = count_complaints(
        environment_key=environment.key,
        flag_keys=[flag.key],
        site_keys=frozenset({site.key}),
        now=NOW,
    )

    assert count == 3


def test_count_complaints__around_midnight__goes_by_the_civil_day_of_the_site(
    environment: Environment, site: Site
) -> None:
    midnight = datetime(2026, 11, 3, 23, tzinfo=UTC)  # 00:00 on the 4th in Paris
    for moment in (midnight - timedelta(microseconds=1), midnight, midnight + timedelta(hours=23, minutes=59)):
        make_complaint(environment, site=site, now=moment)

    assert count_complaints(environment_key=environment.key, now=midnight) == 2
    assert count_complaints(environment_key=environment.key, now=midnight - timedelta(seconds=1)) == 1


def test_count_complaints__the_day_of_25_hours__counts_all_of_them(environment: Environment, site: Site) -> None:
    day_begins = datetime(2026, 10, 24, 22, tzinfo=UTC)  # 00:00 on the 25th in Paris, summer time
    for hours in (0, 24.99, 25):
        make_complaint(environment, site=site, now=day_begins + timedelta(hours=hours))

    noon = day_begins + timedelta(hours=13)
    assert count_complaints(environment_key=environment.key, now=noon) == 2


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        ("Indian/Reunion", datetime(2026, 11, 3, 20, tzinfo=UTC)),
        ("Europe/Paris", datetime(2026, 11, 3, 23, tzinfo=UTC)),
        ("America/Guadeloupe", datetime(2026, 11, 4, 4, tzinfo=UTC)),
    ],
)
def test_count_complaints__sites_in_three_oceans__each_by_its_own_midnight(
    environment: Environment, zone: str, midnight: datetime
) -> None:
    place = make_site(time_zone=zone)
    second = timedelta(seconds=1)
    for moment in (
        midnight - second,
        midnight,
        midnight + timedelta(hours=24) - second,
        midnight + timedelta(hours=24),
    ):
        make_complaint(environment, site=place, now=moment)

    days = [midnight - second, midnight, midnight + timedelta(hours=24) - second, midnight + timedelta(hours=24)]
    assert [count_complaints(environment_key=environment.key, now=now) for now in days] == [1, 2, 2, 1]
    assert count_complaints_by_day(environment_key=environment.key, now=days[-1], days=3) == [1, 2, 1]


def test_count_complaints__a_sites_new_day__leaves_the_others_day_alone(environment: Environment) -> None:
    reunion, paris = make_site(time_zone="Indian/Reunion"), make_site(time_zone="Europe/Paris")
    evening = datetime(2026, 11, 4, 19, 59, tzinfo=UTC)  # 23:59 there, 20:59 in Paris
    for place in (reunion, paris):
        make_complaint(environment, site=place, now=evening, text=f"The drawer of {place.key} stays shut")

    later = evening + timedelta(minutes=2)
    assert count_complaints(environment_key=environment.key, now=evening) == 2
    assert count_complaints(environment_key=environment.key, now=later) == 1
    [heard] = list_heard_today(environment_key=environment.key, now=later)
    assert (heard.site_key, heard.day) == (paris.key, date(2026, 11, 4))
    similar = list_similar(environment_key=environment.key, text="drawer stays shut", now=later)
    assert [row.site for row in similar] == [paris]


def test_count_complaints__the_day_of_23_hours__ends_an_hour_early(environment: Environment, site: Site) -> None:
    day_begins = datetime(2026, 3, 28, 23, tzinfo=UTC)  # 00:00 on the 29th in Paris, winter time
    for hours in (0, 22.99, 23):
        make_complaint(environment, site=site, now=day_begins + timedelta(hours=hours))

    assert count_complaints(environment_key=environment.key, now=day_begins + timedelta(hours=12)) == 2
    assert count_complaints(environment_key=environment.key, now=day_begins + timedelta(hours=23)) == 1


def test_count_complaints__words_gone_by_retention__still_count(environment: Environment, site: Site) -> None:
    make_complaint(environment, site=site, reporter="Marie").words.delete()
    make_complaint(environment, site=site, reporter="Marie").words.delete()

    assert count_complaints(environment_key=environment.key, now=NOW) == 2


def test_error_series__samples_of_the_whole_till__fall_into_the_buckets_of_their_receipt(
    environment: Environment, site: Site, flag: Flag, token: ApiToken
) -> None:
    since = NOW - timedelta(minutes=10)
    for minute, errors in ((0, 1), (4.9, 2), (5, 3)):
        received_at = since + timedelta(minutes=minute)
        make_sample(token, site=site, received_at=received_at, errors=errors)
    make_sample(token, site=site, received_at=since, flag=flag.key, errors=9)
    make_sample(token, site=site, received_at=since - timedelta(seconds=1), errors=7)

    series = error_series(environment_key=environment.key, since=since, until=NOW, buckets=2)

    assert [(point.requests, point.errors) for point in series] == [(20, 3), (10, 3)]


def test_list_usual_counts__the_same_weekday_of_four_weeks__before_the_release(
    environment: Environment, site: Site
) -> None:
    for week, count in enumerate([9, 1, 2, 3, 4, 5]):
        for _number in range(count):
            make_complaint(environment, site=site, now=NOW - timedelta(weeks=week))
        make_complaint(environment, site=site, now=NOW - timedelta(weeks=week, days=1))

    def counts(**given: Any) -> list[int]:
        return list_usual_counts(environment_key=environment.key, now=NOW, **given)

    assert counts() == [1, 2, 3, 4]
    assert counts(before=NOW - timedelta(hours=1)) == [1, 2, 3, 4]
    assert counts(before=NOW - timedelta(days=8)) == [2, 3, 4, 5]
    assert counts(before=NOW + timedelta(days=3)) == [1, 2, 3, 4]
    assert counts(site_keys=["elsewhere"]) == [0, 0, 0, 0]
