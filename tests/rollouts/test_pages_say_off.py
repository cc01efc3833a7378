"""A flag that somebody switched off behind the rollout's back is counted as off on every page."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command

from core import clock
from core.actors import command
from flags.transitions import kill_flag, switch_off
from rollouts.domain.lifecycle import Status
from rollouts.guarding import watch_rollout
from rollouts.models import Rollout, Trigger
from rollouts.page_queries import compose_page
from rollouts.queries import list_takeable
from rollouts.track import Dot
from rollouts.transitions import pause_rollout, roll_back
from tests.factories.world import DAY, World, make_rehearsal, make_world, play, reload
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db

START = clock.now() - timedelta(seconds=DAY * 6)
WHY_OFF = "Prices doubled in Lyon"


@pytest.fixture
def world() -> World:
    return make_world(now=START)


@pytest.fixture
def rollout(world: World) -> Rollout:
    """A rehearsal whose three flags are on for testers, pilots and the first site."""
    rollout = make_rehearsal(world, now=START)
    play(world, rollout, start=START, seconds=int(DAY * 5.5))
    return reload(rollout)


NOW = START + timedelta(seconds=DAY * 5.5)


def _by_command(world: World) -> None:
    call_command("flag", "off", world.flags[0].key, "--env", world.environment.key, "--reason", WHY_OFF, "--by", "ops")


def _by_kill(world: World) -> None:
    kill_flag(**_one(world))


def _by_switch(world: World) -> None:
    switch_off(**_one(world))


def _one(world: World) -> dict[str, Any]:
    return {
        "flag_id": world.flags[0].pk,
        "environment_id": world.environment.pk,
        "actor": command("ops"),
        "reason": WHY_OFF,
        "now": NOW,
    }


@pytest.mark.parametrize("switch", [_by_command, _by_kill, _by_switch])
def test_page__a_flag_off_by_hand__counts_nowhere_as_on(
    world: World, rollout: Rollout, switch: Callable[[World], None]
) -> None:
    before = compose_page(rollout, now=NOW)
    assert (before.reach.flags, before.summary.phases[0].done, before.summary.phases[2].sites[0].off) == (3, 3, 0)

    switch(world)

    page = compose_page(reload(rollout), now=NOW)
    internal, _pilot, per_site, _full = page.summary.phases
    assert page.reach.flags == 2
    assert (internal.dots, internal.done, internal.off) == ([Dot.OFF, Dot.ON, Dot.ON], 2, 1)
    assert (per_site.sites[0].is_done, per_site.sites[0].off) == (True, 1)
    assert [flag.key for one in page.confirmations if one.is_off for flag in one.flags] == ["buttons"]
    assert [one.is_switched_off for one in list_takeable(rollout)] == [True, False, False]


def test_page__every_flag_off_by_hand__reaches_nobody(world: World, rollout: Rollout) -> None:
    for flag in world.flags:
        kill_flag(**(_one(world) | {"flag_id": flag.pk}))

    reach = compose_page(reload(rollout), now=NOW).reach

    assert (reach.flags, reach.sites, reach.tills, reach.people) == (0, 0, 0, 0)


def test_page__a_flag_taken_back__is_off_again_on_the_track(world: World, rollout: Rollout) -> None:
    roll_back(
        rollout_id=rollout.pk,
        flag_ids=[world.flags[1].pk],
        trigger=Trigger.MANUAL,
        actor=command("ops"),
        reason=WHY_OFF,
        now=NOW,
    )

    page = compose_page(reload(rollout), now=NOW)

    assert page.summary.phases[0].dots == [Dot.ON, Dot.OFF, Dot.ON]
    assert page.reach.flags == 2


def test_hold__a_flag_off_by_hand__banner_and_story_name_who_and_why(world: World, rollout: Rollout) -> None:
    _by_command(world)

    watch_rollout(rollout, now=clock.now())

    rollout = reload(rollout)
    assert (rollout.status, rollout.held_code) == (Status.HELD, "flag_switched_by_hand")
    assert rollout.held_data["changes"] == [{"flags": ["buttons"], "by": "ops", "why": WHY_OFF}]
    held = rollout.events.filter(kind="held").get()
    assert held.reason == f"Changed by hand by ops: buttons. Why: {WHY_OFF}"
    page = sign_in().get(f"/rollouts/{rollout.pk}/").content.decode()
    banner = page[page.index('id="rollout-stopped"') :].split("</div>")[0]
    assert all(words in banner for words in ("Buttons", "ops", WHY_OFF))
    assert page.count(WHY_OFF) >= 2
    assert "1 flag off again" in page


def test_hold__several_people__each_with_their_own_reason_the_newest_first(world: World, rollout: Rollout) -> None:
    _by_kill(world)
    second = {"flag_id": world.flags[2].pk, "actor": command("mia"), "reason": "Too loud", "now": NOW + timedelta(1)}
    kill_flag(**(_one(world) | second))

    watch_rollout(rollout, now=NOW + timedelta(days=1))

    assert reload(rollout).held_data["changes"] == [
        {"flags": ["signals"], "by": "mia", "why": "Too loud"},
        {"flags": ["buttons"], "by": "ops", "why": WHY_OFF},
    ]


def test_hold__an_endless_reason__is_one_short_line_of_the_story_and_whole_in_the_banner(
    world: World, rollout: Rollout
) -> None:
    endless = "Prices\nare wrong. " * 100
    kill_flag(**(_one(world) | {"reason": endless}))

    watch_rollout(rollout, now=NOW + timedelta(seconds=1))

    rollout = reload(rollout)
    assert len(rollout.events.filter(kind="held").get().reason) < 400
    assert rollout.held_data["changes"][0]["why"] == endless.strip()


def test_roll_back_page__a_flag_off_by_hand__says_what_really_goes_off(world: World, rollout: Rollout) -> None:
    _by_command(world)

    page = sign_in().get(f"/rollouts/{rollout.pk}/roll-back/").content.decode()

    assert "2 flags go off" in page
    assert page.count("off already: somebody switched it by hand") == 1


def test_pause__banner_names_who_and_why(rollout: Rollout) -> None:
    pause_rollout(rollout_id=rollout.pk, actor=command("mia"), reason="Stocktaking", now=NOW)

    page = sign_in().get(f"/rollouts/{rollout.pk}/").content.decode()

    banner = page[page.index('id="rollout-stopped"') :].split("</div>")[0]
    assert all(words in banner for words in ("Paused", "mia", "Stocktaking"))


def test_page__flags_that_go_together__are_told_as_one(world: World, rollout: Rollout) -> None:
    page = compose_page(rollout, now=NOW)

    assert [step.flag.key for step in page.summary.next_steps] == [flag.key for flag in world.flags]
    assert [[flag.key for flag in one.flags] for one in page.confirmations] == [[flag.key for flag in world.flags]]
    text = sign_in().get(f"/rollouts/{rollout.pk}/").content.decode()
    assert "3 flags on at" in " ".join(text.split())
