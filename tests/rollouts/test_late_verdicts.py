"""A late verdict is dropped, and a person's abort always beats it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from core.actors import command
from core.errors import Refusal
from flags.models import FlagState
from rollouts.domain.lifecycle import Status
from rollouts.exposure_queries import exposures_of
from rollouts.guarding import watch_rollout
from rollouts.models import Rollback, Rollout, Trigger
from rollouts.transitions import acknowledge_flag, redraft_rollout, roll_back, run_next_step, schedule_rollout
from tests.factories.world import DAY, NOW, World, make_rehearsal, make_world, play, reload, report
from tests.waiting import wait_for_lock

BY: dict[str, Any] = {"actor": command("mia"), "reason": "By hand"}


def _make_breach() -> tuple[World, Rollout]:
    """Return a running rehearsal whose first flag breaches, not yet judged, at `LATER`."""
    world = make_world()
    rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=DAY * 2)
    report(world, flag=world.flags[0], now=LATER - timedelta(seconds=0.5), integrity=1)
    return world, reload(rollout)


LATER = NOW + timedelta(seconds=DAY * 2)


def _abort(world: World, rollout: Rollout) -> None:
    roll_back(rollout_id=rollout.pk, flag_ids=None, trigger=Trigger.MANUAL, now=LATER, **BY)


def _begin_again(world: World, rollout: Rollout) -> None:
    _abort(world, rollout)
    for flag in world.flags:
        acknowledge_flag(rollout_id=rollout.pk, flag_id=flag.pk, now=LATER, **BY)
    redraft_rollout(rollout_id=rollout.pk, now=LATER, **BY)
    schedule_rollout(rollout_id=rollout.pk, now=LATER, **BY)
    first = rollout.steps.order_by("position").values_list("due_at", flat=True)[0]
    assert run_next_step(rollout_id=rollout.pk, now=first) is not None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("act", "off"), [(_abort, 3), (_begin_again, 0)])
def test_watch__a_person_acts_between_verdict_and_rollback__the_verdict_is_dropped(
    act: Callable[[World, Rollout], None], off: int
) -> None:
    world, rollout = _make_breach()

    def watch() -> None:
        try:
            watch_rollout(rollout, now=LATER)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            act(world, rollout)
            waiting = pool.submit(watch)
            wait_for_lock(waiting)
        waiting.result()

    [rollback] = Rollback.objects.all()
    assert rollback.trigger == Trigger.MANUAL
    assert FlagState.objects.exclude(killed_at=None).count() == off
    assert not rollout.events.filter(actor_label="guardrail").exists()


@pytest.mark.django_db(transaction=True)
def test_abort__while_an_automatic_rollback_is_under_way__takes_all_the_rest_back() -> None:
    world, rollout = _make_breach()

    def abort() -> None:
        try:
            _abort(world, rollout)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            watch_rollout(rollout, now=LATER)
            waiting = pool.submit(abort)
            wait_for_lock(waiting)
        waiting.result()

    assert [one.trigger for one in Rollback.objects.order_by("pk")] == [Trigger.CRITICAL_ERRORS, Trigger.MANUAL]
    assert reload(rollout).status == Status.ROLLED_BACK
    assert not FlagState.objects.filter(killed_at=None).exists()


@pytest.mark.django_db
def test_roll_back__a_verdict_on_an_attempt_before__is_refused() -> None:
    world, rollout = _make_breach()
    attempt = rollout.attempt
    _begin_again(world, rollout)

    with pytest.raises(Refusal, match="late_verdict"):
        roll_back(
            rollout_id=rollout.pk,
            flag_ids=[world.flags[0].pk],
            trigger=Trigger.CRITICAL_ERRORS,
            now=LATER,
            expected_attempt=attempt,
            **BY,
        )


@pytest.mark.django_db
def test_roll_back__a_step_was_done_while_it_waited__is_contained_no_earlier_than_that_step() -> None:
    world, rollout = _make_breach()
    first = world.flags[0]
    step = rollout.steps.filter(flag=first, status="done").order_by("done_at").last()
    assert step is not None
    assert step.done_at is not None

    rollback = roll_back(
        rollout_id=rollout.pk,
        flag_ids=[first.pk],
        trigger=Trigger.MANUAL,
        now=step.done_at - timedelta(milliseconds=300),
        **BY,
    )

    assert rollback.contained_at == step.done_at


@pytest.mark.django_db
def test_watch__two_flags_breach_at_once__both_go_back_at_once() -> None:
    world, rollout = _make_breach()
    report(world, flag=world.flags[2], now=LATER - timedelta(seconds=0.5), integrity=1)

    watch_rollout(rollout, now=LATER)

    assert FlagState.objects.exclude(killed_at=None).count() == 2


@pytest.mark.django_db
def test_exposures__sites_after_testers__each_site_has_its_own_moment() -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=int(DAY * 6.5))

    exposure = exposures_of(reload(rollout))[0]

    done = rollout.steps.filter(flag__key=exposure.flag_key, status="done", site__isnull=False)
    assert exposure.site_since == dict(done.values_list("site__key", "done_at"))
    assert list(exposure.site_since) == ["lyon", "nantes"]
    assert exposure.since < exposure.site_since["lyon"] < exposure.site_since["nantes"]
    assert exposure.everyone_since is None
