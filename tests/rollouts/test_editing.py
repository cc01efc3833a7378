"""A person drives closely: earlier, later, left out, taken back in part; each shown before it is done."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from core.actors import SCHEDULER
from core.errors import Refusal
from core.roles import Role
from core.templatetags.portal import days
from flags.models import Rule
from flags.transitions import NewMember, edit_environment
from incidents.intake import list_waiting, take_in
from rollouts.domain.lifecycle import Status
from rollouts.domain.templates import Advance, Gate, PhaseKind, PhaseTemplate
from rollouts.drawing import PlanRequest
from rollouts.guarding import watch_rollout
from rollouts.models import PhaseStatus, Rollback, Rollout, Step, StepStatus, Trigger
from rollouts.shut_queries import list_shut_sites
from rollouts.transitions import add_freeze, plan_rollout, resume_rollout, run_next_step, schedule_rollout
from rollouts.transitions.editing import insert_pause, move_moment, restore_steps, skip_steps
from rollouts.transitions.hastening import promote_early, start_now
from rollouts.transitions.partial_rollback import (
    give_back_site,
    roll_back_phase,
    roll_back_site,
    undo_steps,
)
from rollouts.transitions.rolling_back import acknowledge_flag, redraft_rollout, roll_back
from rollouts.transitions.templating import create_template
from tests.factories.world import DAY, NOW, WHY, World, make_world, reload
from tests.signed_in import sign_in

PARIS = ZoneInfo("Europe/Paris")
BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}
MONDAY = date(2026, 11, 30)
INTERNAL = PhaseTemplate(PhaseKind.INTERNAL, days=2, advance=Advance.TOGETHER, gates=(Gate.SOAK,))
SITES = PhaseTemplate(PhaseKind.PER_SITE, days=3, advance=Advance.TOGETHER, gates=())
SHARES = PhaseTemplate(PhaseKind.PERCENTAGE, days=2, shares_bp=(1_000, 5_000), advance=Advance.TOGETHER, gates=())
FULL = PhaseTemplate(PhaseKind.FULL, days=1, advance=Advance.TOGETHER, gates=())


@pytest.fixture
def world() -> World:
    return make_world()


def _plan(world: World, *phases: PhaseTemplate, start_on: date | None = MONDAY) -> Rollout:
    template = create_template(name="Ours", phases=phases, now=NOW, **BY)
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in world.sites),
        start_on=start_on,
        day_seconds=None if start_on else DAY,
        template_version_id=template.versions.get().pk,
    )
    return plan_rollout(request=request, now=NOW, **BY)


def _schedule(rollout: Rollout) -> Rollout:
    return schedule_rollout(rollout_id=rollout.pk, now=NOW, **BY)


def _at(text: str) -> datetime:
    """Return a moment in Paris, such as "2026-11-30 06:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


def _run(rollout: Rollout, until: datetime) -> None:
    while run_next_step(rollout_id=rollout.pk, now=until) is not None:
        pass


def _days(rollout: Rollout) -> list[str]:
    """Return the local moments of the plan, in order, each once."""
    rows = rollout.steps.exclude(status=StepStatus.SKIPPED).order_by("position")
    return list(dict.fromkeys(f"{row.due_at.astimezone(PARIS):%a %d %H:%M}" for row in rows))


def _moments(rollout: Rollout) -> list[datetime]:
    return list(rollout.steps.order_by("position").values_list("due_at", flat=True))


def _spans(rollout: Rollout) -> list[tuple[datetime, datetime]]:
    """Return when the phases begin and end, in order."""
    return list(rollout.phases.order_by("position").values_list("starts_at", "ends_at"))


def _first(rollout: Rollout, **where: Any) -> Step:
    return Step.objects.filter(rollout=rollout, **where).earliest("position")


