"""After a flag was taken back, the page still says what was seen then, beside what is seen now."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import Client

from core.actors import SCHEDULER
from core.roles import Role
from rollouts.acted import list_acted
from rollouts.guarding import watch_rollout
from rollouts.models import Rollout, Trigger
from rollouts.transitions import roll_back
from tests.factories.core import make_person
from tests.factories.world import DAY, NOW, WHY, World, make_rehearsal, make_world, play, report

pytestmark = pytest.mark.django_db


def take_back(world: World, rollout: Rollout) -> datetime:
    """Let four critical errors of two tills take the first flag back; return when."""
    now = play(world, rollout, start=NOW, seconds=DAY * 2) + timedelta(seconds=1)
    for till in ("till-1", "till-2"):
        report(world, flag=world.flags[0], now=now, till=till, critical=2)
    rollout.refresh_from_db()
    watch_rollout(rollout, now=now + timedelta(seconds=1))
    return now + timedelta(seconds=1)


def test_list_acted__critical_errors__keeps_their_numbers_window_and_time() -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    at = take_back(world, rollout)

    [acted] = list_acted(rollout)

    assert (acted.code, acted.k, list(acted.flag_keys)) == ("critical_errors", 4, ["buttons"])
    assert acted.at == acted.window_end == at
    # Ten minutes, had the flag been on for so long.
    assert acted.window_start == rollout.steps.filter(flag=world.flags[0]).order_by("position")[0].done_at


def test_list_acted__taken_back_by_a_person__is_none() -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    now = play(world, rollout, start=NOW, seconds=DAY)
    roll_back(rollout_id=rollout.pk, flag_ids=None, trigger=Trigger.MANUAL, actor=SCHEDULER, reason=WHY, now=now)

    assert list_acted(rollout) == []


def test_page__an_hour_after__shows_the_verdict_that_acted_beside_what_is_now(client: Client) -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    take_back(world, rollout)
    client.force_login(make_person(Role.RELEASE_MANAGER, language="en"))

    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        page = client.get(f"/rollouts/{rollout.pk}/").content.decode()

    assert "0 critical errors" in page
    acted = page[page.index('id="acted"') :]
    assert "4 critical errors in" in acted[: acted.index("</ul>")]
    assert world.flags[0].name in acted[: acted.index("</ul>")]
