"""The admin shows everything to auditors and lets nobody change the records."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.actors import DEMO
from core.history import recorded
from core.models import User
from core.readonlyadmin import ReadOnlyAdmin
from core.roles import Role
from flags.models import Site
from tests.factories.core import NOW, make_person

pytestmark = pytest.mark.django_db

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label_lower)
READ_ONLY = [model for model in REGISTERED if model is not User]
FORM = {"username": "intruder", "email": "", "language": "fr", "phone": "", "roles": ["support"], "reason": "new"}


def page(model: type[Model], name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


@pytest.fixture(params=[Role.AUDITOR, Role.ADMIN])
def reader(request: pytest.FixtureRequest, client: Client) -> User:
    someone = make_person(request.param)
    client.force_login(someone)
    return someone


@pytest.fixture
def auditor(client: Client) -> User:
    someone = make_person(Role.AUDITOR)
    client.force_login(someone)
    return someone


@pytest.fixture
def manager_of_people(client: Client) -> User:
    someone = make_person(Role.ADMIN)
    client.force_login(someone)
    return someone


def snapshot(someone: User) -> tuple[Any, ...]:
    found = User.objects.get(pk=someone.pk)
    return found.username, found.email, found.first_name, found.phone, found.is_active, found.history.count()


def test_admin__every_page_registered__is_one_of_ours() -> None:
    assert all(isinstance(page, ReadOnlyAdmin) for page in admin.site._registry.values())
    assert not admin.site.is_registered(Group)


def test_admin__stranger__is_led_to_the_portals_sign_in(client: Client) -> None:
    answer = client.get(reverse("admin:index"), follow=False)
    login = client.get(answer["Location"])

    assert answer.status_code == 302
    assert login["Location"] == f"{reverse('account_login')}?next=%2Fadmin%2F"


@pytest.mark.parametrize("role", [Role.RELEASE_MANAGER, Role.SUPPORT])
def test_admin__other_roles__are_refused(client: Client, role: Role) -> None:
    client.force_login(make_person(role))

    assert client.get(reverse("admin:index"), follow=True).status_code == 403
    assert client.get(reverse("admin:changes"), follow=True).status_code == 403


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label_lower)
def test_list__reader__opens(client: Client, auditor: User, model: type[Model]) -> None:
    assert client.get(page(model, "changelist")).status_code == 200
    assert client.get(page(model, "changelist"), {"q": "a"}).status_code == 200


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model._meta.label_lower)
def test_writes__auditor_and_admin__are_refused_everywhere(client: Client, reader: User, model: type[Model]) -> None:
    answers = [
        client.get(page(model, "add")),
        client.post(page(model, "add"), {}),
        client.post(page(model, "changelist"), {"action": "delete_selected", "_selected_action": ["1"]}),
        client.post(page(model, "change", 1), {}),
        client.post(page(model, "delete", 1), {"post": "yes"}),
        client.post(page(model, "history", 1), {}),
    ]

    assert {answer.status_code for answer in answers} == {403}


def test_old_version__read__shows_it_and_no_button(client: Client, reader: User) -> None:
    someone = make_person(Role.SUPPORT)
    row = someone.history.last()
    assert row is not None

    answer = client.get(page(User, "simple_history", someone.pk, row.pk))

    assert answer.status_code == 200
    assert b'name="_save"' not in answer.content
    assert someone.username in answer.content.decode()


@pytest.mark.parametrize("extra", [{}, {"_save": "1"}, {"_change_history": "1"}])
def test_old_version__posted__is_refused_and_changes_nothing(
    client: Client, reader: User, extra: dict[str, str]
) -> None:
    """The library's hole (3.13): this POST changed the live object for people who may only view."""
    someone = make_person(Role.SUPPORT)
    row = someone.history.last()
    assert row is not None
    before = snapshot(someone)

    answer = client.post(page(User, "simple_history", someone.pk, row.pk), FORM | {"is_active": ""} | extra)

    assert answer.status_code == 403
    assert snapshot(someone) == before


def test_old_version_of_a_site__posted__is_refused_and_changes_nothing(client: Client, reader: User) -> None:
    with recorded(actor=DEMO, reason="opened", now=NOW):
        site = Site.objects.create(key="lyon", name="Lyon", city="Lyon")
    with recorded(actor=DEMO, reason="moved", now=NOW):
        site.city = "Villeurbanne"
        site.save()
    row = site.history.last()
    assert row is not None

    answer = client.post(page(Site, "simple_history", site.pk, row.pk), {"key": "x", "name": "x", "city": "x"})

    site.refresh_from_db()
    assert answer.status_code == 403
    assert (site.key, site.city, site.history.count()) == ("lyon", "Villeurbanne", 2)


def test_history__read__tells_who_through_what_and_why(client: Client, auditor: User) -> None:
    someone = make_person(Role.SUPPORT)

    content = client.get(page(User, "history", someone.pk)).content.decode()

    assert "needed by a test" in content
    assert "demo" in content
    assert "system" in content
    assert "style=" not in content.split("<table", 1)[1].split("</table", 1)[0]


def test_person__auditor_reads__sees_no_password_and_no_form(client: Client, auditor: User) -> None:
    someone = make_person(Role.SUPPORT, password="a long and quiet word")

    content = client.get(page(User, "change", someone.pk)).content.decode()

    assert someone.email in content
    assert "pbkdf2" not in content
    assert 'name="_save"' not in content


