"""A superuser can switch triggers off; the chain tells."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import DataError, connection, connections, transaction

from core import clock
from core.chain import GENESIS, find_head, hash_link, list_links, seal_history, verify_history
from core.models import AuditEntry, AuditLink
from core.protection import CALLED_FUNCTIONS
from core.roles import Role
from tests.factories.core import make_person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner() -> Iterator[psycopg.Connection]:
    """The owner with the guard of history off, as a superuser can have it."""
    assert settings.DATABASE_OWNER is not None
    address = settings.DATABASE_OWNER
    with psycopg.connect(
        dbname=connection.settings_dict["NAME"],
        user=address["USER"],
        password=address["PASSWORD"],
        host=address["HOST"],
        port=address["PORT"],
        autocommit=True,
    ) as found:
        tables = ("core_historicaluser", "core_historicaluser_groups", "core_auditlink")
        for table in tables:
            found.execute(f"ALTER TABLE {table} DISABLE TRIGGER core_append_only")
        try:
            yield found
        finally:
            for table in tables:
                found.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.fixture
def sealed() -> list[AuditLink]:
    make_person(Role.SUPPORT)
    make_person(Role.AUDITOR, Role.ADMIN)
    seal_history(now=clock.now())
    return list(AuditLink.objects.all())


def run_command(*arguments: str) -> tuple[int, str]:
    out, err = StringIO(), StringIO()
    try:
        call_command("verify_history", *arguments, stdout=out, stderr=err)
    except SystemExit as ended:
        return int(ended.code or 0), err.getvalue()
    return 0, out.getvalue()


def test_seal_history__rows_written__become_links_in_order(sealed: list[AuditLink]) -> None:
    assert [link.seq for link in sealed] == list(range(1, len(sealed) + 1))
    # The built-in plan template, risks and templates of announcements are there from the start.
    built_in = {"rollouts_historicalplantemplate", "rollouts_historicalrisk"}
    built_in |= {"announcements_historicalannouncementtemplate"}
    people = {"core_historicaluser", "core_historicaluser_groups"}
    assert {link.table_name for link in sealed} == people | built_in
    assert sealed[0].previous_hash == GENESIS
    assert [link.previous_hash for link in sealed[1:]] == [link.hash for link in sealed[:-1]]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL timezone = 'UTC'")
        assert [hash_link(link) for link in list_links()] == [link.hash for link in sealed]
    assert not AuditEntry.objects.exists()


def test_seal_history__nothing_waits__does_nothing(sealed: list[AuditLink]) -> None:
    assert seal_history(now=clock.now()) == 0


def test_seal_history__transaction_still_open__waits_for_it() -> None:
    seal_history(now=clock.now())
    with transaction.atomic():
        make_person(Role.SUPPORT)
        with ThreadPoolExecutor(1) as other:
            assert other.submit(seal_elsewhere).result() == 0

    assert seal_history(now=clock.now()) > 0


def test_seal_history__two_at_once__make_one_chain() -> None:
    for _ in range(6):
        make_person(Role.SUPPORT)

    with ThreadPoolExecutor(2) as both:
        counts = list(both.map(lambda _: seal_elsewhere(), range(2)))

    assert sum(counts) == AuditLink.objects.count() > 0
    assert verify_history().fault is None


def seal_elsewhere() -> int:
    try:
        return seal_history(now=clock.now())
    finally:
        connections["default"].close()


@pytest.mark.parametrize(
    "moment",
    [
        "NULL",
        "'infinity'",
        "'-infinity'",
        "'0044-03-15 BC'",
        "'12026-11-04'",
        "clock_timestamp() - interval '61 minutes'",
        "clock_timestamp() + interval '61 minutes'",
    ],
)
def test_seal_history__not_the_time_of_day__is_refused_and_nothing_sealed(moment: str) -> None:
    make_person(Role.SUPPORT)

    with pytest.raises(DataError, match="off the clock of the database"), connection.cursor() as cursor:
        cursor.execute(f"SELECT core_seal_history({moment}, 10)")

    assert not AuditLink.objects.exists()
    assert AuditEntry.objects.exists()


def test_seal_history__a_clock_some_minutes_off__seals() -> None:
    make_person(Role.SUPPORT)

    assert seal_history(now=clock.now() - timedelta(minutes=50)) > 0


def test_functions__the_portals_own_role__calls_what_it_needs_alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " AND has_function_privilege(current_user, oid, 'EXECUTE') ORDER BY proname"
        )
        assert [name for (name,) in cursor.fetchall()] == sorted(CALLED_FUNCTIONS)
        cursor.execute("SELECT has_database_privilege(current_user, current_database(), 'TEMPORARY')")
        assert cursor.fetchone() == (False,)


def test_verify_history__untouched__holds_and_names_the_head(sealed: list[AuditLink]) -> None:
    make_person(Role.SUPPORT)

    code, said = run_command("--head", sealed[2].hash)

    assert code == 0
    assert f"{len(sealed)} links" in said
    assert sealed[-1].hash in said


def test_verify_history__fresh_database__holds() -> None:
    """Of a fresh database the history of the built-in plan template, five risks and the words of 14 kinds waits."""
    assert run_command() == (0, f"History holds: 0 links, 20 rows waiting for their seal.\nHead: {GENESIS}\n")


def test_verify_history__row_edited__exits_1_and_names_it(sealed: list[AuditLink], owner: psycopg.Connection) -> None:
    link = next(link for link in sealed if link.table_name == "core_historicaluser")
    owner.execute(
        "UPDATE core_historicaluser SET history_change_reason = 'routine' WHERE history_id = %s", [link.history_id]
    )

    code, said = run_command()

    assert code == 1
    assert f"core_historicaluser, row {link.history_id} was changed (link {link.seq})" in said
    assert said.count("\n") == 1


def test_verify_history__row_deleted__exits_1_and_names_it(sealed: list[AuditLink], owner: psycopg.Connection) -> None:
    link = next(link for link in sealed if link.table_name.endswith("_groups"))
    owner.execute("DELETE FROM core_historicaluser_groups WHERE m2m_history_id = %s", [link.history_id])

    code, said = run_command()

    assert code == 1
    assert f"core_historicaluser_groups, row {link.history_id} was deleted (link {link.seq})" in said


def test_verify_history__row_edited_before_its_seal__shows_too(owner: psycopg.Connection) -> None:
    make_person(Role.SUPPORT)
    owner.execute("UPDATE core_historicaluser SET actor_label = 'somebody else'")

    code, said = run_command()

    assert code == 1
    assert "was changed (not sealed yet)" in said


def test_verify_history__row_slipped_in__exits_1(sealed: list[AuditLink], owner: psycopg.Connection) -> None:
    owner.execute("ALTER TABLE core_historicaluser_groups DISABLE TRIGGER USER")
    owner.execute(
        "INSERT INTO core_historicaluser_groups (id, history_id, user_id, group_id) VALUES (999, %s, 1, 1)",
        [sealed[0].history_id],
    )

    code, said = run_command()

    assert code == 1
    assert "never entered the chain" in said


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE core_auditlink SET payload = upper(payload) WHERE seq = 2",
        "UPDATE core_auditlink SET sealed_at = sealed_at - interval '1 day' WHERE seq = 2",
        "UPDATE core_auditlink SET sealed_at = 'infinity' WHERE seq = 2",
        "UPDATE core_auditlink SET sealed_at = '-infinity' WHERE seq >= 2",
        "UPDATE core_auditlink SET sealed_at = '0044-03-15 BC' WHERE seq = 2",
        "UPDATE core_auditlink SET sealed_at = '12026-11-04' WHERE seq = 2",
        "UPDATE core_auditlink SET payload = 'no JSON' WHERE seq = 2",
        "UPDATE core_auditlink SET previous_hash = repeat('0', 64) WHERE seq = 2",
    ],
)
def test_verify_history__link_edited__exits_1(
    sealed: list[AuditLink], owner: psycopg.Connection, statement: str
) -> None:
    owner.execute(statement)

    code, said = run_command()

    assert code == 1
    assert "link 2 is broken" in said


@pytest.mark.parametrize("payload", ["no JSON", "[1]", f'{{"id": {"9" * 5000}}}', "[" * 100_000])
def test_verify_history__waiting_payload_that_cannot_be_read__exits_1_and_names_the_row(
    owner: psycopg.Connection, payload: str
) -> None:
    make_person(Role.SUPPORT)
    entry = AuditEntry.objects.order_by("table_name", "history_id").first()
    assert entry is not None
    owner.execute("UPDATE core_auditentry SET payload = %s WHERE id = %s", [payload, entry.pk])

    code, said = run_command()

    assert code == 1
    assert f"{entry.table_name}, row {entry.history_id} was changed (not sealed yet)" in said


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("UPDATE core_auditlink SET seq = 0 WHERE seq = 1", "core_auditlink_counted_from_one"),
        ("UPDATE core_auditlink SET hash = 'none' WHERE seq = 1", "core_auditlink_hashes"),
        (
            "UPDATE core_auditlink SET previous_hash = 'g' WHERE seq = 1",
            "core_auditlink_hashes",
        ),
    ],
)
def test_links__impossible_values__are_refused_by_the_database(
    sealed: list[AuditLink], owner: psycopg.Connection, statement: str, name: str
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match=name):
        owner.execute(statement)


def test_find_head__a_link_that_bears_no_time__is_found(sealed: list[AuditLink], owner: psycopg.Connection) -> None:
    owner.execute("UPDATE core_auditlink SET sealed_at = 'infinity' WHERE seq = %s", [sealed[-1].seq])

    head = find_head()

    assert head is not None
    assert (head.seq, head.hash) == (sealed[-1].seq, sealed[-1].hash)


def test_verify_history__link_taken_out__exits_1(sealed: list[AuditLink], owner: psycopg.Connection) -> None:
    owner.execute("DELETE FROM core_auditlink WHERE seq = 2")

    code, said = run_command()

    assert code == 1
    assert "link 2 of the chain is missing" in said


def test_verify_history__end_cut_off_with_its_rows__a_noted_head_tells(
    sealed: list[AuditLink], owner: psycopg.Connection
) -> None:
    last = sealed[-1]
    owner.execute("DELETE FROM core_auditlink WHERE seq = %s", [last.seq])
    key = "m2m_history_id" if last.table_name.endswith("_groups") else "history_id"
    owner.execute(f"DELETE FROM {last.table_name} WHERE {key} = %s", [last.history_id])

    assert run_command()[0] == 0
    code, said = run_command("--head", last.hash)

    assert code == 1
    assert "the given head is not in the chain" in said
