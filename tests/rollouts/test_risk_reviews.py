"""Risks are rated when a rollout is planned: which are its, what a review is good for, and what waits for one."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Max

from core.actors import SCHEDULER, person, token
from core.errors import NotAllowed, Refusal
from core.models import User
from core.roles import Role
from flags.transitions import NewMember, edit_environment
from rollouts.domain.lifecycle import Status
from rollouts.domain.risks import RiskState
from rollouts.drawing import PlanRequest
from rollouts.models import Risk, RiskReview, Rollout
from rollouts.risk_queries import check_risks, list_risks_ahead
from rollouts.story_words import say_event
from rollouts.transitions import cancel_rollout, create_release, plan_rollout, schedule_rollout
from rollouts.transitions.approving import decide_plan, request_approval
from rollouts.transitions.keeping_risks import move_risk, rate_risk
from rollouts.transitions.reviewing_risks import review_risk
from tests.factories.core import make_person
from tests.factories.flags import make_flag
from tests.factories.risks import make_risk
from tests.factories.world import NOW, WHY, World, make_world, reload
from tests.signed_in import count_queries, sign_in_as

pytestmark = pytest.mark.django_db

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY, "now": NOW}


@pytest.fixture
def world() -> World:
    world = make_world()
    edit_environment(
        environment_id=world.environment.pk,
        name="Staging",
        position=1,
        is_production=False,
        allowed_origins=[],
        required_approvals=1,
        **BY,
    )
    for risk in Risk.objects.exclude(built_in=""):
        move_risk(risk_id=risk.pk, state=RiskState.CLOSED, **BY)
    return world


@pytest.fixture
def user() -> User:
    return make_person(Role.RELEASE_MANAGER)


@pytest.fixture
def draft(world: World) -> Rollout:
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in world.sites),
        day_seconds=60,
    )
    return plan_rollout(request=request, **BY)


def _review(rollout: Rollout, risk: Risk, user: User, *, likelihood: int | None = None, **given: Any) -> RiskReview:
    wanted: dict[str, Any] = {
        "likelihood": likelihood or risk.likelihood,
        "impact": risk.impact,
        "actor": person(user),
        "reason": "The tests cover it",
        "now": NOW,
    }
    return review_risk(rollout_id=rollout.pk, risk_id=risk.pk, **(wanted | given))


def test_risks__of_a_plan__are_open_ones_of_its_release_its_flags_and_of_every_rollout(
    world: World, draft: Rollout
) -> None:
    other = create_release(version="1.4", flag_ids=[make_flag().pk], **BY)
    general = make_risk(likelihood=1, impact=1)
    of_release = make_risk(likelihood=2, impact=2, release_ids=[world.release.pk, other.pk])
    of_flag = make_risk(likelihood=5, impact=5, flag_ids=[world.flags[0].pk, world.flags[1].pk])
    make_risk(release_ids=[other.pk])
    make_risk(flag_ids=[make_flag().pk])
    accepted = make_risk()
    move_risk(risk_id=accepted.pk, state=RiskState.ACCEPTED, **BY)

    assert [one.risk for one in check_risks(draft).risks] == [of_flag, of_release, general]
    assert list_risks_ahead(world.release.pk) == [of_flag, of_release, general]


def test_built_in__lines__ask_every_plan_and_stop_none(draft: Rollout) -> None:
    for risk in Risk.objects.exclude(built_in=""):
        move_risk(risk_id=risk.pk, state=RiskState.OPEN, **BY)

    check = check_risks(draft)

    assert (len(check.risks), check.reviewed, check.blocking) == (5, 0, [])
    assert request_approval(rollout_id=draft.pk, **BY).status == Status.AWAITING_APPROVAL


def test_high__unreviewed__keeps_a_plan_from_approval_until_a_person_has_looked(draft: Rollout, user: User) -> None:
    risk = make_risk(likelihood=5, impact=3, title="Prices are cached")

    with pytest.raises(Refusal, match="risks_unreviewed") as refused:
        request_approval(rollout_id=draft.pk, **BY)
    assert refused.value.data == {"risks": ["Prices are cached"]}
    assert reload(draft).status == Status.DRAFT

    _review(draft, risk, user)
    assert request_approval(rollout_id=draft.pk, **BY).status == Status.AWAITING_APPROVAL


def test_high__brought_down_by_the_review__no_longer_stops_and_is_rated_so_everywhere(
    draft: Rollout, user: User
) -> None:
    risk = make_risk(likelihood=5, impact=4)

    review = _review(draft, risk, user, likelihood=2)

    risk.refresh_from_db()
    assert (risk.likelihood, review.likelihood, review.reviewed_by) == (2, 2, user)
    assert request_approval(rollout_id=draft.pk, **BY).status == Status.AWAITING_APPROVAL


def test_review__of_what_is_rated_otherwise_since__counts_no_more(draft: Rollout, user: User) -> None:
    risk = make_risk(likelihood=4, impact=4)
    _review(draft, risk, user)
    assert check_risks(draft).reviewed == 1

    rate_risk(risk_id=risk.pk, likelihood=5, impact=4, **BY)

    [one] = check_risks(draft).risks
    assert (one.is_reviewed, one.is_raised_since) == (False, True)
    with pytest.raises(Refusal, match="risks_unreviewed"):
        request_approval(rollout_id=draft.pk, **BY)


def test_review__of_another_attempt__counts_no_more(draft: Rollout, user: User) -> None:
    _review(draft, make_risk(), user)
    draft.attempt += 1

    assert check_risks(draft).reviewed == 0


def test_review__voids_no_approval_and_makes_nobody_an_author(draft: Rollout, user: User) -> None:
    risk = make_risk()
    request_approval(rollout_id=draft.pk, **BY)
    _review(draft, risk, user)

    page = sign_in_as(user).get(f"/rollouts/{draft.pk}/")
    seen = page.context["card"].state.content_hash
    decide_plan(
        rollout_id=draft.pk, is_approved=True, seen_hash=seen, actor=person(user), reason="Looks right", now=NOW
    )

    assert schedule_rollout(rollout_id=draft.pk, **BY).status == Status.SCHEDULED


def test_review__stands_in_the_story(draft: Rollout, user: User) -> None:
    _review(draft, make_risk(title="Prices are cached"), user)

    event = draft.events.get(kind="risk_reviewed")
    assert "Prices are cached" in say_event(kind=event.kind, data=event.data)
    assert (event.actor_user, event.reason) == (user, "The tests cover it")


def test_review__by_a_program_of_a_stranger_or_too_late__is_refused(world: World, draft: Rollout, user: User) -> None:
    risk = make_risk()
    other = make_risk(flag_ids=[make_flag().pk])

    with pytest.raises(NotAllowed, match="risk_review_by_no_person"):
        _review(draft, risk, user, actor=token("ci"))
    with pytest.raises(Refusal, match="risk_elsewhere"):
        _review(draft, other, user)
    move_risk(risk_id=other.pk, state=RiskState.CLOSED, **BY)
    with pytest.raises(Refusal, match="risk_settled"):
        _review(draft, other, user)
    with pytest.raises(Refusal, match="reason"):
        _review(draft, risk, user, reason=" ")
    cancel_rollout(rollout_id=draft.pk, **BY)
    with pytest.raises(Refusal, match="risk_review_too_late"):
        _review(draft, risk, user)
    assert not RiskReview.objects.exists()


def test_ended__rollout__shows_what_was_reviewed_for_it_alone(draft: Rollout, user: User) -> None:
    reviewed = make_risk()
    make_risk()
    _review(draft, reviewed, user)
    move_risk(risk_id=reviewed.pk, state=RiskState.CLOSED, **BY)

    assert [one.risk for one in check_risks(cancel_rollout(rollout_id=draft.pk, **BY)).risks] == [reviewed]


@pytest.mark.parametrize(("language", "words"), [("en", "0 of 1 reviewed"), ("fr", "0 revus sur 1")], ids=["en", "fr"])
def test_page__of_a_draft__names_the_gap_and_offers_no_request(
    draft: Rollout, user: User, language: str, words: str
) -> None:
    risk = make_risk(likelihood=5, impact=5, title="Prices are cached")
    client = sign_in_as(user, language=language)

    page = client.get(f"/rollouts/{draft.pk}/").content.decode()

    assert words in page
    assert f"/rollouts/{draft.pk}/risks/" in page
    assert f"/rollouts/{draft.pk}/request_approval/" not in page
    _review(draft, risk, user)
    assert f"/rollouts/{draft.pk}/request_approval/" in client.get(f"/rollouts/{draft.pk}/").content.decode()


def test_page__of_reviews__takes_one_and_says_what_is_wrong(draft: Rollout, user: User) -> None:
    risk, client, path = make_risk(), sign_in_as(user), f"/rollouts/{draft.pk}/risks/"
    version = risk.history.aggregate(newest=Max("history_id"))["newest"]
    sound = {"risk": risk.pk, "version": version, "likelihood": "4", "impact": "3", "reason": "Seen in staging"}

    assert client.post(path, sound | {"reason": ""}).status_code == 400
    assert client.post(path, sound | {"likelihood": "9"}).status_code == 400
    assert client.post(path, sound | {"version": "1"}).status_code == 409
    assert client.post(path, sound | {"risk": "0"}).status_code == 400
    assert not RiskReview.objects.exists()
    assert client.post(path, sound).status_code == 302
    assert RiskReview.objects.get().words == "Seen in staging"
    risk.refresh_from_db()
    assert risk.likelihood == 4


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.AUDITOR])
def test_page__of_reviews__is_read_by_others_and_written_by_none_of_them(draft: Rollout, role: Role) -> None:
    make_risk(title="Prices are cached")
    client, path = sign_in_as(make_person(role)), f"/rollouts/{draft.pk}/risks/"

    page = client.get(path).content.decode()

    assert "Prices are cached" in page
    assert 'name="likelihood"' not in page
    assert client.post(path, {}).status_code == 403


def test_pages__with_many_risks__ask_no_more_than_with_two(draft: Rollout, user: User) -> None:
    client = sign_in_as(user)
    paths = [f"/rollouts/{draft.pk}/", f"/rollouts/{draft.pk}/risks/"]
    for _risk in range(2):
        _review(draft, make_risk(), user, now=NOW + timedelta(seconds=1))
    few = [count_queries(client, path) for path in paths]

    for _risk in range(18):
        _review(draft, make_risk(owner_id=user.pk), user)

    assert [count_queries(client, path) for path in paths] == few
