"""Setting a guardrail on its page: who may, what is refused, what stays in history."""

from typing import Any

import pytest

from core.roles import Role
from health.models import Guardrail
from tests.factories.flags import make_environment
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db
PAGE = "/health/guardrails/error_rate/"
WANTED = {"mode": "roll_back", "percent": "2.5", "reason": "Calibrated in the drill"}


def test_form__a_manager__sets_mode_and_limit_with_a_reason() -> None:
    environment = make_environment()
    client = sign_in(Role.RELEASE_MANAGER)

    answer = client.post(PAGE, WANTED)

    assert answer.status_code == 302
    guardrail = Guardrail.objects.get()
    assert (guardrail.environment, guardrail.mode, guardrail.threshold_bp) == (environment, "roll_back", 250)
    assert Guardrail.history.get().history_change_reason == WANTED["reason"]
    page = client.get("/health/").content.decode()
    assert "2.5" in page
    assert PAGE in page


@pytest.mark.parametrize(
    "wrong", [{"mode": "panic"}, {"percent": "0.5"}, {"percent": "11"}, {"percent": "NaN"}, {"reason": ""}]
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
