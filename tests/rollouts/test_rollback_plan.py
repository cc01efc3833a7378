"""The printable plan for taking a release back."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import clock
from core.program import manage
from core.roles import Role
from rollouts.models import Rollout
from tests.factories.world import World, make_rehearsal, make_world
from tests.recovery.operations import make_target
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world(now=clock.now() - timedelta(minutes=10))


def test_plan__of_a_release__has_flags_targets_people_and_commands(world: World) -> None:
    make_target(world.environment, name="Tills of Lyon")
    page = sign_in(Role.SUPPORT).get(f"/releases/{world.release.pk}/rollback-plan/").content.decode()

    for flag in world.flags:
        assert f"<code>{manage()} flag off {flag.key} --env {world.environment.key}" in page
    assert "Tills of Lyon" in page
    assert "none: take one before it begins" in page
    assert f"<code>{manage()} rollback start shop" in page
    assert "nobody on the roster" in page
    assert "start TARGET" not in page


def test_plan__who_may_not_drive__is_led_to_the_rollouts_own_page(world: World) -> None:
    rollout = make_rehearsal(world)
    Rollout.objects.filter(pk=rollout.pk).update(is_rehearsal=False, day_seconds=None, start_on=rollout.start_at.date())
    address = f"/releases/{rollout.release_id}/rollback-plan/"

    assert f"/rollouts/{rollout.pk}/roll-back/" in sign_in().get(address).content.decode()
    page = sign_in(Role.SUPPORT).get(address).content.decode()

    assert f"/rollouts/{rollout.pk}/roll-back/" not in page
    assert f"/rollouts/{rollout.pk}/" in page


def test_plan__in_french__speaks_it(world: World) -> None:
    client = sign_in()
    client.post("/language/", {"language": "fr"})

    page = client.get(f"/releases/{world.release.pk}/rollback-plan/").content.decode()

    assert "Plan de retour arrière" in page


def test_plan__more_targets__take_as_many_queries(world: World) -> None:
    client = sign_in()
    make_target(world.environment)
    address = f"/releases/{world.release.pk}/rollback-plan/"
    client.get(address)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    few = count()
    for number in range(5):
        make_target(world.environment, key=f"more-{number}")

    assert count() == few
