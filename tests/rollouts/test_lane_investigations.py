"""Mode investigate: somebody looks into what a lane saw, in time, while the rollout goes on."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from core import clock
from core.actors import command, person
from core.roles import Role
from flags.models import FlagState
from health.alert_transitions import record_alerts
from health.domain.alerts import Origin
from health.domain.webhook_alerts import read_alerts
from health.guardrail_transitions import GuardrailWish, set_guardrail
from health.models import Decision, Mode
from notifications.models import Event
from rollouts import tasks
from rollouts.domain.investigating import LASTS, State
from rollouts.domain.lifecycle import Status
from rollouts.lane_guarding import watch_lanes
from rollouts.models import Investigation, RollbackFlag, Rollout, Trigger
from rollouts.transitions import pause_rollout
from rollouts.transitions.investigating import dismiss_investigation, roll_back_investigated
from tests.factories.alerts import alert_item, alertmanager_body
from tests.factories.core import make_person
from tests.factories.world import DAY, WHY, World, make_rehearsal, make_world, play, reload
from tests.signed_in import sign_in_as

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture
def world() -> World:
    return make_world(now=clock.now() - timedelta(minutes=20))


@pytest.fixture
def rollout(world: World) -> Rollout:
    """Its first two flags are on for the testers, and alerts are to be investigated."""
    start = clock.now() - timedelta(seconds=DAY)
    rollout = make_rehearsal(world, now=start)
    play(world, rollout, start=start, seconds=DAY, healthy=False)
    wish = GuardrailWish(lane="alert", mode=Mode.INVESTIGATE, threshold_bp=0)
    set_guardrail(environment_id=world.environment.pk, wish=wish, actor=command("ops"), reason=WHY, now=start)
    return reload(rollout)


def _send(world: World, *, now: datetime, flag: str, name: str = "TillErrors") -> None:
    labels = {"alertname": name, "severity": "critical", "flag": flag}
    item = alert_item(started_at=now - SECOND, labels=labels)
    reading = read_alerts(alertmanager_body(item), [item], now=now)
    record_alerts(environment_id=world.environment.pk, origin=Origin.ALERTMANAGER, values=reading.accepted, now=now)


def _open(world: World, rollout: Rollout, *, flag: str = "buttons") -> Investigation:
    now = clock.now()
    _send(world, now=now, flag=flag)
    watch_lanes([reload(rollout)], now=now + SECOND)
    return Investigation.objects.get()


def test_breach__opens_one_with_its_evidence_and_the_rollout_goes_on(world: World, rollout: Rollout) -> None:
    opened = _open(world, rollout)

    assert reload(rollout).status == Status.RUNNING
    assert (opened.code, opened.status, opened.owner) == ("alert", State.OPEN, None)
    assert opened.deadline_at - opened.opened_at == LASTS
    assert list(opened.evidence["flags"]) == ["buttons"]
    assert opened.evidence["breaches"][0]["alerts"] == ["TillErrors"]
    assert Investigation.history.get().history_change_reason == opened.evidence["said"]
    decision = Decision.objects.get()
    assert (decision.act, decision.mode, decision.flag_key) == ("investigate", "investigate", "buttons")
    told = Event.objects.get(kind="guardrail_investigate")
    assert (told.data["flags"], told.data["deadline"]) == (["buttons"], opened.deadline_at.isoformat())


def test_breach__goes_on_and_joins_another_that_day__asks_once(world: World, rollout: Rollout) -> None:
    opened = _open(world, rollout)
    now, second = opened.opened_at, world.flags[1]
    watch_lanes([reload(rollout)], now=now + 3 * SECOND)
    assert Decision.objects.count() == 1

    _send(world, now=now + 4 * SECOND, flag=second.key, name="SearchErrors")
    watch_lanes([reload(rollout)], now=now + 5 * SECOND)

    assert Investigation.objects.count() == 1
    assert Event.objects.filter(kind="guardrail_investigate").count() == 1
    assert list(Decision.objects.order_by("pk").values_list("flag_key", flat=True)) == ["buttons", second.key]


def test_breach__judged_before_the_rollout_changed__opens_none(world: World, rollout: Rollout) -> None:
    now = clock.now()
    _send(world, now=now, flag="buttons")
    seen = reload(rollout)
    pause_rollout(rollout_id=rollout.pk, actor=command("ops"), reason=WHY, now=now)

    watch_lanes([seen], now=now + SECOND)

    assert not Investigation.objects.exists()
    assert not Decision.objects.exists()


def test_dismissed__the_same_day__asks_no_more(world: World, rollout: Rollout) -> None:
    opened = _open(world, rollout)
    now = opened.opened_at + SECOND
    dismiss_investigation(investigation_id=opened.pk, actor=command("ops"), reason=WHY, now=now)

    watch_lanes([reload(rollout)], now=now + SECOND)

    assert Investigation.objects.get().status == State.DISMISSED


def test_roll_back__the_suspect_flag__is_a_persons_with_the_evidence(world: World, rollout: Rollout) -> None:
    opened = _open(world, rollout)
    manager = make_person(Role.RELEASE_MANAGER, username="mia")

    rollback = roll_back_investigated(
        investigation_id=opened.pk,
        flag_ids=[world.flags[0].pk],
        actor=person(manager),
        reason=WHY,
        now=clock.now() + SECOND,
    )

    assert rollback.trigger == Trigger.MANUAL
    assert rollback.evidence["investigation"] == opened.pk
    assert not RollbackFlag.objects.get().is_automatic
    assert list(FlagState.objects.filter(killed_at__isnull=False).values_list("flag__key", flat=True)) == ["buttons"]
    assert Investigation.objects.get().status == State.ROLLED_BACK


def test_deadline__passed__is_told_once(world: World, rollout: Rollout, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = _open(world, rollout)
    monkeypatch.setattr(clock, "now", lambda: opened.deadline_at)

    assert (tasks.remind_of_investigations(), tasks.remind_of_investigations()) == (1, 0)

    told = Event.objects.get(kind="guardrail_overdue")
    assert told.url == f"/complaints/investigations/{opened.pk}/"
    assert told.data["reason"] == opened.evidence["said"]


def test_page__of_a_lane__shows_its_evidence_and_takes_the_first_suspect_back(world: World, rollout: Rollout) -> None:
    opened = _open(world, rollout)
    client = sign_in_as(make_person(Role.RELEASE_MANAGER, username="mia"))
    page = f"/complaints/investigations/{opened.pk}/"

    shown = client.get(page).content.decode()

    assert "What the guardrail saw" in shown
    assert "TillErrors" in shown
    assert "The complaints, those with like words together" not in shown
    assert "Alerts of the monitoring" in client.get("/complaints/investigations/").content.decode() + shown
    asked: dict[str, Any] = {"reason": WHY, "flag": str(world.flags[0].pk)}
    assert client.post(f"{page}roll-back/", asked).status_code == 302
    assert Investigation.objects.get().status == State.ROLLED_BACK
