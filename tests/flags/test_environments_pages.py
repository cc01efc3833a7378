"""Pages of environments: how an empty portal gets its first, and which origins may ask."""

from typing import Any

import pytest
from django.test import Client

from core.roles import Role
from flags.models import Environment, FlagState
from tests.factories.flags import make_environment, make_flag
from tests.signed_in import read_version, sign_in

pytestmark = pytest.mark.django_db

GIVEN = {
    "key": "prod",
    "name": "Production",
    "required_approvals": "0",
    "position": "3",
    "is_production": "on",
    "reason": "First day",
}


def test_new_environment__in_an_empty_portal__is_there_with_every_flag_off() -> None:
    flag = make_flag()
    client = sign_in(Role.ADMIN)
    assert "No environment yet" in client.get("/environments/").content.decode()

    answer = client.post("/new-environment/", GIVEN | {"allowed_origins": "https://a.example\nhttp://127.0.0.1:5173"})

    assert answer.status_code == 302
    environment = Environment.objects.get()
    assert (environment.key, environment.is_production, environment.position) == ("prod", True, 3)
    assert environment.allowed_origins == ["https://a.example", "http://127.0.0.1:5173"]
    assert FlagState.objects.get(flag=flag, environment=environment).is_on is False
    assert environment.history.get().history_change_reason == "First day"


@pytest.mark.parametrize(
    "change",
    [
        {"key": ""},
        {"key": "pr od"},
        {"key": "staging"},
        {"name": ""},
        {"position": "-1"},
        {"position": "40000"},
        {"allowed_origins": "till.example"},
        {"allowed_origins": "https://a.example/path"},
        {"allowed_origins": "*"},
        {"allowed_origins": "https://" + "a" * 200},
        {"reason": ""},
    ],
)
def test_new_environment__wrong_input__is_said_and_makes_none(change: dict[str, Any]) -> None:
    make_environment(key="staging")

    answer = sign_in(Role.ADMIN).post("/new-environment/", GIVEN | change)

    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()
    assert Environment.objects.count() == 1


def test_edit_environment__keeps_its_key_and_shows_what_was_set() -> None:
    environment = make_environment(key="staging", allowed_origins=["https://a.example"])
    client = sign_in(Role.ADMIN)
    assert "https://a.example" in client.get("/environments/staging/").content.decode()

    version = read_version(client, "/environments/staging/")
    renamed = {
        "name": "Rehearsals",
        "required_approvals": "2",
        "position": "1",
        "reason": "Clearer",
        "version": version,
    }
    client.post("/environments/staging/", renamed)

    environment.refresh_from_db()
    assert (environment.key, environment.name, environment.allowed_origins) == ("staging", "Rehearsals", [])
    assert environment.required_approvals == 2
    late = client.post("/environments/staging/", renamed | {"name": "Too late"})
    assert "Somebody else changed this meanwhile" in late.content.decode()
    environment.refresh_from_db()
    assert environment.name == "Rehearsals"


@pytest.mark.parametrize("role", [Role.RELEASE_MANAGER, Role.SUPPORT, Role.AUDITOR])
def test_environments__anybody_else__is_refused(role: Role) -> None:
    make_environment(key="staging")
    client: Client = sign_in(role)

    paths = ["/environments/", "/new-environment/", "/environments/staging/"]
    assert [client.post(path, GIVEN).status_code for path in paths] == [403] * 3
    assert Environment.objects.count() == 1
