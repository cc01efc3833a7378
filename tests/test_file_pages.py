"""Pages that export and import files: looked at as a difference first, then written as it was looked at."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from core.actors import DEMO
from core.roles import Role
from flags.models import Environment, Flag, FlagState
from flags.transitions import NewMember, create_segment, kill_flag
from rollouts.models import PlanTemplate
from tests.digest import take_digest
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_site
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db

_BY: dict[str, Any] = {"actor": DEMO, "reason": "needed by a test", "now": NOW}
FILES = Path(settings.BASE_DIR) / "examples/files"
TEMPLATES = FILES.joinpath("plan-template.yaml").read_text(encoding="utf-8")
FLAGS = FILES.joinpath("flags.yaml").read_text(encoding="utf-8")


@pytest.fixture
def client() -> Client:
    return sign_in(Role.RELEASE_MANAGER)


@pytest.fixture
def prod() -> Environment:
    make_environment(key="staging")
    make_site(key="lyon")
    create_segment(key="testers", name="Testers", members=[NewMember("mia")], **_BY)
    return make_environment(key="prod")


def _check(client: Client, path: str, **given: Any) -> tuple[str, str]:
    """Return the page that says what would change, and the fingerprint it holds."""
    page = client.post(path, {"do": "check"} | given).content.decode()
    found = re.search(r'name="seen" value="(\w+)"', page)
    return page, found[1] if found else ""


def test_import_templates__looked_at__is_a_difference_and_writes_nothing(client: Client) -> None:
    before = take_digest()

    page, seen = _check(client, "/import-plan-templates/", text=TEMPLATES)

    assert "name: Testeurs, puis une part croissante" in page
    assert len(seen) == 64
    assert take_digest() == before


def test_import_templates__pressed__is_written_with_its_reason(client: Client) -> None:
    _page, seen = _check(client, "/import-plan-templates/", text=TEMPLATES)

    answer = client.post("/import-plan-templates/", {"text": TEMPLATES, "seen": seen, "reason": "From git"})

    assert answer.status_code == 302
    assert PlanTemplate.objects.get(key="careful-share").versions.get().reason == "From git"


@pytest.mark.parametrize("change", [{"seen": ""}, {"reason": " "}, {"text": TEMPLATES.replace("days: 3", "days: 6")}])
def test_import_templates__not_as_looked_at__is_shown_anew_and_writes_nothing(
    client: Client, change: dict[str, str]
) -> None:
    _page, seen = _check(client, "/import-plan-templates/", text=TEMPLATES)
    before = take_digest()

    answer = client.post("/import-plan-templates/", {"text": TEMPLATES, "seen": seen, "reason": "From git"} | change)

    assert answer.status_code == 400
    assert b'name="seen"' in answer.content
    assert take_digest() == before


def test_import_templates__wrong__says_the_line_in_the_readers_language(client: Client) -> None:
    text = TEMPLATES.replace("days: 3", "days: 0")

    answer = client.post("/import-plan-templates/", {"do": "check", "text": text}, headers={"accept-language": "fr"})

    assert answer.status_code == 400
    assert "Ligne 23, days : le nombre doit être ≥ 1." in answer.content.decode().replace("\xa0", " ")


def test_export_template__imported_again__changes_nothing(client: Client) -> None:
    answer = client.get("/plan-templates/four-phases/export/")

    assert answer.headers["Content-Disposition"] == 'attachment; filename="four-phases.yaml"'
    page, _seen = _check(client, "/import-plan-templates/", text=answer.content.decode())
    assert "Nothing would change" in page


def test_import_flags__environment_chosen__says_whom_it_reaches_and_lays_rules(
    client: Client, prod: Environment
) -> None:
    chosen = {"text": FLAGS, "environments": ["prod"]}
    page, seen = _check(client, "/import-flags/", **chosen)
    assert "Whom it changes in prod" in page
    assert not Flag.objects.exists()

    client.post("/import-flags/", chosen | {"seen": seen, "reason": "From git"})

    on = FlagState.objects.filter(is_on=True).values_list("environment__key", "flag__key")
    assert list(on) == [("prod", "printer_font_v1_4")]
    assert client.get("/export-flags/").content.decode().count("kind: flag") == 2


def test_import_flags__another_environment_than_looked_at__writes_nothing(client: Client, prod: Environment) -> None:
    _page, seen = _check(client, "/import-flags/", text=FLAGS)

    answer = client.post(
        "/import-flags/", {"text": FLAGS, "environments": ["prod"], "seen": seen, "reason": "From git"}
    )

    assert answer.status_code == 400
    assert not Flag.objects.exists()


def test_import_flags__kill_switch__is_said_and_stays(client: Client, prod: Environment) -> None:
    _page, seen = _check(client, "/import-flags/", text=FLAGS)
    client.post("/import-flags/", {"text": FLAGS, "seen": seen, "reason": "From git"})
    flag = Flag.objects.get(key="printer_font_v1_4")
    kill_flag(flag_id=flag.pk, environment_id=prod.pk, **_BY)

    page, _seen = _check(client, "/import-flags/", text=FLAGS, environments=["prod"])

    assert "The kill switch stands and stays" in page
