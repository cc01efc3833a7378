"""The whole surface under /api/: its document, who is let in, and that nothing but JSON is said to a program."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError
from django.http import HttpRequest
from django.test import Client, override_settings
from django.urls import reverse
from pydantic import BaseModel

from core import clock
from core.actors import SCHEDULER, person
from core.people import create_person
from core.roles import Role
from flags.domain.purposes import Purpose
from flags.rest import Answer
from flags.transitions import revoke_token
from health.models import Complaint
from incidents.domain.reviewing import Stage
from incidents.models import Incident
from incidents.transitions import confirm_restored
from releaseportal import api
from rollouts.models import Rollout
from tests.api_client import Program, program_of
from tests.digest import Watch, take_digest
from tests.factories.announcements import make_draft
from tests.factories.core import make_person
from tests.factories.flags import make_environment, make_token
from tests.factories.health import make_complaint
from tests.factories.incidents import learn, make_incident
from tests.factories.investigations import make_investigation
from tests.factories.notices import make_notice
from tests.factories.risks import make_risk
from tests.factories.world import WHY, World, make_rehearsal, make_world, play
from tests.signed_in import sign_in_as

pytestmark = pytest.mark.django_db

METHODS = ["get", "post", "put", "patch", "delete", "options"]
VALUES: list[Any] = [
    "",
    " ",
    "a\x00b",
    "\ud800",
    "x" * 5_000,
    "💥" * 300,
    "<script>",
    -1,
    0,
    10**40,
    1e308,
    True,
    None,
    [],
    [[[]]],
    ["lyon", None],
    {},
    {"": {"": 0}},
    "0000-00-00",
]
RAW = [
    b"",
    b"null",
    b"[]",
    b'"',
    b"\xff\xfe",
    b'{"reason": NaN}',
    b'{"reason": "a", "reason": 1e999}',
    b'{"reason":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    b'{"reason": "\\u0000"}',
    b'{"reason": "\\ud800"}',
]


@pytest.fixture
def world() -> World:
    return make_world(now=clock.now() - timedelta(minutes=5))


@pytest.fixture
def rollout(world: World) -> Rollout:
    start = clock.now() - timedelta(minutes=1)
    rollout = make_rehearsal(world, now=start)
    play(world, rollout, start=start, seconds=40)
    return rollout


def _make_incident(world: World) -> Incident:
    """Return a restored incident with an approved post-mortem."""
    incident = make_incident(world.environment, now=clock.now())
    actor = person(make_person(Role.SUPPORT))
    confirm_restored(incident_id=incident.pk, actor=actor, reason=WHY, now=clock.now())
    learn(incident, now=clock.now(), until=Stage.APPROVED)
    return incident


def _operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every documented (method, path, operation) that Django answers."""
    for path, methods in api.write_document()["paths"].items():
        for method, told in methods.items():
            if not path.startswith("/api/v1/environments"):
                yield method, path, told


def _fill(
    path: str,
    rollout_id: int | str,
    complaint_id: int | str | None = None,
    investigation_id: int | str | None = None,
    incident_id: int | str | None = None,
    *,
    risk_id: int | str | None = None,
    announcement_id: int | str | None = None,
    notice_id: int | str | None = None,
) -> str:
    path = path.replace("{notice_id}", str(rollout_id if notice_id is None else notice_id))
    path = path.replace("{announcement_id}", str(rollout_id if announcement_id is None else announcement_id))
    path = path.replace("{risk_id}", str(rollout_id if risk_id is None else risk_id))
    path = path.replace("{incident_id}", str(rollout_id if incident_id is None else incident_id))
    path = path.replace("{call_id}", str(rollout_id))
    path = path.replace("{complaint_id}", str(rollout_id if complaint_id is None else complaint_id))
    path = path.replace("{investigation_id}", str(rollout_id if investigation_id is None else investigation_id))
    return path.replace("{rollout_id}", str(rollout_id)).replace("{version}", "1.3")


