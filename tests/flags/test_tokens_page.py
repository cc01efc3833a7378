"""The page of tokens, for admins alone."""

from typing import Any

import pytest

from core.roles import Role
from flags.models import ApiToken
from tests.factories.flags import make_environment, make_token
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db

GIVEN = {"name": "Till back end", "environment": "prod", "purpose": "server", "reason": "Shop opens"}


def test_tokens__made__is_shown_once_and_never_again() -> None:
    make_environment(key="prod")
    client = sign_in(Role.ADMIN)

    page = client.post("/tokens/", GIVEN)

    raw = page.context["shown"]
    assert raw.startswith("rp_server_")
    assert raw in page.content.decode()
    assert page["Cache-Control"] == "no-store"
    assert raw not in client.get("/tokens/").content.decode()


@pytest.mark.parametrize(
    "change", [{"name": ""}, {"environment": "mars"}, {"purpose": "root"}, {"reason": ""}, {"name": "x" * 101}]
)
def test_tokens__wrong_input__is_said_and_makes_none(change: dict[str, Any]) -> None:
    make_environment(key="prod")

    answer = sign_in(Role.ADMIN).post("/tokens/", GIVEN | change)

    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(("change", "status"), [({}, 302), ({"reason": ""}, 400), ({"revoke": "999999"}, 400)])
def test_tokens__revoked__is_marked_with_a_reason_only(change: dict[str, str], status: int) -> None:
    token, _raw = make_token(make_environment(key="prod"))

    answer = sign_in(Role.ADMIN).post("/tokens/", {"revoke": str(token.pk), "reason": "Lost"} | change)

    assert answer.status_code == status
    token.refresh_from_db()
    assert (token.revoked_at is not None) == (status == 302)


@pytest.mark.parametrize("role", [Role.RELEASE_MANAGER, Role.SUPPORT, Role.AUDITOR])
def test_tokens__anybody_else__is_refused(role: Role) -> None:
    make_environment(key="prod")

    assert sign_in(role).post("/tokens/", GIVEN).status_code == 403
    assert not ApiToken.objects.exists()
