"""Replays of the lanes that have no limit: alerts as they were received, and critical errors."""

import json
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command

from core.roles import Role
from health.models import Decision
from rollouts.guarding import watch_rollout
from rollouts.lane_guarding import watch_lanes
from rollouts.models import Rollback, Rollout
from tests.factories.world import World, reload, report
from tests.rollouts.test_alert_guardrail import _send as send_alert
from tests.rollouts.test_alert_guardrail import _set as set_alerts
from tests.rollouts.test_replay import A_MINUTE, LATER, ask, list_acts, rollout, world
from tests.signed_in import sign_in

__all__ = ["rollout", "world"]

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
FIRED = LATER + 3 * A_MINUTE + 20 * SECOND
END = LATER + 20 * A_MINUTE
NAMED = {"alertname": "TillErrors", "severity": "critical", "flag": "buttons"}


def _alerts(rollout: Rollout, *, now: datetime = END, **given: Any) -> Any:
    return ask(rollout, now=now, lane="alert", limit_bp=0, **given)


def _break(world: World, rollout: Rollout) -> datetime:
    """Let two tills report critical errors of a flag, and the lane see it; return when it did."""
    for till, later in (("till-1", 0), ("till-2", 30)):
        report(world, flag=world.flags[0], now=FIRED + later * SECOND, till=till, critical=2)
    seen_at = FIRED + 31 * SECOND
    watch_rollout(reload(rollout), now=seen_at)
    return seen_at


@pytest.mark.parametrize("mode", ["observe", "investigate", "hold", "roll_back"])
def test_alerts__settings_that_were__are_what_was_decided(world: World, rollout: Rollout, mode: str) -> None:
    set_alerts(world, mode)
    send_alert(world, now=FIRED, labels=NAMED)
    watch_lanes([reload(rollout)], now=FIRED + SECOND)

    answer = _alerts(rollout, mode=mode)

    stored = Decision.objects.get()
    acts = [line for line in answer.replay.lines if line.act]
    assert acts[0].judgement.code == stored.code == "alert_firing"
    assert str(acts[0].act) == stored.act
    # It looks when the alert was received; the watch, a second later.
    assert acts[0].at == FIRED
    assert answer.find_real("buttons") == stored


def test_alerts__observed__would_have_rolled_back_the_site_they_name(world: World, rollout: Rollout) -> None:
    set_alerts(world, "observe")
    send_alert(world, now=FIRED, labels=NAMED | {"site": "lyon"})
    watch_lanes([reload(rollout)], now=FIRED + SECOND)

    answer = _alerts(rollout, mode="roll_back", scope="site")

    firing = answer.replay.firings["buttons"]
    assert (firing.act, firing.site_key, firing.is_real) == ("rolled_back", "lyon", False)
    assert set(answer.replay.firings) == {"buttons"}


@pytest.mark.parametrize(
    "given",
    [
        {"labels": NAMED | {"severity": "warning"}},
        {"labels": NAMED | {"flag": "signals"}},
        {"labels": NAMED, "ended_at": FIRED},
    ],
    ids=["mild", "another flag", "over when it was received"],
)
def test_alerts__that_blame_nothing_that_is_on__fire_nothing(
    world: World, rollout: Rollout, given: dict[str, Any]
) -> None:
    send_alert(world, now=FIRED, **given)

    assert _alerts(rollout).replay.firings == {}


def test_alerts__received_after_the_span__do_not_count(world: World, rollout: Rollout) -> None:
    send_alert(world, now=FIRED, labels=NAMED)

    assert _alerts(rollout, until=FIRED - A_MINUTE).replay.firings == {}
    assert set(_alerts(rollout, until=FIRED + A_MINUTE).replay.firings) == {"buttons"}


def test_critical__is_what_was_rolled_back(world: World, rollout: Rollout) -> None:
    seen_at = _break(world, rollout)
    assert Rollback.objects.get().trigger == "critical_errors"

    # Whatever is asked for: the lane has nothing to set.
    answer = ask(rollout, now=END, lane="critical", mode="observe", limit_bp=900)

    assert answer.replay.settings.mode == "roll_back"
    [(at, flag_key, act, _n, k, code)] = list_acts(answer.replay.lines)
    assert (at, flag_key, act, k, code) == (seen_at, "buttons", "rolled_back", 4, "critical_errors")
    assert next(line for line in answer.replay.lines if line.act).is_real
    real = answer.find_real("buttons")
    assert real is not None
    assert (real.at, real.act, real.k) == (seen_at, "rolled_back", 4)


def test_critical__one_till_alone__fires_nothing(world: World, rollout: Rollout) -> None:
    report(world, flag=world.flags[0], now=FIRED, critical=9)
    watch_rollout(reload(rollout), now=FIRED + SECOND)

    assert ask(rollout, now=END, lane="critical").replay.firings == {}


def test_page__of_alerts_and_critical_errors__says_what_would_have_been_and_what_nobody_knows(
    world: World, rollout: Rollout
) -> None:
    set_alerts(world, "observe")
    send_alert(world, now=FIRED, labels=NAMED)
    watch_lanes([reload(rollout)], now=FIRED + SECOND)
    _break(world, rollout)
    client, path = sign_in(Role.SUPPORT), f"/rollouts/{rollout.pk}/replay/"
    asked = {"percent": "", "mode": "hold", "scope": "flag", "cool_down_minutes": "15", "tightened": "yes"}

    with time_machine.travel(END, tick=False):
        alerts = client.get(path, asked | {"lane": "alert"}).content.decode()
        critical = client.get(path, asked | {"lane": "critical"}).content.decode()
        lacking = client.get(path, asked | {"lane": "error_rate"})

    assert "It would have held Buttons on " in alerts
    assert "Nothing would have happened to Tickets." in alerts
    assert "never that all was well" in alerts
    assert "With other limits" not in alerts
    assert "It would have rolled Buttons back on " in critical
    assert "Really: ↩ rolled back on " in critical
    assert "has nothing to set" in critical
    assert lacking.status_code == 400
    assert "Say which limit." in lacking.content.decode()


def test_command__of_both__tells_the_same(world: World, rollout: Rollout) -> None:
    send_alert(world, now=FIRED, labels=NAMED)
    _break(world, rollout)

    def run(*words: str) -> str:
        out = StringIO()
        with time_machine.travel(END, tick=False):
            call_command("replay_guardrails", "--rollout", str(rollout.pk), *words, stdout=out)
        return out.getvalue()

    assert "It would have held buttons on " in run("--lane", "alert", "--mode", "hold")
    assert "alert, hold  " in run("--lane", "alert", "--mode", "hold")
    told = json.loads(run("--lane", "critical", "--json"))
    assert (told["mode"], told["limit_bp"]) == ("roll_back", 0)
    assert [(line["act"], line["flag"], line["is_real"]) for line in told["lines"] if line["act"]] == [
        ("rolled_back", "buttons", True)
    ]
