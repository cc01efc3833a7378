"""What a signed-in person was sent stays in no cache, nor behind the browser's Back button."""

import pytest
from django.conf import settings
from django.test import Client

from core.roles import Role
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/nowhere/", {}),
        ("/rollouts/", {}),
        ("/rollouts/", {"HX-Request": "true"}),
        ("/export-plan-templates/", {}),
    ],
)
def test_signed_in__a_page_a_part_or_a_file__is_kept_nowhere(path: str, headers: dict[str, str]) -> None:
    answer = sign_in(Role.RELEASE_MANAGER).get(path, headers=headers)

    assert answer["Cache-Control"] == "private, no-store"


def test_signed_in__what_everybody_may_have__may_be_kept() -> None:
    client = sign_in(Role.RELEASE_MANAGER)

    assert client.get("/schemas/flag.v1.json")["Cache-Control"].startswith("public")
    file = client.get(f"{settings.STATIC_URL}icons.svg")
    file.close()
    assert "no-store" not in file.headers.get("Cache-Control", "")


def test_stranger__the_page_to_sign_in__needs_no_word_but_its_own() -> None:
    assert Client().get("/account/login/")["Cache-Control"] == "no-store"
    assert not Client().get("/").has_header("Cache-Control")