def _served(world: World) -> set[tuple[str, str, str]]:
    """Return every rule as (flag, whom, variant or share)."""
    return {
        (rule.state.flag.key, rule.site.key if rule.site else rule.kind, rule.variant or str(rule.split[0][1]))
        for rule in Rule.objects.select_related("state__flag", "site")
    }


PLAN = ["Mon 30 06:00", "Wed 02 06:00", "Thu 03 06:00", "Fri 04 06:00", "Sat 05 06:00"]


@pytest.mark.django_db
class TestEarlier:
    def test_start_now__scheduled_for_later__begins_today_and_keeps_the_days_between(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, SITES, FULL))
        assert _days(rollout) == PLAN
        now = _at("2026-11-26 10:30")

        start_now(rollout_id=rollout.pk, now=now, **BY)
        _run(rollout, now)

        assert _days(rollout) == ["Thu 26 06:00", "Sat 28 06:00", "Mon 30 06:00", "Tue 01 06:00", "Wed 02 06:00"]
        assert rollout.steps.filter(status=StepStatus.DONE).count() == 3
        assert reload(rollout).status == Status.RUNNING

    def test_start_now__before_its_hour_on_its_day__does_not_wait_for_it(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, FULL))
        now = _at("2026-11-30 05:00")

        start_now(rollout_id=rollout.pk, now=now, **BY)
        _run(rollout, now)

        assert rollout.steps.filter(status=StepStatus.DONE).count() == 3

    def test_start_now__on_a_day_without_changes__is_refused(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, FULL))

        with pytest.raises(Refusal) as refused:
            start_now(rollout_id=rollout.pk, now=_at("2026-11-29 10:00"), **BY)

        assert refused.value.code == "no_change_today"

    def test_start_now__a_rehearsal__begins_at_once(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, FULL, start_on=None))

        start_now(rollout_id=rollout.pk, now=NOW, **BY)
        _run(rollout, NOW)

        assert rollout.steps.filter(status=StepStatus.DONE).count() == 3

    def test_promote_early__before_the_days_have_passed__begins_the_next_phase_today(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, SITES, FULL))
        _run(rollout, _at("2026-11-30 06:00"))
        now = _at("2026-11-30 09:00")

        promote_early(rollout_id=rollout.pk, now=now, **BY)
        _run(rollout, now)

        assert reload(rollout).status == Status.RUNNING
        assert [row.status for row in rollout.phases.order_by("position")] == ["done", "running", "pending"]
        assert _days(rollout) == ["Mon 30 06:00", "Tue 01 06:00", "Wed 02 06:00", "Thu 03 06:00"]

    def test_promote_early__with_steps_left__is_refused(self, world: World) -> None:
        one_by_one = replace(INTERNAL, advance=Advance.ONE_BY_ONE)
        rollout = _schedule(_plan(world, one_by_one, FULL))
        _run(rollout, _at("2026-11-30 06:00"))

        with pytest.raises(Refusal) as refused:
            promote_early(rollout_id=rollout.pk, now=_at("2026-11-30 09:00"), **BY)

        assert refused.value.code == "phase_not_done"

    def test_promote_early__while_another_gate_does_not_hold__is_refused(self, world: World) -> None:
        guarded = replace(INTERNAL, gates=(Gate.SOAK, Gate.GUARDRAILS))
        rollout = _schedule(_plan(world, guarded, FULL))
        _run(rollout, _at("2026-11-30 06:00"))

        with pytest.raises(Refusal) as refused:
            promote_early(rollout_id=rollout.pk, now=_at("2026-11-30 09:00"), **BY)

        assert refused.value.code == "gates_do_not_hold"
        assert refused.value.data["gates"] == ["guardrails_do_not_pass"]

    @pytest.mark.parametrize("action", [start_now, promote_early])
    def test_earlier__where_others_approved_the_dates__is_refused(self, world: World, action: Any) -> None:
        rollout = _schedule(_plan(world, INTERNAL, FULL))
        if action is promote_early:
            _run(rollout, _at("2026-11-30 06:00"))
        edit_environment(
            environment_id=world.environment.pk,
            name="Staging",
            position=1,
            is_production=False,
            allowed_origins=[],
            required_approvals=1,
            now=NOW,
            **BY,
        )

        with pytest.raises(Refusal) as refused:
            action(rollout_id=rollout.pk, now=_at("2026-11-30 09:00"), **BY)

        assert refused.value.code == "dates_are_approved"


