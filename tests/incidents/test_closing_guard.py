"""Nothing closes or is published with missing parts: by the portal's writes, and by the database behind them."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from core.actors import command, person
from core.errors import Refusal
from core.history import recorded
from core.labels import say_refusal
from core.roles import Role
from incidents.domain.lifecycle import Status
from incidents.domain.measuring import MeasureState
from incidents.domain.reviewing import Stage
from incidents.domain.tiers import Tier
from incidents.models import ActionItem, ActionKind, Incident, PostMortem, PostMortemAuthor
from incidents.transitions import (
    ask_for_post_mortem,
    change_tier,
    close_incident,
    confirm_restored,
    drop_action_item,
    publish_post_mortem,
    reopen_incident,
    withdraw_post_mortem,
)
from tests.factories.core import NOW, make_person
from tests.factories.incidents import learn, make_incident, make_incident_in, make_measure, write

pytestmark = pytest.mark.django_db
BASIC = ["root_cause_missing", "documentation_missing", "measures_missing"]
SECTIONS = ["impact_missing", "detection_missing", "went_well_missing", "went_badly_missing", "lucky_missing"]


def _by() -> dict[str, Any]:
    return {"actor": person(make_person(Role.RELEASE_MANAGER)), "reason": "said so", "now": NOW}


def _resolved(tier: Tier = Tier.IMPORTANT, **given: Any) -> Incident:
    incident = make_incident(tier=tier, **given)
    return confirm_restored(incident_id=incident.pk, **_by())


def _gaps(incident: Incident) -> list[str]:
    with pytest.raises(Refusal, match="post_mortem_incomplete") as refused:
        close_incident(incident_id=incident.pk, **_by())
    return list(refused.value.data["gaps"])


@pytest.mark.parametrize("tier", [Tier.CRITICAL, Tier.IMPORTANT])
def test_close__nothing_learnt__names_everything_at_once(tier: Tier) -> None:
    incident = _resolved(tier)

    assert _gaps(incident) == [*BASIC, *SECTIONS, "not_approved", "not_published"]


def test_close__minor__asks_for_cause_documentation_and_measure_only() -> None:
    incident = _resolved(Tier.MINOR)
    assert _gaps(incident) == BASIC
    write(incident, texts={"impact": "", "detection": "", "lucky": "", "went_well": "", "went_badly": ""})
    make_measure(incident, user=make_person(Role.SUPPORT))

    assert close_incident(incident_id=incident.pk, **_by()).status == Status.CLOSED


def test_close__minor_with_a_wish_or_raised_before__asks_for_the_whole() -> None:
    wished, raised = _resolved(Tier.MINOR), make_incident(tier=Tier.MINOR)
    ask_for_post_mortem(incident_id=wished.pk, **_by())
    change_tier(incident_id=raised.pk, tier=Tier.IMPORTANT, **_by())
    change_tier(incident_id=raised.pk, tier=Tier.MINOR, **_by())
    confirm_restored(incident_id=raised.pk, **_by())

    for incident in (wished, raised):
        learn(incident, until=Stage.APPROVED)
        assert _gaps(incident) == ["not_published"]
        publish_post_mortem(incident_id=incident.pk, **_by())
        assert close_incident(incident_id=incident.pk, **_by()).status == Status.CLOSED


def test_ask__twice__is_refused() -> None:
    incident = _resolved(Tier.MINOR)
    ask_for_post_mortem(incident_id=incident.pk, **_by())

    with pytest.raises(Refusal, match="post_mortem_wanted_already"):
        ask_for_post_mortem(incident_id=incident.pk, **_by())


def test_close__rehearsal__asks_as_for_minor() -> None:
    assert _gaps(_resolved(Tier.CRITICAL, is_rehearsal=True)) == BASIC


def test_refusal__gaps__are_said_in_words() -> None:
    refusal = Refusal("post_mortem_incomplete", incident=1, gaps=["root_cause_missing", "not_approved"])

    assert say_refusal(refusal) == "Still missing: the root cause, the approval of somebody who did not write it."


def test_publish__from_each_stage_but_approved__is_refused_with_the_gaps() -> None:
    for stage in (Stage.DRAFT, Stage.IN_REVIEW):
        incident = make_incident_in(Status.RESOLVED)
        learn(incident, until=stage)
        with pytest.raises(Refusal, match="post_mortem_incomplete") as refused:
            publish_post_mortem(incident_id=incident.pk, **_by())
        assert refused.value.data["gaps"] == ["not_approved"]


def test_close__measure_given_up_meanwhile__is_a_gap_again() -> None:
    incident = make_incident_in(Status.RESOLVED)
    learn(incident)
    item = incident.post_mortem.action_items.get()
    drop_action_item(incident_id=incident.pk, item_id=item.pk, **_by())

    assert _gaps(incident) == ["measures_missing"]


def test_reopen__published__is_a_draft_again_with_its_texts() -> None:
    incident = make_incident_in(Status.RESOLVED)
    learn(incident)

    reopen_incident(incident_id=incident.pk, **_by())

    post_mortem = PostMortem.objects.get()
    assert (post_mortem.status, post_mortem.root_cause) == (Stage.DRAFT, "Rounding")


def _save(row: Any, **values: object) -> None:
    """Save as a shell would: past the portal's writes."""
    with recorded(actor=command("root"), reason="shell", now=NOW):
        for name, value in values.items():
            setattr(row, name, value)
        row.save()


