"""Incidents and the register: a risk written down after one, a known one that came true, and both pages."""

from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from core.actors import SCHEDULER, person
from core.errors import InvalidInput, Refusal
from core.models import User
from core.roles import Role
from incidents.domain.lifecycle import Status
from incidents.domain.risk_links import RiskLink
from incidents.models import RiskIncident
from incidents.transitions.risking import note_case, raise_risk
from rollouts.domain.risks import RiskCategory, RiskState
from rollouts.models import Risk
from rollouts.transitions.keeping_risks import RiskWords, move_risk
from tests.factories.core import NOW, make_person
from tests.factories.incidents import make_incident, make_incident_in
from tests.factories.risks import make_risk
from tests.factories.world import WHY, make_rehearsal, make_world
from tests.signed_in import count_queries, sign_in_as
from tests.waiting import race

WORDS = RiskWords(title="Prices are cached", category=RiskCategory.TECHNICAL)


@pytest.fixture
def user() -> User:
    return make_person(Role.RELEASE_MANAGER)


@pytest.fixture
def by(user: User) -> dict[str, Any]:
    return {"actor": person(user), "reason": "Seen at the till", "now": NOW}


@pytest.mark.django_db
@pytest.mark.parametrize("status", Status)
def test_raised__from_an_incident_in_any_state__is_linked_and_in_its_timeline(
    by: dict[str, Any], user: User, status: Status
) -> None:
    incident = make_incident_in(status)

    link = raise_risk(incident_id=incident.pk, words=WORDS, likelihood=4, impact=5, **by)

    assert (link.kind, link.linked_by, link.risk.title, link.risk.score) == (RiskLink.RAISED, user, WORDS.title, 20)
    entry = incident.timeline.get(code="risk_raised")
    assert (entry.data["risk"], entry.note) == (link.risk.pk, "Seen at the till")


@pytest.mark.django_db
def test_raised__with_something_wrong__leaves_nothing(by: dict[str, Any]) -> None:
    incident, before = make_incident(), Risk.objects.count()

    with pytest.raises(InvalidInput, match="risk_untitled"):
        raise_risk(incident_id=incident.pk, words=RiskWords("", "technical"), likelihood=4, impact=5, **by)

    assert (Risk.objects.count(), RiskIncident.objects.count()) == (before, 0)


@pytest.mark.django_db
def test_case__of_a_known_risk__makes_it_likelier_and_open_with_the_reason_in_history(by: dict[str, Any]) -> None:
    incident, risk = make_incident(), make_risk(likelihood=2)
    move_risk(risk_id=risk.pk, state=RiskState.ACCEPTED, actor=SCHEDULER, reason=WHY, now=NOW)

    link = note_case(incident_id=incident.pk, risk_id=risk.pk, **by)

    risk.refresh_from_db()
    assert (link.kind, risk.likelihood, risk.state) == (RiskLink.CASE, 3, RiskState.OPEN)
    assert risk.history.latest().history_change_reason == "Seen at the till"
    assert incident.timeline.get(code="risk_came_true").data["likelihood"] == 3


@pytest.mark.django_db
def test_case__twice_or_of_nothing__is_refused_and_raises_nothing(by: dict[str, Any]) -> None:
    incident, risk = make_incident(), make_risk(likelihood=2)
    note_case(incident_id=incident.pk, risk_id=risk.pk, **by)

    with pytest.raises(Refusal, match="risk_linked_already"):
        note_case(incident_id=incident.pk, risk_id=risk.pk, **by)
    with pytest.raises(InvalidInput, match="risk_unknown"):
        note_case(incident_id=incident.pk, risk_id=10**9, **by)

    risk.refresh_from_db()
    assert risk.likelihood == 3


@pytest.mark.django_db(transaction=True)
def test_case__by_two_people_at_once__counts_once() -> None:
    incident, risk = make_incident(), make_risk(likelihood=1)
    users = [make_person(Role.RELEASE_MANAGER) for _user in range(2)]
    note = partial(note_case, incident_id=incident.pk, risk_id=risk.pk, reason=WHY, now=NOW)

    ended = race(partial(note, actor=person(users[0])), partial(note, actor=person(users[1])))

    assert ended == "risk_linked_already"
    risk.refresh_from_db()
    assert risk.likelihood == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "name"), [({"kind": "rumour"}, "incidents_risk_link_known"), ({"incident": None}, "incident_id")]
)
def test_rows__impossible_values__are_refused(by: dict[str, Any], values: dict[str, Any], name: str) -> None:
    link = note_case(incident_id=make_incident().pk, risk_id=make_risk().pk, **by)

    with pytest.raises((IntegrityError, DatabaseError), match=name), transaction.atomic():
        RiskIncident.objects.filter(pk=link.pk).update(**values)


