"""A draft's other choices: shown against what it was, then in its place; and why a button is not there."""

from typing import Any

import pytest
from django.test import Client

from core.actors import SCHEDULER
from core.errors import Refusal
from core.roles import Role
from flags.models import Environment
from rollouts.action_queries import weigh_actions
from rollouts.domain.lifecycle import Status
from rollouts.models import Rollout
from rollouts.plan_requests import request_of
from rollouts.transitions import pause_rollout, run_next_step, schedule_rollout
from rollouts.transitions.approving import request_approval
from rollouts.transitions.replacing import replace_plan
from tests.factories.world import NOW, WHY, World, make_world, reload
from tests.rollouts.test_editing import FULL, INTERNAL, SITES, _at, _plan
from tests.signed_in import sign_in

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY, "now": NOW}


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def client() -> Client:
    return sign_in(Role.RELEASE_MANAGER)


def _ask(world: World, rollout: Rollout, **given: Any) -> dict[str, Any]:
    """Return what the planner's form posts for the same choices but those given."""
    return {
        "release": rollout.release_id,
        "environment": rollout.environment_id,
        "template": rollout.template_version_id,
        "start_on": "2026-11-30",
        "promotion_time": "06:00",
        "testers": world.testers.pk,
        "sites": [site.key for site in world.sites],
        "epoch": rollout.epoch,
        **given,
    }


@pytest.mark.django_db
@pytest.mark.usefixtures("_now")
class TestPlanAnew:
    @pytest.fixture
    def _now(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("core.clock.now", lambda: NOW)

    def test_form__of_a_draft__begins_with_its_choices(self, world: World, client: Client) -> None:
        rollout = _plan(world, INTERNAL, SITES, FULL)

        form = client.get(f"/rollouts/{rollout.pk}/plan-anew/").context["form"]

        assert form["sites"].value() == ["lyon", "nantes", "lille"]
        assert (form["start_on"].value(), form["testers"].value()) == (rollout.start_on, world.testers.pk)

    def test_preview__with_other_choices__says_what_differs_and_writes_nothing(
        self, world: World, client: Client
    ) -> None:
        rollout = _plan(world, INTERNAL, SITES, FULL)
        data = _ask(world, rollout, start_on="2026-12-01", sites=["nantes", "lyon"], preview="1")

        page = client.post(f"/rollouts/{rollout.pk}/plan-anew/", data)

        said = {one.what: (one.before, one.after) for one in page.context["differences"]}
        assert said["Order of the sites"] == ("Lyon → Nantes → Lille", "Nantes → Lyon")
        assert {"Internal", "Everyone"} <= said.keys()
        assert Rollout.objects.count() == 1

    def test_confirm__puts_the_new_plan_in_the_place_of_the_draft(self, world: World, client: Client) -> None:
        rollout = _plan(world, INTERNAL, SITES, FULL)
        data = _ask(world, rollout, sites=["nantes", "lyon"], confirm="1", reason="Lille is not ready")

        answer = client.post(f"/rollouts/{rollout.pk}/plan-anew/", data)

        new = Rollout.objects.get(status=Status.DRAFT)
        assert answer["Location"] == f"/rollouts/{new.pk}/"
        assert reload(rollout).status == Status.CANCELLED
        assert rollout.events.get(kind="replaced").data["by"] == new.pk
        assert request_of(new).site_ids == (world.sites[1].pk, world.sites[0].pk)

    def test_confirm__by_a_stale_tab__is_refused_and_nothing_is_written(self, world: World, client: Client) -> None:
        rollout = _plan(world, INTERNAL, SITES, FULL)
        data = _ask(world, rollout, epoch=rollout.epoch - 1, confirm="1", reason="Late")

        answer = client.post(f"/rollouts/{rollout.pk}/plan-anew/", data)

        assert answer.status_code == 400
        assert (Rollout.objects.count(), reload(rollout).status) == (1, Status.DRAFT)

    def test_plan__that_waits_for_approval__is_replaced_by_a_draft_that_nobody_approved(self, world: World) -> None:
        Environment.objects.filter(pk=world.environment.pk).update(required_approvals=1)
        rollout = reload(_plan(world, INTERNAL, FULL))
        request_approval(rollout_id=rollout.pk, **BY)

        new = replace_plan(rollout_id=rollout.pk, request=request_of(rollout), **BY)

        with pytest.raises(Refusal) as refused:
            schedule_rollout(rollout_id=new.pk, **BY)
        assert refused.value.code == "approval_required"

    def test_plan__that_is_scheduled__is_promised(self, world: World, client: Client) -> None:
        rollout = _plan(world, INTERNAL, FULL)
        schedule_rollout(rollout_id=rollout.pk, **BY)

        with pytest.raises(Refusal) as refused:
            replace_plan(rollout_id=rollout.pk, request=request_of(rollout), **BY)

        assert refused.value.code == "plan_is_promised"
        assert client.get(f"/rollouts/{rollout.pk}/plan-anew/")["Location"] == f"/rollouts/{rollout.pk}/"
        assert Rollout.objects.count() == 1


@pytest.mark.django_db
class TestWhyNot:
    def _weigh(self, rollout: Rollout) -> tuple[set[str], set[str]]:
        found = weigh_actions(Rollout.objects.select_related("environment").get(pk=rollout.pk))
        assert all(one.says for one in found.obstacles)
        return set(found.actions), {one.action for one in found.obstacles}

    def test_actions__in_each_state__are_there_or_have_their_reason(self, world: World) -> None:
        rollout = _plan(world, INTERNAL, FULL)
        assert self._weigh(rollout) == ({"schedule", "cancel"}, {"roll_back"})
        schedule_rollout(rollout_id=rollout.pk, **BY)
        assert self._weigh(rollout) == ({"start_now", "cancel"}, {"roll_back"})
        run_next_step(rollout_id=rollout.pk, now=_at("2026-11-30 06:00"))
        assert self._weigh(rollout) == ({"pause", "roll_back"}, {"promote", "cancel"})
        pause_rollout(rollout_id=rollout.pk, **BY | {"now": _at("2026-11-30 07:00")})
        assert self._weigh(rollout) == ({"resume", "roll_back"}, {"promote", "cancel"})

    def test_actions__where_others_approve__name_what_is_missing(self, world: World) -> None:
        Environment.objects.filter(pk=world.environment.pk).update(required_approvals=1)
        rollout = _plan(world, INTERNAL, FULL)
        assert self._weigh(rollout) == ({"request_approval", "cancel"}, {"schedule", "roll_back"})
        request_approval(rollout_id=rollout.pk, **BY)
        assert self._weigh(rollout) == ({"withdraw", "cancel"}, {"schedule", "roll_back"})
        Rollout.objects.filter(pk=rollout.pk).update(status=Status.SCHEDULED)
        assert self._weigh(rollout) == ({"cancel"}, {"start_now", "roll_back"})

    def test_page__says_why_a_button_is_not_there(self, world: World, client: Client) -> None:
        rollout = _plan(world, INTERNAL, FULL)

        page = client.get(f"/rollouts/{rollout.pk}/").content.decode()

        assert "Nothing of it is on yet: cancel it, or change its plan." in page
