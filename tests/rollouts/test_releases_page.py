"""The page of releases: its form keeps what was typed, and puts flags in order without JavaScript too."""

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from core import clock
from core.actors import SCHEDULER
from core.roles import Role
from flags.models import Flag
from rollouts.models import Release
from rollouts.transitions import create_release
from tests.factories.world import WHY, World, make_world
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db

PATH = "/releases/"


@pytest.fixture
def world() -> World:
    return make_world(now=clock.now())


def _posted(*flags: Flag, **changes: object) -> dict[str, object]:
    keys = [str(flag.pk) for flag in flags]
    return {"version": "2.0", "name": "Winter", "flags": keys, "flags_order": keys, "reason": "Planned"} | changes


def test_releases__a_whole_form__makes_one_with_its_flags_in_order(world: World) -> None:
    first, second = world.flags[1], world.flags[0]

    answer = sign_in(Role.RELEASE_MANAGER).post(PATH, _posted(first, second))

    assert answer.status_code == 302
    release = Release.objects.get(version="2.0")
    assert [row.flag for row in release.release_flags.order_by("position")] == [first, second]
    assert release.history.get().history_change_reason == "Planned"


@pytest.mark.parametrize(
    "change",
    [
        {"version": ""},
        {"version": "9" * 51},
        {"flags": []},
        {"flags": ["999999"]},
        {"flags": ["x"]},
        {"reason": ""},
        {"name": "n" * 201},
    ],
)
def test_releases__wrong_input__is_said_and_what_was_typed_stays(world: World, change: dict[str, object]) -> None:
    before = Release.objects.count()

    answer = sign_in(Role.RELEASE_MANAGER).post(PATH, _posted(*world.flags, **change))

    assert answer.status_code == 400
    page = answer.content.decode()
    assert "errorlist" in page
    assert str(change.get("version", "2.0")) in page
    assert Release.objects.count() == before


def test_releases__a_known_version__is_refused_in_the_form(world: World) -> None:
    answer = sign_in(Role.RELEASE_MANAGER).post(PATH, _posted(*world.flags, version=world.release.version))

    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()


def test_releases__a_move__changes_the_order_and_writes_nothing(world: World) -> None:
    first, second = world.flags[0], world.flags[1]
    before = Release.objects.count()

    answer = sign_in(Role.RELEASE_MANAGER).post(PATH, _posted(first, second, move=f"{second.pk}:up"))

    rows = answer.context["form"].rows
    assert [row.value for row in rows[:2]] == [str(second.pk), str(first.pk)]
    assert all(row.is_chosen for row in rows[:2])
    assert 'value="2.0"' in answer.content.decode()
    assert Release.objects.count() == before


def test_releases__support__sees_the_list_and_makes_none(world: World) -> None:
    client = sign_in(Role.SUPPORT)

    page = client.get(PATH).content.decode()

    assert world.release.version in page
    assert 'name="version"' not in page
    assert client.post(PATH, _posted(*world.flags)).status_code == 403


def test_releases__many__take_as_many_queries_as_two(
    world: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = sign_in(Role.SUPPORT)

    def count() -> int:
        with django_assert_max_num_queries(40) as queries:
            client.get(PATH)
        return len(queries)

    def make(numbers: range) -> None:
        for number in numbers:
            create_release(
                version=f"3.{number}",
                flag_ids=[flag.pk for flag in world.flags],
                actor=SCHEDULER,
                reason=WHY,
                now=clock.now(),
            )

    make(range(1))
    count()
    few = count()
    make(range(1, 19))
    assert count() == few
