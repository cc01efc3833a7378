"""What an alert of the monitoring does to a rollout, by its mode; real messages through the real reading."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from core.actors import command
from health.alert_transitions import record_alerts
from health.domain.alerts import Origin
from health.domain.webhook_alerts import read_alerts
from health.guardrail_transitions import GuardrailWish, set_guardrail
from health.models import Decision, Mode, StoredVerdict
from rollouts.domain.lifecycle import Status
from rollouts.lane_guarding import watch_lanes
from rollouts.models import Rollout
from rollouts.queries import judge_rollout, weigh_for_gates
from tests.factories.alerts import alert_item, alertmanager_body
from tests.factories.world import DAY, NOW, WHY, World, make_rehearsal, make_world, play, reload

pytestmark = pytest.mark.django_db

#: The second flag is on for the testers, the gate after the phase not reached.
LATER = NOW + timedelta(seconds=DAY + 30)


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def rollout(world: World) -> Rollout:
    rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=DAY, healthy=False)
    return reload(rollout)


def _set(world: World, mode: str, scope: str = "flag") -> None:
    wish = GuardrailWish(lane="alert", mode=mode, threshold_bp=0, scope=scope)
    set_guardrail(environment_id=world.environment.pk, wish=wish, actor=command("ops"), reason=WHY, now=NOW)


def _send(world: World, *, now: datetime, **given: Any) -> None:
    item = alert_item(started_at=now - timedelta(seconds=5), **given)
    reading = read_alerts(alertmanager_body(item), [item], now=now)
    record_alerts(environment_id=world.environment.pk, origin=Origin.ALERTMANAGER, values=reading.accepted, now=now)


@pytest.mark.parametrize(
    ("mode", "status", "act"),
    [
        (Mode.OBSERVE, Status.RUNNING, "observed"),
        (Mode.HOLD, Status.HELD, "held"),
        (Mode.ROLL_BACK, Status.HELD, "rolled_back"),
    ],
)
def test_alert_of_a_flag__does_what_the_mode_says(
    world: World, rollout: Rollout, mode: str, status: str, act: str
) -> None:
    _set(world, mode)
    _send(world, now=LATER, labels={"alertname": "TillErrors", "severity": "critical", "flag": "buttons"})

    watch_lanes([reload(rollout)], now=LATER + timedelta(seconds=1))
    watch_lanes([reload(rollout)], now=LATER + timedelta(seconds=4))

    assert reload(rollout).status == status
    decision = Decision.objects.get()
    assert (decision.lane, decision.act, decision.code) == ("alert", act, "alert_firing")
    assert decision.data["alerts"] == ["TillErrors"]
    assert list(rollout.rollbacks.values_list("trigger", flat=True)) == (["alert"] if act == "rolled_back" else [])


def test_alert_of_one_site__in_scope_site__takes_that_site_back(world: World, rollout: Rollout) -> None:
    _set(world, Mode.ROLL_BACK, scope="site")
    labels = {"alertname": "TillErrors", "severity": "critical", "flag": "buttons", "site": "nantes"}
    _send(world, now=LATER, labels=labels)

    watch_lanes([reload(rollout)], now=LATER + timedelta(seconds=1))

    rollback = rollout.rollbacks.get()
    assert rollback.scope == "site"
    assert rollback.site is not None
    assert rollback.site.key == "nantes"


def test_no_monitoring__guards_a_gate_only_where_somebody_asked_for_it(world: World, rollout: Rollout) -> None:
    """What never spoke is not healthy: observed it stops nobody, set to hold it lets no phase end."""
    now = LATER + timedelta(seconds=1)

    def weigh() -> tuple[set[str], set[str]]:
        judgements = [one for one in judge_rollout(reload(rollout), now=now) if one.lane == "alert"]
        weighed = weigh_for_gates(reload(rollout), judgements, now=now)
        return {one.code for one in judgements}, {verdict for _key, verdict in weighed}

    watch_lanes([reload(rollout)], now=now)
    assert weigh() == (set(), set())
    assert not StoredVerdict.objects.filter(lane="alert").exists()
    _set(world, Mode.HOLD)
    assert weigh() == ({"no_alert_source"}, {"inconclusive"})