def _is_told_in_json(answer: Any) -> bool:
    body = json.loads(answer.content)
    is_json: bool = answer["Content-Type"].startswith("application/json")
    return is_json and {"errorCode", "errorDetails"} <= body.keys()


def _schema_of(told: dict[str, Any]) -> dict[str, Any]:
    document = api.write_document()
    content = told.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"].get(name, {})  # type: ignore[no-any-return]  # JSON


def test_document__every_route_of_the_code__is_in_it_with_words_and_an_example() -> None:
    document = api.write_document()
    routed = {
        (method.lower(), re.sub(r"{\w+:", "{", "/api/v1" + path))
        for bound in api.api._get_bound_routers()
        for path, view in bound.path_operations.items()
        for operation in view.operations
        for method in operation.methods
    }
    told = {(method, path) for path, methods in document["paths"].items() for method in methods}
    lean = {("post", "/api/v1/environments/{environment}/flags/{key}/explain")}

    assert told == routed | lean
    assert len({one["operationId"] for ways in document["paths"].values() for one in ways.values()}) == len(told)
    for _method, path, operation in _operations():
        assert operation["summary"], path
        assert operation["description"], path
        assert operation["security"], path
        assert {"400", "401", "403", "404", "409", "413"} <= {str(status) for status in operation["responses"]}, path
        if "requestBody" in operation:
            assert _schema_of(operation)["examples"], path


def test_document__every_reference__leads_somewhere() -> None:
    text = json.dumps(api.write_document())
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', text))

    assert names <= api.write_document()["components"]["schemas"].keys()


def test_document__every_example_of_a_body__is_one_that_is_taken(world: World, rollout: Rollout) -> None:
    ci = program_of(world)

    for method, path, told in _operations():
        for example in _schema_of(told).get("examples", []):
            assert method == "post"
            answer = ci.post(_fill(path, rollout.pk).removeprefix("/api/v1"), example)
            # Its names may be those of nobody here, never its shape.
            assert answer.status_code in {200, 201} or answer.json()["errorCode"] != "PARSE_ERROR", (
                path,
                answer.json(),
            )


