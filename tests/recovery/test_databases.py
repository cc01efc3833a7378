"""Dumps, scratch databases, what would be lost, and the swap, on a real PostgreSQL."""

import json
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from recovery.databases.dumping import check_versions, decode, dump, measure_database
from recovery.databases.figures import read_sequences
from recovery.databases.losses import TableLoss, count_losses, read_lost_rows
from recovery.databases.scratch import drop_scratch, make_scratch, restore
from recovery.databases.sequences import advance_sequences
from recovery.databases.sessions import Session, open_maintenance, open_session
from recovery.databases.swapping import get_oid, make_read_only, make_writable, swap
from recovery.databases.validating import CheckResult, validate
from recovery.domain.addresses import Address
from recovery.domain.manifest import compare
from recovery.errors import Failure
from recovery.labels import say_failure
from tests.recovery.shop import ask, list_beside, run_in, sell

SECONDS = 120


def _connect(live: Address) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(host=live.host, port=live.port, user=live.user, password=live.password, dbname=live.name)


def _restore(live: Address, file: Path, *, name: str | None = None) -> Address:
    scratch = make_scratch(live, name=name or f"{live.name}_scratch_1")
    restore(file, into=scratch, seconds=SECONDS)
    return scratch


def test_dump__while_the_shop_sells__is_of_one_moment_with_its_manifest(shop: Address, tmp_path: Path) -> None:
    is_over = threading.Event()

    def go_on_selling() -> None:
        while not is_over.is_set():
            sell(shop, 3)

    seller = threading.Thread(target=go_on_selling)
    seller.start()
    try:
        manifest, _seconds = dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    finally:
        is_over.set()
        seller.join()

    scratch = _restore(shop, tmp_path / "one.dump")

    assert validate(scratch, manifest=manifest, checks=None, seconds=SECONDS, say=lambda _: None).is_passed
    assert manifest.tables["public.tickets"].rows >= 20
    assert manifest.migrations == ("0001", "0002")
    assert manifest.sequences["public.receipt_number"]


def test_dump__on_a_server_that_ends_idle_sessions__is_whole(shop: Address, tmp_path: Path) -> None:
    with open_maintenance(shop) as session:
        limit = sql.SQL("ALTER DATABASE {} SET idle_in_transaction_session_timeout = '1ms'")
        session.execute(limit.format(sql.Identifier(shop.name)))

    manifest, seconds = dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)

    assert manifest.tables["public.tickets"].rows == 20
    assert 0 < seconds < SECONDS


def test_dump__that_fails__leaves_no_file(shop: Address, tmp_path: Path) -> None:
    wrong = Address(shop.host, shop.port, shop.user, "wrong-password", shop.name)

    with pytest.raises(Failure) as caught:
        dump(wrong, into=tmp_path / "one.dump", seconds=SECONDS)

    assert caught.value.code == "database_refused"
    assert "wrong-password" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("harm", ["truncated", "flipped"])
