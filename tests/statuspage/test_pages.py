"""Those who keep the page: what is public, the components, and the command of the copy."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import override_settings

from core.errors import Refusal
from core.roles import Role
from flags.models import Site
from statuspage.models import Component, PublicEnvironment, StatusPage
from statuspage.transitions import add_component, change_component
from tests.factories.flags import make_environment, make_flag
from tests.factories.statuspage import BY, find_component, make_public
from tests.recovery.operations import make_target
from tests.signed_in import count_queries, read_version, sign_in

pytestmark = pytest.mark.django_db

WORDS = {"name_fr": "Étiquettes", "name_en": "Labels", "position": "30", "is_shown": "on", "reason": "Asked for"}
VALUES: dict[str, Any] = {"kind": "till", "site": None, "position": 1, "name_fr": "x", "name_en": "x"}


def test_settings__everybody_signed_in__reads_and_release_managers_change() -> None:
    environment = make_public()

    auditor, manager = sign_in(Role.AUDITOR), sign_in(Role.RELEASE_MANAGER)

    address = f"/status-page/environments/{environment.pk}/"
    assert address not in auditor.get("/status-page/").content.decode()
    assert address in manager.get("/status-page/").content.decode()


def test_settings__more_components__ask_no_more_queries() -> None:
    make_public(sites=2)
    client = sign_in()
    few = count_queries(client, "/status-page/")
    make_public(sites=12)

    assert count_queries(client, "/status-page/") == few


def test_page__named__is_on_record_and_changed_meanwhile_is_refused() -> None:
    client = sign_in()
    seen = read_version(client, "/status-page/page/")
    wish = {
        "name_fr": "Nos caisses",
        "name_en": "Our tills",
        "hotline": "01 23 45 67 89",
        "reason": "Ours",
        "version": seen,
    }

    assert client.post("/status-page/page/", wish).status_code == 302
    again = client.post("/status-page/page/", wish | {"name_en": "Late"})

    assert again.status_code == 400
    page = StatusPage.objects.get()
    assert (page.name_fr, page.name_en, page.hotline) == ("Nos caisses", "Our tills", "01 23 45 67 89")
    assert StatusPage.history.get().history_change_reason == "Ours"


def test_environment__made_public__says_what_of_it() -> None:
    environment = make_environment()
    client, address = sign_in(), f"/status-page/environments/{environment.pk}/"

    answer = client.post(address, {"is_public": "on", "reason": "Wanted", "version": read_version(client, address)})

    assert answer.status_code == 302
    row = PublicEnvironment.objects.get(environment=environment)
    assert (row.is_public, row.shows_rollouts, row.shows_maintenance) == (True, False, False)


def test_component__a_feature_of_flags__is_added_and_hidden() -> None:
    environment, flag = make_public(), make_flag()
    client = sign_in()
    address = f"/status-page/environments/{environment.pk}/components/new/"

    assert client.post(address, WORDS | {"kind": "feature", "flags": [flag.pk]}).status_code == 302
    component = Component.objects.get(kind="feature")
    edit = f"/status-page/components/{component.pk}/"
    answer = client.post(edit, WORDS | {"is_shown": "", "version": read_version(client, edit)})

    assert answer.status_code == 302
    component.refresh_from_db()
    assert (component.flag_keys, component.is_shown, component.name_fr) == ([flag.key], False, "Étiquettes")


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"kind": "site"}, "component_site_wrong"),
        ({"kind": "feature"}, "component_flags_wrong"),
        ({"flag_keys": ["no_such_flag"], "kind": "feature"}, "component_flags_wrong"),
        ({"kind": "planet"}, "values_wrong"),
        ({"name_fr": "  "}, "component_incomplete"),
        ({"name_en": "a\x00b"}, "component_unreadable"),
        ({"position": -1}, "component_position_wrong"),
    ],
)
def test_component__that_makes_no_sense__is_refused(values: dict[str, object], code: str) -> None:
    environment = make_environment()

    with pytest.raises(Refusal) as refusal:
        add_component(environment_id=environment.pk, values=VALUES | values, **BY)

    assert refusal.value.code == code


def test_component__second_of_a_site_or_of_a_target_elsewhere__is_refused() -> None:
    environment = make_public(sites=1)
    till = find_component(environment, "till")

    site = Site.objects.get()
    with pytest.raises(Refusal, match="component_site_taken"):
        add_component(environment_id=environment.pk, values=VALUES | {"kind": "site", "site": site}, **BY)
    with pytest.raises(Refusal, match="component_target_wrong"):
        change_component(component_id=till.pk, values={"target": make_target(make_environment())}, **BY)


def test_command__writes_everything_and_says_why_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_public()
    storage = settings.STORAGES["status_page"] | {"OPTIONS": {"location": str(tmp_path / "copy")}}
    with override_settings(STORAGES=settings.STORAGES | {"status_page": storage}):
        call_command("copy_status_page")
        assert (tmp_path / "copy" / "en" / "index.html").exists()
    storage |= {"OPTIONS": {"location": str(tmp_path / "copy" / "index.html")}}
    with override_settings(STORAGES=settings.STORAGES | {"status_page": storage}), pytest.raises(CommandError) as fault:
        call_command("copy_status_page")

    assert "files written to" in capsys.readouterr().out
    assert "Not written to" in str(fault.value)