@pytest.mark.django_db
class TestEdits:
    def test_pause__before_a_site__moves_it_and_all_behind_it_by_plan_days(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, SITES, FULL))
        step = _first(rollout, site=world.sites[1])

        insert_pause(rollout_id=rollout.pk, step_id=step.pk, days=2, now=NOW, **BY)

        assert _days(rollout) == ["Mon 30 06:00", "Wed 02 06:00", "Sat 05 06:00", "Mon 07 06:00", "Tue 08 06:00"]

    @pytest.mark.parametrize("is_rehearsal", [False, True])
    def test_pause__within_a_phase__leaves_what_comes_before_it(self, world: World, is_rehearsal: bool) -> None:
        """A draft of all phases: the phase before must not reach into this one, or its soak holds the rollout there."""
        rollout = _plan(world, INTERNAL, SITES, FULL, start_on=None if is_rehearsal else MONDAY)
        step = _first(rollout, site=world.sites[1])
        phases = {phase.position: phase for phase in rollout.phases.all()}
        own = phases[step.phase.position]
        earlier = {row.pk: row.due_at for row in rollout.steps.filter(due_at__lt=step.due_at)}

        insert_pause(rollout_id=rollout.pk, step_id=step.pk, days=2, now=NOW, **BY)

        now = {phase.position: phase for phase in rollout.phases.all()}
        for position in range(1, own.position):
            assert (now[position].starts_at, now[position].ends_at) == (
                phases[position].starts_at,
                phases[position].ends_at,
            )
        assert now[own.position].starts_at == own.starts_at
        assert now[own.position].ends_at > own.ends_at
        assert now[own.position + 1].starts_at > phases[own.position + 1].starts_at
        assert {row.pk: row.due_at for row in rollout.steps.filter(pk__in=earlier)} == earlier
        assert all(one.ends_at <= other.starts_at for one, other in pairwise(now[place] for place in sorted(now)))

    def test_pause__before_the_second_slot_of_a_day__leaves_the_first(self, world: World) -> None:
        slots = replace(INTERNAL, days=1, slots=(time(9), time(14)), advance=Advance.ONE_BY_ONE)
        rollout = _plan(world, slots, FULL)
        first = rollout.steps.earliest("position")
        second = rollout.steps.filter(due_at__gt=first.due_at).earliest("position")
        assert first.due_at.date() == second.due_at.date()

        insert_pause(rollout_id=rollout.pk, step_id=second.pk, days=1, now=NOW, **BY)

        assert rollout.steps.get(pk=first.pk).due_at == first.due_at
        assert rollout.steps.get(pk=second.pk).due_at > second.due_at
        assert rollout.phases.get(position=1).starts_at <= first.due_at

    def test_pause__before_a_phase__lengthens_the_one_before(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, FULL))
        _run(rollout, _at("2026-11-30 06:00"))
        before = rollout.phases.get(position=1).ends_at

        insert_pause(rollout_id=rollout.pk, step_id=_first(rollout, audience_kind="everyone").pk, days=3, now=NOW, **BY)

        phase = rollout.phases.get(position=1)
        assert phase.ends_at - before == timedelta(days=3)
        assert _days(rollout) == ["Mon 30 06:00", "Sat 05 06:00"]

    @pytest.mark.parametrize("start_on", [MONDAY, None])
    def test_pause__in_the_middle_of_a_phase__leaves_what_stands_before_as_it_was(
        self, world: World, start_on: date | None
    ) -> None:
        rollout = _schedule(_plan(world, INTERNAL, SITES, FULL, start_on=start_on))
        step = _first(rollout, site=world.sites[1])
        before, spans = _moments(rollout), _spans(rollout)

        insert_pause(rollout_id=rollout.pk, step_id=step.pk, days=2, now=NOW, **BY)

        after, late = _moments(rollout), _spans(rollout)
        assert after[: step.position - 1] == before[: step.position - 1]
        assert all(new > old for new, old in zip(after[step.position - 1 :], before[step.position - 1 :], strict=True))
        assert late[0] == spans[0]
        assert (late[1][0], late[1][1] > spans[1][1]) == (spans[1][0], True)
        assert all(one[1] <= following[0] for one, following in pairwise(late))

    def test_pause__before_a_phase_behind_closed_days__lengthens_the_one_before_by_open_days(
        self, world: World
    ) -> None:
        rollout = _schedule(_plan(world, INTERNAL, FULL, start_on=date(2026, 11, 27)))
        assert days(*_spans(rollout)[0]) == "27 Nov – 28 Nov"

        insert_pause(rollout_id=rollout.pk, step_id=_first(rollout, audience_kind="everyone").pk, days=1, now=NOW, **BY)
        assert days(*_spans(rollout)[0]) == "27 Nov – 30 Nov"

        insert_pause(rollout_id=rollout.pk, step_id=_first(rollout).pk, days=3, now=NOW, **BY)
        assert [days(*span) for span in _spans(rollout)] == ["1 Dec – 3 Dec", "4 Dec"]

    def test_pause__before_a_later_slot_of_a_day__leaves_the_earlier_one(self, world: World) -> None:
        slots = replace(INTERNAL, days=1, advance=Advance.ONE_BY_ONE, slots=(time(6), time(11), time(15)))
        rollout = _schedule(_plan(world, slots, FULL))
        step = rollout.steps.order_by("position")[1]

        insert_pause(rollout_id=rollout.pk, step_id=step.pk, days=1, now=NOW, **BY)

        assert _days(rollout) == ["Mon 30 06:00", "Tue 01 11:00", "Tue 01 15:00", "Wed 02 06:00"]

    def test_move__to_another_hour_in_order__moves_what_goes_together(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, FULL))
        step = _first(rollout, audience_kind="everyone")

        move_moment(rollout_id=rollout.pk, step_id=step.pk, due_at=_at("2026-12-04 07:30"), now=NOW, **BY)

        assert _days(rollout) == ["Mon 30 06:00", "Fri 04 07:30"]
        assert rollout.events.filter(kind="moment_moved").count() == 1

    @pytest.mark.parametrize(
        ("moment", "code"),
        [
            ("2026-11-20 06:00", "moment_past"),
            ("2026-12-06 06:00", "no_change_that_day"),
            ("2026-12-25 06:00", "no_change_that_day"),
            ("2026-12-03 09:00", "day_has_a_site"),
            ("2026-12-07 06:00", "order_broken"),
        ],
    )
    def test_move__where_it_may_not_go__is_refused_and_nothing_moves(
        self, world: World, moment: str, code: str
    ) -> None:
        rollout = _schedule(_plan(world, INTERNAL, SITES, FULL))
        step = _first(rollout, site=world.sites[0])

        with pytest.raises(Refusal) as refused:
            move_moment(rollout_id=rollout.pk, step_id=step.pk, due_at=_at(moment), now=NOW, **BY)

        assert refused.value.code == code
        assert _days(rollout) == PLAN

    def test_skip__a_site__leaves_it_out_and_restore_takes_it_up(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, SITES, FULL))
        step = _first(rollout, site=world.sites[1])

        skip_steps(rollout_id=rollout.pk, step_id=step.pk, now=NOW, **BY)
        assert _days(rollout) == [PLAN[0], PLAN[1], PLAN[3], PLAN[4]]

        restore_steps(rollout_id=rollout.pk, step_id=step.pk, now=NOW, **BY)
        assert _days(rollout) == PLAN

    def test_redraft__after_a_rollback__keeps_out_what_was_left_out_by_hand(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, SITES, FULL))
        out, back = _first(rollout, site=world.sites[1]), _first(rollout, site=world.sites[2])
        for step in (out, back):
            skip_steps(rollout_id=rollout.pk, step_id=step.pk, now=NOW, **BY)
        restore_steps(rollout_id=rollout.pk, step_id=back.pk, now=NOW, **BY)
        now = _at("2026-11-30 06:00")
        _run(rollout, now)
        roll_back(rollout_id=rollout.pk, flag_ids=None, trigger=Trigger.MANUAL, now=now, **BY)
        for flag in world.flags:
            acknowledge_flag(rollout_id=rollout.pk, flag_id=flag.pk, now=now, **BY)

        redraft_rollout(rollout_id=rollout.pk, now=now, **BY)

        skipped = rollout.steps.filter(status=StepStatus.SKIPPED)
        assert {step.site for step in skipped.select_related("site")} == {world.sites[1]}

    def test_restore__where_another_site_has_its_day_meanwhile__is_refused(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, SITES, FULL))
        left_out, other = _first(rollout, site=world.sites[0]), _first(rollout, site=world.sites[1])
        skip_steps(rollout_id=rollout.pk, step_id=left_out.pk, now=NOW, **BY)
        move_moment(rollout_id=rollout.pk, step_id=other.pk, due_at=left_out.due_at, now=NOW, **BY)

        with pytest.raises(Refusal) as refused:
            restore_steps(rollout_id=rollout.pk, step_id=left_out.pk, now=NOW, **BY)

        assert refused.value.code == "day_has_a_site"
        assert _days(rollout) == [PLAN[0], PLAN[1], PLAN[3], PLAN[4]]

    def test_restore__after_its_moment__is_done_at_once(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, SITES, FULL))
        step = _first(rollout)
        _run(rollout, _at("2026-11-30 06:00"))
        undo_steps(rollout_id=rollout.pk, step_ids=[step.pk], now=_at("2026-11-30 07:00"), **BY)
        now = _at("2026-11-30 08:00")

        restore_steps(rollout_id=rollout.pk, step_id=step.pk, now=now, **BY)
        _run(rollout, now)

        step.refresh_from_db()
        assert (step.status, step.done_at) == (StepStatus.DONE, now)

    def test_edit__of_an_ended_rollout__is_refused(self, world: World) -> None:
        rollout = _schedule(_plan(world, FULL))
        step = _first(rollout)
        _run(rollout, _at("2026-11-30 06:00"))
        _run(rollout, _at("2026-12-01 06:00"))
        assert reload(rollout).status == Status.COMPLETED

        with pytest.raises(Refusal) as refused:
            skip_steps(rollout_id=rollout.pk, step_id=step.pk, now=NOW, **BY)

        assert refused.value.code == "rollout_over"

    def test_edit__with_an_older_page__is_refused(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, FULL))
        step = _first(rollout)

        with pytest.raises(Refusal) as refused:
            skip_steps(rollout_id=rollout.pk, step_id=step.pk, now=NOW, seen_epoch=rollout.epoch - 1, **BY)

        assert refused.value.code == "changed_meanwhile"


