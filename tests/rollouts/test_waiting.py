"""What stands still says what waits, why, and what starts it again; its day stands still too."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from core import clock
from core.actors import command
from flags.transitions import NewMember
from rollouts.drawing import PlanRequest
from rollouts.models import Rollout
from rollouts.track import prefetch_track, summarise
from rollouts.transitions import hold_rollout, pause_rollout, plan_rollout, resume_rollout
from tests.factories.world import DAY, make_rehearsal, make_world, play
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db

START = clock.now() - timedelta(seconds=DAY * 6)
PAUSED_AT = START + timedelta(seconds=int(DAY * 1.25) - 1)
BY: dict[str, Any] = {"actor": command("mia"), "reason": "Stocktaking"}


@pytest.fixture
def rollout() -> Rollout:
    """A rehearsal in the second day of its internal phase."""
    world = make_world(now=START)
    rollout = make_rehearsal(world, now=START)
    play(world, rollout, start=START, seconds=int(DAY * 1.25))
    return rollout


def _pause(rollout: Rollout) -> None:
    pause_rollout(rollout_id=rollout.pk, now=PAUSED_AT, **BY)


def _hold(rollout: Rollout) -> None:
    hold_rollout(rollout_id=rollout.pk, code="gate", data={}, now=PAUSED_AT, **BY)


STOPS = [(_pause, "Paused: nothing moves until somebody resumes it"), (_hold, "Resume when it does, or waive it")]


def _day(rollout: Rollout, at: datetime) -> int | None:
    fresh = prefetch_track(Rollout.objects.select_related("release", "environment")).get(pk=rollout.pk)
    return summarise(fresh, now=at).day


@pytest.mark.parametrize(("stop", "words"), STOPS)
@pytest.mark.parametrize("path", ["/", "/rollouts/", "page"])
def test_page__stopped__says_what_waits_and_what_starts_it_again(
    rollout: Rollout, stop: Any, words: str, path: str
) -> None:
    client = sign_in()
    page = f"/rollouts/{rollout.pk}/" if path == "page" else path
    assert "Next:" in client.get(page).content.decode()

    stop(rollout)

    text = client.get(page).content.decode()
    assert "Waits:" in text
    assert words in text
    assert "due now" not in text
    assert "Next:" not in text


def test_page__a_draft__says_that_nothing_moves() -> None:
    world = make_world(now=START)
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=(NewMember("cashier-1"),),
        site_ids=(world.sites[0].pk,),
        day_seconds=DAY,
    )
    draft = plan_rollout(request=request, now=START, **BY)

    text = sign_in().get(f"/rollouts/{draft.pk}/").content.decode()

    assert "Nothing moves before somebody schedules it." in text
    assert "due now" not in text


@pytest.mark.parametrize("stop", [_pause, _hold])
def test_day__while_stopped__stands_still_and_goes_on_where_it_stood(rollout: Rollout, stop: Any) -> None:
    assert _day(rollout, PAUSED_AT) == 2

    stop(rollout)

    later = PAUSED_AT + timedelta(seconds=DAY * 4)
    assert _day(rollout, later) == 2
    resume_rollout(rollout_id=rollout.pk, now=later, **BY)
    assert _day(rollout, later) == 2
