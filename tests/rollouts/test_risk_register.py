"""The register: what is written, how it moves, what the database itself refuses, and what comes with the portal."""

from datetime import date
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from core.actors import command, person
from core.errors import InvalidInput, Refusal
from core.installing import install_all
from core.roles import Role
from core.versions import get_version
from rollouts.domain.risks import EDGES, RiskCategory, RiskLevel, RiskState, raise_likelihood
from rollouts.models import Risk, RiskFlag, RiskReview
from rollouts.risk_queries import list_ratings
from rollouts.transitions.installing_risks import BUILT_IN, install_risks
from rollouts.transitions.keeping_risks import (
    RiskWords,
    edit_risk,
    move_risk,
    note_occurrence,
    rate_risk,
    take_risk,
)
from tests.factories.core import NOW, make_person
from tests.factories.risks import make_risk
from tests.factories.world import make_rehearsal, make_world

BY: dict[str, Any] = {"actor": command("ops"), "reason": "Looked at it", "now": NOW}


def test_raised__likelihood__is_one_more_and_at_most_the_highest() -> None:
    assert [raise_likelihood(one) for one in (1, 4, 5)] == [2, 5, 5]


@pytest.mark.django_db
@pytest.mark.parametrize("start", RiskState)
@pytest.mark.parametrize("end", RiskState)
def test_moves__every_pair_of_states__agree_with_the_table(start: RiskState, end: RiskState) -> None:
    risk = make_risk()
    if start is not RiskState.OPEN:
        move_risk(risk_id=risk.pk, state=start, **BY)

    if end in EDGES[start]:
        assert move_risk(risk_id=risk.pk, state=end, **BY).state == end
    else:
        with pytest.raises(Refusal, match="wrong_state"):
            move_risk(risk_id=risk.pk, state=end, **BY)
        risk.refresh_from_db()
        assert risk.state == start


@pytest.mark.django_db
def test_mitigated__without_words_about_how__is_refused() -> None:
    risk = make_risk(mitigation="  ")

    with pytest.raises(Refusal, match="risk_mitigation_missing"):
        move_risk(risk_id=risk.pk, state=RiskState.MITIGATED, **BY)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"title": "  "}, "risk_untitled"),
        ({"title": "x" * 201}, "risk_untitled"),
        ({"category": "magic"}, "risk_category_unknown"),
        ({"description": "x" * 5_001}, "risk_words_too_long"),
        ({"mitigation": "a\x00b"}, "reason_unreadable"),
        ({"owner_id": 10**9}, "owner_unfit"),
        ({"release_ids": [10**9]}, "risk_links_wrong"),
        ({"flag_ids": [10**9]}, "risk_links_wrong"),
        ({"likelihood": 0}, "risk_rating_wrong"),
        ({"impact": 6}, "risk_rating_wrong"),
    ],
)
def test_created__with_something_wrong__is_refused_and_nothing_is_kept(wrong: dict[str, Any], code: str) -> None:
    before = Risk.objects.count()

    with pytest.raises(InvalidInput, match=code):
        make_risk(**wrong)

    assert Risk.objects.count() == before


@pytest.mark.django_db
def test_owner__who_may_only_look__is_refused() -> None:
    with pytest.raises(InvalidInput, match="owner_unfit"):
        make_risk(owner_id=make_person(Role.AUDITOR).pk)
    assert make_risk(owner_id=make_person(Role.SUPPORT).pk).owner is not None


@pytest.mark.django_db
def test_edited__keeps_its_rating_and_brings_its_links_to_what_is_wished() -> None:
    world = make_world()
    first, second, third = world.flags
    risk = make_risk(likelihood=4, impact=5, flag_ids=[first.pk, second.pk])

    words = RiskWords(
        title="Another",
        category=RiskCategory.INTEGRATION,
        review_on=date(2027, 1, 15),
        release_ids=[world.release.pk],
        flag_ids=[second.pk, third.pk],
    )
    edit_risk(risk_id=risk.pk, words=words, **BY)

    risk.refresh_from_db()
    assert (risk.title, risk.likelihood, risk.impact, risk.level) == ("Another", 4, 5, RiskLevel.HIGH)
    assert {row.flag for row in risk.risk_flags.all()} == {second, third}
    assert [row.release for row in risk.risk_releases.all()] == [world.release]
    # What was linked and is no more stays in history, and what stayed was not touched.
    told = RiskFlag.history.filter(risk=risk.pk).values_list("flag__key", "history_type")
    assert sorted(told) == [("buttons", "+"), ("buttons", "-"), ("signals", "+"), ("tickets", "+")]


@pytest.mark.django_db
def test_rated__keeps_each_rating_with_its_reason_and_no_line_for_other_changes() -> None:
    risk = make_risk(likelihood=2, impact=2)
    rate_risk(risk_id=risk.pk, likelihood=4, impact=2, **(BY | {"reason": "Seen in staging"}))
    edit_risk(risk_id=risk.pk, words=RiskWords(title="Renamed", category=RiskCategory.TECHNICAL), **BY)

    rows = list_ratings(risk)

    assert [(row.likelihood, row.impact, row.history_change_reason) for row in rows] == [
        (4, 2, "Seen in staging"),
        (2, 2, "needed by a test"),
    ]