@pytest.mark.django_db
def test_page__of_an_incident__prefills_its_title_flags_and_release(user: User) -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    incident = make_incident(world.environment, flag_keys=["buttons"], title="Prices are wrong in Lyon")
    type(incident).objects.filter(pk=incident.pk).update(rollout=rollout)

    page = sign_in_as(user).get(f"/incidents/{incident.pk}/risks/").content.decode()

    assert 'value="Prices are wrong in Lyon"' in page
    assert '<option value="1.3" selected>' in page
    assert '<option value="buttons" selected>' in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["came true with it", "A known risk came true"]),
        ("fr", ["réalisé avec lui", "Un risque connu s’est réalisé"]),
    ],
    ids=["en", "fr"],
)
def test_pages__both_ways__lead_to_each_other(user: User, language: str, words: list[str]) -> None:
    incident, risk, client = make_incident(), make_risk(likelihood=2), sign_in_as(user, language=language)
    path = f"/incidents/{incident.pk}/risks/"

    answer = client.post(path, {"do": "case", "case-risk": risk.pk, "case-reason": "Seen in Lyon"})

    assert (answer.status_code, answer["Location"]) == (302, path)
    for page in (path, f"/incidents/{incident.pk}/", f"/incidents/{incident.pk}/post-mortem/"):
        shown = client.get(page).content.decode()
        assert f"/rollouts/risks/{risk.pk}/" in shown, page
        assert words[0] in shown, page
    assert words[1] in client.get(f"/incidents/{incident.pk}/").content.decode()
    shown = client.get(f"/rollouts/risks/{risk.pk}/").content.decode()
    assert f"/incidents/{incident.pk}/" in shown
    assert "Seen in Lyon" in shown


@pytest.mark.django_db
def test_page__wrong_or_twice__says_so_beside_the_form(user: User) -> None:
    incident, risk, client = make_incident(), make_risk(), sign_in_as(user)
    path, case = f"/incidents/{incident.pk}/risks/", {"do": "case", "case-risk": risk.pk, "case-reason": "Seen"}
    new = {"do": "raise", "raise-title": "New one", "raise-category": "technical", "raise-reason": "Seen"}
    new |= {"raise-likelihood": "2", "raise-impact": "2"}

    assert client.post(path, case | {"case-reason": ""}).status_code == 400
    assert client.post(path, {"do": "raise", "raise-title": "x"}).status_code == 400
    assert client.post(path, new).status_code == 302
    assert Risk.objects.latest("pk").title == "New one"
    assert client.post(path, case).status_code == 302
    assert client.post(path, case).status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.SUPPORT, Role.AUDITOR])
def test_page__for_those_who_read__offers_nothing_and_takes_nothing(role: Role) -> None:
    incident, client = make_incident(), sign_in_as(make_person(role))
    path = f"/incidents/{incident.pk}/risks/"

    page = client.get(path).content.decode()

    assert 'name="raise-title"' not in page
    assert client.post(path, {"do": "case", "case-risk": make_risk().pk, "case-reason": "x"}).status_code == 403


@pytest.mark.django_db
def test_pages__with_many_links__ask_no_more_than_with_two(user: User, by: dict[str, Any]) -> None:
    incident, client = make_incident(), sign_in_as(user)
    risk = make_risk()
    paths = [f"/incidents/{incident.pk}/", f"/incidents/{incident.pk}/risks/", f"/rollouts/risks/{risk.pk}/"]

    def link(number: int) -> None:
        for _one in range(number):
            note_case(incident_id=incident.pk, risk_id=make_risk().pk, **by)
            note_case(incident_id=make_incident().pk, risk_id=risk.pk, **by)

    link(2)
    few = [count_queries(client, path) for path in paths]
    link(10)
    assert [count_queries(client, path) for path in paths] == few