@pytest.mark.django_db
class TestTakenBack:
    @pytest.fixture
    def rollout(self, world: World) -> Rollout:
        """Running, with testers and Lyon served."""
        rollout = _schedule(_plan(world, INTERNAL, SITES, FULL))
        for moment in ("2026-11-30 06:00", "2026-12-02 06:00"):
            _run(rollout, _at(moment))
        return reload(rollout)

    NOON = _at("2026-12-02 12:00")

    def test_undo__one_step__takes_its_rule_and_the_rollout_goes_on(self, world: World, rollout: Rollout) -> None:
        step = _first(rollout, site=world.sites[0])

        undo_steps(rollout_id=rollout.pk, step_ids=[step.pk], now=self.NOON, **BY)
        watch_rollout(reload(rollout), now=self.NOON)

        assert (step.flag.key, "lyon", "on") not in _served(world)
        assert len(_served(world)) == 5
        assert reload(rollout).status == Status.RUNNING

    def test_undo__a_larger_share__puts_the_smaller_one_back(self, world: World) -> None:
        rollout = _schedule(_plan(world, SHARES, FULL))
        for moment in ("2026-11-30 06:00", "2026-12-01 06:00"):
            _run(rollout, _at(moment))
        larger = Step.objects.filter(rollout=rollout, share_bp=5_000)
        smaller = Step.objects.filter(rollout=rollout, share_bp=1_000)
        with pytest.raises(Refusal) as refused:
            undo_steps(rollout_id=rollout.pk, step_ids=[smaller[0].pk], now=self.NOON, **BY)

        undo_steps(rollout_id=rollout.pk, step_ids=[step.pk for step in larger], now=self.NOON, **BY)

        assert refused.value.code == "step_superseded"
        assert {share for _flag, _whom, share in _served(world)} == {"1000"}

    def test_undo__what_is_not_done__is_refused(self, world: World, rollout: Rollout) -> None:
        step = _first(rollout, site=world.sites[2])

        with pytest.raises(Refusal) as refused:
            undo_steps(rollout_id=rollout.pk, step_ids=[step.pk], now=self.NOON, **BY)

        assert refused.value.code == "step_not_done"

    def test_site__taken_back__is_off_above_all_rules_and_held(self, world: World, rollout: Rollout) -> None:
        rollback = roll_back_site(rollout_id=rollout.pk, site_id=world.sites[0].pk, now=self.NOON, **BY)

        assert (rollback.scope, rollback.site) == ("site", world.sites[0])
        held = reload(rollout)
        assert (held.status, held.held_code) == (Status.HELD, "site_rolled_back")
        for flag in world.flags:
            first = Rule.objects.filter(state__flag=flag).earliest("position")
            assert (first.kind, first.site, first.variant) == ("site", world.sites[0], "off")
        assert list_shut_sites(held) == [world.sites[0]]

    def test_site__taken_back__stays_off_when_everyone_gets_it(self, world: World, rollout: Rollout) -> None:
        roll_back_site(rollout_id=rollout.pk, site_id=world.sites[1].pk, now=self.NOON, **BY)
        resume_rollout(rollout_id=rollout.pk, now=self.NOON, **BY)
        for day in (3, 4, 5):
            _run(rollout, _at(f"2026-12-0{day} 06:00"))

        assert rollout.steps.filter(site=world.sites[1], status=StepStatus.DONE).count() == 0
        assert rollout.steps.filter(audience_kind="everyone", status=StepStatus.DONE).count() == 3
        for flag in world.flags:
            rules = list(Rule.objects.filter(state__flag=flag).order_by("position"))
            assert (rules[0].site, rules[0].variant) == (world.sites[1], "off")

    def test_site__given_back__is_as_the_plan_has_it(self, world: World, rollout: Rollout) -> None:
        before = _served(world)
        roll_back_site(rollout_id=rollout.pk, site_id=world.sites[0].pk, now=self.NOON, **BY)

        give_back_site(rollout_id=rollout.pk, site_id=world.sites[0].pk, now=self.NOON, **BY)

        assert _served(world) == before
        assert list_shut_sites(reload(rollout)) == []
        with pytest.raises(Refusal):
            give_back_site(rollout_id=rollout.pk, site_id=world.sites[0].pk, now=self.NOON, **BY)

    def test_site__taken_back__its_steps_are_not_taken_up_before_it_is_given_back(
        self, world: World, rollout: Rollout
    ) -> None:
        site = world.sites[1]
        roll_back_site(rollout_id=rollout.pk, site_id=site.pk, now=self.NOON, **BY)
        step = _first(rollout, site=site)
        with pytest.raises(Refusal) as refused:
            restore_steps(rollout_id=rollout.pk, step_id=step.pk, now=self.NOON, **BY)
        assert refused.value.code == "site_shut"

        give_back_site(rollout_id=rollout.pk, site_id=site.pk, now=self.NOON, **BY)
        restore_steps(rollout_id=rollout.pk, step_id=step.pk, now=self.NOON, **BY)

        step.refresh_from_db()
        assert step.status == StepStatus.PLANNED

    def test_phase__taken_back__is_as_before_it_began_and_is_done_again(self, world: World, rollout: Rollout) -> None:
        phase = rollout.phases.get(position=2)

        rollback = roll_back_phase(rollout_id=rollout.pk, phase_id=phase.pk, now=self.NOON, **BY)

        assert (rollback.scope, rollback.phase) == ("phase", phase)
        assert {whom for _flag, whom, _variant in _served(world)} == {"segment"}
        states = [row.status for row in rollout.phases.order_by("position")]
        assert states == [PhaseStatus.RUNNING, PhaseStatus.PENDING, PhaseStatus.PENDING]
        resume_rollout(rollout_id=rollout.pk, now=self.NOON, **BY)
        _run(rollout, _at("2026-12-02 12:01"))
        assert rollout.steps.filter(site=world.sites[0], status=StepStatus.DONE).count() == 3

    def test_rollback__of_a_part__opens_an_incident(self, world: World, rollout: Rollout) -> None:
        roll_back_site(rollout_id=rollout.pk, site_id=world.sites[0].pk, now=self.NOON, **BY)

        (event_id,) = list_waiting(limit=10)
        incident = take_in(event_id, now=self.NOON)

        assert incident is not None
        assert incident.site_keys == ["lyon"]
        assert incident.rollback == Rollback.objects.get()


