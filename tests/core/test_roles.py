from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import translation

from core.actors import DEMO, person
from core.errors import InvalidInput, NotAllowed, Refusal
from core.labels import say_refusal
from core.models import User
from core.people import change_person, create_person, deactivate_person, reactivate_person, set_password, set_roles
from core.roles import CAPABILITIES, Capability, Role, can, capabilities_of, check_can, requires
from tests.factories.core import NOW, make_person

pytestmark = pytest.mark.django_db
SAID: dict[str, Any] = {"actor": DEMO, "reason": "a new season", "now": NOW}


@requires(Capability.SWITCH_FLAGS)
def guarded_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse("in")


def test_roles__migrated_database__has_the_four_groups() -> None:
    assert set(Group.objects.values_list("name", flat=True)) >= {role.value for role in Role}


@pytest.mark.parametrize("role", Role)
def test_capabilities__each_role__are_those_of_the_table(role: Role) -> None:
    someone = make_person(role)

    assert someone.roles == {role}
    assert someone.capabilities == CAPABILITIES[role]
    assert all(can(someone, wanted) == (wanted in CAPABILITIES[role]) for wanted in Capability)


def test_capabilities__auditor__hold_no_write() -> None:
    assert capabilities_of({Role.AUDITOR}) == {Capability.VIEW, Capability.READ_ADMIN}


def test_capabilities__two_roles__add_up() -> None:
    assert Capability.READ_ADMIN in make_person(Role.SUPPORT, Role.AUDITOR).capabilities
    assert Capability.LOG_COMPLAINTS in make_person(Role.SUPPORT, Role.AUDITOR).capabilities


def test_can__stranger_or_deactivated__is_false() -> None:
    gone = deactivate_person(user_id=make_person(Role.SUPPORT).pk, **SAID)

    assert not can(AnonymousUser(), Capability.VIEW)
    assert not can(gone, Capability.VIEW)


def test_requires__three_kinds_of_people__in_refused_or_led_to_sign_in(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = make_person(Role.RELEASE_MANAGER)
    assert guarded_view(request).status_code == 200

    request.user = make_person(Role.AUDITOR)
    with pytest.raises(NotAllowed) as refused:
        guarded_view(request)
    assert refused.value.status == 403

    request.user = AnonymousUser()
    assert guarded_view(request).status_code == 302


def test_create_person__auditor__sees_the_admin_and_cannot_sign_in_without_password() -> None:
    someone = make_person(Role.AUDITOR)

    assert someone.is_staff
    assert not someone.has_usable_password()
    assert not make_person(Role.SUPPORT).is_staff


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"username": "a b"}, "username_invalid"),
        ({"username": ""}, "username_invalid"),
        ({"username": "x" * 151}, "username_invalid"),
        ({"email": "no address"}, "email_invalid"),
        ({"language": "de"}, "language_unknown"),
        ({"phone": "1" * 41}, "phone_too_long"),
        ({"password": "short"}, "password_weak"),
        ({"reason": "  "}, "reason_missing"),
    ],
)
def test_create_person__wrong_input__is_refused_and_nobody_made(given: dict[str, str], code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        make_person(Role.SUPPORT, **given)

    assert refused.value.code == code
    assert not User.objects.exists()


def test_create_person__name_taken_in_other_case__is_refused() -> None:
    make_person(Role.SUPPORT, username="marie")

    with pytest.raises(Refusal) as refused:
        create_person(username="Marie", roles=[Role.SUPPORT], **SAID)

    assert refused.value.code == "username_taken"


def test_set_roles__new_roles__replace_the_old_with_history() -> None:
    someone = make_person(Role.SUPPORT)

    changed = set_roles(user_id=someone.pk, roles={Role.AUDITOR}, **SAID)

    assert changed.roles == {Role.AUDITOR}
    assert changed.is_staff
    newest = changed.history.first()
    assert newest is not None
    assert newest.history_change_reason == "a new season"
    assert [link.group.name for link in newest.groups.all()] == ["auditor"]


def test_set_roles__last_admin__stays_admin() -> None:
    admin = make_person(Role.ADMIN)

    with pytest.raises(Refusal) as refused:
        set_roles(user_id=admin.pk, roles={Role.SUPPORT}, **SAID)

    assert refused.value.code == "last_admin"
    assert User.objects.get(pk=admin.pk).roles == {Role.ADMIN}


def test_deactivate_person__last_admin_and_oneself__are_refused() -> None:
    admin, other = make_person(Role.ADMIN), make_person(Role.ADMIN)

    with pytest.raises(Refusal) as refused:
        deactivate_person(user_id=admin.pk, actor=person(admin), reason="off", now=NOW)
    assert refused.value.code == "own_account"

    deactivate_person(user_id=other.pk, actor=person(admin), reason="off", now=NOW)
    with pytest.raises(Refusal) as refused:
        deactivate_person(user_id=admin.pk, **SAID)
    assert refused.value.code == "last_admin"


def test_reactivate_person__deactivated__is_back_and_both_are_recorded() -> None:
    someone = make_person(Role.SUPPORT)

    deactivate_person(user_id=someone.pk, **SAID)
    back = reactivate_person(user_id=someone.pk, **SAID)

    assert back.is_active
    assert list(back.history.values_list("is_active", flat=True)[:2]) == [True, False]


def test_change_person__nothing_new__writes_nothing() -> None:
    someone = make_person(Role.SUPPORT)
    before = someone.history.count()

    change_person(
        user_id=someone.pk,
        full_name=someone.get_full_name(),
        email=someone.email,
        language=someone.language,
        phone=someone.phone,
        **SAID,
    )

    assert someone.history.count() == before


def test_set_password__new_one__is_recorded_without_it() -> None:
    someone = make_person(Role.SUPPORT)

    changed = set_password(user_id=someone.pk, password="a long and quiet word", **SAID)

    assert changed.check_password("a long and quiet word")
    newest = changed.history.first()
    assert newest is not None
    assert newest.history_change_reason == "a new season"
    assert not hasattr(newest, "password")


def test_delete__person__is_refused() -> None:
    someone = make_person(Role.SUPPORT)

    with pytest.raises(Refusal) as refused:
        someone.delete()

    assert refused.value.code == "people_are_deactivated"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Ask somebody who has one of these: release manager, admin."),
        ("fr", "Demandez à quelqu’un qui a l’un de ces rôles : responsable des versions, administrateur."),
    ],
)
def test_check_can__without_the_capability__names_who_has_it(language: str, words: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        check_can(make_person(Role.SUPPORT), Capability.SWITCH_FLAGS)

    with translation.override(language):
        assert say_refusal(refused.value).endswith(words)


def test_check_can__without_any_role__sends_to_an_admin() -> None:
    with pytest.raises(NotAllowed) as refused:
        check_can(make_person(), Capability.VIEW)

    assert refused.value.code == "role_missing"
