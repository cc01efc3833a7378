"""What the error rate does to a rollout, by its guardrail's mode; real samples through the real intake."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections
from django.test.utils import CaptureQueriesContext

from core import clock
from core.actors import SCHEDULER, command
from core.errors import InvalidInput
from flags.domain.purposes import Purpose
from flags.models import Flag, FlagState
from health.domain.samples import read_samples
from health.domain.verdict import Judgement, Verdict
from health.guardrail_transitions import GuardrailWish, forget_guardrail, set_guardrail
from health.looks import Look
from health.models import Decision, Guardrail, LaneMemory, Mode, StoredVerdict
from health.rollup_transitions import roll_up_counts
from health.sample_transitions import record_samples
from health.share_queries import judge_looks
from health.share_transitions import Judged, forget_memories, judge_and_remember
from notifications.models import Event
from rollouts.domain.gates import weigh_verdicts
from rollouts.domain.lifecycle import Status
from rollouts.effective_guardrail import get_effective_guardrails
from rollouts.exposure_queries import exposures_of
from rollouts.lane_guarding import watch_lanes
from rollouts.models import Rollout
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
    """Store what tills send in four seconds, twelve requests each, so many of them failed, and roll it up."""
    _store_only(world, flag=flag, now=now, share=share, site=site, tills=tills)
    roll_up_counts()


def _store_only(
    world: World, *, now: datetime, share: float, flag: Flag | None = None, site: str = "lyon", tills: int = 4
) -> None:
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
        watch_lanes([reload(rollout)], now=now + timedelta(seconds=1))
    return now


def _set(world: World, mode: str, *, threshold_bp: int = 500, **given: Any) -> Guardrail:
    return set_guardrail(
        environment_id=world.environment.pk,
        wish=GuardrailWish(lane="error_rate", mode=mode, threshold_bp=threshold_bp, **given),
        actor=command("ops"),
        reason=WHY,
        now=NOW,
    )


def _look(rollout: Rollout) -> list[Look]:
    """Return what the error rate asks of the rollout's flags."""
    looks = get_effective_guardrails(rollout).list_looks(exposures_of(rollout))
    return [look for look in looks if look.lane == "error_rate"]


def test_hold__names_the_flag_and_tells_once_within_a_minute(world: World, rollout: Rollout) -> None:
    _set(world, Mode.HOLD)
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
    decision = Decision.objects.get()
    assert (decision.act, decision.mode, decision.flag_key, decision.code) == ("held", "hold", "buttons", "error_rate")
    assert decision.data["odds"] >= 25_000


def test_default__surely_too_many_errors__takes_the_flag_back(world: World, rollout: Rollout) -> None:
    """What the simulation said: docs/adr/0044."""
    run_fleet(world, rollout, start=LATER, seconds=60, bad=0.2)

    assert rollout.rollbacks.get().trigger == "error_rate"
    assert Decision.objects.get().act == "rolled_back"


def test_healthy_fleet__runs_on_and_passes(world: World, rollout: Rollout) -> None:
    now = run_fleet(world, rollout, start=LATER, seconds=60, bad=0)

    assert reload(rollout).status == Status.RUNNING
    verdicts = {item.flag_key: item.verdict for item in judge_looks(_look(rollout), now=now)}
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
    assert judge_looks(_look(reload(rollout)), now=now) == []


def test_resumed__what_the_person_has_seen__does_not_hold_again_and_new_errors_do(
    world: World, rollout: Rollout
) -> None:
    _set(world, Mode.HOLD, cool_down_minutes=0)
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
        watch_lanes([stale], now=now + timedelta(seconds=1))

    assert reload(rollout).status == Status.RUNNING


def test_memory__minutes_that_are_over__are_kept_and_counted_once(world: World, rollout: Rollout) -> None:
    now = LATER
    for minute in range(3):
        now = LATER + timedelta(minutes=minute, seconds=5)
        send(world, flag=world.flags[0], now=now, share=0.25, tills=1)
        _judge(rollout, now=now + timedelta(seconds=1))
    found = _judge(rollout, now=now + timedelta(minutes=2))

    # As if nothing had been kept: the same numbers from the minutes themselves.
    LaneMemory.objects.all().delete()
    anew = _judge(rollout, now=now + timedelta(minutes=2))
    assert (found.judgement.n, found.judgement.k) == (anew.judgement.n, anew.judgement.k) == (36, 9)
    assert found.judgement.data == anew.judgement.data


