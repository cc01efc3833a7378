"""Two people, or a person and the portal, write at once: one after the other, and nothing half done."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from core.actors import command
from core.models import User
from core.people import deactivate_person, set_roles
from core.roles import Role
from core.versions import get_version
from flags.domain.audience import RuleAudience
from flags.domain.purposes import Purpose
from flags.models import ApiToken, FlagState, Rule, Segment, Site
from flags.transitions import (
    NewMember,
    add_member,
    add_rule,
    archive_flag,
    create_environment,
    create_flag,
    delete_segment,
    edit_environment,
    edit_rule,
    edit_segment,
    edit_site,
    revoke_token,
    switch_on,
)
from health.guardrail_transitions import GuardrailWish, set_guardrail
from health.models import Guardrail, Lane, Mode
from notifications.models import Event
from rollouts.domain.lifecycle import Status
from rollouts.drawing import PlanRequest
from rollouts.models import FreezeWindow, Rollout
from rollouts.transitions import (
    add_freeze,
    hold_rollout,
    pause_rollout,
    plan_rollout,
    remove_freeze,
    resume_rollout,
    schedule_rollout,
    shorten_freeze,
)
from tests.factories.core import make_person
from tests.factories.world import DAY, NOW, World, make_rehearsal, make_world, play
from tests.waiting import race

pytestmark = pytest.mark.django_db(transaction=True)

BY: dict[str, Any] = {"actor": command("mia"), "reason": "By hand", "now": NOW}
LATER = NOW + timedelta(seconds=DAY)


@pytest.fixture
def world() -> World:
    return make_world()


def _plan(world: World, *, pilot: str = "cashier-1") -> Rollout:
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=(NewMember(pilot),),
        site_ids=tuple(site.pk for site in world.sites),
        day_seconds=DAY,
    )
    return plan_rollout(request=request, **BY)


def test_schedule__the_same_rollout_twice__is_scheduled_once(world: World) -> None:
    rollout = _plan(world)
    act = partial(schedule_rollout, rollout_id=rollout.pk, seen_epoch=rollout.epoch, **BY)

    assert race(act, act) == "changed_meanwhile"
    assert rollout.events.filter(kind="scheduled").count() == 1


def test_schedule__two_rollouts_of_the_same_flags__one_drives_them(world: World) -> None:
    one, other = _plan(world), _plan(world, pilot="cashier-2")

    ended = race(
        partial(schedule_rollout, rollout_id=one.pk, **BY), partial(schedule_rollout, rollout_id=other.pk, **BY)
    )

    assert ended == "flag_in_other_rollout"
    other.refresh_from_db()
    assert (other.status, other.rollout_flags.filter(is_active=True).count()) == (Status.DRAFT, 0)


def test_plan__while_one_of_its_flags_is_archived__leaves_it_out(world: World) -> None:
    flag = world.flags[0]

    assert race(partial(archive_flag, flag_id=flag.pk, **BY), partial(_plan, world)) == "done"
    assert not Rollout.objects.get().rollout_flags.filter(flag=flag).exists()


def test_archive__while_the_flag_is_planned__waits_and_is_refused(world: World) -> None:
    def plan() -> None:
        rollout = _plan(world)
        schedule_rollout(rollout_id=rollout.pk, **BY)

    assert race(plan, partial(archive_flag, flag_id=world.flags[0].pk, **BY)) == "flag_in_use"
    world.flags[0].refresh_from_db()
    assert world.flags[0].archived_at is None


def test_add_rule__while_the_flag_is_archived__is_refused(world: World) -> None:
    add = _make_add(world)

    assert race(partial(archive_flag, flag_id=world.flags[0].pk, **BY), add) == "flag_archived"
    assert not Rule.objects.exists()


def test_archive__while_the_flag_gets_a_rule__is_refused(world: World) -> None:
    add = _make_add(world)

    assert race(add, partial(archive_flag, flag_id=world.flags[0].pk, **BY)) == "flag_in_use"


def test_archive__what_nobody_asks_for_while_people_begin_to_differ__waits_and_is_refused(world: World) -> None:
    flag = world.flags[0]
    switch_on(flag_id=flag.pk, environment_id=world.environment.pk, **BY)
    archive = partial(archive_flag, flag_id=flag.pk, is_unasked=True, **BY)

    assert race(_make_change(world), archive) == "flag_in_use"
    flag.refresh_from_db()
    assert flag.archived_at is None


def _make_change(world: World) -> Callable[[], Rule]:
    """Return what turns the rule for everyone into a share of people."""
    return partial(
        edit_rule,
        rule_id=Rule.objects.get().pk,
        audience=RuleAudience.everyone(),
        variant="",
        split=(("on", 5_000), ("off", 5_000)),
        **BY,
    )


def _make_add(world: World) -> Callable[[], Rule]:
    return partial(
        add_rule,
        flag_id=world.flags[0].pk,
        environment_id=world.environment.pk,
        audience=RuleAudience.for_site(world.sites[0].pk),
        variant="on",
        phase="",
        origin="",
        **BY,
    )


def test_delete_segment__while_a_rule_names_it__is_refused(world: World) -> None:
    add = partial(
        add_rule,
        flag_id=world.flags[0].pk,
        environment_id=world.environment.pk,
        audience=RuleAudience.for_segment(world.testers.pk),
        variant="on",
        phase="",
        origin="",
        **BY,
    )

    assert race(add, partial(delete_segment, segment_id=world.testers.pk, **BY)) == "segment_in_use"
    assert Segment.objects.filter(pk=world.testers.pk).exists()


def test_delete_segment__while_a_plan_tests_with_it__is_refused(world: World) -> None:
    delete = partial(delete_segment, segment_id=world.testers.pk, **BY)

    assert race(partial(_plan, world), delete) == "segment_in_use"


def test_plan__while_its_testers_are_deleted__is_refused(world: World) -> None:
    delete = partial(delete_segment, segment_id=world.testers.pk, **BY)

    assert race(delete, partial(_plan, world)) == "segment_unknown"
    assert not Rollout.objects.exists()


def test_add_member__the_same_person_from_two_pages__is_in_it_once(world: World) -> None:
    act = partial(add_member, segment_id=world.testers.pk, member=NewMember("zoe"), **BY)

    assert race(act, act) == "member_twice"
    assert world.testers.members.filter(targeting_key="zoe").count() == 1


def test_revoke_token__by_two__is_revoked_and_told_once(world: World) -> None:
    token_id = world.tokens[Purpose.TELEMETRY][0]
    act = partial(revoke_token, token_id=token_id, **BY)

    assert race(act, act) == "done"
    assert ApiToken.objects.get(pk=token_id).history.filter(history_type="~").count() == 1


@pytest.mark.parametrize("first", ["flag", "environment"])
def test_create__a_flag_and_an_environment__the_flag_has_a_state_there(first: str) -> None:
    acts: dict[str, Callable[[], object]] = {
        "flag": partial(create_flag, key="young", name="Young", **BY),
        "environment": partial(create_environment, key="young", name="Young", position=9, is_production=False, **BY),
    }
    second = "environment" if first == "flag" else "flag"

    assert race(acts[first], acts[second]) == "done"
    assert FlagState.objects.filter(flag__key="young", environment__key="young").count() == 1


def test_create__two_flags_whose_keys_read_alike__one_is_refused() -> None:
    first, second = (partial(create_flag, key=key, name="Young", **BY) for key in ("a.b", "a-b"))

    assert race(first, second) == "key_reads_alike"


def test_edits__of_one_site_from_two_pages__the_second_looks_again(world: World) -> None:
    site = world.sites[0]
    seen = get_version(site)

    def edit(city: str) -> Callable[[], Site]:
        return partial(edit_site, site_id=site.pk, name=site.name, city=city, seen_version=seen, **BY)

    assert race(edit("Villeurbanne"), edit("Bron")) == "changed_meanwhile"
    site.refresh_from_db()
    assert site.city == "Villeurbanne"


def test_edits__of_one_segment_from_two_pages__the_second_looks_again(world: World) -> None:
    seen = get_version(world.testers)

    def edit(name: str) -> Callable[[], Segment]:
        wishes: dict[str, Any] = {"name": name, "description": "", "conditions": ()}
        return partial(edit_segment, segment_id=world.testers.pk, seen_version=seen, **wishes, **BY)

    assert race(edit("Testers"), edit("Team")) == "changed_meanwhile"
    world.testers.refresh_from_db()
    assert world.testers.name == "Testers"


def test_edits__of_one_environment_from_two_pages__the_second_looks_again(world: World) -> None:
    environment = world.environment
    seen = get_version(environment)

    def edit(position: int) -> Callable[[], object]:
        return partial(
            edit_environment,
            environment_id=environment.pk,
            name=environment.name,
            position=position,
            is_production=False,
            allowed_origins=[],
            required_approvals=0,
            seen_version=seen,
            **BY,
        )

    assert race(edit(7), edit(8)) == "changed_meanwhile"
    environment.refresh_from_db()
    assert environment.position == 7


def test_freeze__cut_short_while_it_is_removed__is_refused(world: World) -> None:
    day = NOW.date() + timedelta(days=3)
    (freeze,) = add_freeze(
        environment_ids=[world.environment.pk], starts_on=day, ends_on=day + timedelta(days=5), label="Sales", **BY
    )
    remove = partial(remove_freeze, freeze_id=freeze.pk, **BY)
    shorten = partial(shorten_freeze, freeze_id=freeze.pk, ends_on=day + timedelta(days=1), **BY)

    assert race(remove, shorten) == "changed_meanwhile"
    assert not FreezeWindow.objects.exists()


def test_guardrail__never_set_before__set_from_two_pages__the_second_looks_again(world: World) -> None:
    def put(mode: Mode) -> Callable[[], Guardrail]:
        return partial(
            set_guardrail,
            environment_id=world.environment.pk,
            wish=GuardrailWish(lane=Lane.ERROR_RATE, mode=mode, threshold_bp=500),
            seen_version=0,
            **BY,
        )

    assert race(put(Mode.OBSERVE), put(Mode.OFF)) == "changed_meanwhile"
    assert Guardrail.objects.get().mode == Mode.OBSERVE


@pytest.mark.parametrize("act", ["roles", "deactivate"])
def test_admins__two_take_each_other_away__one_remains(act: str) -> None:
    one, other = make_person(Role.ADMIN), make_person(Role.ADMIN)

    def take(whom: User) -> Callable[[], User]:
        if act == "roles":
            return partial(set_roles, user_id=whom.pk, roles=[Role.SUPPORT], **BY)
        return partial(deactivate_person, user_id=whom.pk, **BY)

    assert race(take(one), take(other)) == "last_admin"
    assert User.objects.get(groups__name=Role.ADMIN, is_active=True) == other


def test_resume__while_the_portal_holds__asks_to_look_again(world: World) -> None:
    rollout = _run(world)
    pause_rollout(rollout_id=rollout.pk, **BY | {"now": LATER})
    rollout.refresh_from_db()
    resume = partial(resume_rollout, rollout_id=rollout.pk, seen_epoch=rollout.epoch, **BY | {"now": LATER})

    assert race(resume, resume) == "changed_meanwhile"
    assert rollout.events.filter(kind="resumed").count() == 1


def test_pause__while_the_portal_holds__asks_to_look_again(world: World) -> None:
    rollout = _run(world)
    hold = partial(hold_rollout, rollout_id=rollout.pk, code="gate", data={}, **BY | {"now": LATER})
    pause = partial(pause_rollout, rollout_id=rollout.pk, seen_epoch=rollout.epoch, **BY | {"now": LATER})

    assert race(hold, pause) == "changed_meanwhile"
    rollout.refresh_from_db()
    assert (rollout.status, rollout.held_code) == (Status.HELD, "gate")
    assert not Event.objects.filter(kind="rollout_paused").exists()


def _run(world: World) -> Rollout:
    rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=DAY)
    rollout.refresh_from_db()
    assert rollout.status == Status.RUNNING
    return rollout
