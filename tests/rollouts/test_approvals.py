"""Four eyes: bound to the content, by another person with the right, in no other way; and checklists."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client

from core.actors import SCHEDULER, Actor, command, person, token
from core.errors import NotAllowed, Refusal
from core.history import recorded
from core.models import User
from core.people import create_person, deactivate_person
from core.roles import Role
from flags.domain.conditions import Condition, Operator
from flags.transitions import NewMember, add_member, edit_environment, edit_segment, remove_member
from rollouts.approval_queries import weigh_phase_approval, weigh_plan_approval
from rollouts.domain.approving import DecisionMade, weigh_decisions
from rollouts.domain.lifecycle import Status
from rollouts.domain.templates import Gate, PhaseKind, PhaseTemplate
from rollouts.drawing import PlanRequest
from rollouts.models import Approval, CheckItem, Phase, Rollout, Trigger
from rollouts.transitions import (
    acknowledge_flag,
    cancel_rollout,
    plan_rollout,
    redraft_rollout,
    resume_rollout,
    roll_back,
    run_next_step,
    schedule_rollout,
)
from rollouts.transitions.approving import decide_phase, decide_plan, request_approval, withdraw_request
from rollouts.transitions.checking import tick_item, untick_item
from rollouts.transitions.editing import insert_pause, move_moment, restore_steps, skip_steps
from rollouts.transitions.retargeting import NewAudience, change_audience
from rollouts.transitions.templating import create_template
from tests.factories.flags import make_site
from tests.factories.world import DAY, NOW, WHY, World, make_world, reload
from tests.signed_in import sign_in_as
from tests.waiting import race

BY: dict[str, Any] = {"reason": WHY, "now": NOW}
SEEN = NOW


def _decision(user_id: int, *, is_approved: bool = True, content_hash: str = "new") -> DecisionMade:
    return DecisionMade(user_id, f"u{user_id}", is_approved, content_hash, "seen", SEEN)


@pytest.mark.parametrize(
    ("decisions", "needed", "holds", "missing"),
    [
        ([], 1, False, 1),
        ([_decision(2)], 1, True, 0),
        ([_decision(2)], 2, False, 1),
        ([_decision(2), _decision(3)], 2, True, 0),
        ([_decision(2), _decision(2)], 2, False, 1),
        ([_decision(2, content_hash="old")], 1, False, 1),
        ([_decision(1)], 1, False, 1),
        ([_decision(2), _decision(2, is_approved=False)], 1, False, 1),
        ([_decision(2, is_approved=False), _decision(2)], 1, True, 0),
        ([_decision(2), _decision(3, is_approved=False)], 1, False, 0),
        ([_decision(2, content_hash="old", is_approved=False), _decision(3)], 1, True, 0),
    ],
)
def test_decisions__of_whom_on_what__are_enough_or_not(
    decisions: list[DecisionMade], needed: int, holds: bool, missing: int
) -> None:
    state = weigh_decisions(decisions, authors={1}, content_hash="new", needed=needed)

    assert (state.holds, state.missing) == (holds, missing)


@pytest.fixture
def world() -> World:
    world = make_world()
    _require(world, 1)
    return world


def _require(world: World, count: int) -> None:
    edit_environment(
        environment_id=world.environment.pk,
        name="Staging",
        position=1,
        is_production=False,
        allowed_origins=[],
        required_approvals=count,
        actor=SCHEDULER,
        **BY,
    )


def _person(name: str, role: Role = Role.RELEASE_MANAGER) -> User:
    return create_person(username=name, roles=[role], actor=SCHEDULER, **BY)


@pytest.fixture
def author() -> User:
    return _person("author")


@pytest.fixture
def other() -> User:
    return _person("other")


def _plan(world: World, actor: Actor, *, phases: list[PhaseTemplate] | None = None) -> Rollout:
    version = None
    if phases:
        template = create_template(name="Four eyes", phases=phases, actor=SCHEDULER, **BY)
        version = template.versions.get().pk
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in world.sites),
        day_seconds=DAY,
        template_version_id=version,
    )
    return plan_rollout(request=request, actor=actor, **BY)


@pytest.fixture
def rollout(world: World, author: User) -> Rollout:
    """A plan that waits for an approval."""
    rollout = _plan(world, person(author))
    return request_approval(rollout_id=rollout.pk, actor=person(author), **BY)


def _decide(rollout: Rollout, user: User, *, is_approved: bool = True, seen_hash: str = "") -> Approval:
    return decide_plan(
        rollout_id=rollout.pk,
        is_approved=is_approved,
        seen_hash=seen_hash or weigh_plan_approval(reload(rollout)).content_hash,
        actor=person(user),
        **BY,
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "guardrail",
    [
        {"lane": "error_rate", "mode": "hold", "limit": None, "scope": ""},
        {"lane": "error_rate", "mode": "", "limit": None, "scope": "site"},
        {"lane": "alert", "mode": "hold", "limit": None, "scope": ""},
        {"lane": "complaints", "mode": "", "limit": 5, "scope": ""},
    ],
)
def test_content__another_guardrail_of_a_phase__is_another_content(
    rollout: Rollout, guardrail: dict[str, object]
) -> None:
    before = weigh_plan_approval(reload(rollout)).content_hash
    phase = rollout.phases.order_by("position")[0]
    phase.guardrails = [guardrail]
    with recorded(actor=SCHEDULER, **BY):
        phase.save()

    assert weigh_plan_approval(reload(rollout)).content_hash != before


def _schedule(rollout: Rollout) -> Rollout:
    return schedule_rollout(rollout_id=rollout.pk, actor=SCHEDULER, **BY)


@pytest.mark.django_db
class TestPlan:
    def test_schedule__without_an_approval__is_refused(self, world: World, author: User) -> None:
        rollout = _plan(world, person(author))

        with pytest.raises(Refusal) as draft:
            _schedule(rollout)
        request_approval(rollout_id=rollout.pk, actor=person(author), **BY)
        with pytest.raises(Refusal) as waiting:
            _schedule(rollout)

        assert (draft.value.code, waiting.value.code) == ("approval_required", "approval_missing")

    def test_schedule__approved_by_somebody_else__goes(self, rollout: Rollout, other: User) -> None:
        _decide(rollout, other)

        assert _schedule(rollout).status == Status.SCHEDULED

    def test_schedule__one_of_two_approvals__is_refused_until_the_second(
        self, world: World, rollout: Rollout, other: User
    ) -> None:
        _require(world, 2)
        _decide(rollout, other)
        _decide(rollout, other)
        with pytest.raises(Refusal):
            _schedule(rollout)

        _decide(rollout, _person("third", Role.ADMIN))

        assert _schedule(rollout).status == Status.SCHEDULED

    @pytest.mark.parametrize("program", [token("ci"), command("root")])
    def test_plan__written_by_a_program__needs_one_approval_more(
        self, world: World, other: User, program: Actor
    ) -> None:
        rollout = _plan(world, program)
        request_approval(rollout_id=rollout.pk, actor=program, **BY)
        _decide(rollout, other)
        with pytest.raises(Refusal) as refused:
            _schedule(rollout)
        assert refused.value.code == "approval_missing"

        _decide(rollout, _person("third"))

        assert _schedule(rollout).status == Status.SCHEDULED

    def test_approval__by_the_author__is_refused(self, rollout: Rollout, author: User) -> None:
        with pytest.raises(NotAllowed) as refused:
            _decide(rollout, author)

        assert refused.value.code == "approval_by_author"

    @pytest.mark.parametrize("kind", ["pause", "move", "skip", "restore", "audience"])
    def test_approval__by_who_edited_the_plan__is_refused(self, rollout: Rollout, kind: str) -> None:
        editor = _person("editor")
        step = rollout.steps.exclude(site=None).order_by("-position")[0]
        edits: dict[str, Callable[..., object]] = {
            "pause": partial(insert_pause, days=2),
            "move": partial(move_moment, due_at=step.due_at + timedelta(seconds=1)),
            "skip": skip_steps,
            "restore": restore_steps,
            "audience": partial(change_audience, audience=NewAudience(site_id=make_site().pk)),
        }

        if kind == "restore":
            skip_steps(rollout_id=rollout.pk, step_id=step.pk, actor=SCHEDULER, **BY)

        edits[kind](rollout_id=rollout.pk, step_id=step.pk, actor=person(editor), **BY)

        with pytest.raises(NotAllowed) as refused:
            _decide(rollout, editor)
        assert refused.value.code == "approval_by_author"

    @pytest.mark.parametrize("role", [Role.SUPPORT, Role.AUDITOR])
    def test_approval__by_a_role_without_the_right__is_refused(self, rollout: Rollout, role: Role) -> None:
        with pytest.raises(NotAllowed) as refused:
            _decide(rollout, _person("somebody", role))

        assert refused.value.code == "capability_missing"

    @pytest.mark.parametrize("actor", [SCHEDULER, token("ci"), command("root")])
    def test_approval__by_no_person__is_refused(self, rollout: Rollout, actor: Actor) -> None:
        seen = weigh_plan_approval(rollout).content_hash

        with pytest.raises(NotAllowed) as refused:
            decide_plan(rollout_id=rollout.pk, is_approved=True, seen_hash=seen, actor=actor, **BY)

        assert refused.value.code == "approval_by_no_person"

    def test_approval__after_its_segments_conditions_changed__is_void(
        self, world: World, rollout: Rollout, other: User
    ) -> None:
        _decide(rollout, other)
        wider = [Condition("version", Operator.EQUALS, "1.4")]
        edit_segment(
            segment_id=world.testers.pk, name="Testers", description="", conditions=wider, actor=SCHEDULER, **BY
        )

        state = weigh_plan_approval(reload(rollout))
        assert ([one.name for one in state.void], state.missing) == (["other"], 1)

    def test_approval__after_people_were_added_to_its_segment__is_void(
        self, world: World, rollout: Rollout, other: User
    ) -> None:
        _decide(rollout, other)
        add_member(segment_id=world.testers.pk, member=NewMember("one-more"), actor=SCHEDULER, **BY)

        state = weigh_plan_approval(reload(rollout))
        with pytest.raises(Refusal) as refused:
            _schedule(rollout)

        assert ([one.name for one in state.void], state.missing) == (["other"], 1)
        assert refused.value.code == "approval_missing"

    def test_approval__by_whoever_put_people_into_its_segment__is_refused(
        self, world: World, rollout: Rollout, other: User
    ) -> None:
        later = BY | {"now": NOW + timedelta(minutes=5)}
        add_member(segment_id=world.testers.pk, member=NewMember("one-more"), actor=person(other), **later)

        with pytest.raises(NotAllowed) as refused:
            _decide(rollout, other)

        assert refused.value.code == "approval_by_author"

    def test_approval__of_somebody_who_may_approve_no_more__counts_no_more(self, rollout: Rollout, other: User) -> None:
        _decide(rollout, other)
        deactivate_person(user_id=other.pk, actor=SCHEDULER, **BY)

        with pytest.raises(Refusal) as refused:
            _schedule(rollout)

        assert refused.value.code == "approval_missing"

    def test_segment__of_a_plan_that_was_approved__grows_no_more_until_it_ends(
        self, world: World, rollout: Rollout, other: User
    ) -> None:
        _decide(rollout, other)
        _schedule(rollout)
        late: dict[str, Any] = BY | {"segment_id": world.testers.pk, "member": NewMember("late"), "actor": SCHEDULER}
        wider: dict[str, Any] = {"conditions": [Condition("version", Operator.EQUALS, "1.4")], "actor": SCHEDULER} | BY

        for grow in (
            partial(add_member, **late),
            partial(edit_segment, segment_id=world.testers.pk, name="Testers", description="", **wider),
        ):
            with pytest.raises(Refusal) as refused:
                grow()
            assert (refused.value.code, refused.value.data["uses"]) == ("segment_bound", str(reload(rollout)))
        edit_segment(segment_id=world.testers.pk, name="Renamed", description="", conditions=[], actor=SCHEDULER, **BY)
        member = world.testers.members.get()
        remove_member(segment_id=world.testers.pk, member_id=member.pk, actor=SCHEDULER, **BY)
        cancel_rollout(rollout_id=rollout.pk, actor=SCHEDULER, **BY)
        add_member(**late)

        assert [one.targeting_key for one in world.testers.members.all()] == ["late"]

    def test_approval__of_what_was_seen_before_a_change__is_refused(
        self, world: World, rollout: Rollout, other: User
    ) -> None:
        seen = weigh_plan_approval(rollout).content_hash
        add_member(segment_id=world.testers.pk, member=NewMember("one-more"), actor=SCHEDULER, **BY)

        with pytest.raises(Refusal) as refused:
            _decide(rollout, other, seen_hash=seen)

        assert refused.value.code == "changed_meanwhile"
        assert not Approval.objects.exists()

    def test_rejection__takes_the_plan_back_to_its_draft_and_says_why(self, rollout: Rollout, other: User) -> None:
        _decide(rollout, other, is_approved=False)

        assert reload(rollout).status == Status.DRAFT
        assert rollout.events.get(kind="rejected").reason == WHY

    def test_rejection__then_asked_again__still_stands_until_its_author_changes_their_mind(
        self, rollout: Rollout, author: User, other: User
    ) -> None:
        _decide(rollout, other, is_approved=False)
        request_approval(rollout_id=rollout.pk, actor=person(author), **BY)
        _decide(rollout, _person("third"))
        with pytest.raises(Refusal):
            _schedule(rollout)

        _decide(rollout, other)

        assert _schedule(rollout).status == Status.SCHEDULED

    def test_request__withdrawn__is_a_draft(self, rollout: Rollout, author: User) -> None:
        withdraw_request(rollout_id=rollout.pk, actor=person(author), **BY)

        assert reload(rollout).status == Status.DRAFT

    def test_request__where_none_is_required__is_refused(self, world: World, author: User) -> None:
        _require(world, 0)
        rollout = _plan(world, person(author))

        with pytest.raises(Refusal) as refused:
            request_approval(rollout_id=rollout.pk, actor=person(author), **BY)

        assert refused.value.code == "approval_not_required"
        assert _schedule(rollout).status == Status.SCHEDULED

    def test_new_attempt__after_a_rollback__asks_for_a_new_approval(
        self, world: World, rollout: Rollout, author: User, other: User
    ) -> None:
        _decide(rollout, other)
        _schedule(rollout)
        run_next_step(rollout_id=rollout.pk, now=NOW + timedelta(seconds=DAY / 2))
        # Less exposure waits for nobody's approval.
        roll_back(rollout_id=rollout.pk, flag_ids=None, trigger=Trigger.MANUAL, actor=person(author), **BY)
        for flag in world.flags:
            acknowledge_flag(rollout_id=rollout.pk, flag_id=flag.pk, actor=person(author), **BY)
        redraft_rollout(rollout_id=rollout.pk, actor=person(author), **BY)

        request_approval(rollout_id=rollout.pk, actor=person(author), **BY)
        with pytest.raises(Refusal) as refused:
            _schedule(rollout)

        assert refused.value.code == "approval_missing"

    def test_approval__stored__is_changed_by_nobody(self, rollout: Rollout, other: User) -> None:
        approval = _decide(rollout, other)
        approval.decision = "rejected"

        with pytest.raises(DatabaseError):
            approval.save()


@pytest.mark.django_db(transaction=True)
def test_approval__while_the_plan_is_withdrawn__is_refused(world: World, author: User, other: User) -> None:
    rollout = _plan(world, person(author))
    request_approval(rollout_id=rollout.pk, actor=person(author), **BY)
    seen = weigh_plan_approval(reload(rollout)).content_hash
    approve = partial(decide_plan, rollout_id=rollout.pk, is_approved=True, seen_hash=seen, actor=person(other), **BY)

    assert race(partial(withdraw_request, rollout_id=rollout.pk, actor=person(author), **BY), approve) == "wrong_state"
    assert not Approval.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("joins_first", "code"), [(True, "approval_missing"), (False, "segment_bound")])
def test_schedule__while_somebody_joins_its_segment__one_of_both_is_refused(
    world: World, rollout: Rollout, other: User, joins_first: bool, code: str
) -> None:
    _decide(rollout, other)
    join = partial(
        add_member, segment_id=world.testers.pk, member=NewMember("one-more"), actor=SCHEDULER, reason=WHY, now=NOW
    )
    schedule = partial(_schedule, rollout)

    assert race(*((join, schedule) if joins_first else (schedule, join))) == code


FULL = PhaseTemplate(PhaseKind.FULL, days=1, gates=())
INTERNAL = PhaseTemplate(PhaseKind.INTERNAL, days=1, gates=(Gate.APPROVAL,))


def _run(rollout: Rollout, *, days: float) -> None:
    now = NOW + timedelta(seconds=DAY * days)
    while run_next_step(rollout_id=rollout.pk, now=now) is not None:
        pass


@pytest.mark.django_db
class TestPhase:
    @pytest.fixture
    def rollout(self, world: World, author: User) -> Rollout:
        """Running in a phase whose end asks for an approval, though the environment asks for none."""
        _require(world, 0)
        rollout = _plan(world, person(author), phases=[INTERNAL, FULL])
        _schedule(rollout)
        _run(rollout, days=0.3)
        return reload(rollout)

    def _decide(self, rollout: Rollout, user: User, *, is_approved: bool = True) -> Approval:
        phase = rollout.phases.get(position=1)
        return decide_phase(
            phase_id=phase.pk,
            is_approved=is_approved,
            seen_hash=weigh_phase_approval(phase).content_hash,
            actor=person(user),
            **BY,
        )

    def test_phase__not_approved__is_held_and_says_so(self, rollout: Rollout) -> None:
        _run(rollout, days=1.3)

        held = reload(rollout)
        assert (held.status, held.held_code) == (Status.HELD, "gate")
        assert held.held_data["gates"][0]["code"] == "approval_pending"

    def test_phase__approved_in_time__goes_on(self, rollout: Rollout, other: User) -> None:
        self._decide(rollout, other)
        _run(rollout, days=1.3)

        assert reload(rollout).phases.get(position=2).status == "running"

    def test_phase__approved_while_held__goes_on_when_resumed(self, rollout: Rollout, other: User) -> None:
        _run(rollout, days=1.3)
        self._decide(rollout, other)
        resume_rollout(rollout_id=rollout.pk, actor=person(other), **BY)
        _run(rollout, days=1.4)

        assert reload(rollout).phases.get(position=2).status == "running"

    @pytest.mark.parametrize("actor", ["author", "token"])
    def test_phase__waived_instead_of_approved__is_refused(self, rollout: Rollout, author: User, actor: str) -> None:
        _run(rollout, days=1.3)
        who = person(author) if actor == "author" else token("ci")

        with pytest.raises(Refusal) as refused:
            resume_rollout(rollout_id=rollout.pk, waive_gate=True, actor=who, **BY)

        assert refused.value.code == "approval_not_waived"
        assert reload(rollout).status == Status.HELD

    def test_phase__its_other_gates_waived__still_waits_for_the_approval(self, rollout: Rollout, other: User) -> None:
        self._decide(rollout, other)
        phase = rollout.phases.get(position=1)
        phase.gate_waived = True
        with recorded(actor=SCHEDULER, **BY):
            phase.save()
        self._decide(rollout, other, is_approved=False)
        _run(rollout, days=1.3)

        assert reload(rollout).status == Status.HELD

    def test_phase__moved_by_a_delay__stays_approved(self, rollout: Rollout, other: User) -> None:
        self._decide(rollout, other)
        _run(rollout, days=5)
        _run(rollout, days=6)

        assert reload(rollout).phases.get(position=2).status != "pending"

    @pytest.mark.parametrize("who", ["author", "support"])
    def test_phase__by_whom_may_not__is_refused(self, rollout: Rollout, author: User, who: str) -> None:
        user = author if who == "author" else _person("sue", Role.SUPPORT)

        with pytest.raises(NotAllowed):
            self._decide(rollout, user)

    def test_phase__without_that_gate__has_nothing_to_approve(self, rollout: Rollout, other: User) -> None:
        self._decide(rollout, other)
        _run(rollout, days=1.3)
        phase = rollout.phases.get(position=2)

        with pytest.raises(Refusal) as refused:
            decide_phase(phase_id=phase.pk, is_approved=True, seen_hash="x", actor=person(other), **BY)

        assert refused.value.code == "phase_not_to_approve"


@pytest.mark.django_db
class TestChecklist:
    @pytest.fixture
    def rollout(self, world: World, author: User) -> Rollout:
        _require(world, 0)
        phase = replace(INTERNAL, gates=(Gate.CHECKLIST,), checklist=("Hotline told", "Note translated"))
        rollout = _plan(world, person(author), phases=[phase, FULL])
        _schedule(rollout)
        _run(rollout, days=0.3)
        return reload(rollout)

    def test_checklist__not_done__holds_the_phase_and_names_what_is_left(self, rollout: Rollout, author: User) -> None:
        tick_item(item_id=CheckItem.objects.get(text="Hotline told").pk, actor=person(author), **BY)

        _run(rollout, days=1.3)

        gates = reload(rollout).held_data["gates"]
        assert [(gate["code"], gate["items"]) for gate in gates] == [("items_unticked", ["Note translated"])]

    def test_checklist__done__lets_the_phase_end_and_keeps_who_and_the_proof(
        self, rollout: Rollout, author: User
    ) -> None:
        for item in CheckItem.objects.all():
            tick_item(item_id=item.pk, actor=person(author), **BY)

        _run(rollout, days=1.3)

        assert reload(rollout).phases.get(position=2).status == "running"
        assert {(item.done_by, item.proof) for item in CheckItem.objects.all()} == {(author, WHY)}

    def test_tick__taken_back__is_open_again(self, rollout: Rollout, author: User) -> None:
        item = CheckItem.objects.get(text="Hotline told")
        tick_item(item_id=item.pk, actor=person(author), **BY)
        with pytest.raises(Refusal):
            tick_item(item_id=item.pk, actor=person(author), **BY)

        untick_item(item_id=item.pk, actor=person(author), **BY)

        item.refresh_from_db()
        assert (item.done_at, item.done_by, item.proof) == (None, None, "")
        assert item.history.count() == 3

    def test_tick__by_no_person__is_refused(self, rollout: Rollout) -> None:
        with pytest.raises(NotAllowed) as refused:
            tick_item(item_id=CheckItem.objects.earliest("pk").pk, actor=command("root"), **BY)

        assert refused.value.code == "check_by_no_person"


@pytest.mark.django_db
class TestPages:
    def _client(self, user: User) -> Client:
        return sign_in_as(user, language="en")

    def test_page__of_the_author__says_that_somebody_else_must_decide(self, rollout: Rollout, author: User) -> None:
        page = self._client(author).get(f"/rollouts/{rollout.pk}/").content.decode()

        assert "somebody else must decide" in page
        assert 'value="approve"' not in page

    def test_page__of_another__approves_and_schedules(self, rollout: Rollout, other: User) -> None:
        client = self._client(other)
        page = client.get(f"/rollouts/{rollout.pk}/")
        seen = page.context["card"].state.content_hash
        assert "/schedule/" not in page.content.decode()

        client.post(
            f"/rollouts/{rollout.pk}/decide/", {"decision": "approve", "content_hash": seen, "reason": "Looks right"}
        )

        page = client.get(f"/rollouts/{rollout.pk}/")
        assert "/schedule/" in page.content.decode()
        assert "Looks right" in page.content.decode()
        client.post(f"/rollouts/{rollout.pk}/schedule/", {"reason": "Go", "epoch": page.context["rollout"].epoch})
        assert reload(rollout).status == Status.SCHEDULED

    def test_page__of_an_approved_plan__says_so_and_asks_nobody_again(self, rollout: Rollout, other: User) -> None:
        client = self._client(other)
        path = f"/rollouts/{rollout.pk}/"
        seen = client.get(path).context["card"].state.content_hash

        answer = client.post(
            f"{path}decide/", {"decision": "approve", "content_hash": seen, "reason": "Fine"}, follow=True
        )

        page = answer.content.decode()
        assert "You approved the plan." in page
        assert "You approved it: " in page
        assert 'value="approve"' not in page
        for one in (path, f"{path}plan/", f"{path}board/"):
            page = client.get(one).content.decode()
            assert ("approved, to be scheduled" in page, "awaiting approval" in page) == (True, False), one

    def test_page__of_support__says_whom_to_ask(self, rollout: Rollout) -> None:
        client = self._client(_person("sue", Role.SUPPORT))

        for path in (f"/rollouts/{rollout.pk}/", f"/rollouts/{rollout.pk}/plan/"):
            page = client.get(path).content.decode()
            assert "Your role (support) does not allow driving rollouts" in page
            assert "Ask author." in page

    def test_page__left_open_while_the_plan_changed__is_refused(
        self, world: World, rollout: Rollout, other: User
    ) -> None:
        client = self._client(other)
        seen = client.get(f"/rollouts/{rollout.pk}/").context["card"].state.content_hash
        add_member(segment_id=world.testers.pk, member=NewMember("one-more"), actor=SCHEDULER, **BY)

        answer = client.post(
            f"/rollouts/{rollout.pk}/decide/", {"decision": "approve", "content_hash": seen, "reason": "Fine"}
        )

        assert answer.status_code == 409
        assert not Approval.objects.exists()

    @pytest.mark.parametrize(("who", "status"), [("author", 403), ("sue", 403), ("ada", 302)])
    def test_decide__posted_by__is_answered(self, rollout: Rollout, author: User, who: str, status: int) -> None:
        people = {
            "author": lambda: author,
            "sue": lambda: _person("sue", Role.SUPPORT),
            "ada": lambda: _person("ada", Role.ADMIN),
        }
        seen = weigh_plan_approval(rollout).content_hash

        answer = self._client(people[who]()).post(
            f"/rollouts/{rollout.pk}/decide/", {"decision": "approve", "content_hash": seen, "reason": "Fine"}
        )

        assert answer.status_code == status
        assert Approval.objects.exists() is (status == 302)

    def test_admin__of_approvals__only_reads(self, rollout: Rollout, other: User) -> None:
        approval = _decide(rollout, other)
        client = self._client(_person("ada", Role.ADMIN))

        answer = client.post(f"/admin/rollouts/approval/{approval.pk}/change/", {"decision": "rejected"})
        added = client.post("/admin/rollouts/approval/add/", {"decision": "approved"})

        assert (answer.status_code, added.status_code) == (403, 403)
        assert Approval.objects.get().decision == "approved"

    def test_checklist__ticked_on_the_page__stands_there_with_its_proof(self, world: World, author: User) -> None:
        _require(world, 0)
        phase = replace(INTERNAL, gates=(Gate.CHECKLIST,), checklist=("Hotline told",))
        rollout = _plan(world, person(author), phases=[phase, FULL])
        _schedule(rollout)
        _run(rollout, days=0.3)
        client = self._client(author)

        client.post(
            f"/rollouts/{rollout.pk}/check/", {"item": CheckItem.objects.get().pk, "to": "tick", "reason": "By phone"}
        )

        page = client.get(f"/rollouts/{rollout.pk}/").content.decode()
        assert "By phone" in page
        assert Phase.objects.filter(check_items__done_by=author).exists()
