"""Can we roll back now? The light and its reasons."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recovery.domain.lifecycle import Kind
from recovery.domain.readiness import Facts, Light, judge
from recovery.models import Target
from recovery.readiness_queries import list_lights
from recovery.templatetags.recovery import reasons
from tests.recovery.operations import do, make_target, take

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
WELL = Facts(
    has_database=True,
    has_application=True,
    point_at=NOW - timedelta(hours=3),
    has_previous_image=True,
    deployed_at=NOW - timedelta(hours=2),
    blocked_by=None,
    needed_seconds=220.0,
    rto_seconds=300,
)


@pytest.mark.parametrize(
    ("changed", "light", "code"),
    [
        ({}, Light.YES, "in_time"),
        ({"point_at": None}, Light.NO, "no_point"),
        ({"point_at": NOW - timedelta(hours=25)}, Light.UNSURE, "point_old"),
        ({"has_previous_image": False}, Light.NO, "no_image"),
        ({"deployed_at": None}, Light.UNSURE, "never_deployed"),
        ({"blocked_by": 7}, Light.NO, "blocked"),
        ({"needed_seconds": None}, Light.UNSURE, "never_timed"),
        ({"needed_seconds": 301.0}, Light.NO, "too_slow"),
        ({"has_database": False, "point_at": None}, Light.YES, "image_known"),
        ({"has_application": False, "deployed_at": None}, Light.YES, "point_verified"),
    ],
)
def test_judge__each_fact__is_as_bad_as_its_worst(changed: dict[str, Any], light: Light, code: str) -> None:
    found = judge(replace(WELL, **changed), now=NOW)

    assert found.light == light
    assert code in {one.code for one in found.reasons}


@pytest.mark.django_db
def test_lights__a_target_that_was_taken_back__says_how_long_it_took(target: Target) -> None:
    [row] = list_lights(environment_id=target.environment_id, now=NOW)
    assert row.readiness.light == Light.NO
    point = take(target)
    do(target, Kind.ROLL_BACK, restore_point=point.pk)

    [row] = list_lights(environment_id=target.environment_id, now=point.taken_at)

    assert row.readiness.light == Light.YES
    assert row.facts.needed_seconds
    assert "verified" in reasons(row)
    assert "by the rollback of" in reasons(row)
    assert ", of 5 min" in reasons(row)


@pytest.mark.django_db
def test_lights__ten_targets__take_as_many_queries_as_one(target: Target, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(5):
        list_lights(environment_id=target.environment_id, now=NOW)
    for number in range(9):
        make_target(target.environment, key=f"more-{number}")

    with django_assert_num_queries(5):
        assert len(list_lights(environment_id=target.environment_id, now=NOW)) == 10
