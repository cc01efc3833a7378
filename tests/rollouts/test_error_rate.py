"""What the error rate does to a rollout, by its guardrail's mode; real samples through the real intake."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from core import clock
from core.actors import SCHEDULER, command
from core.errors import InvalidInput
from flags.domain.purposes import Purpose
from flags.models import Flag, FlagState
from health.domain.samples import read_samples
from health.domain.verdict import Judgement, Verdict
from health.models import BreachMemory, Guardrail, Mode, StoredVerdict
from health.ratio_queries import judge_ratio_lanes
from health.ratio_transitions import judge_and_remember, set_guardrail
from health.sample_transitions import record_samples
from notifications.models import Event
from rollouts.domain.gates import weigh_verdicts
from rollouts.domain.lifecycle import Status
from rollouts.effective_guardrail import get_effective_guardrail
from rollouts.models import Rollout
from rollouts.queries import exposures_of
from rollouts.ratio_guarding import watch_error_rate
from rollouts.transitions import resume_rollout
from tests.factories.world import DAY, NOW, WHY, World, make_rehearsal, make_world, play, reload
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db

#: The second flag is on for the testers, the gate after the phase not reached.
LATER = NOW + timedelta(seconds=DAY)


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def rollout(world: World) -> Rollout:
    rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=DAY, healthy=False)
    return reload(rollout)


def send(world: World, *, flag: Flag | None, now: datetime, share: float, site: str = "lyon", tills: int = 4) -> None:
    """Store what tills send in four seconds: twelve requests each, so many of them failed."""
    body: list[object] = [
        {
            "id": f"{site}-{till}-{flag.key if flag else 'all'}-{now.isoformat()}",
            "site": site,
            "till": f"{site}-{till}",
            "flag": flag.key if flag else None,
            "start": (now - timedelta(seconds=4)).isoformat(),
            "seconds": 4,
            "requests": 12,
            "errors": round(12 * share),
        }
        for till in range(tills)
    ]
    sites, flags = {one.key for one in world.sites}, {one.key for one in world.flags}
    reading = read_samples(body, site_keys=sites, flag_keys=flags, now=now)
    assert reading.rejected == []
    source = f"token:{world.tokens[Purpose.TELEMETRY][0]}"
    record_samples(source=source, environment_id=world.environment.pk, values=reading.accepted, now=now)


def run_fleet(
    world: World, rollout: Rollout, *, start: datetime, seconds: int, bad: float, elsewhere: float = 0.0
) -> datetime:
    """Play the fleet with one bad flag, and the guardrail as beat does."""
    now = start
    for second in range(0, seconds, 4):
        now = start + timedelta(seconds=second)
        send(world, flag=world.flags[0], now=now, share=bad)
        send(world, flag=world.flags[1], now=now, share=0)
        send(world, flag=None, now=now, share=elsewhere, site="lille")
        watch_error_rate(reload(rollout), now=now + timedelta(seconds=1))
    return now


def _set(world: World, mode: str, *, threshold_bp: int = 500) -> Guardrail:
    return set_guardrail(
        environment_id=world.environment.pk,
        lane="error_rate",
        mode=mode,
        threshold_bp=threshold_bp,
        actor=command("ops"),
        reason=WHY,
        now=NOW,
    )


def test_hold__by_default__names_the_flag_and_tells_once_within_a_minute(world: World, rollout: Rollout) -> None:
    epoch = rollout.epoch

    run_fleet(world, rollout, start=LATER, seconds=60, bad=0.2)

    rollout = reload(rollout)
    assert (rollout.status, rollout.held_code) == (Status.HELD, "error_rate")
    assert rollout.held_data["flags"] == [world.flags[0].key]
    assert rollout.held_data["evidence"][0]["baseline_bp"] == 0
    assert Event.objects.filter(kind="rollout_held").count() == 1
    assert not FlagState.objects.filter(killed_at__isnull=False).exists()
    verdict = StoredVerdict.objects.filter(lane="error_rate", verdict="breach", epoch=epoch).get()
    assert (verdict.flag_key, verdict.code, verdict.baseline_bp) == ("buttons", "error_rate", 0)
    assert verdict.bound_bp is not None
    assert verdict.bound_bp > 500


def test_healthy_fleet__runs_on_and_passes(world: World, rollout: Rollout) -> None:
    now = run_fleet(world, rollout, start=LATER, seconds=60, bad=0)

    assert reload(rollout).status == Status.RUNNING
    verdicts = {
        item.flag_key: item.verdict
        for item in judge_ratio_lanes(
            exposures=exposures_of(rollout), guardrail=get_effective_guardrail(rollout), now=now
        )
    }
    assert verdicts == dict.fromkeys(("buttons", "tickets"), Verdict.PASS)


def test_unexposed_sites_breach_too__holds_with_its_own_code_whatever_the_mode(world: World, rollout: Rollout) -> None:
    _set(world, Mode.ROLL_BACK)

    run_fleet(world, rollout, start=LATER, seconds=60, bad=0.2, elsewhere=0.2)

    rollout = reload(rollout)
    assert (rollout.status, rollout.held_code) == (Status.HELD, "error_rate_everywhere")
    assert not rollout.rollbacks.exists()


def test_roll_back__takes_that_flag_alone_once(world: World, rollout: Rollout) -> None:
    _set(world, Mode.ROLL_BACK)

    run_fleet(world, rollout, start=LATER, seconds=120, bad=0.2)

    rollback = rollout.rollbacks.get()
    assert (rollback.trigger, rollback.evidence["flag"]) == ("error_rate", "buttons")
    assert LATER < rollback.detected_at < rollback.contained_at
    killed = FlagState.objects.filter(environment=world.environment, killed_at__isnull=False)
    assert list(killed.values_list("flag__key", flat=True)) == ["buttons"]
    assert reload(rollout).held_code == "flag_rolled_back"


def test_observe__writes_once_what_it_saw_and_does_nothing(world: World, rollout: Rollout) -> None:
    _set(world, Mode.OBSERVE)

    run_fleet(world, rollout, start=LATER, seconds=60, bad=0.2)

    assert reload(rollout).status == Status.RUNNING
    assert rollout.events.filter(kind="guardrail_observed").count() == 1


def test_off__judges_nothing(world: World, rollout: Rollout) -> None:
    _set(world, Mode.OFF)

    now = run_fleet(world, rollout, start=LATER, seconds=60, bad=0.2)

    assert not StoredVerdict.objects.filter(lane="error_rate").exists()
    assert judge_ratio_lanes(exposures=exposures_of(rollout), guardrail=get_effective_guardrail(rollout), now=now) == []


def test_resumed__what_the_person_has_seen__does_not_hold_again_and_new_errors_do(
    world: World, rollout: Rollout
) -> None:
    now = run_fleet(world, rollout, start=LATER, seconds=60, bad=0.2) + timedelta(seconds=4)
    resume_rollout(rollout_id=rollout.pk, actor=SCHEDULER, reason=WHY, now=now)

    now = run_fleet(world, rollout, start=now + timedelta(seconds=5), seconds=60, bad=0)
    assert reload(rollout).status == Status.RUNNING

    run_fleet(world, rollout, start=now + timedelta(seconds=4), seconds=120, bad=0.4)
    assert reload(rollout).held_code == "error_rate"


def test_late_verdict__the_rollout_moved_on__is_dropped(world: World, rollout: Rollout) -> None:
    stale = reload(rollout)
    Rollout.objects.filter(pk=rollout.pk).update(epoch=rollout.epoch + 1)
    for second in range(0, 60, 4):
        now = LATER + timedelta(seconds=second)
        send(world, flag=world.flags[0], now=now, share=0.2)
        watch_error_rate(stale, now=now + timedelta(seconds=1))

    assert reload(rollout).status == Status.RUNNING


def test_memory__another_process_takes_over__is_not_forgotten(world: World, rollout: Rollout) -> None:
    exposures = exposures_of(rollout)
    send(world, flag=world.flags[0], now=LATER, share=0.5, tills=8)
    judge_and_remember(exposures=exposures, threshold_bp=500, now=LATER + timedelta(seconds=1))
    assert BreachMemory.objects.count() == 2
    send(world, flag=world.flags[0], now=LATER + timedelta(seconds=9), share=0.5, tills=8)

    judged = judge_and_remember(exposures=exposures_of(rollout), threshold_bp=500, now=LATER + timedelta(seconds=11))

    assert judged[0].judgement.verdict is Verdict.BREACH


@pytest.mark.django_db(transaction=True)
def test_memory__two_workers_at_once__one_judges_and_the_other_leaves_it(world: World, rollout: Rollout) -> None:
    exposures = exposures_of(rollout)
    send(world, flag=world.flags[0], now=LATER, share=0.5, tills=8)

    def judge(_: int) -> int:
        try:
            return len(judge_and_remember(exposures=exposures, threshold_bp=500, now=LATER + timedelta(seconds=1)))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(judge, range(8)))

    assert set(counts) <= {0, len(exposures)}
    assert max(counts) == len(exposures)
    assert BreachMemory.objects.count() == 2
    assert StoredVerdict.objects.filter(lane="error_rate").count() == len(exposures)


def test_queries__more_flags_and_samples__stay_the_same(world: World, rollout: Rollout) -> None:
    exposures = exposures_of(rollout)
    guardrail = get_effective_guardrail(rollout)

    def count(flags: int, now: datetime) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            judge_ratio_lanes(exposures=exposures[:flags], guardrail=guardrail, now=now)
        return len(queries)

    one = count(1, LATER)
    now = run_fleet(world, rollout, start=LATER, seconds=40, bad=0)

    assert count(2, now) == one


@pytest.mark.parametrize(
    "given", [{"mode": "panic"}, {"lane": "critical"}, {"threshold_bp": 99}, {"threshold_bp": 1001}]
)
def test_set_guardrail__what_it_cannot_be__is_refused(world: World, given: dict[str, Any]) -> None:
    wanted: dict[str, Any] = {
        "environment_id": world.environment.pk,
        "lane": "error_rate",
        "mode": "hold",
        "threshold_bp": 500,
    }
    by: dict[str, Any] = {"actor": command("ops"), "reason": WHY, "now": NOW}

    with pytest.raises(InvalidInput):
        set_guardrail(**(wanted | given), **by)


def test_set_guardrail__twice__changes_one_row_with_its_history(world: World) -> None:
    _set(world, Mode.OBSERVE)
    _set(world, Mode.HOLD, threshold_bp=300)

    guardrail = Guardrail.objects.get()
    assert (guardrail.mode, guardrail.threshold_bp) == ("hold", 300)
    assert Guardrail.history.count() == 2


def test_fault__while_reading__is_an_error_and_forgets_nothing(
    world: World, rollout: Rollout, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(world, flag=world.flags[0], now=LATER, share=0.5, tills=8)
    judge_and_remember(exposures=exposures_of(rollout), threshold_bp=500, now=LATER + timedelta(seconds=1))

    def fail(*_: object, **__: object) -> Callable[[], None]:
        raise ValueError("NaN")

    monkeypatch.setattr("health.ratio_queries._read_cells", fail)
    judged = judge_and_remember(exposures=exposures_of(rollout), threshold_bp=500, now=LATER + timedelta(seconds=2))

    assert {one.judgement.verdict for one in judged} == {Verdict.ERROR}
    assert BreachMemory.objects.count() == 2


def test_page__held_for_the_error_rate__says_in_french_what_was_seen() -> None:
    start = clock.now() - timedelta(seconds=DAY + 70)
    world = make_world(now=start)
    rollout = make_rehearsal(world, now=start)
    play(world, rollout, start=start, seconds=DAY, healthy=False)
    run_fleet(world, rollout, start=start + timedelta(seconds=DAY), seconds=64, bad=0.2)
    client = sign_in()
    client.cookies["django_language"] = "fr"

    page = client.get(f"/rollouts/{rollout.pk}/").content.decode()

    assert "Trop de requêtes échouent" in page
    assert "sûrement au moins" in page or "à confirmer" in page
    assert "Là où elle est éteinte" in page
    assert "sûrement moins de" in client.get("/health/").content.decode()


def test_gate__a_rehearsal_that_saw_too_little__is_let_on_and_a_real_rollout_is_not() -> None:
    little = _verdict("too_few_requests", Verdict.INCONCLUSIVE)
    critical = replace(_verdict("no_critical_errors", Verdict.PASS), lane="critical")

    assert weigh_verdicts([critical, little], is_rehearsal=True) == [("buttons", "pass")]
    assert weigh_verdicts([critical, little], is_rehearsal=False) == [("buttons", "inconclusive")]


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("source_silent", Verdict.INCONCLUSIVE),
        ("error_rate_unsure", Verdict.INCONCLUSIVE),
        ("fault", Verdict.ERROR),
        ("error_rate", Verdict.BREACH),
    ],
)
def test_gate__anything_else_of_the_error_rate__stops_a_rehearsal_too(code: str, verdict: Verdict) -> None:
    critical = replace(_verdict("no_critical_errors", Verdict.PASS), lane="critical")

    assert weigh_verdicts([_verdict(code, verdict), critical], is_rehearsal=True) == [("buttons", str(verdict))]


def _verdict(code: str, verdict: Verdict) -> Judgement:
    return Judgement(
        verdict=verdict,
        lane="error_rate",
        flag_key="buttons",
        n=0,
        k=0,
        window_start=NOW,
        window_end=NOW,
        threshold="5 %",
        code=code,
        data={},
    )
