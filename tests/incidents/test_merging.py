"""Two incidents become one and two again; what belongs to them; who has which part in them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from django.db import connection

from core.actors import SCHEDULER, person
from core.errors import InvalidInput, Refusal
from core.models import User
from core.people import deactivate_person
from core.roles import Role
from core.versions import get_version
from flags.models import Environment
from incidents.domain.lifecycle import Status
from incidents.domain.tiers import Tier
from incidents.models import Incident, LinkedComplaint
from incidents.queries import open_incidents
from incidents.transitions import (
    Part,
    add_note,
    assign_part,
    change_subject,
    change_tier,
    confirm_restored,
    link_complaints,
    merge_incident,
    undo_merge,
    unlink_complaint,
)
from notifications.models import Delivery, Event
from tests.factories.core import NOW, make_person
from tests.factories.flags import make_environment, make_flag, make_site
from tests.factories.health import make_complaint
from tests.factories.incidents import make_incident, make_incident_in

HOUR = timedelta(hours=1)


@pytest.fixture
def user() -> User:
    return make_person(Role.SUPPORT)


@pytest.fixture
def by(user: User) -> dict[str, Any]:
    return {"actor": person(user), "reason": "one fire", "now": NOW + HOUR}


@pytest.fixture
def environment() -> Environment:
    return make_environment()


def _codes(incident: Incident) -> list[str]:
    return list(incident.timeline.order_by("pk").values_list("code", flat=True))


@pytest.mark.django_db
def test_merge__two_of_one_event__the_other_takes_all_and_both_say_so(
    environment: Environment, by: dict[str, Any]
) -> None:
    flag, site = make_flag(), make_site()
    complaint = make_complaint(environment, site=site)
    early = make_incident(
        environment,
        detected_at=NOW - HOUR,
        tier=Tier.CRITICAL,
        flag_keys=[flag.key],
        site_keys=[site.key],
        complaint_ids=[complaint.pk],
    )
    late = make_incident(environment, tier=Tier.MINOR)

    merge_incident(incident_id=early.pk, into_id=late.pk, **by)

    early.refresh_from_db()
    late.refresh_from_db()
    assert (early.status, early.merged_into, early.merged_at) == (Status.MERGED, late, by["now"])
    assert (late.status, late.detected_at, late.tier, late.highest_tier) == ("open", NOW - HOUR, "critical", "critical")
    assert (late.flag_keys, late.site_keys) == ([flag.key], [site.key])
    assert list(late.complaints.all()) == [complaint]
    assert (_codes(early)[-1], _codes(late)[-1]) == ("merged_into", "merged_in")
    assert [one.history.latest().history_change_reason for one in (early, late)] == ["one fire", "one fire"]
    assert list(open_incidents()) == [late]
    assert Event.objects.filter(kind="incident_raised").count() == 1


@pytest.mark.django_db
def test_undo__merged__both_are_as_before(environment: Environment, by: dict[str, Any]) -> None:
    flag, site = make_flag(), make_site()
    complaint = make_complaint(environment, site=site)
    early = make_incident(
        environment, detected_at=NOW - HOUR, tier=Tier.CRITICAL, flag_keys=[flag.key], complaint_ids=[complaint.pk]
    )
    late = make_incident(environment, tier=Tier.MINOR, site_keys=[site.key])
    merge_incident(incident_id=early.pk, into_id=late.pk, **by)

    undo_merge(incident_id=early.pk, **by)

    early.refresh_from_db()
    late.refresh_from_db()
    assert (early.status, early.merged_into, early.detected_at) == (Status.OPEN, None, NOW - HOUR)
    assert (late.detected_at, late.tier, late.highest_tier) == (NOW, "minor", "minor")
    assert (late.flag_keys, late.site_keys) == ([], [site.key])
    assert not late.complaints.exists()
    assert list(early.complaints.all()) == [complaint]


@pytest.mark.django_db
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_undo__two_merged_in__whichever_goes_first_leaves_the_rest_right(
    environment: Environment, by: dict[str, Any], order: tuple[int, int]
) -> None:
    parts = [make_incident(environment, detected_at=NOW - HOUR * (n + 1), tier=Tier.IMPORTANT) for n in range(2)]
    late = make_incident(environment, tier=Tier.MINOR)
    for part in parts:
        merge_incident(incident_id=part.pk, into_id=late.pk, **by)
    first, second = (parts[n] for n in order)

    undo_merge(incident_id=first.pk, **by)
    late.refresh_from_db()
    assert (late.detected_at, late.tier) == (second.detected_at, "important")
    undo_merge(incident_id=second.pk, **by)

    late.refresh_from_db()
    assert (late.detected_at, late.tier, late.highest_tier) == (NOW, "minor", "minor")


@pytest.mark.django_db
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_undo__the_gravest_merged_in_first__each_takes_only_its_own_along(
    environment: Environment, by: dict[str, Any], order: tuple[int, ...]
) -> None:
    flag, complaint = make_flag(), make_complaint(environment, site=make_site())
    tiers = (Tier.CRITICAL, Tier.IMPORTANT, Tier.MINOR)
    parts = [
        make_incident(
            environment,
            detected_at=NOW - HOUR * (3 - n),
            tier=tier,
            flag_keys=[flag.key],
            complaint_ids=[complaint.pk],
        )
        for n, tier in enumerate(tiers)
    ]
    late = make_incident(environment, tier=Tier.MINOR)
    for part in parts:
        merge_incident(incident_id=part.pk, into_id=late.pk, **by)

    for gone in range(1, 4):
        undo_merge(incident_id=parts[order[gone - 1]].pk, **by)

        late.refresh_from_db()
        left = sorted(order[gone:])
        gravest = tiers[left[0]] if left else Tier.MINOR
        assert (late.tier, late.highest_tier) == (gravest, gravest)
        assert late.detected_at == (NOW - HOUR * (3 - left[0]) if left else NOW)
        assert (late.flag_keys, list(late.complaints.all())) == (([flag.key], [complaint]) if left else ([], []))


@pytest.mark.django_db
def test_undo__tier_lowered_by_hand_meanwhile__stays_and_is_the_highest(
    environment: Environment, by: dict[str, Any]
) -> None:
    part, late = make_incident(environment, tier=Tier.CRITICAL), make_incident(environment, tier=Tier.MINOR)
    merge_incident(incident_id=part.pk, into_id=late.pk, **by)
    change_tier(incident_id=late.pk, tier=Tier.IMPORTANT, **by)

    undo_merge(incident_id=part.pk, **by)

    late.refresh_from_db()
    assert (late.tier, late.highest_tier) == ("important", "important")


@pytest.mark.django_db
@pytest.mark.parametrize("status", [Status.RESOLVED, Status.CLOSED])
def test_merge__with_what_is_over_or_elsewhere_or_itself__is_refused(status: Status, by: dict[str, Any]) -> None:
    over = make_incident_in(status)
    running = make_incident(over.environment)
    other_place = make_incident(make_environment(key="elsewhere"))
    exercise = make_incident(over.environment, is_rehearsal=True)

    with pytest.raises(Refusal, match="wrong_state"):
        merge_incident(incident_id=over.pk, into_id=running.pk, **by)
    with pytest.raises(Refusal, match="merge_needs_running"):
        merge_incident(incident_id=running.pk, into_id=over.pk, **by)
    for other in (other_place, exercise):
        with pytest.raises(Refusal, match="merge_elsewhere"):
            merge_incident(incident_id=running.pk, into_id=other.pk, **by)
    with pytest.raises(InvalidInput, match="merge_with_itself"):
        merge_incident(incident_id=running.pk, into_id=running.pk, **by)
    with pytest.raises(Refusal, match="not_merged"):
        undo_merge(incident_id=running.pk, **by)


@pytest.mark.django_db
def test_merge__a_ring__is_refused_and_what_is_merged_is_left_alone(
    environment: Environment, by: dict[str, Any]
) -> None:
    first, second, third = (make_incident(environment) for _ in range(3))
    merge_incident(incident_id=first.pk, into_id=second.pk, **by)
    merge_incident(incident_id=second.pk, into_id=third.pk, **by)

    with pytest.raises(Refusal, match="merge_needs_running"):
        merge_incident(incident_id=third.pk, into_id=first.pk, **by)
    with pytest.raises(Refusal, match="merge_settled"):
        undo_merge(incident_id=first.pk, **by)
    with pytest.raises(Refusal, match="incident_merged"):
        change_tier(incident_id=first.pk, tier=Tier.CRITICAL, **by)
    with pytest.raises(InvalidInput, match="undo_needs_person"):
        undo_merge(incident_id=first.pk, **by | {"actor": SCHEDULER})
    assert add_note(incident_id=first.pk, note="said later", actor=by["actor"], now=NOW).pk


@pytest.mark.django_db
def test_merge__seen_before_somebody_changed_it__is_refused(environment: Environment, by: dict[str, Any]) -> None:
    first, second = make_incident(environment), make_incident(environment)
    seen = get_version(first)
    change_tier(incident_id=first.pk, tier=Tier.CRITICAL, **by)

    with pytest.raises(Refusal, match="changed_meanwhile"):
        merge_incident(incident_id=first.pk, into_id=second.pk, seen=seen, **by)


@pytest.mark.django_db(transaction=True)
def test_merge__each_into_the_other_at_once__one_does_and_nothing_waits_for_ever(by: dict[str, Any]) -> None:
    environment = make_environment()
    pair = [make_incident(environment), make_incident(environment)]

    def work(number: int) -> str:
        try:
            merge_incident(incident_id=pair[number].pk, into_id=pair[1 - number].pk, **by)
        except Refusal as refusal:
            return refusal.code
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(work, range(2))) in (["done", "merge_needs_running"], ["done", "wrong_state"])
    assert Incident.objects.filter(status=Status.MERGED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_undo__two_people_at_once__it_is_undone_once(environment: Environment, by: dict[str, Any]) -> None:
    first, second = make_incident(environment), make_incident(environment)
    merge_incident(incident_id=first.pk, into_id=second.pk, **by)

    def work(_: int) -> str:
        try:
            undo_merge(incident_id=first.pk, **by)
        except Refusal as refusal:
            return refusal.code
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        codes = sorted(pool.map(work, range(2)))
    assert codes in (["done", "not_merged"], ["done", "wrong_state"])
    assert _codes(first).count("merge_undone") == 1


@pytest.mark.django_db(transaction=True)
def test_undo__several_of_one_incident_at_once__nothing_waits_for_ever(
    environment: Environment, by: dict[str, Any]
) -> None:
    parts = [make_incident(environment, detected_at=NOW - HOUR * (4 - n)) for n in range(4)]
    late = make_incident(environment)
    for part in parts:
        merge_incident(incident_id=part.pk, into_id=late.pk, **by)

    def work(part: Incident) -> Status:
        try:
            return Status(undo_merge(incident_id=part.pk, **by).status)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(work, parts)) == {Status.OPEN}
    late.refresh_from_db()
    assert late.detected_at == NOW


@pytest.mark.django_db
def test_link__complaints__each_once_and_taken_away_with_a_reason(
    environment: Environment, by: dict[str, Any], user: User
) -> None:
    incident, site = make_incident(environment), make_site()
    complaints = [make_complaint(environment, site=site) for _ in range(3)]
    numbers = [one.pk for one in complaints]

    made = link_complaints(incident_id=incident.pk, complaint_ids=numbers[:2], **by)
    again = link_complaints(incident_id=incident.pk, complaint_ids=numbers, **by)
    unlink_complaint(incident_id=incident.pk, complaint_id=numbers[0], **by)

    assert ([one.complaint_id for one in made], [one.complaint_id for one in again]) == (numbers[:2], numbers[2:])
    assert made[0].linked_by == user
    assert sorted(incident.complaints.values_list("pk", flat=True)) == numbers[1:]
    assert _codes(incident)[1:] == ["complaints_linked", "complaints_linked", "complaint_unlinked"]
    kept = LinkedComplaint.history.filter(complaint_id=numbers[0]).order_by("history_id")
    assert [(row.history_type, row.history_change_reason) for row in kept] == [("+", "one fire"), ("-", "one fire")]


@pytest.mark.django_db
@pytest.mark.parametrize("numbers", [[], [999_999]])
def test_link__nothing_or_what_is_not_there__is_refused(by: dict[str, Any], numbers: list[int]) -> None:
    incident = make_incident()

    with pytest.raises(InvalidInput):
        link_complaints(incident_id=incident.pk, complaint_ids=numbers, **by)
    with pytest.raises(InvalidInput, match="complaint_not_there"):
        unlink_complaint(incident_id=incident.pk, complaint_id=999_999, **by)


@pytest.mark.django_db
def test_link__complaint_of_another_environment__is_refused(environment: Environment, by: dict[str, Any]) -> None:
    complaint = make_complaint(make_environment(key="elsewhere"), site=make_site())

    with pytest.raises(InvalidInput, match="complaint_not_there"):
        link_complaints(incident_id=make_incident(environment).pk, complaint_ids=[complaint.pk], **by)


@pytest.mark.django_db
def test_subject__flags_and_sites__each_change_has_its_line(environment: Environment, by: dict[str, Any]) -> None:
    flag, site = make_flag(), make_site()
    incident = make_incident(environment, flag_keys=["gone"])
    none: dict[str, Any] = {"rollout_id": None, "rollback_id": None}

    change_subject(incident_id=incident.pk, flag_keys=[flag.key], site_keys=[site.key], **none, **by)

    incident.refresh_from_db()
    assert (incident.flag_keys, incident.site_keys) == ([flag.key], [site.key])
    entries = {one.code: one.data for one in incident.timeline.all()}
    assert entries["flags_changed"] == {"added": [flag.key], "removed": ["gone"]}
    assert entries["sites_changed"] == {"added": [site.key], "removed": []}
    with pytest.raises(Refusal, match="links_unchanged"):
        change_subject(incident_id=incident.pk, flag_keys=[flag.key], site_keys=[site.key], **none, **by)
    with pytest.raises(InvalidInput, match="flag_unknown"):
        change_subject(incident_id=incident.pk, flag_keys=["nobody"], site_keys=[], **none, **by)
    with pytest.raises(InvalidInput, match="site_unknown"):
        change_subject(incident_id=incident.pk, flag_keys=[], site_keys=["nobody"], **none, **by)
    with pytest.raises(InvalidInput, match="rollout_not_there"):
        change_subject(incident_id=incident.pk, flag_keys=[], site_keys=[], rollout_id=99_999, rollback_id=None, **by)
    with pytest.raises(InvalidInput, match="rollback_not_there"):
        change_subject(incident_id=incident.pk, flag_keys=[], site_keys=[], rollout_id=None, rollback_id=99_999, **by)


@pytest.mark.django_db
@pytest.mark.parametrize("part", Part)
def test_assign__somebody_else__has_it_and_is_told(part: Part, by: dict[str, Any], user: User) -> None:
    incident, other = make_incident(), make_person(Role.RELEASE_MANAGER)

    assign_part(incident_id=incident.pk, part=part, user_id=user.pk, **by)
    assert not Event.objects.filter(kind__endswith="_given").exists()
    assign_part(incident_id=incident.pk, part=part, user_id=other.pk, **by)

    incident.refresh_from_db()
    assert getattr(incident, part) == other
    assert (incident.acknowledged_at is not None) is (part is Part.COMMANDER)
    assert _codes(incident).count(f"{part}_given") == 2
    told = Event.objects.get(kind__endswith="_given")
    assert set(Delivery.objects.filter(event=told).values_list("recipient_id", flat=True)) == {other.pk}
    with pytest.raises(Refusal, match="part_given_already"):
        assign_part(incident_id=incident.pk, part=part, user_id=other.pk, **by)


@pytest.mark.django_db
def test_assign__auditor_or_somebody_who_left__is_refused(by: dict[str, Any]) -> None:
    incident, left = make_incident(), make_person(Role.SUPPORT)
    deactivate_person(user_id=left.pk, actor=SCHEDULER, reason="left", now=NOW)

    for user_id in (left.pk, make_person(Role.AUDITOR).pk, 999_999):
        with pytest.raises(InvalidInput, match="person_unfit"):
            assign_part(incident_id=incident.pk, part=Part.COMMANDER, user_id=user_id, **by)


@pytest.mark.django_db
def test_assign__command_of_what_is_over__is_refused_and_speaking_for_it_is_not(by: dict[str, Any], user: User) -> None:
    incident = make_incident()
    confirm_restored(incident_id=incident.pk, **by)

    with pytest.raises(Refusal, match="not_running"):
        assign_part(incident_id=incident.pk, part=Part.COMMANDER, user_id=user.pk, **by)
    assert assign_part(incident_id=incident.pk, part=Part.COMMUNICATIONS, user_id=user.pk, **by).communications == user