def test_memory__a_roll_up_that_lags__loses_nothing(world: World, rollout: Rollout) -> None:
    """Workers that come back look before all that waits is summed: the minute is not over until it is."""
    send(world, flag=world.flags[0], now=LATER + timedelta(seconds=5), share=0, tills=1)
    _store_only(world, flag=world.flags[0], now=LATER + timedelta(minutes=1), share=0.5)
    early = _judge(rollout, now=LATER + timedelta(minutes=5))
    roll_up_counts()

    late = _judge(rollout, now=LATER + timedelta(minutes=5, seconds=3))

    assert early.judgement.k == 0
    assert late.judgement.k > 0
    assert late.judgement.verdict is not Verdict.PASS


def test_memory__nothing_to_compare_with__is_not_written(world: World, rollout: Rollout) -> None:
    """Performance without a baseline: a row each minute of each flag for nothing."""
    looks = get_effective_guardrails(rollout).list_looks(exposures_of(rollout))

    judge_and_remember(looks, now=LATER + timedelta(minutes=2))

    assert set(LaneMemory.objects.values_list("lane", flat=True)) == {"error_rate"}


def test_memory__of_what_nobody_looks_at__is_forgotten_after_days(world: World, rollout: Rollout) -> None:
    judge_and_remember(_look(rollout), now=LATER + timedelta(minutes=2))

    assert forget_memories(written_before=LATER) == 0
    assert forget_memories(written_before=LATER + timedelta(days=2)) == len(_look(rollout))
    assert not LaneMemory.objects.exists()


def test_act__a_fault_of_the_database__is_an_error_in_the_log_and_tried_again(
    world: World, rollout: Rollout, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _set(world, Mode.HOLD)

    def fail(**_: object) -> None:
        raise DatabaseError("full")

    with monkeypatch.context() as broken:
        broken.setattr("rollouts.lane_guarding.hold_rollout", fail)
        now = run_fleet(world, rollout, start=LATER, seconds=40, bad=0.4)
    assert reload(rollout).status == Status.RUNNING
    assert {record.levelname for record in caplog.records if "was not done" in record.message} == {"ERROR"}

    run_fleet(world, rollout, start=now + timedelta(seconds=4), seconds=4, bad=0.4)
    assert reload(rollout).status == Status.HELD


def _judge(rollout: Rollout, *, now: datetime) -> Judged:
    """Return what is judged of the first flag."""
    return judge_and_remember(_look(reload(rollout)), now=now)[0]


@pytest.mark.django_db(transaction=True)
def test_memory__two_workers_at_once__one_judges_and_the_other_leaves_it(world: World, rollout: Rollout) -> None:
    looks = _look(rollout)
    send(world, flag=world.flags[0], now=LATER, share=0.5, tills=8)

    def judge(_: int) -> int:
        try:
            return len(judge_and_remember(looks, now=LATER + timedelta(minutes=2)))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(judge, range(8)))

    assert set(counts) <= {0, len(looks)}
    assert max(counts) == len(looks)
    assert LaneMemory.objects.count() == len(looks)
    assert StoredVerdict.objects.filter(lane="error_rate").count() == len(looks)


def test_queries__more_rollouts_flags_and_samples__stay_the_same(world: World, rollout: Rollout) -> None:
    looks = _look(rollout)

    def count(looks: list[Look], now: datetime) -> int:
        with CaptureQueriesContext(connection) as queries:
            judge_and_remember(looks, now=now)
        return len(queries)

    # A minute is written down: the dearest look.
    one = count(looks[:1], LATER + timedelta(minutes=2))
    now = run_fleet(world, rollout, start=LATER + timedelta(minutes=2), seconds=40, bad=0)
    others = [
        Look(replace(look.exposure, subject=f"rollout:{number}"), look.lane, look.limit_bp)
        for number in range(1_000, 1_010)
        for look in looks
    ]

    assert count([*looks, *others], now + timedelta(minutes=2)) == one


def test_flag_override__judges_that_flag_by_its_own_guardrail(world: World, rollout: Rollout) -> None:
    _set(world, Mode.ROLL_BACK)
    own = _set(world, Mode.OBSERVE, flag_id=world.flags[0].pk)

    now = run_fleet(world, rollout, start=LATER, seconds=60, bad=0.2)

    assert reload(rollout).status == Status.RUNNING
    assert Decision.objects.get().act == "observed"
    forget_guardrail(guardrail_id=own.pk, actor=command("ops"), reason=WHY, now=now)
    run_fleet(world, rollout, start=now + timedelta(seconds=4), seconds=4, bad=0.2)
    assert rollout.rollbacks.get().evidence["flag"] == "buttons"


def test_scope_rollout__takes_every_flag_back(world: World, rollout: Rollout) -> None:
    _set(world, Mode.ROLL_BACK, scope="rollout")

    run_fleet(world, rollout, start=LATER, seconds=60, bad=0.2)

    assert reload(rollout).status == Status.ROLLED_BACK
    assert rollout.rollbacks.get().scope == "all"


