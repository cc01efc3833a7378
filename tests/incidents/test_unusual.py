"""Days of incidents are not what is usual: no baseline is made of them."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction

from core.actors import person
from core.domain.business_time import local_day
from core.roles import Role
from flags.models import Environment
from incidents.domain.tiers import Tier
from incidents.models import Incident
from incidents.transitions import confirm_restored, merge_incident
from rollouts.baselines import list_unusual_days
from rollouts.models import Rollout
from tests.factories.core import make_person
from tests.factories.flags import make_environment
from tests.factories.incidents import make_incident
from tests.factories.world import NOW, make_rehearsal, make_world

pytestmark = pytest.mark.django_db

PARIS = ZoneInfo("Europe/Paris")
DAY = timedelta(days=1)
BROKEN = NOW - 10 * DAY


def test_unusual_days__an_incident__are_those_from_detection_to_restoration() -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    _break(world.environment)

    days = list_unusual_days(rollout, until=NOW, zone=PARIS)

    first = local_day(BROKEN, zone=PARIS)
    assert {first + timedelta(days=offset) for offset in range(3)} == days - _list_own(rollout)


@pytest.mark.parametrize("given", [{"tier": Tier.MINOR}, {"is_rehearsal": True}, {"elsewhere": True}])
def test_unusual_days__minor_rehearsed_or_elsewhere__are_usual(given: dict[str, Any]) -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    elsewhere = given.pop("elsewhere", False)
    _break(make_environment(key="other") if elsewhere else world.environment, **given)

    assert list_unusual_days(rollout, until=NOW, zone=PARIS) == _list_own(rollout)


def test_unusual_days__merged__count_once_in_what_they_were_merged_into() -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    by: dict[str, Any] = {"actor": person(make_person(Role.SUPPORT)), "reason": "One event", "now": NOW}
    twin = make_incident(world.environment, detected_at=NOW - 20 * DAY, now=NOW - 20 * DAY)
    into = make_incident(world.environment, detected_at=NOW - DAY, now=NOW - DAY)
    merge_incident(incident_id=twin.pk, into_id=into.pk, **by)
    into.refresh_from_db()

    days = list_unusual_days(rollout, until=NOW, zone=PARIS)

    since = local_day(into.detected_at, zone=PARIS)
    lasted = (local_day(NOW, zone=PARIS) - since).days + 1
    assert days - _list_own(rollout) <= {since + timedelta(days=offset) for offset in range(lasted)}
    assert len(days - _list_own(rollout)) >= 1


def test_unusual_days__still_broken__reach_to_now_and_not_before_four_weeks() -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    long_ago = NOW - 90 * DAY
    make_incident(world.environment, tier=Tier.CRITICAL, detected_at=long_ago, now=long_ago)

    days = list_unusual_days(rollout, until=NOW, zone=PARIS)

    assert (min(days), max(days)) == (local_day(NOW - 29 * DAY, zone=PARIS), local_day(NOW, zone=PARIS))


def _break(environment: Environment, **given: Any) -> None:
    incident = make_incident(environment, detected_at=BROKEN, now=BROKEN, **given)
    by = person(make_person(Role.SUPPORT))
    confirm_restored(incident_id=incident.pk, actor=by, reason="Looked at the till", now=BROKEN + 2 * DAY)


def _list_own(rollout: Rollout) -> set[date]:
    """Return the days that are unusual without any incident."""
    with transaction.atomic():
        Incident.objects.update(is_rehearsal=True)
        days = list_unusual_days(rollout, until=NOW, zone=PARIS)
        transaction.set_rollback(True)
    return days
