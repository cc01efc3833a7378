"""The rest of a phase goes to others: people, a site, a share; more than was approved is refused."""

from dataclasses import replace
from datetime import time, timedelta

import pytest

from core.errors import Refusal
from core.roles import Role
from flags.models import Environment, Segment, Site
from flags.transitions import NewMember, create_segment
from rollouts.domain.templates import Advance
from rollouts.models import Rollout, Step, StepStatus
from rollouts.transitions import run_next_step
from rollouts.transitions.retargeting import NewAudience, change_audience
from tests.factories.flags import make_site
from tests.factories.world import NOW, World, make_world
from tests.rollouts.test_editing import BY, FULL, INTERNAL, SHARES, SITES, _at, _plan, _run, _schedule
from tests.signed_in import sign_in


@pytest.fixture
def world() -> World:
    return make_world()


def _segment(name: str = "Weekend", *keys: str) -> Segment:
    return create_segment(
        key=name.lower(), name=name, members=[NewMember(key) for key in keys or ("cashier-9",)], now=NOW, **BY
    )


def _first(rollout: Rollout, **which: object) -> Step:
    return rollout.steps.filter(**which).order_by("position")[0]


def _change(rollout: Rollout, step: Step, **audience: int) -> None:
    change_audience(rollout_id=rollout.pk, step_id=step.pk, audience=NewAudience(**audience), now=NOW, **BY)


