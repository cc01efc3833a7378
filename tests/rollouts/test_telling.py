"""What a rollout tells: a real one its crew, a rehearsal its drivers and only of trouble; all read at its end."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from core.actors import SCHEDULER
from core.models import User
from core.roles import Role
from flags.transitions import NewMember
from incidents.intake import list_waiting, take_in
from notifications.labels import say_subject
from notifications.models import Channel, Delivery, Event
from rollouts.drawing import PlanRequest
from rollouts.models import Rollout, Step, Trigger
from rollouts.story import tell_due_soon
from rollouts.tasks import DUE_SOON
from rollouts.transitions import (
    cancel_rollout,
    hold_rollout,
    pause_rollout,
    plan_rollout,
    resume_rollout,
    roll_back,
    run_next_step,
    schedule_rollout,
)
from tests.factories.core import make_person
from tests.factories.world import DAY, NOW, WHY, World, make_rehearsal, make_world, play

pytestmark = pytest.mark.django_db
BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def people() -> dict[Role, User]:
    return {role: make_person(role, language="en") for role in (Role.RELEASE_MANAGER, Role.SUPPORT, Role.ADMIN)}


@pytest.fixture
def real(world: World) -> Rollout:
    """A scheduled rollout on real days, whose first steps are those of its first site."""
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in world.sites),
        start_on=date(2026, 11, 25),
    )
    made = plan_rollout(request=request, now=NOW, **BY)
    rollout = schedule_rollout(rollout_id=made.pk, now=NOW, **BY)
    first = rollout.steps.filter(site__isnull=False).order_by("position")[0]
    rollout.steps.filter(position__lt=first.position).update(status="skipped")
    rollout.phases.filter(position__lt=first.phase.position).update(status="done")
    return rollout


def next_steps(rollout: Rollout) -> list[Step]:
    first = rollout.steps.filter(status="planned").order_by("position")[0]
    return list(rollout.steps.filter(status="planned", due_at=first.due_at).order_by("position"))


def reads(person: User, *, unread: bool = False) -> list[str]:
    """Return the kinds in a person's inbox, oldest first."""
    rows = Delivery.objects.filter(recipient=person, channel=Channel.INBOX)
    rows = rows.filter(read_at=None) if unread else rows
    return list(rows.order_by("pk").values_list("event__kind", flat=True))


def mailed(people: Sequence[User], kind: str) -> list[str]:
    rows = Delivery.objects.filter(channel=Channel.EMAIL, event__kind=kind, recipient__in=people)
    return sorted(rows.values_list("recipient__username", flat=True))


def test_step_done__a_sites_flags_together__are_one_message(
    world: World, real: Rollout, people: dict[Role, User]
) -> None:
    together = next_steps(real)
    for step in together:
        assert run_next_step(rollout_id=real.pk, now=step.due_at) is not None

    [event] = Event.objects.filter(kind="step_done")
    assert sorted(event.data["flags"]) == sorted(flag.key for flag in world.flags)
    assert len(together) == len(world.flags)
    assert say_subject(event) == "3 flags on for Lyon in staging"
    assert reads(people[Role.ADMIN]) == ["phase_started", "step_done"]


def test_rehearsal__goes_well__fills_no_inbox_and_stays_in_its_story(world: World, people: dict[Role, User]) -> None:
    rollout = make_rehearsal(world)
    pause_at = play(world, rollout, start=NOW, seconds=DAY)
    pause_rollout(rollout_id=rollout.pk, now=pause_at, **BY)
    resume_rollout(rollout_id=rollout.pk, now=pause_at, **BY)

    play(world, rollout, start=pause_at, seconds=DAY * 12)

    assert not Event.objects.exists()
    told = set(rollout.events.values_list("kind", flat=True))
    assert {"step_done", "phase_started", "paused", "resumed", "completed"} <= told


