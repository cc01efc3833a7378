"""What somebody tries who knows the source: clocks set back, reviews gone round, words about who may not read them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from core import clock
from core.actors import DEMO, SCHEDULER, person
from core.errors import Refusal
from core.people import set_roles
from core.roles import Role
from health.alert_transitions import record_alerts
from health.domain.alerts import AlertValue, Origin, Severity
from health.models import Alert
from incidents.domain.lifecycle import Status
from incidents.domain.reviewing import Stage, Visibility
from incidents.models import AlertMode, Incident, PostMortem, PostMortemAuthor
from incidents.source_intake import take_in_alert
from incidents.transitions import (
    add_note,
    approve_post_mortem,
    drop_action_item,
    finish_action_item,
    send_back_post_mortem,
    submit_post_mortem,
)
from incidents.transitions.choosing import choose_alerts
from incidents.transitions.declaring import OLDEST
from notifications.models import Delivery, Event
from tests.api_client import program_of
from tests.factories.core import NOW, make_person
from tests.factories.flags import make_environment, make_flag
from tests.factories.incidents import learn, make_incident, make_incident_in, make_measure, write
from tests.factories.world import make_world
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db
#: No clock of this world has such an offset; Python takes it, PostgreSQL does not.
ODD_OFFSET = "+23:00"


def _by() -> dict[str, Any]:
    return {"actor": person(make_person(Role.RELEASE_MANAGER)), "reason": "said so", "now": NOW}


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        ("1970-01-01T00:00:00Z", "detected_too_long_ago"),
        ("0001-01-01T00:00:00Z", "detected_too_long_ago"),
        ("0001-01-01T00:00:00+14:00", "PARSE_ERROR"),
        ("9999-12-31T23:59:59-14:00", "PARSE_ERROR"),
        (0, "detected_too_long_ago"),
    ],
)
def test_clock__set_back_by_a_program__is_refused(moment: object, code: str) -> None:
    ci = program_of(make_world(now=clock.now()))

    answer = ci.post("/incidents", title="Tills are black", detected_at=moment)

    assert (answer.status_code, answer.json()["errorCode"]) == (400, code)
    assert not Incident.objects.exists()


def test_clock__told_with_an_odd_offset__is_read_as_the_moment_it_is() -> None:
    now = clock.now().replace(microsecond=0)
    moment = (now - timedelta(hours=1)).astimezone(UTC) + timedelta(hours=23)

    answer = program_of(make_world(now=now)).post(
        "/incidents", title="Tills are black", detected_at=f"{moment:%Y-%m-%dT%H:%M:%S}{ODD_OFFSET}"
    )

    assert answer.status_code == 201, answer.json()
    assert Incident.objects.get().detected_at == now - timedelta(hours=1)


@pytest.mark.parametrize("is_running", [False, True])
def test_clock__set_back_by_an_alerts_sender__goes_back_as_far_as_a_person_may(is_running: bool) -> None:
    environment, flag = make_environment(), make_flag()
    choose_alerts(environment_id=environment.pk, mode=AlertMode.WARNING, actor=SCHEDULER, reason="x", now=NOW)
    if is_running:
        make_incident(environment, flag_keys=[flag.key])
    value = AlertValue(
        fingerprint="a",
        name="TillDown",
        summary="",
        severity=Severity.CRITICAL,
        labels={"flag": flag.key},
        started_at=datetime(2001, 1, 1, tzinfo=UTC),
        ended_at=None,
        link="",
    )
    record_alerts(environment_id=environment.pk, origin=Origin.ALERTMANAGER, values=[value], now=NOW)

    take_in_alert(Alert.objects.get().pk, now=NOW)

    assert Incident.objects.get().detected_at == NOW - OLDEST


@pytest.mark.parametrize("query", ["since=0001-01-01", "until=0001-01-01", "since=9999-12-31", "until=9999-12-31"])
def test_search__on_the_calendars_edge__is_answered(query: str) -> None:
    assert sign_in(Role.SUPPORT).get(f"/incidents/search/?q=a&{query}").status_code == 200
    name, _equals, day = query.partition("=")
    assert program_of(make_world(now=clock.now())).get("/search", q="a", **{name: day}).status_code == 200


@pytest.mark.parametrize(
    "place",
    ["2026-11-04T10:00:00%2B23:00", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "2026-11-04"],
)
def test_timeline__from_a_place_that_is_none__is_shown(place: str) -> None:
    incident = make_incident()
    add_note(incident_id=incident.pk, note="Seen", actor=DEMO, now=NOW)

    assert sign_in(Role.AUDITOR).get(f"/incidents/{incident.pk}/?before={place}&number=9").status_code == 200


def test_review__by_who_gave_a_measure_up__is_refused() -> None:
    incident, dropper = make_incident_in(Status.RESOLVED), make_person(Role.RELEASE_MANAGER)
    learn(incident, until=Stage.DRAFT)
    item = make_measure(incident, user=make_person(Role.SUPPORT), title="Stop the release")
    by: dict[str, Any] = {"actor": person(dropper), "reason": "too dear", "now": NOW}
    drop_action_item(incident_id=incident.pk, item_id=item.pk, **by)
    submit_post_mortem(incident_id=incident.pk, **_by())

    for review in (approve_post_mortem, send_back_post_mortem):
        with pytest.raises(Refusal, match="review_by_author"):
            review(incident_id=incident.pk, **by)


def test_author__taken_off_the_list_behind_the_portals_back__is_refused_by_the_database() -> None:
    incident = make_incident_in(Status.RESOLVED)
    learn(incident, until=Stage.IN_REVIEW)

    for statement in (
        "DELETE FROM incidents_postmortemauthor",
        "UPDATE incidents_postmortemauthor SET first_at = now()",
    ):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(statement)
    assert PostMortemAuthor.objects.exists()


@pytest.mark.parametrize("text", ["M. RUIZ s’est trompé", "Rui\u0301z", "JOSÉ", "Jose\u0301 l’a vu"])
def test_public__name_in_capitals_or_of_other_code_points__is_found(text: str) -> None:
    make_person(Role.SUPPORT, full_name="José Ruiz" if "\u0301z" not in text else "José Ruíz", email="")
    incident = make_incident_in(Status.RESOLVED)
    write(incident, texts={"public_title": "Prix faux", "public_text": text}, visibility=Visibility.PUBLIC)
    make_measure(incident, user=make_person(Role.SUPPORT))

    with pytest.raises(Refusal, match="public_text_names_people"):
        submit_post_mortem(incident_id=incident.pk, **_by())


def test_notice__to_a_named_person_without_any_role__is_told_to_nobody() -> None:
    gone, incident = make_person(Role.SUPPORT), make_incident_in(Status.RESOLVED)
    item = make_measure(incident, user=make_person(Role.SUPPORT), verifier_id=gone.pk)
    set_roles(user_id=gone.pk, roles=[], **_by())

    finish_action_item(
        incident_id=incident.pk, item_id=item.pk, actor=person(item.owner), reason="Tested: see the build", now=NOW
    )

    assert Event.objects.filter(kind="measure_to_verify").exists()
    assert not Delivery.objects.filter(event__kind="measure_to_verify").exists()


def test_post_mortem__as_long_as_it_may_be_in_other_letters__is_kept_and_found() -> None:
    incident = make_incident_in(Status.RESOLVED)
    long = "".join(f"{chr(0x4E00 + n) * 40}éaking " for n in range(210))[:10_000]

    write(incident, texts=dict.fromkeys(("root_cause", "impact", "detection", "went_well", "went_badly"), long))

    assert PostMortem.objects.get().root_cause == long.strip()
