"""The clock's arithmetic: earliest detection, highest tier, paused never, stopped by verified restoration."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from core.actors import person
from core.roles import Role
from incidents.domain.clock import Happened, Kind, Life, Outcome, measure, replay
from incidents.domain.lifecycle import EDGES, Status
from incidents.domain.tiers import RTO, Tier, higher_tier
from incidents.models import Incident
from incidents.queries import life_of, replay_clock
from incidents.transitions import (
    acknowledge_incident,
    change_tier,
    confirm_restored,
    mitigate_incident,
    reopen_incident,
)
from tests.factories.core import NOW, make_person
from tests.factories.incidents import make_incident

Walk = list[tuple[Any, dict[str, Any]]]
PARIS = ZoneInfo("Europe/Paris")
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # given a zone
TIERS = st.sampled_from(Tier)
SPANS = st.timedeltas(timedelta(), timedelta(days=3))
#: What may happen next, with how much later.
CHANGES = st.lists(st.tuples(SPANS, st.sampled_from(list(Kind)[1:]), TIERS, SPANS), max_size=25)


def _happen(start: datetime, tier: Tier, changes: list[tuple[timedelta, Kind, Tier, timedelta]]) -> list[Happened]:
    found, at = [Happened(start, Kind.OPENED, tier, start)], start
    for passed, kind, other, earlier in changes:
        at += passed
        found.append(
            Happened(
                at,
                kind,
                other if kind is Kind.TIER_CHANGED else None,
                start - earlier if kind is Kind.DETECTED_EARLIER else None,
            )
        )
    return found


@given(MOMENTS, TIERS, CHANGES)
def test_replay__whatever_happens__the_deadline_only_comes_nearer(
    start: datetime, tier: Tier, changes: list[tuple[timedelta, Kind, Tier, timedelta]]
) -> None:
    lives = [life for _one, life in replay(_happen(start, tier, changes))]

    for before, after in pairwise(lives):
        assert after.deadline <= before.deadline
        assert after.detected_at <= before.detected_at
        assert higher_tier(before.highest_tier, after.highest_tier) == after.highest_tier


@given(MOMENTS, TIERS, CHANGES)
def test_replay__whatever_happens__counts_the_highest_tier_and_the_earliest_detection(
    start: datetime, tier: Tier, changes: list[tuple[timedelta, Kind, Tier, timedelta]]
) -> None:
    happened = _happen(start, tier, changes)
    *_before, (_last, life) = replay(happened)

    assert RTO[life.highest_tier] == min(RTO[one.tier] for one in happened if one.tier)
    assert life.detected_at == min(one.detected_at for one in happened if one.detected_at)
    assert life.deadline == life.detected_at + RTO[life.highest_tier]


@given(MOMENTS, TIERS, CHANGES, SPANS)
def test_replay__opened_again__is_as_if_it_had_never_stopped(
    start: datetime, tier: Tier, changes: list[tuple[timedelta, Kind, Tier, timedelta]], more: timedelta
) -> None:
    happened = _happen(start, tier, changes)
    stops = (Kind.RESTORED, Kind.REOPENED, Kind.MITIGATED)
    never = [one for one in happened if one.kind not in stops]
    end = happened[-1].at + more
    *_some, (_one, stopped) = replay([*happened, Happened(end, Kind.REOPENED)])
    *_all, (_other, ran) = replay(never)

    assert measure(stopped, now=end) == measure(ran, now=end)


@given(MOMENTS, TIERS, SPANS, SPANS, SPANS)
def test_measure__restored__is_in_time_up_to_the_very_deadline(
    start: datetime, tier: Tier, first: timedelta, second: timedelta, later: timedelta
) -> None:
    acknowledged, restored = start + first, start + first + second
    life = Life(start, tier, acknowledged_at=acknowledged, restored_at=restored)
    found = measure(life, now=restored + later)

    assert (found.to_acknowledge, found.to_restore, found.to_mitigate) == (first, first + second, first + second)
    assert found.left == RTO[tier] - (first + second)
    assert found.outcome is (Outcome.IN_TIME if first + second <= RTO[tier] else Outcome.LATE)


@pytest.mark.parametrize("tier", Tier)
def test_measure__the_second_that_decides__is_the_one_after_the_deadline(tier: Tier) -> None:
    def outcome(after: timedelta, *, restored: bool) -> Outcome:
        end = NOW + RTO[tier] + after
        return measure(Life(NOW, tier, restored_at=end if restored else None), now=end).outcome

    assert [outcome(timedelta(), restored=True), outcome(SECOND, restored=True)] == [Outcome.IN_TIME, Outcome.LATE]
    assert [outcome(timedelta(), restored=False), outcome(SECOND, restored=False)] == [
        Outcome.RUNNING,
        Outcome.OVERDUE,
    ]


@given(TIERS, st.timedeltas(timedelta(hours=-30), timedelta(hours=30)), st.sampled_from([(3, 29), (10, 25)]))
def test_life__over_a_night_the_clock_changes__is_real_time(
    tier: Tier, before: timedelta, day: tuple[int, int]
) -> None:
    # 2026: clocks go forward on 29 March, back on 25 October; local hours say an hour more or less, the RTO does not.
    start = (datetime(2026, *day, 2, 30, tzinfo=PARIS).astimezone(UTC)) + before

    assert Life(start, tier).deadline - start == RTO[tier]
    assert measure(Life(start, tier, restored_at=start + RTO[tier]), now=start).outcome is Outcome.IN_TIME


@pytest.mark.django_db
@override_settings(TIME_ZONE="Europe/Paris")
@pytest.mark.parametrize("seed", range(4))
def test_replay_clock__what_people_really_did__is_what_the_row_says(seed: int) -> None:
    """The timeline alone gives the clock that the incident's row holds."""
    by = person(make_person(Role.SUPPORT))
    start = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
    incident = make_incident(tier=Tier.MINOR, detected_at=start - 7 * MINUTE, now=start)
    steps = _walk(seed)
    for number, (write, more) in enumerate(steps, start=1):
        write(incident_id=incident.pk, actor=by, reason="as it was", now=start + number * 20 * MINUTE, **more)
    incident = Incident.objects.get(pk=incident.pk)

    *_before, (last, life) = replay_clock(incident)

    assert life == life_of(incident)
    assert last.at == start + len(steps) * 20 * MINUTE


def _walk(seed: int) -> Walk:
    ups: Walk = [(change_tier, {"tier": Tier.CRITICAL}), (change_tier, {"tier": Tier.MINOR})]
    ends: Walk = [(confirm_restored, {}), (reopen_incident, {})]
    walks: list[Walk] = [
        [(acknowledge_incident, {}), (mitigate_incident, {}), (confirm_restored, {})],
        [*ups, (acknowledge_incident, {}), *ends, (mitigate_incident, {}), *ends],
        [(mitigate_incident, {}), *ends, (change_tier, {"tier": Tier.IMPORTANT}), (confirm_restored, {})],
        [(confirm_restored, {}), *ups],
    ]
    assert EDGES[Status.RESOLVED] >= {Status.OPEN}
    return walks[seed]