def _models(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for below in kind.__subclasses__():
        yield below
        yield from _models(below)


def test_document__every_example_of_an_answer__has_its_fields() -> None:
    for model in _models(Answer):
        extra = model.model_config.get("json_schema_extra", {})
        assert isinstance(extra, dict)
        examples: Any = extra.get("examples", [])
        for example in examples:
            said = model.model_validate(example)
            assert example.keys() >= {name for name, field in model.model_fields.items() if field.is_required()}
            assert said.model_fields_set == example.keys(), model


def test_document__every_address__has_its_line_in_the_docs() -> None:
    page = (Path(settings.BASE_DIR) / "docs/reference/http.md").read_text(encoding="utf-8")
    paths = {re.sub(r"\{\w+_id\}", "{id}", path) for path in api.write_document()["paths"]}

    assert {path for path in paths if path not in page and f"…/{path.rpartition('/')[2]}`" not in page} == set()


@pytest.mark.parametrize("path", ["/api/v1/openapi.json", "/api/v1/docs"])
def test_document__is_read_with_a_manage_token_or_signed_in(world: World, path: str) -> None:
    someone = create_person(username="a", roles=[Role.AUDITOR], actor=SCHEDULER, reason=WHY, now=clock.now())
    below = path.removeprefix("/api/v1")

    assert program_of(world).get(below).status_code == 200
    assert sign_in_as(someone).get(path).status_code == 200
    assert program_of(world, Purpose.CLIENT).get(below).status_code == 403
    stranger = Client().get(path)
    assert stranger.status_code == (401 if path.endswith("json") else 302)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_page__shows_every_route_without_anything_from_elsewhere(language: str) -> None:
    someone = create_person(username="a", roles=[Role.AUDITOR], actor=SCHEDULER, reason=WHY, now=clock.now())

    page = sign_in_as(someone, language=language).get(reverse("api_docs")).content.decode()

    for method, path, told in _operations():
        assert f'id="{told["operationId"]}"' in page, (method, path)
    assert not re.findall(r"<script(?![^>]*src=\"/)|style=|(?:src|href)=\"https?:", page)


def test_routes__without_a_right_token__are_refused_before_anything_is_read(world: World, rollout: Rollout) -> None:
    someone = create_person(username="a", roles=list(Role), actor=SCHEDULER, reason=WHY, now=clock.now())
    signed_in, stranger = sign_in_as(someone), Client()
    before, faults = take_digest(), []

    for method, path, _told in _operations():
        address = _fill(path, rollout.pk)
        given: dict[str, Any] = {"data": b"{", "content_type": "application/json"} if method == "post" else {}
        for client in (signed_in, stranger):
            answer = getattr(client, method)(address, **given)
            if answer.status_code != 401 or not _is_told_in_json(answer) or "WWW-Authenticate" not in answer:
                faults.append((address, answer.status_code))
        for purpose in (Purpose.SERVER, Purpose.CLIENT, Purpose.TELEMETRY):
            headers = {"X-API-Key": world.tokens[purpose][1]}
            answer = getattr(stranger, method)(address, headers=headers, **given)
            if answer.status_code != 403 or not _is_told_in_json(answer):
                faults.append((address, answer.status_code))

    assert faults == []
    assert take_digest() == before


def test_token__revoked__is_refused_at_once(world: World) -> None:
    ci = program_of(world)
    assert ci.get("/rollouts").status_code == 200

    revoke_token(token_id=world.tokens[Purpose.MANAGE][0], actor=SCHEDULER, reason=WHY, now=clock.now())

    assert ci.get("/rollouts").status_code == 401


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer " + "x" * 9_000, "Bearer \x00"])
def test_token__hostile__is_401(token: str) -> None:
    assert Client(headers={"authorization": token}).get("/api/v1/rollouts").status_code == 401


@pytest.mark.parametrize("language", ["en", "fr"])
def test_refusal__is_said_in_english_whatever_is_asked_for(world: World, language: str) -> None:
    headers = {"authorization": f"Bearer {world.tokens[Purpose.MANAGE][1]}", "accept-language": language}

    answer = Client(headers=headers).get("/api/v1/rollouts/1")

    assert answer.json() == {"errorCode": "rollout_unknown", "errorDetails": "There is no such rollout."}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/nothing", 404),
        ("/api/v1/", 404),
        ("/api/v2/rollouts", 404),
        ("/api/", 404),
        ("/api/v1/rollouts/x", 404),
        ("/api/v1/rollouts/1/explode", 404),
        ("/api/v1/rollouts/", 404),
        ("/api/v1/releases/a%00b", 400),
        ("/api/v1/releases?cursor=%00", 400),
    ],
)
def test_address__of_nothing__is_told_in_json(world: World, path: str, status: int) -> None:
    headers = {"authorization": f"Bearer {world.tokens[Purpose.MANAGE][1]}"}

    answer = Client(headers=headers).get(path)

    assert (answer.status_code, _is_told_in_json(answer)) == (status, True)
    assert answer["Cache-Control"] == "no-store"


def test_method__of_another_kind__is_405_with_what_is_taken(world: World, rollout: Rollout) -> None:
    client = Client(headers={"authorization": f"Bearer {world.tokens[Purpose.MANAGE][1]}"})
    taken: dict[str, set[str]] = {}
    for method, path, _told in _operations():
        taken.setdefault(_fill(path, rollout.pk), set()).add(method)

    for address, methods in taken.items():
        for method in set(METHODS) - methods:
            answer = getattr(client, method)(address)
            assert answer.status_code == 405, (method, address)
            assert {one.strip().lower() for one in answer["Allow"].split(",")} == methods
            assert _is_told_in_json(answer)


def test_body__over_the_limit__is_413(world: World) -> None:
    answer = program_of(world).post("/releases", {"reason": "x" * 70_000})

    assert (answer.status_code, answer.json()["errorCode"]) == (413, "PAYLOAD_TOO_LARGE")


