from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import ProtectedError

from core.actors import DEMO, SCHEDULER, person
from core.errors import InvalidInput
from core.history import MAX_REASON_CHARACTERS, NoActor, check_reason, get_recording, recorded
from core.models import User
from core.people import change_person
from core.roles import Role
from tests.factories.core import NOW, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Iterator[psycopg.Connection]:
    """A connection of the database's owner, rolled back at the end."""
    assert settings.DATABASE_OWNER is not None
    address = settings.DATABASE_OWNER
    with psycopg.connect(
        dbname=connection.settings_dict["NAME"],
        user=address["USER"],
        password=address["PASSWORD"],
        host=address["HOST"],
        port=address["PORT"],
    ) as found:
        yield found
        found.rollback()


def test_save__outside_recorded__is_refused_and_writes_nothing() -> None:
    with pytest.raises(NoActor), transaction.atomic():
        User(username="nobody").save()

    assert not User.objects.exists()


def test_delete__outside_recorded__is_refused() -> None:
    someone = make_person(Role.SUPPORT)

    with pytest.raises(NoActor), transaction.atomic():
        super(User, someone).delete()

    assert User.objects.filter(pk=someone.pk).exists()


def test_recorded__after_the_block__no_actor_is_left() -> None:
    with recorded(actor=DEMO, reason="once", now=NOW):
        assert get_recording().actor == DEMO

    with pytest.raises(NoActor):
        get_recording()


def test_recorded__nested__inner_actor_then_outer_again() -> None:
    with recorded(actor=DEMO, reason="outer", now=NOW):
        with recorded(actor=SCHEDULER, reason="inner", now=NOW):
            assert get_recording().actor == SCHEDULER
        assert get_recording().reason == "outer"


@pytest.mark.parametrize(
    ("reason", "code"),
    [("", "reason_missing"), (" \n\t", "reason_missing"), ("x" * (MAX_REASON_CHARACTERS + 1), "reason_too_long")],
)
def test_check_reason__empty_or_endless__is_refused(reason: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_reason(reason)

    assert refused.value.code == code


def test_history__person_changes__row_tells_who_when_why_through_what() -> None:
    admin, someone = make_person(Role.ADMIN), make_person(Role.SUPPORT)

    change_person(
        user_id=someone.pk,
        full_name="Anne Martin",
        email=someone.email,
        language="en",
        phone="0472000000",
        actor=person(admin),
        reason="  married  ",
        now=NOW,
    )

    row = someone.history.first()
    assert row is not None
    assert (row.history_user, row.history_date, row.history_change_reason) == (admin, NOW, "married")
    assert (row.actor_kind, row.actor_label, row.history_type) == ("user", admin.get_full_name(), "~")
    assert (row.first_name, row.last_name, row.language) == ("Anne", "Martin", "en")


def test_history__system_acts__has_a_label_and_no_user() -> None:
    row = make_person(Role.SUPPORT, actor=SCHEDULER).history.first()

    assert row is not None
    assert (row.actor_kind, row.actor_label, row.history_user) == ("system", "scheduler", None)


def test_history__password_re_hashed_at_sign_in__is_not_recorded() -> None:
    someone = make_person(Role.SUPPORT, password="a long and quiet word")
    before = someone.history.count()

    someone.set_password("a long and quiet word")
    someone.save(update_fields=["password"])

    assert someone.history.count() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE core_historicaluser SET history_change_reason = 'nothing happened'",
        "DELETE FROM core_historicaluser",
        "TRUNCATE core_historicaluser",
        "UPDATE core_historicaluser_groups SET group_id = 1",
        "DELETE FROM core_historicaluser_groups",
        "TRUNCATE core_historicaluser_groups",
        "INSERT INTO core_auditlink VALUES (1, 'x', 1, '{}', now(), '', '')",
        "DELETE FROM core_auditlink",
        "DELETE FROM core_auditentry",
        "UPDATE core_exportrecord SET row_count = 0",
        "DELETE FROM core_exportrecord",
        "ALTER TABLE core_historicaluser DISABLE TRIGGER ALL",
        "DROP TABLE core_historicaluser",
    ],
)
def test_history_table__the_portals_own_role__may_not_change_it(statement: str) -> None:
    make_person(Role.SUPPORT)

    with pytest.raises(DatabaseError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert getattr(refused.value.__cause__, "sqlstate", "") == "42501"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE core_historicaluser SET history_change_reason = 'nothing happened'",
        "DELETE FROM core_historicaluser",
        "DELETE FROM core_historicaluser_groups",
    ],
)
def test_history_table__owner__is_stopped_by_the_trigger(owner: psycopg.Connection, statement: str) -> None:
    make_person(Role.SUPPORT)

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        owner.execute(statement)


def test_history__person_named_in_it__cannot_be_deleted() -> None:
    admin = make_person(Role.ADMIN)
    make_person(Role.SUPPORT, actor=person(admin))

    with pytest.raises(ProtectedError), transaction.atomic(), recorded(actor=DEMO, reason="gone", now=NOW):
        super(User, admin).delete()