@pytest.mark.django_db
class TestPages:
    def _client(self) -> Client:
        return sign_in(Role.RELEASE_MANAGER)

    def test_plan__an_edit_looked_at__shows_what_changes_and_writes_nothing(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, SITES, FULL))
        step = _first(rollout, site=world.sites[1])
        client = self._client()
        data = {"step": step.pk, "edit": "pause", "days": "2", "epoch": rollout.epoch}

        page = client.post(f"/rollouts/{rollout.pk}/plan/", data | {"do": "look"})

        assert [change.count for change in page.context["preview"].moments] == [3, 3, 3]
        assert [(one.what, one.before, one.after) for one in page.context["preview"].phases] == [
            ("One site a day", "2 Dec – 4 Dec", "2 Dec – 7 Dec"),
            ("Everyone", "5 Dec", "8 Dec"),
        ]
        assert _days(rollout) == PLAN
        assert not rollout.events.filter(kind="pause_inserted").exists()

        client.post(f"/rollouts/{rollout.pk}/plan/", data | {"do": "save", "reason": "Inventory at Nantes"})
        assert rollout.events.get(kind="pause_inserted").reason == "Inventory at Nantes"

    @pytest.mark.parametrize(
        "change",
        [
            {"step": "0"},
            {"step": "99999"},
            {"edit": "burn"},
            {"edit": "move", "on": "", "at": ""},
            {"edit": "undo"},
            {"edit": "restore"},
            {"epoch": "77"},
        ],
    )
    def test_plan__a_wrong_edit__is_said_and_writes_nothing(self, world: World, change: dict[str, str]) -> None:
        rollout = _schedule(_plan(world, INTERNAL, SITES, FULL))
        data = {"step": _first(rollout).pk, "edit": "skip", "epoch": rollout.epoch, "do": "save", "reason": "Why not"}

        answer = self._client().post(f"/rollouts/{rollout.pk}/plan/", data | change)

        assert answer.status_code == 400
        assert _days(rollout) == PLAN

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"step": ""}, "Choose a line in the table below first."),
            ({"on": "2026-12-06"}, "Nothing may go out to them on Sunday 6 December 2026: closed."),
            ({"on": "2026-12-25"}, "Nothing may go out to them on Friday 25 December 2026: closed: public holiday."),
            ({"on": "2026-12-08"}, "Nothing may go out to them on Tuesday 8 December 2026: frozen (Inventory)."),
            ({"on": "2026-12-03"}, "Another site has its day on Thursday 3 December 2026: one site a day."),
        ],
    )
    def test_plan__an_edit_that_cannot_be__says_which_and_what_to_do(
        self, world: World, change: dict[str, str], words: str
    ) -> None:
        rollout = _schedule(_plan(world, INTERNAL, SITES, FULL))
        frozen: dict[str, Any] = {"starts_on": date(2026, 12, 8), "ends_on": date(2026, 12, 9), "label": "Inventory"}
        add_freeze(environment_ids=[world.environment.pk], **frozen, now=NOW, **BY)
        data = {"step": _first(rollout, site=world.sites[0]).pk, "edit": "move", "at": "06:00", "epoch": rollout.epoch}

        page = self._client().post(f"/rollouts/{rollout.pk}/plan/", data | change | {"do": "look"})

        assert words in page.content.decode()

    def test_plan__nothing_done__does_not_offer_to_take_back(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, FULL))
        client, url, offer = self._client(), f"/rollouts/{rollout.pk}/plan/", "take it back, it is done"
        assert offer not in client.get(url).content.decode()

        _run(rollout, _at("2026-11-30 06:00"))

        assert offer in client.get(url).content.decode()

    def test_plan__a_site_left_out__says_that_it_gets_it_with_everyone(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, SITES, FULL))
        step = _first(rollout, site=world.sites[0])

        page = self._client().post(
            f"/rollouts/{rollout.pk}/plan/", {"step": step.pk, "edit": "skip", "epoch": rollout.epoch, "do": "look"}
        )

        assert "gets the release with everyone: Sat 5 Dec" in page.content.decode()

    def test_plan__seen_by_an_auditor__offers_no_edit(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, FULL))

        page = sign_in(Role.AUDITOR).get(f"/rollouts/{rollout.pk}/plan/").content.decode()

        assert 'name="edit"' not in page
        assert 'type="radio"' not in page

    def test_roll_back__offers_sites_and_the_phase_and_takes_one_back(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, SITES, FULL))
        for moment in ("2026-11-30 06:00", "2026-12-02 06:00"):
            _run(rollout, _at(moment))
        client = self._client()
        page = client.get(f"/rollouts/{rollout.pk}/roll-back/").content.decode()
        assert f'value="site:{world.sites[0].pk}"' in page
        assert f'value="phase:{rollout.phases.get(position=2).pk}"' in page

        client.post(
            f"/rollouts/{rollout.pk}/roll-back/", {"what": f"site:{world.sites[0].pk}", "reason": "Drawer jams"}
        )

        assert Rollback.objects.get().scope == "site"
        page = client.get(f"/rollouts/{rollout.pk}/").content.decode()
        assert "Give it back" in page
        client.post(f"/rollouts/{rollout.pk}/give-back/", {"site": world.sites[0].pk, "reason": "Drawer mended"})
        assert list_shut_sites(rollout) == []

    @pytest.mark.parametrize("what", ["site:", "site:x", "phase:999999", "tree:1", "site:999999", ":1"])
    def test_roll_back__of_nothing__is_refused(self, world: World, what: str) -> None:
        rollout = _schedule(_plan(world, INTERNAL, SITES, FULL))
        _run(rollout, _at("2026-11-30 06:00"))

        answer = self._client().post(f"/rollouts/{rollout.pk}/roll-back/", {"what": what, "reason": "Odd"})

        assert answer.status_code in {400, 409}
        assert not Rollback.objects.exists()
