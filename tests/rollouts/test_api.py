"""The REST API for releases and rollouts: its routes, its refusals, whom it lets in."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import clock
from core.actors import SCHEDULER, person, token
from core.history import recorded
from core.models import User
from core.people import create_person
from core.roles import Role
from flags.domain.purposes import Purpose
from flags.models import Segment, SegmentMember
from flags.transitions import edit_environment
from recovery.models import SchemaMigration
from rollouts.actions import ACTIONS
from rollouts.api.driving_routes import TOLD
from rollouts.domain.lifecycle import Status
from rollouts.models import Approval, Release, Rollout, Step
from rollouts.transitions import plan_rollout, register_release, run_next_step
from rollouts.transitions.approving import decide_plan
from rollouts.wishes import PlanWish, find_plan_request
from tests.api_client import Program, program_of
from tests.digest import take_digest
from tests.factories.flags import make_environment, make_token
from tests.factories.world import DAY, NOW, WHY, World, make_rehearsal, make_world, play
from tests.signed_in import sign_in_as
from tests.waiting import race

IMAGE = "registry.example.org/till@sha256:" + "0a" * 32
RELEASE: dict[str, Any] = {
    "version": "1.4.0",
    "name": "Price buttons",
    "notes": "Bigger",
    "flags": ["tickets", "buttons"],
    "image": IMAGE,
    "reason": "Run 4711",
}
PLAN: dict[str, Any] = {
    "release": "1.3",
    "sites": ["nantes", "lyon"],
    "day_seconds": DAY,
    "testers": "testers",
    "pilots": ["cashier-1", "cashier-2", "cashier-3"],
    "reason": "Agreed",
}


@pytest.fixture
def world() -> World:
    return make_world(now=clock.now() - timedelta(minutes=5))


@pytest.fixture
def ci(world: World) -> Program:
    return program_of(world)


@pytest.fixture
def rollout(world: World) -> Rollout:
    """A running rehearsal, the first flags on for the testers."""
    start = clock.now() - timedelta(minutes=1)
    rollout = make_rehearsal(world, now=start)
    play(world, rollout, start=start, seconds=40)
    return rollout


def _code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["errorCode"]


@pytest.mark.django_db
class TestReleases:
    def test_register__new__is_201_with_its_flags_in_order_and_history_names_the_token(self, ci: Program) -> None:
        answer = ci.post("/releases", RELEASE)

        assert answer.status_code == 201, answer.json()
        release = Release.objects.get(version="1.4.0")
        assert answer.json() == {"id": release.pk} | {name: RELEASE[name] for name in RELEASE if name != "reason"}
        written = release.history.get()
        assert (written.actor_kind, written.actor_label) == ("token", "manage")
        assert written.history_change_reason == "Run 4711"

    def test_register__the_same_again__is_200_and_writes_nothing(self, ci: Program) -> None:
        first = ci.post("/releases", RELEASE)
        before = take_digest()

        again = ci.post("/releases", RELEASE | {"reason": "Run 4712"})

        assert (again.status_code, again.json()) == (200, first.json())
        assert take_digest() == before

    @pytest.mark.parametrize(
        "other", [{"image": ""}, {"name": "Other"}, {"notes": ""}, {"flags": ["buttons", "tickets"]}]
    )
    def test_register__the_same_version_otherwise__is_409(self, ci: Program, other: dict[str, Any]) -> None:
        ci.post("/releases", RELEASE)

        assert _code(ci.post("/releases", RELEASE | other)) == (409, "release_differs")

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            ({"image": "registry.example.org/till:1.4.0"}, "image_unpinned"),
            ({"image": IMAGE.replace("/", " ")}, "image_unpinned"),
            ({"image": IMAGE.replace("0a", "0A")}, "image_unpinned"),
            ({"flags": ["nothing"]}, "release_flag_unknown"),
            ({"flags": ["buttons", "buttons"]}, "flags_wrong"),
            ({"flags": []}, "PARSE_ERROR"),
            ({"version": "  "}, "release_incomplete"),
            ({"version": "1.4\n5"}, "release_version_odd"),
            ({"version": "1/4"}, "release_version_odd"),
            ({"version": ".."}, "release_version_odd"),
            ({"reason": " "}, "reason_missing"),
            ({"tag": "1"}, "PARSE_ERROR"),
            ({"notes": "a\x00b"}, "input_unreadable"),
        ],
    )
    def test_register__wrong__is_400_with_its_code(self, ci: Program, wrong: dict[str, Any], code: str) -> None:
        before = take_digest()

        assert _code(ci.post("/releases", RELEASE | wrong)) == (400, code)
        assert take_digest() == before

    def test_register__without_a_reason__names_the_field(self, ci: Program) -> None:
        answer = ci.post("/releases", {name: RELEASE[name] for name in RELEASE if name != "reason"})

        assert answer.json()["fields"] == [{"field": "reason", "problem": "Field required"}]

    def test_show__by_version__and_an_unknown_one_is_404(self, ci: Program) -> None:
        assert ci.get("/releases/1.3").json()["flags"] == ["buttons", "tickets", "signals"]
        assert _code(ci.get("/releases/9.9")) == (404, "release_unknown")

    def test_migrations__described_by_a_pipeline__are_told_again(self, ci: Program) -> None:
        wish = {
            "migrations": [{"name": "0003", "going_back": "lossy", "by_hand": "migrate 0002"}],
            "reason": "Run 4711",
        }

        first = ci.post("/releases/1.3/migrations", wish)
        again = ci.post("/releases/1.3/migrations", wish)

        assert first.status_code == 200
        assert first.json() == again.json() == ci.get("/releases/1.3/migrations").json()
        assert first.json()["migrations"][0] | {"tried_at": None} == {
            "name": "0003",
            "going_back": "lossy",
            "by_hand": "migrate 0002",
            "tried": "",
            "tried_at": None,
        }
        assert SchemaMigration.objects.get().history.count() == 1

    @pytest.mark.parametrize(
        ("path", "one", "status", "code"),
        [
            ("/releases/9.9/migrations", {"name": "0003"}, 404, "release_unknown"),
            ("/releases/1.3/migrations", {"name": "a\nb"}, 400, "migration_name_wrong"),
            ("/releases/1.3/migrations", {"name": "a", "going_back": "perhaps"}, 400, "PARSE_ERROR"),
        ],
    )
    def test_migrations__wrong__are_refused(
        self, ci: Program, path: str, one: dict[str, str], status: int, code: str
    ) -> None:
        assert _code(ci.post(path, {"migrations": [one], "reason": "x"})) == (status, code)
        assert not SchemaMigration.objects.exists()

    def test_image__by_a_tag__is_refused_by_the_database(self, world: World) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            Release.objects.filter(pk=world.release.pk).update(image="till:latest")


@pytest.mark.django_db(transaction=True)
def test_register__twice_at_once__is_one_release(world: World) -> None:
    given: dict[str, Any] = {"version": "2.0", "flag_keys": ["buttons"], "image": IMAGE, "actor": token("ci")}
    register = partial(register_release, reason=WHY, now=NOW, **given)
    other = partial(register_release, reason=WHY, now=NOW, **(given | {"image": ""}))

    assert race(register, register) == "done"
    assert Release.objects.filter(version="2.0").count() == 1
    assert race(partial(register, version="2.1"), partial(other, version="2.1")) == "release_differs"


@pytest.mark.django_db(transaction=True)
def test_plan__twice_at_once_by_the_same_name__is_one_rollout(world: World) -> None:
    wish = PlanWish(**{name: PLAN[name] for name in PLAN if name != "reason"}, request_id="run-4711")
    asked = find_plan_request(wish, environment_id=world.environment.pk)
    plan = partial(plan_rollout, request=asked, actor=token("ci"), reason=WHY, now=NOW)

    assert race(plan, plan) == "done"
    assert Rollout.objects.count() == 1


@pytest.mark.django_db
class TestReading:
    def test_rollout__says_where_it_stands(self, ci: Program, rollout: Rollout) -> None:
        said = ci.get(f"/rollouts/{rollout.pk}").json()

        assert (said["release"], said["environment"], said["status"]) == ("1.3", "staging", "running")
        assert [one["key"] for one in said["flags"]] == ["buttons", "tickets", "signals"]
        assert [one["kind"] for one in said["phases"]] == ["internal", "pilot", "per_site", "full"]
        assert said["url"].endswith(f"/rollouts/{rollout.pk}/")

    def test_rollouts__by_status__are_those(self, world: World, ci: Program, rollout: Rollout) -> None:
        assert [one["id"] for one in ci.get("/rollouts", status="running").json()["items"]] == [rollout.pk]
        assert ci.get("/rollouts", status="draft").json() == {"items": [], "next": None}
        assert _code(ci.get("/rollouts", status="nothing")) == (400, "PARSE_ERROR")

    def test_steps__page_by_page__are_all_in_order(self, ci: Program, rollout: Rollout) -> None:
        path, found = f"/rollouts/{rollout.pk}/steps", list[int]()
        cursor: dict[str, int] = {}
        while True:
            page = ci.get(path, limit=4, **cursor).json()
            found += [step["position"] for step in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}

        assert found == list(range(1, rollout.steps.count() + 1))

    @pytest.mark.parametrize("limit", [0, 201, "x", ""])
    def test_page__of_an_odd_size__is_400(self, ci: Program, limit: object) -> None:
        assert _code(ci.get("/rollouts", limit=limit)) == (400, "PARSE_ERROR")

    def test_another_environment__is_not_there(self, world: World, rollout: Rollout) -> None:
        stranger = Program(make_token(make_environment(), purpose=Purpose.MANAGE)[1])
        path = f"/rollouts/{rollout.pk}"

        assert stranger.get("/rollouts").json()["items"] == []
        for below in ("", "/steps", "/approvals"):
            assert _code(stranger.get(path + below)) == (404, "rollout_unknown")
        for action in ("pause", "resume", "cancel", "schedule", "approve"):
            assert _code(stranger.post(f"{path}/{action}", reason=WHY)) == (404, "rollout_unknown")
        answer = stranger.post(f"{path}/roll-back", reason=WHY, all=True)
        assert _code(answer) == (404, "rollout_unknown")
        assert Rollout.objects.get(pk=rollout.pk).status == Status.RUNNING

    @pytest.mark.parametrize("path", ["/releases", "/rollouts", "/complaints", "/rollouts/{}/steps"])
    def test_list__of_2_and_of_20__asks_as_often(self, world: World, ci: Program, path: str) -> None:
        asked = []
        for count in (2, 20):
            while Rollout.objects.count() < count:
                number = Rollout.objects.count()
                ci.post("/releases", RELEASE | {"version": f"2.{number}"})
                drafted = ci.post("/rollouts", PLAN).json()
                drafted["steps"] = Step.objects.filter(rollout=drafted["id"]).count()
                ci.post("/complaints", site="lyon", text=f"Wrong {number}", severity="annoying", flag="buttons")
            with CaptureQueriesContext(connection) as seen:
                items = ci.get(path.format(drafted["id"]), limit=count).json()["items"]
            asked.append((len(items), len(seen)))

        assert asked[0][0] == 2
        assert asked[1][0] == (drafted["steps"] if "steps" in path else 20)
        assert asked[0][1] == asked[1][1]


@pytest.mark.django_db
class TestPlanning:
    def test_plan__is_a_draft_with_steps(self, ci: Program) -> None:
        answer = ci.post("/rollouts", PLAN)

        assert answer.status_code == 201, answer.json()
        said = answer.json()
        assert (said["status"], said["sites"], said["epoch"]) == ("draft", ["nantes", "lyon"], 1)
        rollout = Rollout.objects.get()
        assert rollout.events.get(kind="planned").actor_label == "manage"
        assert rollout.steps.exists()

    @pytest.mark.parametrize("hour", ["06:00:00+05:00", "06:00:30", "06:00Z"])
    def test_plan__at_an_hour_of_elsewhere__is_refused(self, ci: Program, hour: str) -> None:
        answer = ci.post("/rollouts", PLAN | {"promotion_time": hour})

        assert answer.status_code == 400, answer.json()
        assert "06:00" in answer.content.decode()

    def test_body__of_another_kind__is_refused_in_words(self, world: World, ci: Program) -> None:
        raw = world.tokens[Purpose.MANAGE][1]
        client = Client(headers={"authorization": f"Bearer {raw}"}, raise_request_exception=False)

        answer = client.post("/api/v1/rollouts/1/pause", {"reason": "x"})

        assert (answer.status_code, answer.json()["errorCode"]) == (400, "PARSE_ERROR")

    @pytest.mark.parametrize("version", ["1.4.0+build.7", "2027 été", "1.4 (rc 1)"])
    def test_plan__of_a_version_that_is_no_key__is_made(self, ci: Program, version: str) -> None:
        registered = ci.post("/releases", {"version": version, "flags": ["tickets"], "reason": "Built"})
        assert registered.status_code == 201, registered.json()

        answer = ci.post("/rollouts", PLAN | {"release": version})

        assert answer.status_code == 201, answer.json()

    def test_plan__asked_again_by_the_same_name__is_planned_once(self, ci: Program) -> None:
        wish = PLAN | {"request_id": "run-4711"}
        first = ci.post("/rollouts", wish).json()

        again = ci.post("/rollouts", wish)

        assert (again.status_code, again.json()) == (201, first)
        assert Rollout.objects.count() == 1
        others = (
            {"sites": ["lyon"]},
            {"promotion_time": "07:00"},
            {"pilots": ["a", "b", "c"]},
            {"allows_holidays": True},
        )
        for other in others:
            assert _code(ci.post("/rollouts", wish | other)) == (409, "request_id_reused"), other
        assert ci.post("/rollouts", PLAN).json()["id"] != first["id"]

    def test_plan__of_a_version_with_a_build__has_a_segment_of_pilots(self, ci: Program, world: World) -> None:
        Release.objects.filter(pk=world.release.pk).update(version="1.3.0+build.7")

        answer = ci.post("/rollouts", PLAN | {"release": "1.3.0+build.7"})

        assert answer.status_code == 201, answer.json()
        pilots = Rollout.objects.get().pilots
        assert pilots is not None
        assert pilots.key == "pilots-1-3-0-build-7-staging-1"

    def test_plan__for_testers_by_conditions_alone__is_planned(self, ci: Program, world: World) -> None:
        with recorded(actor=SCHEDULER, reason=WHY, now=NOW):
            SegmentMember.objects.filter(segment=world.testers).delete()
        assert _code(ci.post("/rollouts", PLAN)) == (400, "plan_without_testers")
        condition = {"attribute": "role", "operator": "equals", "values": ["manager"]}
        Segment.objects.filter(pk=world.testers.pk).update(conditions=[condition])

        assert ci.post("/rollouts", PLAN).status_code == 201

    def test_plan__dry_run__answers_the_steps_and_writes_nothing(self, ci: Program) -> None:
        before = take_digest()

        answer = ci.post("/rollouts", PLAN | {"dry_run": True})

        assert answer.status_code == 200, answer.json()
        steps = answer.json()["steps"]
        assert {step["phase"] for step in steps} == {"internal", "pilot", "per_site", "full"}
        assert [step["site"] for step in steps if step["site"]][::3] == ["nantes", "lyon"]
        assert take_digest() == before

    def test_plan__real_days__has_moments_of_its_dates(self, ci: Program) -> None:
        wish = {name: PLAN[name] for name in PLAN if name != "day_seconds"} | {"start_on": "2099-06-01"}

        steps = ci.post("/rollouts", wish | {"dry_run": True, "promotion_time": "07:30"}).json()["steps"]

        assert steps[0]["due_at"] == "2099-06-02T07:00:00Z"
        assert {step["due_at"][11:] for step in steps if step["site"]} == {"05:30:00Z"}

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            ({"release": "9"}, "release_unknown"),
            ({"sites": ["nowhere"]}, "site_key_unknown"),
            ({"sites": []}, "plan_without_sites"),
            ({"sites": ["lyon", "lyon"]}, "site_twice"),
            ({"testers": "nobody"}, "testers_unknown"),
            ({"testers": ""}, "plan_without_testers"),
            ({"pilots": []}, "plan_without_pilots"),
            ({"pilots": ["a", "a"]}, "pilot_twice"),
            ({"template": "none"}, "template_unknown"),
            ({"day_seconds": None}, "start_missing"),
            ({"start_on": "2099-01-01"}, "start_missing"),
            ({"day_seconds": None, "start_on": "2020-01-01"}, "start_in_past"),
            ({"start_on": "9999-12-31"}, "PARSE_ERROR"),
            ({"day_seconds": 10**9}, "PARSE_ERROR"),
            ({"promotion_time": "25:00"}, "PARSE_ERROR"),
        ],
    )
    def test_plan__wrong__is_400_with_its_code(self, ci: Program, wrong: dict[str, Any], code: str) -> None:
        for dry_run in (True, False):
            assert _code(ci.post("/rollouts", PLAN | wrong | {"dry_run": dry_run})) == (400, code)
        assert not Rollout.objects.exists()


@pytest.mark.django_db
class TestDriving:
    def test_rollout__from_draft_to_a_new_attempt__is_driven_by_a_token(self, ci: Program) -> None:
        rollout_id = ci.post("/rollouts", PLAN).json()["id"]

        def act(name: str, **given: Any) -> Any:
            answer = ci.post(f"/rollouts/{rollout_id}/{name}", reason=f"{name}: {WHY}", **given)
            assert answer.status_code == 200, answer.json()
            return answer.json()

        assert act("schedule")["status"] == "scheduled"
        rollout = Rollout.objects.get()
        start = clock.now()
        now = start + timedelta(seconds=50)
        while run_next_step(rollout_id=rollout.pk, now=now) is not None:
            pass
        assert act("pause")["status"] == "paused"
        assert act("resume")["status"] == "running"
        held = act("roll-back", flags=["buttons"])
        assert (held["status"], held["held_code"]) == ("held", "flag_rolled_back")
        assert act("roll-back", all=True)["status"] == "rolled_back"
        for key in ("buttons", "tickets", "signals"):
            said = act("acknowledge", flag=key)
        assert all(flag["acknowledged_at"] for flag in said["flags"])
        assert act("redraft")["attempt"] == 2
        assert act("cancel")["status"] == "cancelled"
        told = rollout.events.get(kind="paused")
        assert (told.actor_kind, told.actor_label, told.reason) == ("token", "manage", f"pause: {WHY}")

    @pytest.mark.parametrize(
        ("action", "more"),
        [
            ("pause", {}),
            ("resume", {}),
            ("cancel", {}),
            ("roll-back", {"all": True}),
            ("acknowledge", {"flag": "buttons"}),
        ],
    )
    def test_action__on_what_changed_meanwhile__is_409_and_changes_nothing(
        self, ci: Program, rollout: Rollout, action: str, more: dict[str, Any]
    ) -> None:
        before = take_digest()

        answer = ci.post(f"/rollouts/{rollout.pk}/{action}", reason=WHY, epoch=rollout.epoch + 7, **more)

        assert _code(answer) == (409, "changed_meanwhile")
        assert take_digest() == before

    @pytest.mark.parametrize("action", ["schedule", "resume", "cancel", "redraft", "withdraw"])
    def test_action__not_of_this_state__is_409(self, ci: Program, rollout: Rollout, action: str) -> None:
        assert _code(ci.post(f"/rollouts/{rollout.pk}/{action}", reason=WHY)) == (409, "wrong_state")

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, "PARSE_ERROR"),
            ({"all": True, "flags": ["buttons"]}, "PARSE_ERROR"),
            ({"flags": []}, "PARSE_ERROR"),
            ({"flags": ["nothing"]}, "rollout_flag_unknown"),
            ({"flags": ["buttons", "nothing"]}, "rollout_flag_unknown"),
        ],
    )
    def test_roll_back__of_what__is_said_in_one_way(
        self, ci: Program, rollout: Rollout, body: dict[str, Any], code: str
    ) -> None:
        assert _code(ci.post(f"/rollouts/{rollout.pk}/roll-back", reason=WHY, **body)) == (400, code)
        assert Rollout.objects.get().status == Status.RUNNING


def test_actions__of_the_page__are_all_told_over_the_api() -> None:
    assert set(TOLD) == set(ACTIONS)


@pytest.mark.django_db
class TestApproving:
    @pytest.fixture
    def waiting(self, world: World, ci: Program) -> int:
        """A plan that a token made and asks an approval for."""
        edit_environment(
            environment_id=world.environment.pk,
            name="Staging",
            position=1,
            is_production=False,
            allowed_origins=[],
            required_approvals=1,
            actor=SCHEDULER,
            reason=WHY,
            now=NOW,
        )
        rollout_id: int = ci.post("/rollouts", PLAN).json()["id"]
        assert ci.post(f"/rollouts/{rollout_id}/request-approval", reason=WHY).json()["status"] == "awaiting_approval"
        return rollout_id

    @pytest.mark.parametrize("body", [{}, {"reason": WHY}, {"content_hash": "x", "user": 1}, [], "x"])
    def test_approve__by_a_token__is_403_whatever_it_says(self, ci: Program, waiting: int, body: Any) -> None:
        before = take_digest()

        assert _code(ci.post(f"/rollouts/{waiting}/approve", body)) == (403, "approval_by_no_person")
        assert take_digest() == before

    def test_approve__by_a_token_where_nothing_waits__is_403_too(self, ci: Program, rollout: Rollout) -> None:
        assert _code(ci.post(f"/rollouts/{rollout.pk}/approve", {})) == (403, "approval_by_no_person")

    def test_approve__by_a_person_without_a_token__is_401(self, waiting: int) -> None:
        client = sign_in_as(_person(Role.RELEASE_MANAGER))

        answer = client.post(f"/api/v1/rollouts/{waiting}/approve", {}, content_type="application/json")

        assert _code(answer) == (401, "UNAUTHORIZED")
        assert not Approval.objects.exists()

    def test_approvals__say_what_is_missing_and_who_decided(self, ci: Program, waiting: int) -> None:
        said = ci.get(f"/rollouts/{waiting}/approvals").json()
        assert (said["needed"], said["missing"], said["holds"], said["items"]) == (2, 2, False, [])
        assert _code(ci.post(f"/rollouts/{waiting}/schedule", reason=WHY)) == (409, "approval_missing")

        # Nobody knows who stands behind the token that planned: two must approve.
        for role in (Role.RELEASE_MANAGER, Role.ADMIN):
            decide_plan(
                rollout_id=waiting,
                is_approved=True,
                seen_hash=said["content_hash"],
                actor=person(_person(role)),
                reason="Read it",
                now=NOW,
            )

        said = ci.get(f"/rollouts/{waiting}/approvals").json()
        assert (said["missing"], said["holds"]) == (0, True)
        decision, _second = said["items"]
        assert (decision["decision"], decision["phase"], decision["comment"]) == ("approved", None, "Read it")
        assert ci.post(f"/rollouts/{waiting}/schedule", reason=WHY).json()["status"] == "scheduled"

    def test_request__withdrawn__is_a_draft(self, ci: Program, waiting: int) -> None:
        assert ci.post(f"/rollouts/{waiting}/withdraw", reason=WHY).json()["status"] == "draft"


def _person(role: Role) -> User:
    return create_person(username=f"a-{role.name.lower()}", roles=[role], actor=SCHEDULER, reason=WHY, now=clock.now())