def test_host__of_nobody__is_told_in_json(world: World) -> None:
    headers = {"authorization": f"Bearer {world.tokens[Purpose.MANAGE][1]}", "host": "elsewhere.example"}

    with override_settings(ALLOWED_HOSTS=["localhost"]):
        answer = Client(headers=headers).get("/api/v1/rollouts")

    assert answer.status_code in {200, 400}
    assert answer["Content-Type"].startswith("application/json")


@pytest.mark.parametrize(
    ("fault", "status"),
    [(OperationalError("gone"), 503), (RuntimeError("secret"), 500), (SuspiciousOperation("s"), 500)],
)
def test_fault__of_ours__says_nothing_of_the_inside(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: Exception, status: int
) -> None:
    def fail(_request: HttpRequest) -> None:
        raise fault

    monkeypatch.setattr("flags.rest.find_caller", fail)

    answer = program_of(world).get("/rollouts")

    assert (answer.status_code, answer.json()["errorCode"]) == (status, "GENERAL")
    assert b"secret" not in answer.content
    assert ("Retry-After" in answer) == (status == 503)


def _good() -> dict[str, Any]:
    """A sound value for every field that a body has."""
    return {
        "version": "9.9",
        "name": "Sound",
        "notes": "Sound",
        "flags": ["buttons"],
        "image": "",
        "reason": "Sound words",
        "release": "1.3",
        "sites": ["lyon"],
        "start_on": "2030-01-01",
        "day_seconds": 60,
        "allows_holidays": False,
        "request_id": "",
        "promotion_time": "06:00",
        "template": "",
        "testers": "testers",
        "pilots": ["cashier-1"],
        "dry_run": False,
        "epoch": None,
        "waive_gate": False,
        "all": False,
        "flag": "buttons",
        "site": "lyon",
        "text": "Sound words",
        "severity": "annoying",
        "reporter": "Ana",
        "original": 1,
        "owner": "nadia",
        "migrations": [{"name": "0003"}],
        "seen": None,
        "title": "Sound words",
        "tier": "important",
        "symptoms": ["slow"],
        "note": "Sound words",
        "complaints": [1],
        "detected_at": None,
        "person": "somebody",
        "category": "technical",
        "likelihood": 3,
        "impact": 3,
        "description": "Sound words",
        "mitigation": "Sound words",
        "review_on": None,
        "releases": ["1.3"],
        "kind": "free",
        "title_fr": "Sound words",
        "body_fr": "Sound words",
        "title_en": "Sound words",
        "body_en": "Sound words",
        "one_language_reason": "Sound words",
        "outlets": ["people"],
        "roles": ["support"],
        "places": "everywhere",
        "rollout": None,
        "incident": None,
        "follows": None,
        "starts_at": None,
        "ends_at": None,
        "next_update_at": None,
        "confirmed": None,
        "publish_at": None,
        "text_fr": "Sound words",
        "text_en": "Sound words",
        "hotline": "01 23",
        "level": "info",
    }


def _bodies(told: dict[str, Any]) -> Iterator[bytes]:
    """Each field of a body hostile in turn, then all together, then what is no body."""
    fields = _schema_of(told).get("properties", {})
    sound = {name: value for name, value in _good().items() if name in fields}
    sound.pop("start_on", None)
    for name in fields:
        for value in VALUES:
            yield json.dumps(sound | {name: value}).encode()
    for value in VALUES:
        yield json.dumps(dict.fromkeys(fields, value)).encode()
    yield from RAW