@pytest.mark.django_db
class TestChangeAudience:
    def test_people__others_instead__get_what_the_phase_still_plans(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, FULL))
        segment = _segment()

        _change(rollout, _first(rollout), segment_id=segment.pk)
        _run(rollout, _at("2026-11-30 06:00"))

        steps = rollout.steps.filter(phase__position=1)
        assert {(step.segment, step.status) for step in steps} == {(segment, StepStatus.DONE)}
        event = rollout.events.get(kind="audience_changed")
        assert (event.data["before"], event.data["audience"]) == (world.testers.name, "Weekend")

    def test_site__another_instead__has_its_day_at_the_same_hour_there(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, SITES, FULL))
        old = _first(rollout, site=world.sites[1])
        reunion = make_site(key="st-denis", name="Saint-Denis", time_zone="Indian/Reunion")

        _change(rollout, old, site_id=reunion.pk)

        new = _first(rollout, site=reunion)
        assert not rollout.steps.filter(site=world.sites[1]).exists()
        assert old.due_at - new.due_at == timedelta(hours=3)
        assert [row.site.key for row in rollout.rollout_sites.order_by("position")] == ["lyon", "st-denis", "lille"]

    def test_site__another_instead_from_its_second_slot_on__takes_the_whole_place(self, world: World) -> None:
        slots = replace(SITES, advance=Advance.ONE_BY_ONE, slots=(time(6), time(11), time(15)))
        rollout = _schedule(_plan(world, INTERNAL, slots, FULL))
        second = rollout.steps.filter(site=world.sites[1]).order_by("position")[1]
        rouen = make_site(key="rouen", name="Rouen")

        _change(rollout, second, site_id=rouen.pk)

        assert rollout.steps.filter(site=rouen).count() == 3
        planned = set(rollout.steps.exclude(site=None).values_list("site", flat=True))
        assert planned == set(rollout.rollout_sites.values_list("site", flat=True))

    def test_share__another__is_that_of_all_its_flags(self, world: World) -> None:
        rollout = _schedule(_plan(world, SHARES, FULL))

        _change(rollout, _first(rollout, share_bp=1_000), share_bp=2_500)

        shares = rollout.steps.exclude(share_bp=None).order_by("position").values_list("share_bp", flat=True)
        assert list(shares) == [2_500] * 3 + [5_000] * 3

    @pytest.mark.parametrize(
        ("which", "wanted", "code"),
        [
            ({"audience_kind": "segment"}, {}, "audience_missing"),
            ({"audience_kind": "segment"}, {"segment_id": "testers"}, "segment_in_plan"),
            ({"audience_kind": "segment"}, {"segment_id": "nobody"}, "segment_empty"),
            ({"audience_kind": "site"}, {"segment_id": "testers"}, "audience_missing"),
            ({"audience_kind": "site"}, {"site_id": "nantes"}, "site_in_plan"),
            ({"audience_kind": "site"}, {"site_id": "closed"}, "no_change_that_day"),
            ({"audience_kind": "everyone"}, {"share_bp": 5_000}, "everyone_stays"),
        ],
    )
    def test_change__that_cannot_be__is_refused_and_nothing_changes(
        self, world: World, which: dict[str, str], wanted: dict[str, str | int], code: str
    ) -> None:
        rollout = _schedule(_plan(world, INTERNAL, SITES, FULL))
        create_segment(key="nobody", name="Nobody", members=[], now=NOW, **BY)
        make_site(key="closed", name="Closed", opening_weekdays=[7])
        before = list(rollout.steps.values_list("pk", "segment", "site", "share_bp", "due_at"))
        keys: dict[str, type[Segment] | type[Site]] = {"segment_id": Segment, "site_id": Site}
        audience = {
            name: keys[name].objects.get(key=value).pk if isinstance(value, str) else value
            for name, value in wanted.items()
        }

        with pytest.raises(Refusal) as refused:
            _change(rollout, _first(rollout, **which), **audience)

        assert refused.value.code == code
        assert list(rollout.steps.values_list("pk", "segment", "site", "share_bp", "due_at")) == before

    @pytest.mark.parametrize(
        ("share_bp", "code"), [(0, "share_wrong"), (10_000, "share_wrong"), (5_000, "shares_not_growing")]
    )
    def test_share__out_of_order__is_refused(self, world: World, share_bp: int, code: str) -> None:
        rollout = _schedule(_plan(world, SHARES, FULL))

        with pytest.raises(Refusal) as refused:
            _change(rollout, _first(rollout, share_bp=1_000), share_bp=share_bp)

        assert refused.value.code == code

    def test_change__of_what_is_done__is_refused(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, FULL))
        step = _first(rollout)
        assert run_next_step(rollout_id=rollout.pk, now=_at("2026-11-30 06:00")) is not None

        with pytest.raises(Refusal) as refused:
            _change(rollout, step, segment_id=_segment().pk)

        assert refused.value.code == "step_not_planned"

    def test_change__of_an_approved_plan__is_refused_but_for_less(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, SHARES, FULL))
        Environment.objects.filter(pk=world.environment.pk).update(required_approvals=1)

        _change(rollout, _first(rollout, share_bp=5_000), share_bp=2_000)
        for step, wanted in (
            (_first(rollout), {"segment_id": _segment().pk}),
            (_first(rollout, share_bp=2_000), {"share_bp": 5_000}),
        ):
            with pytest.raises(Refusal) as refused:
                _change(rollout, step, **wanted)
            assert refused.value.code == "dates_are_approved"


@pytest.mark.django_db
class TestPage:
    def test_change__looked_at_then_done__names_both_audiences(self, world: World) -> None:
        rollout = _schedule(_plan(world, INTERNAL, FULL))
        client = sign_in(Role.RELEASE_MANAGER)
        data = {"step": _first(rollout).pk, "edit": "audience", "segment": _segment().pk, "epoch": rollout.epoch}
        url = f"/rollouts/{rollout.pk}/plan/"

        page = client.post(url, data | {"do": "look"})

        assert [(one.first.whom, one.whom_after, one.count) for one in page.context["preview"].moments] == [
            (world.testers.name, "Weekend", 3)
        ]
        assert not rollout.steps.filter(segment__name="Weekend").exists()
        client.post(url, data | {"do": "save", "reason": "The testers are away"})
        assert rollout.events.get(kind="audience_changed").reason == "The testers are away"
        assert "For Weekend instead of" in client.get(f"/rollouts/{rollout.pk}/").content.decode()
