"""Every tracked model of every app is protected: a new one cannot be forgotten."""

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from core.protection import (
    ENTER_TRIGGER,
    READ_ONLY_TABLES,
    REFUSE_TRIGGER,
    list_append_only_tables,
    list_history_tables,
)

pytestmark = pytest.mark.django_db


def triggers_of(table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal", [table])
        return {name for (name,) in cursor.fetchall()}


def rights_on(table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT privilege_type FROM information_schema.table_privileges WHERE table_name = %s AND grantee = %s",
            [table, settings.DATABASES["default"]["USER"]],
        )
        return {name for (name,) in cursor.fetchall()}


def test_list_history_tables__every_tracked_model__has_one() -> None:
    managers = [getattr(model._meta, "simple_history_manager_attribute", None) for model in apps.get_models()]
    wanted = {
        getattr(model, name).model._meta.db_table
        for model, name in zip(apps.get_models(), managers, strict=True)
        if name is not None
    }

    assert wanted
    assert wanted <= {table.name for table in list_history_tables()}


def test_history_tables__all_of_them__carry_both_triggers_and_only_two_rights() -> None:
    for table in list_history_tables():
        assert {REFUSE_TRIGGER, ENTER_TRIGGER} <= triggers_of(table.name), table.name
        assert rights_on(table.name) == {"SELECT", "INSERT"}, table.name


def test_append_only_tables__all_of_them__refuse_change() -> None:
    for name in list_append_only_tables():
        assert REFUSE_TRIGGER in triggers_of(name), name
        assert rights_on(name) == {"SELECT", "INSERT"}, name


def test_chain_tables__for_the_portals_role__can_only_be_read() -> None:
    for table in READ_ONLY_TABLES:
        assert rights_on(table) == {"SELECT"}, table


def test_other_tables__for_the_portals_role__can_be_written_and_not_emptied() -> None:
    special = {*list_append_only_tables(), *READ_ONLY_TABLES}
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and model._meta.db_table not in special and not model._meta.proxy:
            assert rights_on(model._meta.db_table) == {"SELECT", "INSERT", "UPDATE", "DELETE"}, model


def test_portals_role__in_the_tests__is_neither_owner_nor_superuser() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,)
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user")
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db(transaction=True)
def test_migrate__once_more__changes_nothing_and_leaves_the_portals_role() -> None:
    before = {table.name: (triggers_of(table.name), rights_on(table.name)) for table in list_history_tables()}

    call_command("migrate", verbosity=0)

    assert before == {table.name: (triggers_of(table.name), rights_on(table.name)) for table in list_history_tables()}
    assert connection.settings_dict["USER"] == settings.DATABASES["default"]["USER"]


@pytest.mark.django_db(transaction=True)
def test_flush__tables__are_empty_and_the_roles_still_there() -> None:
    call_command("flush", verbosity=0, interactive=False)

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_historicaluser")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT count(*) FROM auth_group")
        assert cursor.fetchone() == (4,)