def test_routes__hostile_bodies__are_answered_in_json_and_change_nothing_where_refused(
    world: World, rollout: Rollout
) -> None:
    assert {name for _m, _p, told in _operations() for name in _schema_of(told).get("properties", {})} == set(_good())
    headers = {"authorization": f"Bearer {world.tokens[Purpose.MANAGE][1]}"}
    client = Client(headers=headers, raise_request_exception=False)
    complaint = make_complaint(world.environment, site=world.sites[0], now=clock.now())
    investigation = make_investigation(rollout, now=clock.now())
    incident, risk, draft = _make_incident(world), make_risk(), make_draft(world.environment)
    notice = make_notice(world.environment, now=clock.now())
    watch, faults = Watch(), []

    for method, path, told in _operations():
        for body in _bodies(told) if method == "post" else []:
            more = {"risk_id": risk.pk, "announcement_id": draft.pk, "notice_id": notice.pk}
            address = _fill(path, rollout.pk, complaint.pk, investigation.pk, incident.pk, **more)
            ask = partial(client.post, address, body, content_type="application/json")
            answer = watch.look(ask)
            is_granted = answer.status_code in {200, 201}
            if answer.status_code >= 500 or not (is_granted or _is_told_in_json(answer)):
                faults.append(f"{path}: {answer.status_code} to {body[:80]!r}")
            if (changed := watch.name_changes()) and not is_granted:
                faults.append(f"{path}: {answer.status_code}, changed {changed}")

    assert faults == []


@pytest.mark.parametrize("value", ["", "a\x00b", "-1", "9" * 40, "1e9", "١٢", "<script>", "💥"])
def test_routes__hostile_queries__are_answered_in_json(world: World, rollout: Rollout, value: str) -> None:
    ci, incident, risk = program_of(world), _make_incident(world), make_risk()
    investigation, draft = make_investigation(rollout, now=clock.now()), make_draft(world.environment)
    notice = make_notice(world.environment, now=clock.now())

    for method, path, _told in _operations():
        if method == "get":
            numbers = {"investigation_id": investigation.pk, "incident_id": incident.pk, "risk_id": risk.pk}
            numbers |= {"announcement_id": draft.pk, "notice_id": notice.pk}
            filled = _fill(path, rollout.pk, **numbers)
            below = filled.removeprefix("/api/v1")
            answer = ci.get(below, limit=value, cursor=value, status=value)
            assert answer.status_code in {200, 400}, (path, answer.status_code)
            assert answer["Content-Type"].startswith("application/json")


@pytest.mark.parametrize("number", [0, 2**31, 2**63, 10**40])
def test_routes__a_number_of_nothing__is_404(world: World, number: int) -> None:
    ci = program_of(world)

    for method, path, told in _operations():
        if "_id}" in path:
            below = _fill(path, number).removeprefix("/api/v1")
            body = {name: value for name, value in _good().items() if name in _schema_of(told).get("properties", {})}
            answer = (
                ci.get(below)
                if method == "get"
                else ci.post(below, body | ({"all": True, "flags": None} if "all" in body else {}))
            )
            assert answer.status_code == 404, (below, answer.json())


class TestComplaints:
    def test_logged__counts_and_keeps_who_said_it_to_itself(self, world: World) -> None:
        ci = program_of(world)

        answer = ci.post(
            "/complaints", site="lyon", text="Wrong price", severity="annoying", flag="buttons", reporter="Ana"
        )

        assert answer.status_code == 201, answer.json()
        complaint = Complaint.objects.get()
        assert (complaint.words.reporter, complaint.history.get().actor_kind) == ("Ana", "token")
        [shown] = ci.get("/complaints", status="new").json()["items"]
        assert shown == answer.json()
        assert (shown["site"], shown["flag"], shown["text"]) == ("lyon", "buttons", "Wrong price")
        assert "Ana" not in str(shown)

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            ({"site": "nowhere"}, "site_unknown"),
            ({"flag": "nothing"}, "flag_unknown"),
            ({"text": "  "}, "complaint_empty"),
            ({"severity": "terrible"}, "PARSE_ERROR"),
        ],
    )
    def test_logged__wrong__is_400_with_its_code(self, world: World, wrong: dict[str, Any], code: str) -> None:
        answer = program_of(world).post("/complaints", {"site": "lyon", "text": "No", "severity": "annoying"} | wrong)

        assert (answer.status_code, answer.json()["errorCode"]) == (400, code)
        assert not Complaint.objects.exists()

    def test_list__of_another_environment__shows_none_of_them(self, world: World) -> None:
        program_of(world).post("/complaints", site="lyon", text="Wrong", severity="annoying")

        other = Program(make_token(make_environment(), purpose=Purpose.MANAGE)[1])
        assert other.get("/complaints").json()["items"] == []
