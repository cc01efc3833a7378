"""Every page, in both languages, with something on it; and the forms that drive."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse

from core import clock
from core.actors import SCHEDULER
from core.models import User
from core.people import create_person
from core.roles import Role
from flags.models import FlagState
from health.models import Complaint
from incidents.intake import list_waiting, take_in
from incidents.models import Incident
from rollouts.domain.lifecycle import Status
from rollouts.models import Rollout, Trigger
from rollouts.transitions import roll_back, run_next_step
from tests.factories.world import WHY, World, make_rehearsal, make_world, play, report
from tests.signed_in import sign_in_as

pytestmark = pytest.mark.django_db

#: The whole year an hour ahead of Paris, where the world's sites are.
ATHENS = ZoneInfo("Europe/Athens")


@pytest.fixture
def world() -> World:
    return make_world(now=clock.now() - timedelta(minutes=5))


@pytest.fixture
def rollout(world: World) -> Rollout:
    """A rehearsal with a flag taken back and its incident."""
    start = clock.now() - timedelta(minutes=3)
    rollout = make_rehearsal(world, now=start)
    now = play(world, rollout, start=start, seconds=100)
    report(world, flag=None, now=now)
    roll_back(
        rollout_id=rollout.pk,
        flag_ids=[world.flags[0].pk],
        trigger=Trigger.MANUAL,
        actor=SCHEDULER,
        reason=WHY,
        now=now,
    )
    for event_id in list_waiting(limit=10):
        take_in(event_id, now=now)
    return rollout


def _client(role: Role, language: str = "en") -> tuple[Client, User]:
    user = create_person(username=f"a-{role.name}", roles=[role], actor=SCHEDULER, reason=WHY, now=clock.now())
    return sign_in_as(user, language=language), user


@pytest.mark.parametrize("language", ["en", "fr"])
def test_pages__with_something_on_them__answer_in_the_readers_language(
    world: World, rollout: Rollout, language: str
) -> None:
    client, _user = _client(Role.ADMIN, language)
    client.post("/complaints/log/", {"text": "Prices", "site": world.sites[0].pk, "severity": "annoying"})
    paths = [
        "/",
        "/rollouts/",
        "/rollouts/plan/",
        f"/rollouts/{rollout.pk}/",
        f"/rollouts/{rollout.pk}/roll-back/",
        "/releases/",
        "/freezes/",
        "/calendar/",
        "/flags/",
        f"/flags/{world.flags[0].key}/",
        "/tokens/",
        "/health/",
        "/complaints/",
        "/complaints/log/",
        "/incidents/",
        f"/incidents/{Incident.objects.get().pk}/",
        f"/incidents/{Incident.objects.get().pk}/post-mortem/",
        "/incidents/measures/",
        "/inbox/",
    ]

    for path in paths:
        page = client.get(path)
        assert page.status_code == 200, path
        assert ("Tableau de bord" if language == "fr" else "Dashboard") in page.content.decode(), path


def test_login__name_and_password__lead_to_the_dashboard() -> None:
    create_person(
        username="mia", roles=[Role.SUPPORT], password="correct-horse-7", actor=SCHEDULER, reason=WHY, now=clock.now()
    )
    client = Client()
    page = client.get("/", follow=True)
    assert "form" in page.content.decode()

    page = client.post(page.redirect_chain[-1][0], {"login": "mia", "password": "correct-horse-7"}, follow=True)

    assert page.redirect_chain[-1][0] == "/"
    assert page.status_code == 200


def test_switch__off_with_a_reason__sets_the_kill_switch(world: World) -> None:
    client, _user = _client(Role.RELEASE_MANAGER)
    flag = world.flags[0]

    client.post(f"/flags/{flag.key}/switch/", {"environment": "staging", "to": "off", "reason": "Wrong prices"})

    assert FlagState.objects.get(flag=flag).kill_reason == "Wrong prices"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"environment": "staging", "to": "off", "reason": " "}, 400),
        ({"environment": "nowhere", "to": "off", "reason": "x"}, 400),
        ({"environment": "staging", "to": "on", "reason": "x", "version": "999999"}, 409),
        ({"environment": "staging", "to": "sideways", "reason": "x"}, 404),
    ],
)
def test_switch__wrong_input__says_so_and_changes_nothing(world: World, data: dict[str, str], status: int) -> None:
    client, _user = _client(Role.RELEASE_MANAGER)

    answer = client.post(f"/flags/{world.flags[0].key}/switch/", data)

    assert answer.status_code == status
    state = FlagState.objects.get(flag=world.flags[0])
    assert (state.is_on, state.is_killed) == (False, False)


def test_plan__previewed_and_confirmed__is_a_draft_and_can_be_scheduled(world: World) -> None:
    client, user = _client(Role.RELEASE_MANAGER)
    data = {
        "release": world.release.pk,
        "environment": world.environment.pk,
        "promotion_time": "06:00",
        "testers": world.testers.pk,
        "pilots": ["tester-1"],
        "sites": ["lyon", "lille"],
        "is_rehearsal": "on",
        "day_seconds": "60",
    }
    preview = client.post("/rollouts/plan/", data)
    assert "few" in preview.content.decode().lower()
    assert not Rollout.objects.exists()

    client.post("/rollouts/plan/", data | {"confirm": "1", "reason": "Release week"})
    rollout = Rollout.objects.get()
    client.post(reverse("rollouts:act", args=[rollout.pk, "schedule"]), {"reason": "Go", "epoch": rollout.epoch})

    rollout.refresh_from_db()
    assert (rollout.status, rollout.created_by) == (Status.SCHEDULED, user)


def test_plan__the_portal_in_another_zone__goes_by_it_where_no_site_is_meant(world: World, settings: Any) -> None:
    settings.TIME_ZONE = ATHENS.key
    client, _user = _client(Role.RELEASE_MANAGER)
    data = {
        "release": world.release.pk,
        "environment": world.environment.pk,
        "promotion_time": "06:00",
        "testers": world.testers.pk,
        "pilots": ["tester-1"],
        "sites": ["lyon", "lille"],
        "start_on": str(clock.now().date() + timedelta(days=7)),
        "confirm": "1",
        "reason": "Release week",
    }

    client.post("/rollouts/plan/", data)

    hours = {step.whom: step.due_at.astimezone(ATHENS).hour for step in Rollout.objects.get().steps.all()}
    assert (hours["everyone"], hours["Lyon"], hours["Lille"]) == (6, 7, 7)


@pytest.mark.parametrize(
    "change", [{"sites": ["lyon", "atlantis"]}, {"is_rehearsal": "", "start_on": "2020-01-01"}, {"pilots": []}]
)
def test_plan__wrong_input__is_shown_beside_the_form(world: World, change: dict[str, object]) -> None:
    client, _user = _client(Role.RELEASE_MANAGER)
    data = {
        "release": world.release.pk,
        "environment": world.environment.pk,
        "promotion_time": "06:00",
        "testers": world.testers.pk,
        "pilots": ["tester-1"],
        "sites": "lyon",
        "is_rehearsal": "on",
        "day_seconds": "60",
    }

    answer = client.post("/rollouts/plan/", data | change | {"confirm": "1", "reason": "x"})

    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()
    assert not Rollout.objects.exists()


def test_act__two_people_at_once__the_second_is_told(world: World) -> None:
    rollout = make_rehearsal(world, now=clock.now() - timedelta(minutes=1))
    run_next_step(rollout_id=rollout.pk, now=clock.now())
    rollout.refresh_from_db()
    client, _user = _client(Role.RELEASE_MANAGER)
    path = reverse("rollouts:act", args=[rollout.pk, "pause"])

    first = client.post(path, {"reason": "Lunch", "epoch": rollout.epoch})
    second = client.post(path, {"reason": "Lunch", "epoch": rollout.epoch})

    assert (first.status_code, second.status_code) == (302, 409)


def test_roll_back_page__one_flag__is_contained_at_the_press(world: World) -> None:
    start = clock.now() - timedelta(minutes=3)
    rollout = make_rehearsal(world, now=start)
    play(world, rollout, start=start, seconds=100)
    client, _user = _client(Role.RELEASE_MANAGER)

    client.post(f"/rollouts/{rollout.pk}/roll-back/", {"what": world.flags[1].pk, "reason": "Queue at the till"})

    assert FlagState.objects.get(flag=world.flags[1]).is_killed


def test_complaint__logged__remembers_the_site_and_is_counted(world: World) -> None:
    client, user = _client(Role.SUPPORT)

    sheet = client.get(f"/sites/{world.sites[1].key}/").content.decode()
    place = f"/complaints/log/?site={world.sites[1].key}"
    assert f'href="{place}"' in sheet
    assert client.get(place).context["form"]["site"].value() == world.sites[1].pk

    answer = client.post(place, {"text": "Too small", "site": world.sites[1].pk, "severity": "annoying"}, follow=True)

    complaint = Complaint.objects.get()
    assert f'href="/complaints/?number={complaint.pk}"' in answer.content.decode()
    assert (complaint.logged_by, complaint.site, complaint.words.text) == (user, world.sites[1], "Too small")
    assert client.session["complaint_site"] == world.sites[1].pk


def test_refusal__unknown_page__shows_no_traceback() -> None:
    client, _user = _client(Role.SUPPORT)

    assert client.get("/nowhere/").status_code == 404
    assert client.get("/rollouts/99999/").status_code == 404
    assert client.get("/rollouts/plan/").status_code == 403


def test_pages__content_security_policy__allows_nothing_inline() -> None:
    policy = Client().get("/account/login/").headers["Content-Security-Policy"]

    assert "unsafe" not in policy
    assert "script-src 'self'" in policy


def test_plan__confirmed_without_a_reason__shows_the_steps_again_and_writes_nothing(world: World) -> None:
    client, _user = _client(Role.RELEASE_MANAGER)
    data = {
        "release": world.release.pk,
        "environment": world.environment.pk,
        "promotion_time": "06:00",
        "testers": world.testers.pk,
        "pilots": ["tester-1"],
        "sites": "lyon",
        "is_rehearsal": "on",
        "day_seconds": "60",
    }

    answer = client.post("/rollouts/plan/", data | {"confirm": "1", "reason": "  "})

    assert answer.status_code == 400
    page = answer.content.decode()
    assert "errorlist" in page
    assert 'id="preview"' in page
    assert not Rollout.objects.exists()
