"""Setting a guardrail on its page: who may, what is refused, what stays in history."""

from typing import Any

import pytest

from core.roles import Role
from health.models import Guardrail
from tests.factories.flags import make_environment, make_flag
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db
PAGE = "/health/guardrails/error_rate/"
WANTED = {
    "mode": "hold",
    "percent": "2.5",
    "scope": "site",
    "cool_down_minutes": "30",
    "reason": "Calibrated in the drill",
}


def test_form__a_manager__sets_mode_and_limit_with_a_reason() -> None:
    environment = make_environment()
    client = sign_in(Role.RELEASE_MANAGER)

    answer = client.post(PAGE, WANTED)

    assert answer.status_code == 302
    guardrail = Guardrail.objects.get()
    assert (guardrail.environment, guardrail.mode, guardrail.threshold_bp) == (environment, "hold", 250)
    assert (guardrail.scope, guardrail.cool_down_minutes, guardrail.flag) == ("site", 30, None)
    assert Guardrail.history.get().history_change_reason == WANTED["reason"]
    assert "Saved: Error rate in" in client.get("/health/guardrails/").text
    page = client.get("/health/").content.decode()
    assert "2.5" in page
    assert PAGE in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "panic"},
        {"percent": "0.5"},
        {"percent": "11"},
        {"percent": "NaN"},
        {"reason": ""},
        {"scope": "shop"},
        {"cool_down_minutes": "1441"},
    ],
)
def test_form__wrong_values__are_said_beside_the_form(wrong: dict[str, Any]) -> None:
    make_environment()

    assert sign_in(Role.RELEASE_MANAGER).post(PAGE, WANTED | wrong).status_code == 400
    assert not Guardrail.objects.exists()


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.AUDITOR])
def test_form__who_may_not_drive__is_refused_and_sees_no_link(role: Role) -> None:
    make_environment()
    client = sign_in(role)

    assert client.post(PAGE, WANTED).status_code == 403
    assert PAGE not in client.get("/health/").content.decode()


def test_form__unknown_lane_or_no_environment__is_not_found() -> None:
    client = sign_in(Role.RELEASE_MANAGER)

    assert client.get(PAGE).status_code == 404
    make_environment()
    assert client.get("/health/guardrails/critical/").status_code == 404
    assert client.get(PAGE).status_code == 200


def test_override__of_one_flag__is_set_listed_and_taken_away() -> None:
    make_environment()
    flag = make_flag(key="buttons", name="Price buttons")
    client = sign_in(Role.RELEASE_MANAGER)

    assert client.post(f"{PAGE}?flag=buttons", WANTED | {"mode": "observe"}).status_code == 302

    own = Guardrail.objects.get()
    assert (own.flag, own.mode) == (flag, "observe")
    page = client.get("/health/guardrails/").content.decode()
    assert f"{PAGE}?flag=buttons" in page
    assert client.post(f"/health/guardrails/{own.pk}/forget/", {"reason": ""}).status_code == 400
    assert client.post(f"/health/guardrails/{own.pk}/forget/", {"reason": "As before"}).status_code == 302
    assert not Guardrail.objects.exists()
    assert Guardrail.history.first().history_change_reason == "As before"


def test_override__of_no_flag__is_not_found() -> None:
    make_environment()

    assert sign_in(Role.RELEASE_MANAGER).get(f"{PAGE}?flag=nobody").status_code == 404


def test_form__of_alerts__has_no_limit_to_set() -> None:
    make_environment()
    client = sign_in(Role.RELEASE_MANAGER)
    page = "/health/guardrails/alert/"

    assert 'name="percent"' not in client.get(page).content.decode()
    assert client.post(page, WANTED | {"mode": "hold"}).status_code == 302
    assert Guardrail.objects.get().threshold_bp == 0


def test_form__of_complaints__sets_a_number_a_day_and_says_why_it_never_rolls_back() -> None:
    make_environment()
    make_flag(key="buttons", name="Price buttons")
    client = sign_in(Role.RELEASE_MANAGER)
    page = "/health/guardrails/complaints/"
    wanted = {"mode": "investigate", "most_a_day": "20", "reason": "A busy week"}

    shown = client.get(page).content.decode()
    assert 'value="roll_back"' not in shown
    assert 'name="percent"' not in shown
    refused = client.post(page, wanted | {"mode": "roll_back"})
    assert refused.status_code == 400
    assert "rolling back is a person’s decision" in refused.content.decode()
    assert client.post(page, wanted).status_code == 302
    assert client.get(f"{page}?flag=buttons").status_code == 404

    guardrail = Guardrail.objects.get()
    assert (guardrail.mode, guardrail.most_a_day, guardrail.threshold_bp) == ("investigate", 20, 0)
    assert "more than 20 a day" in client.get("/health/").content.decode()
    assert "of 20 complaints today" in client.get("/complaints/").content.decode()