@pytest.mark.parametrize("tier", Tier)
def test_database__shell_closes_with_missing_parts__is_refused_with_the_list(tier: Tier) -> None:
    incident = _resolved(tier)

    with (
        pytest.raises(IntegrityError, match="it lacks: root_cause, documentation, measures") as refused,
        transaction.atomic(),
    ):
        _save(incident, status="closed")

    assert ("publication" in str(refused.value)) is (tier != Tier.MINOR)
    with pytest.raises(IntegrityError, match="cannot be closed"), transaction.atomic():
        Incident.objects.filter(pk=incident.pk).update(status="closed")
    with connection.cursor() as cursor, pytest.raises(IntegrityError, match="cannot be closed"), transaction.atomic():
        cursor.execute("UPDATE incidents_incident SET status = 'closed' WHERE id = %s", [incident.pk])
    incident.refresh_from_db()
    assert incident.status == Status.RESOLVED


@pytest.mark.parametrize("text", ["", " ", "\n\t "])
def test_database__blank_root_cause__is_none(text: str) -> None:
    incident = _resolved(Tier.MINOR)
    write(incident)
    make_measure(incident, user=make_person(Role.SUPPORT))
    _save(incident.post_mortem, root_cause=text)

    with pytest.raises(IntegrityError, match="it lacks: root_cause"), transaction.atomic():
        _save(incident, status="closed")


def test_database__whole__lets_it_close_behind_the_portal_too() -> None:
    incident = make_incident_in(Status.RESOLVED)
    learn(incident)

    _save(incident, status="closed")

    assert Incident.objects.get().status == Status.CLOSED


def test_database__closed__keeps_its_post_mortem() -> None:
    incident = make_incident_in(Status.CLOSED)

    with pytest.raises(IntegrityError, match="its post-mortem stays"), transaction.atomic():
        _save(
            PostMortem.objects.get(),
            status="draft",
            evidence=None,
            submitted_at=None,
            approved_at=None,
            approved_by=None,
            published_at=None,
        )
    with pytest.raises(Refusal, match="incident_closed"):
        withdraw_post_mortem(incident_id=incident.pk, **_by())


def test_database__published_with_missing_parts__is_refused() -> None:
    incident = make_incident_in(Status.RESOLVED)
    learn(incident, until=Stage.APPROVED)
    ActionItem.objects.update(status=MeasureState.DROPPED, dropped_at=NOW, drop_reason="x")

    with pytest.raises(IntegrityError, match="it lacks: measures"), transaction.atomic():
        _save(PostMortem.objects.get(), status="published", published_at=NOW)


def test_database__approved_by_an_author__is_refused() -> None:
    incident = make_incident_in(Status.RESOLVED)
    learn(incident, until=Stage.IN_REVIEW)
    author = PostMortemAuthor.objects.select_related("user").first()
    assert author is not None

    with pytest.raises(IntegrityError, match="approved by one of its authors"), transaction.atomic():
        _save(PostMortem.objects.get(), status="approved", approved_at=NOW, approved_by=author.user)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"submitted_at": None}, "incidents_submitted_when"),
        ({"evidence": None}, "incidents_submitted_when"),
        ({"approved_at": None}, "incidents_approved_by_somebody"),
        ({"published_at": NOW}, "incidents_published_when"),
        ({"impact": " "}, "incidents_reviewed_is_whole"),
        ({"root_cause": ""}, "incidents_reviewed_is_whole"),
        ({"visibility": "public"}, "incidents_public_is_told"),
        (
            {
                "visibility": "public",
                "public_title": "x",
                "public_text": "y",
                "status": "published",
                "published_at": NOW,
            },
            "incidents_public_has_address",
        ),
    ],
)
def test_post_mortem__impossible_values__are_refused_by_the_database(values: dict[str, Any], name: str) -> None:
    incident = make_incident_in(Status.RESOLVED)
    learn(incident, until=Stage.APPROVED)

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        PostMortem.objects.update(**values)


@pytest.mark.parametrize(
    ("values", "name"),
    [({"status": "lost"}, "incidents_stage_known"), ({"visibility": "moon"}, "incidents_visibility_known")],
)
def test_draft__unknown_values__are_refused_by_the_database(values: dict[str, Any], name: str) -> None:
    write(make_incident())

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        PostMortem.objects.update(**values)


def test_post_mortem__repeats_itself__is_refused_by_the_database() -> None:
    incident = make_incident()

    with pytest.raises(IntegrityError, match="incidents_repeats_another"), transaction.atomic():
        PostMortem.objects.update(repeats=incident)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"kind": "wish"}, "incidents_measure_kind_known"),
        ({"title": ""}, "incidents_measure_titled"),
        ({"status": "lost"}, "incidents_measure_state_known"),
        ({"status": "done"}, "incidents_measure_done_with_proof"),
        ({"proof": "x"}, "incidents_measure_done_with_proof"),
        ({"status": "dropped"}, "incidents_measure_dropped_with_reason"),
        ({"checked": "x"}, "incidents_measure_verified_by_another"),
    ],
)
def test_measure__impossible_values__are_refused_by_the_database(values: dict[str, Any], name: str) -> None:
    make_measure(make_incident(), user=make_person(Role.SUPPORT))

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        ActionItem.objects.update(**values)


def test_measure__verified_by_its_owner__is_refused_by_the_database() -> None:
    owner = make_person(Role.SUPPORT)
    make_measure(make_incident(), user=owner, kind=ActionKind.DETECTION)
    done: dict[str, Any] = {"done_at": NOW, "done_by": owner, "proof": "x", "checked": "y", "verified_at": NOW}

    with pytest.raises(IntegrityError, match="incidents_measure_verified_by_another"), transaction.atomic():
        ActionItem.objects.update(status="verified", verified_by=owner, **done)
    with pytest.raises(IntegrityError, match="incidents_measure_verifier_another"), transaction.atomic():
        ActionItem.objects.update(verifier=owner)