def test_decode__a_damaged_dump__is_refused(shop: Address, tmp_path: Path, harm: str) -> None:
    sell(shop, 5_000)
    file = tmp_path / "one.dump"
    dump(shop, into=file, seconds=SECONDS)
    decode(file, seconds=SECONDS)
    content = bytearray(file.read_bytes())
    if harm == "truncated":
        content = content[: len(content) * 2 // 3]
    else:
        content[len(content) * 2 // 3] ^= 0xFF
    file.write_bytes(content)

    with pytest.raises(Failure) as caught:
        decode(file, seconds=SECONDS)

    assert caught.value.code == "dump_broken"


def test_versions__our_programs_are_as_new_as_the_server__gives_it(shop: Address) -> None:
    assert check_versions(shop) >= 16
    assert measure_database(shop) > 1_000_000


def test_scratch__twice__begins_anew(shop: Address, tmp_path: Path) -> None:
    dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    _restore(shop, tmp_path / "one.dump")

    scratch = _restore(shop, tmp_path / "one.dump")

    assert ask(scratch, "SELECT count(*) FROM tickets") == 20


def test_scratch__has_the_rights_and_settings_of_the_live_one(shop: Address) -> None:
    with open_maintenance(shop) as session:
        name = sql.Identifier(shop.name)
        session.execute(sql.SQL("ALTER DATABASE {} SET work_mem = '5MB'").format(name))
        session.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(name))

    scratch = make_scratch(shop, name=f"{shop.name}_scratch_1")

    acl = (
        "SELECT string_agg(right_of::text, ' ' ORDER BY right_of::text) FROM pg_database, unnest(datacl) AS right_of"
        " WHERE datname = current_database()"
    )
    assert ask(scratch, "SELECT current_setting('work_mem')") == "5MB"
    assert ask(scratch, acl) == ask(shop, acl)


def test_drop__a_database_that_is_not_ours__is_refused(shop: Address) -> None:
    with pytest.raises(Failure) as caught:
        drop_scratch(shop, name=shop.name)

    assert caught.value.code == "database_not_ours"
    assert ask(shop, "SELECT count(*) FROM tickets") == 20


def test_validate__what_differs__is_named(shop: Address, tmp_path: Path) -> None:
    checks = tmp_path / "checks"
    checks.mkdir()
    (checks / "cents.sql").write_text("SELECT id FROM tickets WHERE cents < 0")
    (checks / "bad.sql").write_text("SELECT nothing FROM nowhere")
    manifest, _seconds = dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    scratch = _restore(shop, tmp_path / "one.dump")
    run_in(scratch, "UPDATE tickets SET cents = -5 WHERE id = 1")
    run_in(scratch, "DELETE FROM notes")
    run_in(scratch, "ALTER TABLE ticket_lines DISABLE TRIGGER USER")

    found = validate(scratch, manifest=manifest, checks=checks, seconds=SECONDS, say=lambda _: None)

    assert not found.is_passed
    assert [(one.kind, one.what) for one in found.differences] == [("content", "public.tickets")]
    cents = next(one for one in found.checks if one.name == "cents")
    assert (cents.count, cents.rows) == (1, ("(1,)",))
    assert "nowhere" in next(one for one in found.checks if one.name == "bad").error


def test_validate__a_check_that_writes__changes_nothing(shop: Address, tmp_path: Path) -> None:
    (tmp_path / "evil.sql").write_text("DELETE FROM ticket_lines RETURNING 1")
    manifest, _seconds = dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    scratch = _restore(shop, tmp_path / "one.dump")

    found = validate(scratch, manifest=manifest, checks=tmp_path, seconds=SECONDS, say=lambda _: None)

    assert "read-only" in found.checks[0].error
    assert ask(scratch, "SELECT count(*) FROM ticket_lines") == 20


@pytest.mark.parametrize(
    "text",
    [
        "COMMIT; DELETE FROM ticket_lines; SELECT 1 WHERE false",
        "SET TRANSACTION READ WRITE; DELETE FROM ticket_lines RETURNING 1",
        "DO $$ BEGIN SET TRANSACTION READ WRITE; DELETE FROM ticket_lines; END $$",
        "DO $$ BEGIN COMMIT; DELETE FROM ticket_lines; COMMIT; END $$",
        "SELECT set_config('transaction_read_only', 'off', true), count(*) FROM ticket_lines",
        "COMMIT",
        "SET TRANSACTION READ WRITE",
    ],
)
def test_validate__a_check_that_would_write_for_good__fails_and_changes_nothing(
    shop: Address, tmp_path: Path, text: str
) -> None:
    (tmp_path / "evil.sql").write_text(text)
    manifest, _seconds = dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    scratch = _restore(shop, tmp_path / "one.dump")

    found = validate(scratch, manifest=manifest, checks=tmp_path, seconds=SECONDS, say=lambda _: None)

    assert found.checks[0].error
    assert ask(scratch, "SELECT count(*) FROM ticket_lines") == 20


def test_validate__what_a_check_changes_all_the_same__is_seen(
    shop: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, _seconds = dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    scratch = _restore(shop, tmp_path / "one.dump")

    def write(*_given: object, **_named: object) -> list[CheckResult]:
        run_in(scratch, "DELETE FROM ticket_lines")
        return []

    monkeypatch.setattr("recovery.databases.validating.run_checks", write)

    found = validate(scratch, manifest=manifest, checks=tmp_path, seconds=SECONDS, say=lambda _: None)

    assert [(one.kind, one.what) for one in found.differences] == [("rows", "public.ticket_lines")]


def test_losses__everything_that_came_later__is_counted_exactly(shop: Address, tmp_path: Path) -> None:
    run_in(shop, "INSERT INTO notes VALUES ('same'), ('same'), ('goes')")
    dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    scratch = _restore(shop, tmp_path / "one.dump")
    sell(shop, 7)
    run_in(shop, "UPDATE tickets SET cents = cents + 1 WHERE id <= 3")
    run_in(shop, "INSERT INTO notes VALUES ('same')")
    run_in(shop, "DELETE FROM notes WHERE text = 'goes'")
    run_in(shop, "ALTER TABLE articles ADD COLUMN colour text DEFAULT 'red'")
    run_in(shop, "CREATE TABLE shortcuts (id int PRIMARY KEY, ticket bigint REFERENCES tickets)")
    run_in(shop, "INSERT INTO shortcuts VALUES (1, 1), (2, 2)")

    with open_session(shop) as ours, open_session(scratch) as theirs:
        losses = count_losses(ours, theirs, receipts="tickets.number")
        rows = list(read_lost_rows(ours, theirs))

    assert losses.tables == [
        TableLoss("public.notes", added=1, changed=0, removed=1),
        TableLoss("public.shortcuts", added=2, changed=0, removed=0),
        TableLoss("public.ticket_lines", added=7, changed=0, removed=0),
        TableLoss("public.tickets", added=7, changed=3, removed=0),
    ]
    assert losses.receipts == [(21, 27)]
    assert losses.rows == len(rows) == 21
    changed = next(row for row in rows if row.table == "public.tickets" and row.kind == "changed")
    assert changed.row is not None
    assert changed.was is not None
    assert changed.row["cents"] == changed.was["cents"] + 1


def test_losses__names_that_need_quoting__are_counted_and_archived(shop: Address, tmp_path: Path) -> None:
    run_in(shop, 'CREATE SCHEMA "a.b"; CREATE SCHEMA "q""x"')
    run_in(shop, 'CREATE TABLE "a.b"."t.u" (id serial PRIMARY KEY, "rate%" int)')
    run_in(shop, 'CREATE TABLE "q""x".t ("%s" text)')
    manifest, _seconds = dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    scratch = _restore(shop, tmp_path / "one.dump")
    run_in(shop, 'INSERT INTO "a.b"."t.u" ("rate%") VALUES (5)')
    run_in(shop, """INSERT INTO "q""x".t VALUES ('50 % off')""")

    with open_session(shop) as ours, open_session(scratch) as theirs:
        rows = list(read_lost_rows(ours, theirs))
        moved = advance_sequences(theirs, past=read_sequences(ours))

    assert validate(scratch, manifest=manifest, checks=None, seconds=SECONDS, say=lambda _: None).is_passed
    assert [(one.table, one.row) for one in rows] == [
        ('"a.b".t.u', {"id": 1, "rate%": 5}),
        ('q"x.t', {"%s": "50 % off"}),
    ]
    assert moved == {'"a.b".t.u_id_seq': 1}


def test_losses__a_table_that_a_migration_filled__is_read_in_one_pass(shop: Address, tmp_path: Path) -> None:
    dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    scratch = _restore(shop, tmp_path / "one.dump")
    run_in(shop, "CREATE TABLE payments (ticket bigint PRIMARY KEY, kind text)")
    run_in(shop, "INSERT INTO payments SELECT n, 'cash' FROM generate_series(1, 120000) AS n")

    with open_session(shop) as ours, open_session(scratch) as theirs:
        before = _count_passes(ours, "payments")
        rows = sum(1 for row in read_lost_rows(ours, theirs) if row.row and row.row["kind"] == "cash")
        archiving = _count_passes(ours, "payments") - before
        losses = count_losses(ours, theirs)
        counting = _count_passes(ours, "payments") - before - archiving

    assert rows == 120_000
    assert losses.tables == [TableLoss("public.payments", added=120_000, changed=0, removed=0)]
    assert (archiving, counting) == (1, 1)


def _count_passes(session: Session, table: str) -> int:
    session.execute("SELECT pg_stat_force_next_flush()")
    found = session.execute(
        "SELECT seq_scan + coalesce(idx_scan, 0) FROM pg_stat_user_tables WHERE relname = %s", [table]
    ).fetchone()
    assert found
    return int(found[0])


def test_losses__numbers_that_no_double_holds__are_archived_exactly(shop: Address, tmp_path: Path) -> None:
    dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    scratch = _restore(shop, tmp_path / "one.dump")
    run_in(shop, "CREATE TABLE sums (a numeric, b float8, c numeric, d jsonb)")
    run_in(shop, """INSERT INTO sums VALUES (12345678901234567.89, 0.1, 98765432109876543210, '{"x": 1.5}')""")

    with open_session(shop) as ours, open_session(scratch) as theirs:
        row = next(read_lost_rows(ours, theirs)).row

    assert row == {"a": "12345678901234567.89", "b": 0.1, "c": 98765432109876543210, "d": {"x": 1.5}}
    assert json.loads(json.dumps(row)) == row


def test_losses__unlogged_tables_and_large_objects__are_counted_too(shop: Address, tmp_path: Path) -> None:
    run_in(shop, "CREATE UNLOGGED TABLE baskets (id int PRIMARY KEY)")
    run_in(shop, "SELECT lo_from_bytea(4711, 'old'), lo_from_bytea(4712, 'same'), lo_from_bytea(4713, 'gone')")
    manifest, _seconds = dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    scratch = _restore(shop, tmp_path / "one.dump")
    run_in(shop, "INSERT INTO baskets SELECT generate_series(1, 50)")
    run_in(shop, "SELECT lo_from_bytea(4714, decode(repeat('00', 3000000), 'hex')), lo_put(4711, 0, 'new')")
    run_in(shop, "SELECT lo_unlink(4713)")

    with open_session(shop) as ours, open_session(scratch) as theirs:
        losses = count_losses(ours, theirs)
        objects = {row.key: row for row in read_lost_rows(ours, theirs) if row.table == "large objects"}

    assert "public.baskets" in manifest.tables
    assert losses.tables == [
        TableLoss("large objects", added=1, changed=1, removed=1),
        TableLoss("public.baskets", added=50, changed=0, removed=0),
    ]
    assert objects["4714"].row == {"oid": 4714, "size_bytes": 3_000_000}
    assert (objects["4713"].row, objects["4713"].was) == (None, {"oid": 4713, "size_bytes": 4})


def test_validate__a_point_that_knows_no_unlogged_table__still_counts(shop: Address, tmp_path: Path) -> None:
    run_in(shop, "CREATE UNLOGGED TABLE baskets (id int PRIMARY KEY)")
    manifest, _seconds = dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    del manifest.tables["public.baskets"]
    scratch = _restore(shop, tmp_path / "one.dump")

    assert validate(scratch, manifest=manifest, checks=None, seconds=SECONDS, say=lambda _: None).is_passed


def _count(live: Address, scratch: Address) -> None:
    with open_session(live) as ours, open_session(scratch) as theirs:
        count_losses(ours, theirs)


@pytest.mark.parametrize("asked", ["count", "dump"])
def test_lock__held_by_another_session__is_told_and_passes(
    shop: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    scratch = _restore(shop, tmp_path / "one.dump")
    for module in ("sessions", "dumping"):
        monkeypatch.setattr(f"recovery.databases.{module}.LOCK_SECONDS", 1)
    dump_again = partial(dump, shop, into=tmp_path / "two.dump", seconds=SECONDS)
    question: Callable[[], object] = dump_again if asked == "dump" else partial(_count, shop, scratch)

    with _connect(shop) as holder:
        pid = holder.info.backend_pid
        holder.execute("SET application_name = 'the stock-taking'")
        holder.execute("LOCK TABLE tickets")
        with pytest.raises(Failure) as caught:
            question()

    assert (caught.value.code, caught.value.is_passing) == ("database_locked", True)
    assert f"{shop.name}, {pid}, the stock-taking, 20" in caught.value.data["holders"]
    assert "the stock-taking" in say_failure({"code": caught.value.code, "data": caught.value.data})
    assert not (tmp_path / "two.dump").exists()


def test_losses__nothing_came_later__is_nothing(shop: Address, tmp_path: Path) -> None:
    dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    scratch = _restore(shop, tmp_path / "one.dump")

    with open_session(shop) as ours, open_session(scratch) as theirs:
        assert count_losses(ours, theirs, receipts="tickets.number").rows == 0


def test_read_only__a_pool_that_reconnects__reads_but_does_not_write(shop: Address) -> None:
    with _connect(shop) as held:
        make_read_only(shop)
        with pytest.raises(psycopg.OperationalError):
            held.execute("SELECT 1")

    with pytest.raises(Failure):
        sell(shop, 1)
    assert ask(shop, "SELECT count(*) FROM tickets") == 20
    make_writable(shop)
    sell(shop, 1)
    assert ask(shop, "SELECT count(*) FROM tickets") == 21


def _swap(shop: Address, scratch: Address) -> float:
    oid = get_oid(shop, name=scratch.name)
    return swap(shop, with_name=scratch.name, with_oid=oid, keep_as=f"{shop.name}_kept_1")


def test_swap__an_idle_transaction_and_a_pool_that_reconnects__do_not_hold_it_up(shop: Address, tmp_path: Path) -> None:
    dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    scratch = _restore(shop, tmp_path / "one.dump")
    sell(shop, 5)
    idle = _connect(shop)
    idle.execute("LOCK TABLE tickets")
    is_over = threading.Event()
    seen: list[object] = []

    def reconnect() -> None:
        while not is_over.is_set():
            try:
                seen.append(ask(shop, "SELECT count(*) FROM tickets"))
            except Failure:
                time.sleep(0.01)

    pool = [threading.Thread(target=reconnect) for _ in range(3)]
    for one in pool:
        one.start()
    try:
        _swap(shop, scratch)
    finally:
        idle.close()
        time.sleep(0.3)
        is_over.set()
        for one in pool:
            one.join()

    assert set(seen) <= {20, 25}
    assert seen[-1] == 20
    assert ask(shop.of(f"{shop.name}_kept_1"), "SELECT count(*) FROM tickets") == 25


def test_swap__said_again__changes_nothing(shop: Address, tmp_path: Path) -> None:
    dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    scratch = _restore(shop, tmp_path / "one.dump")
    oid = get_oid(shop, name=scratch.name)
    again = {"with_name": scratch.name, "with_oid": oid, "keep_as": f"{shop.name}_kept_1"}
    swap(shop, **again)  # type: ignore[arg-type]  # by name

    assert swap(shop, **again) == 0.0  # type: ignore[arg-type]
    assert ask(shop, "SELECT count(*) FROM tickets") == 20


def test_swap__interrupted_while_nobody_may_connect__goes_on(shop: Address, tmp_path: Path) -> None:
    dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    scratch = _restore(shop, tmp_path / "one.dump")
    with open_maintenance(shop) as session:
        for name in (shop.name, scratch.name):
            session.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))

    _swap(shop, scratch)

    assert ask(shop, "SELECT count(*) FROM tickets") == 20


def test_swap__the_name_to_keep_it_under_is_taken__leaves_production_as_it_was(shop: Address, tmp_path: Path) -> None:
    dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    scratch = _restore(shop, tmp_path / "one.dump")
    sell(shop, 1)
    make_scratch(shop, name=f"{shop.name}_kept_1")

    with pytest.raises(Failure) as caught:
        _swap(shop, scratch)

    assert caught.value.code == "swap_unclear"
    assert ask(shop, "SELECT count(*) FROM tickets") == 21


def test_swap_back__brings_the_failed_one_again(shop: Address, tmp_path: Path) -> None:
    dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    old = get_oid(shop, name=shop.name)
    scratch = _restore(shop, tmp_path / "one.dump")
    sell(shop, 2)
    make_read_only(shop)
    _swap(shop, scratch)
    sell(shop, 1)

    swap(shop, with_name=f"{shop.name}_kept_1", with_oid=old, keep_as=f"{shop.name}_kept_2")
    make_writable(shop)

    sell(shop, 1)
    assert ask(shop, "SELECT count(*) FROM tickets") == 23
    assert ask(shop.of(f"{shop.name}_kept_2"), "SELECT count(*) FROM tickets") == 21


def test_restore__extra_tables_with_foreign_keys_in_production__do_not_matter(shop: Address, tmp_path: Path) -> None:
    manifest, _seconds = dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    run_in(shop, "CREATE TABLE extra (ticket bigint REFERENCES tickets, line int)")
    run_in(shop, "INSERT INTO extra VALUES (1, 1)")

    scratch = _restore(shop, tmp_path / "one.dump")
    _swap(shop, scratch)

    assert validate(shop, manifest=manifest, checks=None, seconds=SECONDS, say=lambda _: None).is_passed
    assert ask(shop, "SELECT to_regclass('extra')::text") is None


def test_restore__refused_half_way__leaves_production_as_it_was(shop: Address, tmp_path: Path) -> None:
    dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    scratch = make_scratch(shop, name=f"{shop.name}_scratch_1")
    run_in(scratch, "CREATE TABLE tickets (other int)")

    with pytest.raises(Failure) as caught:
        restore(tmp_path / "one.dump", into=scratch, seconds=SECONDS)

    assert caught.value.code == "tool_failed"
    assert "already exists" in caught.value.output
    assert ask(shop, "SELECT count(*) FROM tickets") == 20
    with open_maintenance(shop) as session:
        assert list_beside(session, shop) == [shop.name, scratch.name]


def test_manifests__of_the_same_rows__are_the_same(shop: Address, tmp_path: Path) -> None:
    one, _seconds = dump(shop, into=tmp_path / "one.dump", seconds=SECONDS)
    other, _seconds = dump(shop, into=tmp_path / "other.dump", seconds=SECONDS)

    assert compare(one, other) == []