@pytest.mark.parametrize("name", ["add", "change", "delete"])
def test_person__auditor_writes__is_refused(client: Client, auditor: User, name: str) -> None:
    someone = make_person(Role.SUPPORT)
    before = snapshot(someone)

    answer = client.post(page(User, name, *([] if name == "add" else [someone.pk])), FORM)

    assert answer.status_code == 403
    assert snapshot(someone) == before
    assert not User.objects.filter(username="intruder").exists()


def test_person__admin_adds_one__is_there_with_role_reason_and_actor(client: Client, manager_of_people: User) -> None:
    answer = client.post(
        page(User, "add"),
        FORM | {"username": "jeanne", "full_name": "Jeanne Roy", "new_password": "a long and quiet word"},
    )

    assert answer.status_code == 302
    jeanne = User.objects.get(username="jeanne")
    assert (jeanne.roles, jeanne.get_full_name(), jeanne.language) == ({Role.SUPPORT}, "Jeanne Roy", "fr")
    assert jeanne.check_password("a long and quiet word")
    row = jeanne.history.first()
    assert row is not None
    assert (row.history_user, row.history_change_reason) == (manager_of_people, "new")


def test_person__admin_without_reason__is_asked_for_it(client: Client, manager_of_people: User) -> None:
    answer = client.post(page(User, "add"), FORM | {"username": "jeanne", "reason": " "})

    assert answer.status_code == 200
    assert "reason" in answer.context["adminform"].form.errors
    assert not User.objects.filter(username="jeanne").exists()


def test_person__admin_changes_role_phone_and_access__all_is_recorded(client: Client, manager_of_people: User) -> None:
    someone = make_person(Role.SUPPORT)
    given = {
        "full_name": "New Name",
        "email": "",
        "language": "en",
        "phone": "0472",
        "roles": ["auditor"],
        "reason": "moved",
    }

    assert client.get(page(User, "change", someone.pk)).status_code == 200
    answer = client.post(page(User, "change", someone.pk), given)

    assert answer.status_code == 302
    changed = User.objects.get(pk=someone.pk)
    assert (changed.username, changed.get_full_name(), changed.phone) == (someone.username, "New Name", "0472")
    assert (changed.roles, changed.is_active, changed.language) == ({Role.AUDITOR}, False, "en")
    assert set(changed.history.values_list("history_change_reason", flat=True)) == {"moved", "needed by a test"}


def test_person__admin_deactivates_oneself__is_refused_with_words(client: Client, manager_of_people: User) -> None:
    before = snapshot(manager_of_people)

    answer = client.post(
        page(User, "change", manager_of_people.pk),
        {"full_name": "X", "email": "", "language": "fr", "phone": "", "roles": ["admin"], "reason": "holidays"},
        follow=True,
    )

    assert answer.status_code == 200
    assert [str(message) for message in answer.context["messages"]]
    assert snapshot(manager_of_people) == before


def test_person__admin_deletes__is_refused(client: Client, manager_of_people: User) -> None:
    someone = make_person(Role.SUPPORT)

    assert client.post(page(User, "delete", someone.pk), {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=someone.pk).exists()


def test_people__list_with_many__takes_as_many_queries_as_with_few(
    client: Client, auditor: User, django_assert_num_queries: Any
) -> None:

    make_person(Role.SUPPORT)
    client.get(page(User, "changelist"))
    with CaptureQueriesContext(connection) as few:
        client.get(page(User, "changelist"))
    for _ in range(18):
        make_person(Role.SUPPORT)

    with django_assert_num_queries(len(few)):
        client.get(page(User, "changelist"))


def test_admin__every_tracked_model__has_its_page() -> None:
    missing = [
        model._meta.label
        for model in apps.get_models()
        if hasattr(model._meta, "simple_history_manager_attribute") and not admin.site.is_registered(model)
    ]

    assert missing == []


@pytest.mark.parametrize(
    "query",
    ["password__startswith=pbkdf2", "username__regex=(", "history__id__gt=0", "groups__permissions__id__exact=1"],
)
def test_person__auditor_narrows_by_what_no_filter_offers__learns_nothing(
    client: Client, auditor: User, query: str
) -> None:
    answer = client.get(f"{page(User, 'changelist')}?{query}")

    assert answer.status_code == 400


def test_lists__every_admin__allows_its_own_filters_and_no_other_lookup() -> None:
    for model, model_admin in admin.site._registry.items():
        if not isinstance(model_admin, ReadOnlyAdmin):
            continue
        for entry in model_admin.list_filter:
            name = entry if isinstance(entry, str) else entry[0]
            assert model_admin.lookup_allowed(str(name), ""), (model, name)
        for field in model._meta.local_concrete_fields:
            assert not model_admin.lookup_allowed(f"{field.name}__startswith", ""), (model, field.name)
            assert not model_admin.lookup_allowed(f"{field.name}__regex", ""), (model, field.name)


@pytest.mark.parametrize("version", ["x", "9" * 30, "-1", "1%00"])
def test_old_version__no_number__is_404(client: Client, auditor: User, version: str) -> None:
    person = make_person(Role.SUPPORT)
    address = f"{page(User, 'change', person.pk).removesuffix('change/')}history/{version}/"
    assert client.get(address).status_code in {400, 404}
