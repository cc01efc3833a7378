"""What each app says is due, of things led there by real transitions: whose, by when, in how many queries."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from core.actors import SCHEDULER, person
from core.history import recorded
from core.models import User
from core.roles import Role
from flags.models import FlagState
from flags.transitions import NewMember, create_flag, edit_environment
from incidents.call_back_intake import take_in_restored
from incidents.domain.lifecycle import Status
from incidents.domain.reviewing import Stage
from incidents.domain.tiers import Tier
from incidents.transitions import confirm_restored, finish_action_item, link_complaints
from notifications import due
from notifications.domain.audience import Audience
from notifications.domain.due import DueItem, divide
from notifications.due import list_due_items, list_sources
from notifications.due_queries import list_everybodys_due, list_own_due
from notifications.personal_queries import as_persons, list_everybody
from procedures.following import open_new
from recovery.domain.lifecycle import DrillStatus, Kind
from recovery.domain.lifecycle import Status as OperationStatus
from recovery.models import Drill, Operation
from rollouts.approval_queries import map_authors, weigh_plan_approval
from rollouts.drawing import PlanRequest
from rollouts.models import Rollout, Trigger
from rollouts.transitions import plan_rollout, roll_back
from rollouts.transitions.approving import decide_plan, request_approval
from rollouts.transitions.rostering import add_shift
from tests.factories.announcements import make_draft, publish
from tests.factories.core import NOW, make_person
from tests.factories.feedback import at, make_trial, run
from tests.factories.flags import make_environment, make_site
from tests.factories.health import make_complaint
from tests.factories.incidents import learn, make_incident, make_incident_in, make_measure
from tests.factories.investigations import make_investigation
from tests.factories.risks import make_risk
from tests.factories.world import NOW as PLANNED_AT
from tests.factories.world import WHY, World, make_rehearsal, make_world, reload
from tests.recovery.operations import make_target
from tests.signed_in import sign_in_as

pytestmark = pytest.mark.django_db

BY: dict[str, Any] = {"reason": WHY, "now": NOW}
PLANNED: dict[str, Any] = {"reason": WHY, "now": PLANNED_AT}
WEEK = timedelta(days=8)


@pytest.fixture
def manager() -> User:
    return make_person(Role.RELEASE_MANAGER, language="en")


@pytest.fixture
def helper() -> User:
    return make_person(Role.SUPPORT, language="en")


def _due(source: str, user: User, *, now: datetime = NOW, ahead: timedelta = WEEK) -> list[tuple[str, Any]]:
    """Return title and date of what a person is to do by one source."""
    with translation.override("en"):
        mine = divide(list_due_items(now=now, until=now + ahead), as_persons(list_everybody()))[user.pk]
        return [(item.title, item.due) for item in mine if item.source == source]


def _titles(source: str, user: User, **given: Any) -> list[str]:
    return [title for title, _due_at in _due(source, user, **given)]


def test_incidents__running__are_their_commanders_else_the_crews(manager: User, helper: User) -> None:
    nobodys = make_incident(title="Till is down", tier=Tier.CRITICAL)
    make_incident(title="Over", actor=person(helper))
    make_incident_in(Status.RESOLVED)

    assert (f"Incident {nobodys.pk} is to be restored: Till is down", NOW + timedelta(hours=1)) in _due(
        "incidents", manager
    )


def test_words__nothing_said_yet__are_due_in_minutes(manager: User) -> None:
    incident = make_incident(title="Till is down")

    assert _due("words", manager) == [
        (f"The public waits for a word on incident {incident.pk}: Till is down", NOW + timedelta(minutes=5))
    ]


def test_measures__open_and_done__are_the_owners_and_then_somebody_elses(manager: User, helper: User) -> None:
    other = make_person(Role.RELEASE_MANAGER)
    incident = make_incident()
    mine = make_measure(incident, user=helper, title="Test it", owner_id=helper.pk, due_on=date(2026, 11, 6))
    make_measure(incident, user=helper, title="Far away", owner_id=helper.pk, due_on=date(2027, 1, 6))
    done = make_measure(incident, user=manager, title="Seen to", owner_id=manager.pk)
    finish_action_item(incident_id=incident.pk, item_id=done.pk, reason="Here", actor=person(manager), now=NOW)

    assert _due("measures", helper) == [(f"Test it (incident {incident.pk})", mine.due_on)]
    assert _due("measures", manager) == []
    assert _due("measures", other) == [(f"To be verified: Seen to (incident {incident.pk})", date(2026, 11, 11))]


def test_post_mortems__draft_then_in_review__are_the_authors_then_the_others(manager: User, helper: User) -> None:
    incident = make_incident(tier=Tier.CRITICAL)
    confirm_restored(incident_id=incident.pk, actor=person(helper), **BY)
    incident.refresh_from_db()
    learn(incident, user=helper, until=Stage.IN_REVIEW)

    assert _titles("post_mortems", manager) == [
        f"The post-mortem of incident {incident.pk} waits for a review: {incident.title}"
    ]
    assert _titles("post_mortems", helper) == []


def test_calls__of_a_shop__are_one_item_for_who_is_on_duty(helper: User) -> None:
    environment, site = make_environment(), make_site(name="Lyon")
    incident = make_incident(environment)
    complaints = [make_complaint(environment=environment, site=site) for _ in range(2)]
    link_complaints(incident_id=incident.pk, complaint_ids=[one.pk for one in complaints], actor=person(helper), **BY)
    confirm_restored(incident_id=incident.pk, actor=person(helper), **BY)
    take_in_restored(incident.pk, now=NOW)

    assert _titles("call_backs", helper) == ["People to call back at Lyon: 2"]
    duty = make_person(Role.SUPPORT, full_name="Ana Roux")
    add_shift(
        site_id=None,
        starts_on=NOW.date(),
        ends_on=NOW.date() + timedelta(days=1),
        name="Ana Roux",
        phone="01 02 03 04 05",
        hours="",
        actor=SCHEDULER,
        **BY,
    )
    assert _titles("call_backs", helper) == []
    assert _titles("call_backs", duty) == ["People to call back at Lyon: 2"]
    assert _due("duty", duty) == [("You are on duty for every shop", NOW.date())]


def test_risks__with_a_day__are_their_owners_on_it(manager: User, helper: User) -> None:
    make_risk(title="Rounding", owner_id=helper.pk, review_on=date(2026, 11, 1))
    make_risk(title="Nobody’s", review_on=date(2026, 11, 9))
    make_risk(title="Without a day")

    assert _due("risks", helper) == [("To be looked at again: Rounding", date(2026, 11, 1))]
    assert _due("risks", manager) == [("To be looked at again: Nobody’s", date(2026, 11, 9))]


def test_flags__to_be_removed__now_and_soon(manager: User) -> None:
    owner = make_person(Role.SUPPORT, full_name="Till Team")
    for key, day, named in (("old", 1, "till team"), ("soon", 9, ""), ("later", 29, "")):
        create_flag(key=key, name=key.title(), owner=named, expires_on=date(2026, 11, day), actor=SCHEDULER, **BY)

    assert _due("flags", owner) == [("Old (old) is to leave the code", date(2026, 11, 1))]
    assert _titles("flags", manager) == ["Soon (soon) is to leave the code"]


def test_announcements__that_promised_an_update__are_due_until_somebody_says_it(manager: User, helper: User) -> None:
    environment, soon, later = make_environment(), NOW + timedelta(hours=2), NOW + timedelta(days=30)
    said = publish(make_draft(environment, actor=person(manager), next_update_at=soon), user=manager)
    publish(make_draft(environment, actor=person(manager), next_update_at=later), user=manager)

    assert _due("announcements", manager) == [(f"How it stands is to be said: {said}", soon)]
    assert _due("announcements", helper) == []

    publish(make_draft(environment, actor=person(manager), follows_id=said.pk), user=manager)
    assert _due("announcements", manager) == []


def test_steps__of_real_days__are_one_item_a_day(manager: User, helper: User) -> None:
    make_trial(make_world())
    now = at(25, 5)

    told = _due("steps", manager, now=now)

    assert [due_at.astimezone(at(25, 0).tzinfo).date() for _title, due_at in told] == [
        date(2026, 11, 25),
        date(2026, 11, 27),
    ]
    assert told[0] == ("1.3 in staging goes on by itself, steps: 3", at(25, 6).astimezone(UTC))
    assert _due("steps", helper, now=now) == []


def test_steps__of_a_rehearsal__are_nobodys(manager: User) -> None:
    make_rehearsal(make_world())

    assert _due("steps", manager, now=PLANNED_AT) == []


def test_investigations__open__are_the_crews(manager: User, helper: User) -> None:
    world = make_world()
    rollout = make_trial(world)
    run(rollout, now=at(25, 6))
    opened = make_investigation(rollout, now=at(25, 7))

    for user in (manager, helper):
        assert _due("investigations", user, now=at(25, 8)) == [
            ("To be looked into: a guardrail of 1.3 in staging", opened.deadline_at)
        ]


def _ask_for_approval(world: World, author: User) -> Rollout:
    edit_environment(
        environment_id=world.environment.pk,
        name="Staging",
        position=1,
        is_production=False,
        allowed_origins=[],
        required_approvals=2,
        actor=SCHEDULER,
        **PLANNED,
    )
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=(NewMember("cashier-1"),),
        site_ids=tuple(site.pk for site in world.sites),
        start_on=date(2026, 11, 27),
    )
    rollout = plan_rollout(request=request, actor=person(author), **PLANNED)
    return request_approval(rollout_id=rollout.pk, actor=person(author), **PLANNED)


def test_approvals__asked_for__are_those_of_who_may_and_has_not(manager: User, helper: User) -> None:
    author, other = make_person(Role.RELEASE_MANAGER), make_person(Role.RELEASE_MANAGER)
    rollout = _ask_for_approval(make_world(), author)
    seen = weigh_plan_approval(reload(rollout)).content_hash

    assert _titles("approvals", manager, now=PLANNED_AT) == ["The plan of 1.3 in staging waits for approval"]
    assert _titles("approvals", author, now=PLANNED_AT) == _titles("approvals", helper, now=PLANNED_AT) == []
    decide_plan(rollout_id=rollout.pk, is_approved=True, seen_hash=seen, actor=person(other), **PLANNED)
    assert _titles("approvals", other, now=PLANNED_AT) == []
    assert _titles("approvals", manager, now=PLANNED_AT) == ["The plan of 1.3 in staging waits for approval"]
    assert map_authors([rollout]) == {rollout.pk: {author.pk}}


def test_operations__waiting_or_failed__are_of_who_drives(manager: User, helper: User) -> None:
    environment = make_environment()
    for number, status in enumerate((OperationStatus.WAITING, OperationStatus.FAILED, OperationStatus.RUNNING)):
        target = make_target(environment, key=f"shop{number}", name=f"Shop {number}")
        with recorded(actor=SCHEDULER, **BY):
            Operation(
                kind=Kind.ROLL_BACK,
                target=target,
                status=status,
                asked_by="Mia",
                asked_at=NOW,
                deadline_at=NOW + timedelta(minutes=5),
            ).save()

    told = _due("operations", manager)

    assert told == [
        (f"Shop 0 in {environment.key} waits for your answer: rollback", NOW + timedelta(minutes=5)),
        (f"Shop 1 in {environment.key} stands still: rollback", NOW + timedelta(minutes=5)),
    ]
    assert _due("operations", helper) == []


def test_drills__none_passed_this_month__are_due_from_their_day(manager: User) -> None:
    environment = make_environment(is_production=True)
    create_flag(key="buttons", name="Buttons", actor=SCHEDULER, **BY)
    assert FlagState.objects.filter(environment=environment).exists()
    told = [(f"A drill of {environment.key} is to pass this month", date(2026, 11, 2))]

    assert _due("drills", manager) == told
    with recorded(actor=SCHEDULER, **BY):
        Drill(environment=environment, status=DrillStatus.PASSED, asked_by="x", asked_at=NOW, ended_at=NOW).save()
    assert _due("drills", manager) == []
    assert _due("drills", manager, now=NOW + timedelta(days=30)) == [(told[0][0], date(2026, 12, 2))]


def test_procedures__with_answers_open__are_the_crews_but_not_of_rehearsals(helper: User) -> None:
    world = make_world()
    real = make_trial(world)
    run(real, now=at(25, 6))
    roll_back(
        rollout_id=real.pk, flag_ids=None, trigger=Trigger.MANUAL, actor=SCHEDULER, reason="wrong totals", now=at(25, 9)
    )
    open_new(now=at(25, 9))

    [(title, _due_at)] = _due("procedures", helper, now=at(25, 9))

    assert title.startswith("Rollback in staging (feature by feature), answers open: ")


def _more_incidents() -> None:
    incident = make_incident()
    user = make_person(Role.SUPPORT)
    make_measure(incident, user=user)
    critical = make_incident(tier=Tier.CRITICAL)
    confirm_restored(incident_id=critical.pk, actor=person(user), **BY)


def _more_risks() -> None:
    make_risk(review_on=date(2026, 11, 4), owner_id=make_person(Role.SUPPORT).pk)


def _more_flags() -> None:
    number = FlagState.objects.count()
    create_flag(
        key=f"flag{number}", name="x", owner=f"Owner {number}", expires_on=date(2026, 11, 1), actor=SCHEDULER, **BY
    )


@pytest.mark.parametrize("more", [_more_incidents, _more_risks, _more_flags])
def test_sources__at_one_and_at_many__ask_the_same_number_of_queries(more: Callable[[], None]) -> None:
    make_environment(is_production=True)
    for _ in range(2):
        more()
    few = _count_queries()
    for _ in range(4):
        more()
        make_person(Role.SUPPORT)

    assert _count_queries() == few


def _count_queries() -> dict[str, int]:
    counted = {}
    for source in list_sources():
        with CaptureQueriesContext(connection) as queries:
            list(source.list_due(now=NOW, until=NOW + WEEK))
        counted[source.key] = len(queries)
    return counted


def test_sources__of_every_app__are_there() -> None:
    assert {source.key for source in list_sources()} == {
        *("incidents", "words", "call_backs", "measures", "post_mortems"),
        *("investigations", "approvals", "checklists", "steps", "risks", "duty"),
        *("flags", "operations", "drills", "procedures", "announcements"),
    }


@pytest.fixture
def things(monkeypatch: pytest.MonkeyPatch) -> list[DueItem]:
    found: list[DueItem] = []
    monkeypatch.setattr(due, "_SOURCES", {})
    due.register("things", "Thing", lambda *, now, until: list(found))
    return found


@pytest.mark.parametrize("role", list(Role))
def test_page__of_everybody__is_for_who_drives_or_audits(role: Role) -> None:
    client = sign_in_as(make_person(role, language="en"), language="en")
    owner = make_person(Role.SUPPORT, full_name="Zoé Named")
    make_risk(title="Of Zoé", owner_id=owner.pk, review_on=date(2026, 11, 1))
    make_risk(title="Of nobody", review_on=date(2026, 11, 1))

    page = client.get("/due/?who=all").content.decode()

    may = role in {Role.RELEASE_MANAGER, Role.ADMIN, Role.AUDITOR}
    assert ("Zoé Named" in page) is may
    assert ("For whoever is: release manager, admin" in page) is may
    own = client.get("/due/").content.decode()
    assert "Of Zoé" not in own
    assert ("Of nobody" in own) is (role in {Role.RELEASE_MANAGER, Role.ADMIN})


def test_page__nothing__says_so(helper: User) -> None:
    page = sign_in_as(helper, language="en").get("/due/").content.decode()

    assert "Nothing is due for you within the next month." in page


def test_dashboard__asks_for_the_count_alone(manager: User) -> None:
    make_risk(review_on=date(2026, 11, 1))
    client = sign_in_as(manager, language="en")

    answer = client.get("/due/", headers={"hx-request": "true"}).content.decode()

    assert "1 overdue" in answer
    assert "<html" not in answer
    assert 'hx-get="/due/"' in client.get("/").content.decode()


def test_everybodys__of_two_named__stands_with_each(things: list[DueItem], manager: User, helper: User) -> None:
    things.append(
        DueItem(words="Both", due=NOW, url="/", audience=Audience(user_ids=frozenset({manager.pk, helper.pk})))
    )

    shares = list_everybodys_due(now=NOW)

    assert {share.person for share in shares} == {manager, helper}
    assert [item.title for item in list_own_due(helper, now=NOW)] == ["Both"]