@pytest.mark.parametrize(("elsewhere", "scope"), [(0.0, "site"), (0.2, "flag")])
def test_scope_site__one_stands_out__that_site_alone_goes_off(
    world: World, rollout: Rollout, elsewhere: float, scope: str
) -> None:
    _set(world, Mode.ROLL_BACK, scope="site")
    for second in range(0, 60, 4):
        now = LATER + timedelta(seconds=second)
        send(world, flag=world.flags[0], now=now, share=0.4, site="lyon")
        send(world, flag=world.flags[0], now=now, share=elsewhere, site="nantes")
        watch_lanes([reload(rollout)], now=now + timedelta(seconds=1))

    rollback = rollout.rollbacks.earliest("pk")
    assert (rollback.scope, rollback.trigger) == (scope, "error_rate")
    assert rollback.evidence["flag"] == "buttons"
    assert Decision.objects.earliest("pk").site_key == ("lyon" if scope == "site" else "")


def test_cool_down__a_breach_right_after_a_hold__is_written_down_and_left_alone(world: World, rollout: Rollout) -> None:
    _set(world, Mode.HOLD, cool_down_minutes=30)
    now = run_fleet(world, rollout, start=LATER, seconds=60, bad=0.3) + timedelta(seconds=4)
    resume_rollout(rollout_id=rollout.pk, actor=SCHEDULER, reason=WHY, now=now)

    run_fleet(world, rollout, start=now + timedelta(seconds=5), seconds=60, bad=0.3)

    assert reload(rollout).status == Status.RUNNING
    assert list(Decision.objects.order_by("pk").values_list("act", flat=True)) == ["held", "cooling"]
    assert rollout.events.filter(kind="guardrail_cooling").count() == 1


def test_flapping__held_for_the_third_time_within_a_day__says_so(world: World, rollout: Rollout) -> None:
    _set(world, Mode.HOLD, cool_down_minutes=0)
    now = LATER
    for _time in range(3):
        now = run_fleet(world, rollout, start=now + timedelta(seconds=5), seconds=60, bad=0.3) + timedelta(seconds=4)
        held = reload(rollout)
        assert held.status == Status.HELD
        resume_rollout(rollout_id=rollout.pk, actor=SCHEDULER, reason=WHY, now=now)

    last = rollout.events.filter(kind="held").latest("pk")
    assert last.data["times_today"] == 3
    assert "Held for the 3. time within a day" in last.reason


@pytest.mark.parametrize(
    "given",
    [
        {"mode": "panic"},
        {"lane": "critical"},
        {"threshold_bp": 99},
        {"threshold_bp": 1001},
        {"scope": "shop"},
        {"cool_down_minutes": 1441},
        {"flag_id": 0},
    ],
)
def test_set_guardrail__what_it_cannot_be__is_refused(world: World, given: dict[str, Any]) -> None:
    wanted: dict[str, Any] = {"lane": "error_rate", "mode": "hold", "threshold_bp": 500} | given

    with pytest.raises(InvalidInput):
        set_guardrail(
            environment_id=world.environment.pk,
            wish=GuardrailWish(**wanted),
            actor=command("ops"),
            reason=WHY,
            now=NOW,
        )


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
    judge_and_remember(_look(rollout), now=LATER + timedelta(minutes=2))
    before = list(LaneMemory.objects.order_by("pk").values_list("data", flat=True))

    def fail(*_: object, **__: object) -> Callable[[], None]:
        raise DatabaseError("gone")

    monkeypatch.setattr("health.share_queries.sum_flag_minutes", fail)
    judged = judge_and_remember(_look(rollout), now=LATER + timedelta(minutes=4))

    assert {one.judgement.verdict for one in judged} == {Verdict.ERROR}
    assert list(LaneMemory.objects.order_by("pk").values_list("data", flat=True)) == before


def test_page__held_for_the_error_rate__says_in_french_what_was_seen() -> None:
    start = clock.now() - timedelta(seconds=DAY + 70)
    world = make_world(now=start)
    rollout = make_rehearsal(world, now=start)
    _set(world, Mode.HOLD)
    play(world, rollout, start=start, seconds=DAY, healthy=False)
    run_fleet(world, rollout, start=start + timedelta(seconds=DAY), seconds=64, bad=0.2)
    client = sign_in()
    client.cookies["django_language"] = "fr"

    page = client.get(f"/rollouts/{rollout.pk}/").content.decode()

    assert "Trop de requêtes échouent" in page
    assert "contre 1 que plus de 5 % échouent" in page
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