def test_rehearsal__flag_taken_back__is_told_as_a_rehearsals_to_those_who_drive(
    world: World, people: dict[Role, User]
) -> None:
    rollout = make_rehearsal(world)
    now = play(world, rollout, start=NOW, seconds=DAY * 2)

    roll_back(rollout_id=rollout.pk, flag_ids=[world.flags[0].pk], trigger=Trigger.MANUAL, now=now, **BY)
    [event_id] = list_waiting(limit=10)
    assert take_in(event_id, now=now) is not None

    told = ["flag_rolled_back", "incident_opened"]
    assert reads(people[Role.RELEASE_MANAGER]) == reads(people[Role.ADMIN]) == told
    assert reads(people[Role.SUPPORT]) == []
    drivers = sorted(people[role].username for role in (Role.RELEASE_MANAGER, Role.ADMIN))
    assert mailed(list(people.values()), "flag_rolled_back") == drivers
    assert say_subject(Event.objects.get(kind="flag_rolled_back")) == "Rehearsal: Buttons rolled back in staging"
    assert say_subject(Event.objects.get(kind="incident_opened")).startswith("Rehearsal: Incident")


@pytest.mark.parametrize("kind", ["flag_rolled_back", "rollout_held"])
def test_real_rollout__trouble__reaches_the_whole_crew_by_mail_and_inbox(
    world: World, real: Rollout, people: dict[Role, User], kind: str
) -> None:
    now = next_steps(real)[0].due_at
    assert run_next_step(rollout_id=real.pk, now=now) is not None

    if kind == "rollout_held":
        hold_rollout(rollout_id=real.pk, code="gate", data={}, now=now, **BY)
    else:
        roll_back(rollout_id=real.pk, flag_ids=[world.flags[0].pk], trigger=Trigger.MANUAL, now=now, **BY)

    assert all(kind in reads(person, unread=True) for person in people.values())
    assert mailed(list(people.values()), kind) == sorted(person.username for person in people.values())
    assert not say_subject(Event.objects.get(kind=kind)).startswith("Rehearsal")


def test_real_rollout__taken_back__leaves_unread_what_was_taken_back_alone(
    world: World, real: Rollout, people: dict[Role, User]
) -> None:
    now = next_steps(real)[0].due_at
    assert run_next_step(rollout_id=real.pk, now=now) is not None
    pause_rollout(rollout_id=real.pk, now=now, **BY)
    resume_rollout(rollout_id=real.pk, now=now, **BY)
    roll_back(rollout_id=real.pk, flag_ids=[world.flags[0].pk], trigger=Trigger.MANUAL, now=now, **BY)
    before = reads(people[Role.SUPPORT])

    roll_back(rollout_id=real.pk, flag_ids=None, trigger=Trigger.MANUAL, now=now, **BY)

    assert before == ["phase_started", "rollout_paused", "rollout_resumed", "flag_rolled_back"]
    assert reads(people[Role.SUPPORT]) == [*before, "rollout_rolled_back"]
    assert reads(people[Role.SUPPORT], unread=True) == ["flag_rolled_back", "rollout_rolled_back"]


def test_cancelled__a_step_told_ahead__is_read(world: World, real: Rollout, people: dict[Role, User]) -> None:
    steps = next_steps(real)
    now = steps[0].due_at - DUE_SOON + timedelta(minutes=1)
    assert tell_due_soon(steps, now=now)
    assert reads(people[Role.SUPPORT], unread=True) == ["step_due_soon"]

    cancel_rollout(rollout_id=real.pk, now=now, **BY)

    assert reads(people[Role.SUPPORT], unread=True) == []
    assert reads(people[Role.SUPPORT]) == ["step_due_soon"]


def test_one_rollouts_end__anothers_messages__stay_unread(
    world: World, real: Rollout, people: dict[Role, User]
) -> None:
    now = next_steps(real)[0].due_at
    assert run_next_step(rollout_id=real.pk, now=now) is not None
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=(NewMember("cashier-9"),),
        site_ids=tuple(site.pk for site in world.sites),
        start_on=date(2027, 1, 5),
    )
    other = plan_rollout(request=request, now=NOW, **BY)

    cancel_rollout(rollout_id=other.pk, now=now, **BY)

    assert reads(people[Role.SUPPORT], unread=True) == ["phase_started"]


def test_rehearsals_end__its_holds__are_read(world: World, people: dict[Role, User]) -> None:
    rollout = make_rehearsal(world)
    now = play(world, rollout, start=NOW, seconds=DAY * 3, healthy=False)
    assert reads(people[Role.ADMIN], unread=True) == ["rollout_held"]

    roll_back(rollout_id=rollout.pk, flag_ids=None, trigger=Trigger.MANUAL, now=now, **BY)

    assert reads(people[Role.ADMIN], unread=True) == ["rollout_rolled_back"]
