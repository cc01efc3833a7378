"""The admin wears the portal's colours: every colour that Django names is one of our tokens."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client

from core.roles import Role
from tests.factories.core import make_person

CSS = Path(settings.BASE_DIR) / "static/css"
VARIABLE = re.compile(r"(--[\w-]+):\s*([^;]+);")


def _variables(text: str) -> dict[str, str]:
    return dict(VARIABLE.findall(text))


def test_admin_colours__each_that_django_names__is_a_token() -> None:
    djangos = _variables(Path(str(finders.find("admin/css/base.css"))).read_text(encoding="utf-8"))
    tokens = _variables((CSS / "tokens.css").read_text(encoding="utf-8"))
    ours = _variables((CSS / "admin.css").read_text(encoding="utf-8"))
    allowed = {f"var({name})" for name in tokens} | {"revert-layer"}

    colours = {name for name in djangos if not name.startswith("--font")}

    assert colours - ours.keys() == set()
    assert {name: ours[name] for name in colours if ours[name] not in allowed} == {}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["", "flags/flag/", "changes/"])
def test_admin_pages__all__wear_our_sheets_last_and_have_no_theme_of_their_own(client: Client, path: str) -> None:
    client.force_login(make_person(Role.AUDITOR))

    page = client.get(f"/admin/{path}").content.decode()

    sheets = re.findall(r'rel="stylesheet" href="([^"]+)"', page)
    assert sheets[-2:] == ["/static/css/tokens.css", "/static/css/admin.css"]
    assert "dark_mode" not in page
    assert "theme.js" not in page
