"""Freezes are set, cut short and removed, with who, when and why; what is past stays."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import clock
from core.actors import SCHEDULER
from core.errors import Refusal
from core.history import recorded
from core.roles import Role
from flags.models import Environment
from rollouts.domain.freezing import Freeze, find_freeze
from rollouts.freeze_queries import list_freezes
from rollouts.models import FreezeWindow
from rollouts.transitions import add_freeze, remove_freeze, shorten_freeze
from tests.factories.world import NOW, WHY, World, make_world
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}
TODAY = date(2026, 11, 24)


@pytest.fixture
def world() -> World:
    return make_world()


def _freeze(environment: Environment, start: date, days: int = 3, **given: Any) -> FreezeWindow:
    values: dict[str, Any] = {
        "starts_on": start,
        "ends_on": start + timedelta(days=days),
        "label": "Sales",
        "now": NOW,
    } | given
    (freeze,) = add_freeze(environment_ids=[environment.pk], **values, **BY)
    return freeze


def _later(days: int) -> datetime:
    return NOW + timedelta(days=days)


def test_freeze__days__are_half_open_and_the_longest_is_named() -> None:
    short = Freeze(TODAY, TODAY + timedelta(days=2), "short")
    long = Freeze(TODAY, TODAY + timedelta(days=5), "long")

    held = [find_freeze([short, long], TODAY + timedelta(days=number)) for number in (-1, 0, 1, 2, 4, 5)]

    assert held == [None, long, long, long, long, None]


def test_add__says_who_when_and_why_once_for_each_environment(world: World) -> None:
    freeze = _freeze(world.environment, TODAY)

    assert (freeze.set_by, freeze.set_at, freeze.reason) == (SCHEDULER.label, NOW, WHY)
    assert FreezeWindow.history.get().history_change_reason == WHY
    with pytest.raises(Refusal) as refused:
        _freeze(world.environment, TODAY)
    assert refused.value.code == "freeze_exists"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"environment_ids": []}, "freeze_nowhere"),
        ({"environment_ids": [0]}, "environment_unknown"),
        ({"label": "  "}, "freeze_nameless"),
        ({"label": "x" * 101}, "freeze_nameless"),
        ({"ends_on": TODAY}, "freeze_reversed"),
        ({"ends_on": TODAY + timedelta(days=367)}, "freeze_too_long"),
        ({"starts_on": TODAY - timedelta(days=1)}, "freeze_in_past"),
        ({"reason": " "}, "reason_missing"),
    ],
)
def test_add__wrong__is_refused(world: World, change: dict[str, Any], code: str) -> None:
    values = {
        "environment_ids": [world.environment.pk],
        "starts_on": TODAY,
        "ends_on": TODAY + timedelta(days=1),
        "label": "Sales",
        "now": NOW,
    }

    with pytest.raises(Refusal) as refused:
        add_freeze(**(values | BY | change))  # type: ignore[arg-type]  # wrong on purpose

    assert refused.value.code == code
    assert not FreezeWindow.objects.exists()


def test_shorten__a_running_one__ends_today_at_the_earliest(world: World) -> None:
    freeze = _freeze(world.environment, TODAY, days=5)
    now = _later(2)
    today = TODAY + timedelta(days=2)

    for end in (today - timedelta(days=1), freeze.ends_on, freeze.ends_on + timedelta(days=1)):
        with pytest.raises(Refusal) as refused:
            shorten_freeze(freeze_id=freeze.pk, ends_on=end, now=now, **BY)
        assert refused.value.code == "freeze_not_shorter"
    shorten_freeze(freeze_id=freeze.pk, ends_on=today, now=now, **BY)

    freeze.refresh_from_db()
    assert freeze.ends_on == today


def test_remove__only_before_it_has_stopped_anything__with_a_reason(world: World) -> None:
    freeze = _freeze(world.environment, TODAY, days=5)

    with pytest.raises(Refusal) as refused:
        remove_freeze(freeze_id=freeze.pk, now=_later(1), **BY)
    assert refused.value.code == "freeze_has_begun"
    remove_freeze(freeze_id=freeze.pk, now=NOW, **BY)

    assert not FreezeWindow.objects.exists()
    gone = FreezeWindow.history.latest()
    assert (gone.history_type, gone.history_change_reason) == ("-", WHY)


def test_past__stays_as_it_was(world: World) -> None:
    freeze = _freeze(world.environment, TODAY)
    now = _later(3)

    end = TODAY + timedelta(days=1)
    changes: list[Callable[[], object]] = [
        lambda: shorten_freeze(freeze_id=freeze.pk, ends_on=end, now=now, **BY),
        lambda: remove_freeze(freeze_id=freeze.pk, now=now, **BY),
    ]
    for change in changes:
        with pytest.raises(Refusal) as refused:
            change()
        assert refused.value.code == "freeze_over"


def test_change__seen_before_another_one__is_refused(world: World) -> None:
    freeze = _freeze(world.environment, TODAY + timedelta(days=1), days=5)
    (line,) = list_freezes(today=TODAY).coming
    shorten_freeze(freeze_id=freeze.pk, ends_on=TODAY + timedelta(days=4), now=NOW, seen_version=line.version, **BY)

    with pytest.raises(Refusal) as refused:
        remove_freeze(freeze_id=freeze.pk, now=NOW, seen_version=line.version, **BY)

    assert refused.value.code == "changed_meanwhile"


@pytest.mark.parametrize("change", [{"ends_on": TODAY}, {"label": ""}, {"reason": ""}, {"set_by": ""}])
def test_constraints__half_a_freeze__is_refused_by_the_database(world: World, change: dict[str, Any]) -> None:
    row = {"starts_on": TODAY, "ends_on": TODAY + timedelta(days=1), "label": "Sales", "reason": WHY, "set_by": "a"}

    with pytest.raises(IntegrityError), transaction.atomic(), recorded(now=NOW, **BY):
        FreezeWindow(environment=world.environment, set_at=NOW, **(row | change)).save()


def test_lists__by_day__running_coming_past(world: World) -> None:
    running = _freeze(world.environment, TODAY)
    coming = _freeze(world.environment, TODAY + timedelta(days=9))

    now, later = list_freezes(today=TODAY), list_freezes(today=TODAY + timedelta(days=9))

    assert [line.freeze for line in now.running] == [running]
    assert [line.freeze for line in now.coming] == [coming]
    assert (list(now.past), list(later.past)) == ([], [running])


def test_page__sets_one_and_removes_it(world: World) -> None:
    client = sign_in()
    tomorrow = timezone.localdate(clock.now()) + timedelta(days=1)
    wanted = {
        "label": "Winter sales",
        "environments": [world.environment.key],
        "first_on": tomorrow.isoformat(),
        "last_on": (tomorrow + timedelta(days=4)).isoformat(),
        "reason": "Everybody is at the till",
        "confirm": "1",
    }

    assert client.post("/freezes/", wanted | {"environments": []}).status_code == 400
    assert client.post("/freezes/", wanted).status_code == 302

    freeze = FreezeWindow.objects.get()
    assert (freeze.ends_on - freeze.starts_on).days == 5
    page = client.get("/freezes/").content.decode()
    assert "Winter sales" in page
    assert "Everybody is at the till" in page
    (line,) = list_freezes(today=tomorrow).running
    body = {"version": line.version, "reason": "Called off", "last_on": tomorrow.isoformat()}
    assert client.post(f"/freezes/{freeze.pk}/shorten/", body).status_code == 302
    freeze.refresh_from_db()
    assert freeze.last_on == tomorrow
    assert client.post(f"/freezes/{freeze.pk}/remove/", body).status_code == 409
    (line,) = list_freezes(today=tomorrow).running
    assert client.post(f"/freezes/{freeze.pk}/remove/", body | {"version": line.version}).status_code == 302
    assert not FreezeWindow.objects.exists()


def test_page__reader__sees_them_and_has_no_form(world: World) -> None:
    _freeze(world.environment, TODAY + timedelta(days=400), now=clock.now())
    client = sign_in(Role.SUPPORT)

    page = client.get("/freezes/").content.decode()

    assert "Sales" in page
    assert "new-freeze" not in page
    assert client.post("/freezes/", {"label": "x"}).status_code == 403


def test_page__twenty_freezes__take_as_many_queries_as_two(world: World) -> None:
    client = sign_in()
    start = timezone.localdate(clock.now())

    def count(freezes: int) -> int:
        for number in range(freezes):
            _freeze(world.environment, start, days=1, label=f"Freeze {FreezeWindow.objects.count()}", now=clock.now())
            _freeze(world.environment, start + timedelta(days=3 + number), now=clock.now(), label=f"a{number}{freezes}")
        client.get("/freezes/")
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/freezes/").status_code == 200
        return len(queries)

    assert count(2) == count(20)