@pytest.mark.django_db
def test_settled__is_not_rated_edited_or_taken_before_it_is_open_again() -> None:
    risk = make_risk()
    move_risk(risk_id=risk.pk, state=RiskState.CLOSED, **BY)
    words = RiskWords(title="x", category=RiskCategory.TECHNICAL)

    with pytest.raises(Refusal, match="risk_settled"):
        rate_risk(risk_id=risk.pk, likelihood=1, impact=1, **BY)
    with pytest.raises(Refusal, match="risk_settled"):
        edit_risk(risk_id=risk.pk, words=words, **BY)
    with pytest.raises(Refusal, match="risk_settled"):
        take_risk(risk_id=risk.pk, actor=person(make_person(Role.RELEASE_MANAGER)), now=NOW)


@pytest.mark.django_db
def test_taken__by_a_person__is_theirs_and_a_program_owns_nothing() -> None:
    risk, user = make_risk(), make_person(Role.RELEASE_MANAGER)

    assert take_risk(risk_id=risk.pk, actor=person(user), now=NOW).owner == user
    with pytest.raises(InvalidInput, match="person_unknown"):
        take_risk(risk_id=risk.pk, actor=command("ops"), now=NOW)


@pytest.mark.django_db
def test_changed__on_what_another_person_changed__is_refused() -> None:
    risk = make_risk()
    seen = get_version(risk)
    rate_risk(risk_id=risk.pk, likelihood=1, impact=1, **BY, seen=seen)

    with pytest.raises(Refusal, match="changed_meanwhile"):
        rate_risk(risk_id=risk.pk, likelihood=5, impact=5, **BY, seen=seen)


@pytest.mark.django_db
@pytest.mark.parametrize("state", RiskState)
def test_came_true__is_likelier_by_one_and_open_whatever_it_was(state: RiskState) -> None:
    risk = make_risk(likelihood=4)
    if state is not RiskState.OPEN:
        move_risk(risk_id=risk.pk, state=state, **BY)

    found = note_occurrence(risk_id=risk.pk, **BY)

    assert (found.likelihood, found.state) == (5, RiskState.OPEN)
    assert note_occurrence(risk_id=risk.pk, **BY).likelihood == 5


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"title": ""}, "rollouts_risk_titled"),
        ({"category": "magic"}, "rollouts_risk_category_known"),
        ({"state": "lost"}, "rollouts_risk_state_known"),
        ({"likelihood": 0}, "rollouts_risk_rated"),
        ({"impact": 6}, "rollouts_risk_rated"),
        ({"state": "mitigated", "mitigation": ""}, "rollouts_risk_mitigated_how"),
        ({"built_in": BUILT_IN[0].key}, "rollouts_risk_built_in_once"),
    ],
)
def test_rows__impossible_values__are_refused(values: dict[str, Any], name: str) -> None:
    risk = make_risk()

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Risk.objects.filter(pk=risk.pk).update(**values)


@pytest.mark.django_db
def test_reviews__are_never_changed_nor_removed() -> None:
    world = make_world()
    review = RiskReview.objects.create(
        risk=make_risk(),
        rollout=make_rehearsal(world),
        attempt=1,
        likelihood=3,
        impact=3,
        words="Seen",
        reviewed_by=make_person(Role.RELEASE_MANAGER),
        reviewed_at=NOW,
    )

    with pytest.raises(DatabaseError), transaction.atomic():
        RiskReview.objects.filter(pk=review.pk).update(words="Other")
    with pytest.raises(DatabaseError), transaction.atomic():
        review.delete()


@pytest.mark.django_db
def test_linked__flag__is_linked_once() -> None:
    world = make_world()
    risk = make_risk(flag_ids=[world.flags[0].pk, world.flags[0].pk])

    assert risk.risk_flags.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO rollouts_riskflag (risk_id, flag_id) VALUES (%s, %s)", [risk.pk, world.flags[0].pk])


@pytest.mark.django_db
def test_installed__the_customers_lines_are_there_once_and_ask_without_stopping() -> None:
    risks = {risk.built_in: risk for risk in Risk.objects.exclude(built_in="")}

    assert set(risks) == {one.key for one in BUILT_IN}
    assert {risk.category for risk in risks.values()} == set(RiskCategory)
    assert {risk.level for risk in risks.values()} == {RiskLevel.MEDIUM}
    assert all(risk.mitigation and risk.owner is None and risk.is_open for risk in risks.values())

    closed = move_risk(risk_id=risks["existing_apis"].pk, state=RiskState.CLOSED, **BY)
    install_risks(now=NOW)
    install_all()

    closed.refresh_from_db()
    assert closed.state == RiskState.CLOSED
    assert Risk.objects.exclude(built_in="").count() == len(BUILT_IN)


def test_built_in__each_line__says_one_of_the_customers_strategies() -> None:
    strategies = ("Tests d’intégration complets", "éploiement progressif", "Plan de retour arrière documenté")

    assert all(any(words in one.mitigation for words in strategies) for one in BUILT_IN)
    assert all(any(words in one.mitigation for one in BUILT_IN) for words in strategies)
