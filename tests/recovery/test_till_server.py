"""The demo's till behind its page: its commands, its API, its database, as processes of its own."""

import json
import re
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest
from psycopg import sql

from recovery.commands.probing import ask as ask_health
from recovery.databases.sessions import Session, open_maintenance, open_session
from recovery.databases.swapping import make_read_only, make_writable
from recovery.databases.validating import list_checks, run_checks
from recovery.domain.addresses import Address
from tests.recovery.engine import find_port
from tests.recovery.shop import ask, open_empty, run_in
from tests.recovery.till_calls import NEWEST, call, environment_of, request, sell
from tests.recovery.till_image import TILL
from tests.waiting import wait_until


@pytest.fixture
def database() -> Iterator[Address]:
    with open_empty() as live:
        yield live


@dataclass(frozen=True)
class Served:
    """A till that runs. `errors`: what it says where something went wrong."""

    port: int
    process: "subprocess.Popen[bytes]"
    errors: Path


@pytest.fixture
def served(database: Address, tmp_path: Path) -> Iterator[Served]:
    """Serve the newest till; nothing may go wrong in it unseen."""
    assert call(database, "migrate").returncode == 0
    port, errors = find_port(), tmp_path / "errors"
    command = [sys.executable, "-m", "server", "serve", "--port", str(port), "--page", str(TILL)]
    with errors.open("wb") as log:
        server = subprocess.Popen(
            command, cwd=TILL, env=environment_of(database, NEWEST), stdout=subprocess.DEVNULL, stderr=log
        )
    try:
        wait_until(lambda: ask_health(f"http://127.0.0.1:{port}/health").is_ok)
        yield Served(port, server, errors)
    finally:
        server.terminate()
        assert server.wait(20) == 0
    assert errors.read_text() == ""


@pytest.fixture
def port(served: Served) -> int:
    return served.port


def send(port: int, sent: bytes) -> bytes:
    """Send bytes as they are, and return all that comes until the till closes the connection."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def count_sessions(session: Session, database: Address, *, waiting: bool = False) -> int:
    """Return how many sessions the till has, or how many of them wait for a lock."""
    found = session.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'till' AND datname = %s"
        " AND (NOT %s OR wait_event_type = 'Lock')",
        [database.name, waiting],
    ).fetchone()
    return int(found[0]) if found else 0


@contextmanager
def hold_tickets(database: Address) -> Iterator[None]:
    """Let no ticket be written for a while."""
    with open_session(database, autocommit=False) as session:
        session.execute("LOCK TABLE public.tickets")
        yield
        session.rollback()


def copy_till(folder: Path) -> Path:
    """Copy the back end, to spoil it; return the folder of its migrations."""
    shutil.copytree(TILL / "server", folder / "server", ignore=shutil.ignore_patterns("__pycache__"))
    return folder / "server" / "migrations"


def test_migrate__forward_and_back__is_at_each_step_what_it_says(database: Address) -> None:
    assert call(database, "migrate", version="1.2.0").stdout.splitlines()[-1] == "schema 0002_closings"
    forward = call(database, "migrate")
    assert forward.stdout.split() == ["+", "0003_payments", "+", "0004_discounts", "schema", "0004_discounts"]

    back = call(database, "migrate", "0002_closings")

    assert back.stdout.split() == ["-", "0004_discounts", "-", "0003_payments", "schema", "0002_closings"]
    assert ask(database, "SELECT to_regclass('public.payments') IS NULL") is True
    assert call(database, "migrate", "0002_closings").stdout == "schema 0002_closings\n"
    assert call(database, "migrate", "zero").stdout.splitlines()[-1] == "schema zero"


def test_migrate__the_version_before_meets_what_it_does_not_know__changes_nothing(database: Address) -> None:
    call(database, "migrate")

    done = call(database, "migrate", version="1.2.0")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "1.2.0 does not know 0004_discounts, which has run: use the version that brought it.\n"


def test_migrate__no_way_back__changes_nothing(database: Address, tmp_path: Path) -> None:
    (copy_till(tmp_path) / "0003_payments.down.sql").unlink()
    call(database, "migrate")

    done = call(database, "migrate", "0002_closings", folder=tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith("0003_payments cannot be undone")
    assert ask(database, "SELECT max(number) FROM schema_migrations") == "0004_discounts"
    assert ask(database, "SELECT count(*) FROM ticket_lines WHERE discount_cents > 0") == 0


def test_migrate__a_step_fails__none_of_them_counts(database: Address, tmp_path: Path) -> None:
    (copy_till(tmp_path) / "0004_discounts.up.sql").write_text("ALTER TABLE nothing ADD COLUMN x integer")
    call(database, "migrate", version="1.2.0")

    done = call(database, "migrate", folder=tmp_path)

    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert ask(database, "SELECT max(number) FROM schema_migrations") == "0002_closings"
    assert ask(database, "SELECT to_regclass('public.payments') IS NULL") is True


def test_migrate__many_tickets__may_take_its_time_and_not_wait_long(database: Address, tmp_path: Path) -> None:
    limits = "SELECT current_setting('statement_timeout') || ' ' || current_setting('lock_timeout') AS found"
    (copy_till(tmp_path) / "0004_discounts.up.sql").write_text(f"CREATE TABLE told AS {limits}")

    assert call(database, "migrate", folder=tmp_path).returncode == 0

    assert ask(database, "SELECT found FROM told") == "0 5s"


def test_migrate__twice_at_once__runs_once(database: Address) -> None:
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: call(database, "migrate"), range(2)))

    assert [one.returncode for one in done] == [0, 0], [one.stderr for one in done]
    assert sum(one.stdout.count("+ ") for one in done) == 4


def test_showmigrations__for_programs__names_what_ran_and_what_goes_back(database: Address) -> None:
    call(database, "migrate", "0001_tickets")

    rows = json.loads(call(database, "showmigrations", "--json").stdout)

    assert [row["applied"] for row in rows] == [True, False, False, False]
    assert {row["reversible"] for row in rows} == {True}


def test_smoke__sells_and_leaves_nothing(database: Address) -> None:
    call(database, "migrate")

    done = call(database, "smoke")

    assert done.stdout.startswith("1.3.0 sells on 0004_discounts")
    assert ask(database, "SELECT count(*) FROM tickets") == 0
    assert ask(database, "SELECT nextval('receipt_number')") == 1


@pytest.mark.parametrize(
    ("words", "variables", "said"),
    [
        (["smoke"], {}, "1.3.0 needs the schema 0004_discounts; this is zero."),
        (["migrate", "0009"], {}, "1.3.0 knows no migration 0009."),
        (["smoke"], {"DATABASE_URL": ""}, "DATABASE_URL is not set"),
        (["smoke"], {"DATABASE_URL": "postgrs://x:secret@h/z"}, "DATABASE_URL is no address"),
        (["serve", "--port", "1"], {"DATABASE_URL": "postgres://x:secret@[h/z"}, "DATABASE_URL is no address"),
        (["smoke"], {"TILL_VERSION": "9"}, "TILL_VERSION is '9'"),
        (["smoke"], {"DATABASE_URL": "postgres://x:y@127.0.0.1:1/z"}, "does not answer"),
    ],
)
def test_commands__that_cannot__say_it_in_a_line(
    database: Address, words: list[str], variables: dict[str, str], said: str
) -> None:
    done = call(database, *words, variables=variables)

    assert done.returncode == 1
    assert said in done.stderr
    assert "secret" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [["serve", "--port", "99999"], ["fill", "--tickets", "-5"], ["sing"], []])
def test_commands__with_words_that_are_none__say_what_they_take(database: Address, words: list[str]) -> None:
    done = call(database, *words)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: ")
    assert "Traceback" not in done.stderr


def test_serve__its_port_is_taken__says_it_in_a_line(database: Address, port: int) -> None:
    done = call(database, "serve", "--port", str(port))

    assert (done.returncode, done.stderr) == (1, "It cannot listen there: Address already in use\n")


def test_sell__a_ticket__has_the_next_number_and_its_payment(database: Address, port: int) -> None:
    assert sell(port, payment="card") == (201, {"number": 1, "cents": 150})
    assert sell(port) == (201, {"number": 2, "cents": 150})

    assert request(port, "GET", "/api/day") == (200, {"day": {"tickets": 2, "cents": 300}})
    assert [one["number"] for one in request(port, "GET", "/api/tickets?last=2")[1]["tickets"]] == [2, 1]
    assert ask(database, "SELECT kind FROM payments ORDER BY ticket_id LIMIT 1") == "card"


def test_sell__sent_twice__counts_once(database: Address, port: int) -> None:
    sale = "0b7f3f0a-7c62-4b1f-9d57-1d1f0b6a2f11"

    assert sell(port, id=sale) == sell(port, id=sale) == (201, {"number": 1, "cents": 150})
    assert sell(port)[1]["number"] == 2
    assert ask(database, "SELECT count(*) FROM ticket_lines") == 2


def test_sell__sent_eight_times_at_once__counts_once_and_leaves_no_gap(database: Address, port: int) -> None:
    sale = "0b7f3f0a-7c62-4b1f-9d57-1d1f0b6a2f12"
    with ThreadPoolExecutor(8) as pool, open_maintenance(database) as session:
        with hold_tickets(database):
            sold = [pool.submit(sell, port, id=sale) for _ in range(8)]
            wait_until(lambda: count_sessions(session, database, waiting=True) == 8)

        assert {one.result()[0] for one in sold} == {201}
    assert {one.result()[1]["number"] for one in sold} == {1}
    assert sell(port)[1]["number"] == 2


@pytest.mark.parametrize("other", [{"lines": [{"article": "textile", "cents": 150}]}, {"payment": "card"}])
def test_sell__another_sale_of_the_same_id__is_refused_and_the_first_stays(
    database: Address, port: int, other: dict[str, object]
) -> None:
    sale = "0b7f3f0a-7c62-4b1f-9d57-1d1f0b6a2f13"
    sell(port, id=sale)

    status, answer = sell(port, id=sale, **other)

    assert (status, answer) == (409, {"error": "Ticket 1 has this id and is another sale."})
    assert ask(database, "SELECT count(*) FROM tickets") == 1
    assert sell(port, id=sale) == (201, {"number": 1, "cents": 150})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "no JSON"),
        (b"[" * 9_000, "no JSON"),
        ([], "an object with lines"),
        ({"lines": []}, "1 to 100 lines"),
        ({"lines": [{"article": "vaisselle", "cents": -1}]}, "cents is"),
        ({"lines": [{"article": "vaisselle", "cents": True}]}, "cents is"),
        ({"lines": [{"article": "nothing", "cents": 1}]}, "no article nothing"),
        ({"lines": [{"article": "a\x00b", "cents": 1}]}, "article is"),
        ({"lines": [{"article": "\ud800", "cents": 1}]}, "article is"),
        ({"lines": [{"article": "vaisselle", "cents": 1, "cent": 2}]}, "Nobody knows cent:"),
        ({"lines": [{"article": "vaisselle", "cents": 1}], "paymnt": "card"}, "Nobody knows paymnt:"),
        ({"id": "7", "lines": [{"article": "vaisselle", "cents": 1}]}, "id is a UUID"),
        ({"lines": [{"article": "vaisselle", "cents": 1}], "payment": "shells"}, "payment is one of"),
    ],
)
def test_sell__what_is_no_ticket__is_refused_and_writes_nothing(
    database: Address, port: int, body: object, said: str
) -> None:
    status, answer = request(port, "POST", "/api/tickets", body)

    assert status == 400
    assert said in answer["error"]
    assert ask(database, "SELECT count(*) FROM tickets") == 0


def test_sell__too_much__is_refused_before_it_is_read(port: int) -> None:
    assert request(port, "POST", "/api/tickets", b" " * 20_000)[0] == 400


def test_sell__much_behind_a_length_with_noughts__is_refused_before_it_is_read(port: int) -> None:
    sale = json.dumps({"lines": [{"article": "vaisselle", "cents": 1}]}).encode().ljust(50_000)

    told = send(port, b"POST /api/tickets HTTP/1.1\r\nContent-Length: 00000000050000\r\n\r\n" + sale)

    assert told.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "head",
    [
        b"POST /api/nothing HTTP/1.1\r\nContent-Length: 28",
        b"GET /api/articles HTTP/1.1\r\nContent-Length: 28",
        b"POST /api/tickets HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 0",
        b"POST /api/tickets HTTP/1.1\r\nContent-Length: 100000\r\nOrigin: http://elsewhere.example",
    ],
)
def test_serve__a_body_that_nobody_reads__is_no_request(port: int, head: bytes) -> None:
    told = send(port, head + b"\r\n\r\n" + b"GET /api/day HTTP/1.1\r\n\r\n  ")

    assert told.count(b"HTTP/1.1 ") == 1
    assert b"Connection: close" in told


@pytest.mark.parametrize("last", ["0", "-1", "101", "0000509999", "9" * 5_000, "", "two"])
def test_tickets__no_number_that_is_meant__is_refused(port: int, last: str) -> None:
    status, answer = request(port, "GET", f"/api/tickets?last={last}")

    assert (status, answer) == (400, {"error": "last is a number from 1 to 100."})


def test_day__wherever_the_server_stands__is_the_shops(database: Address, port: int) -> None:
    named = "format('ALTER DATABASE %I SET timezone = %L', current_database(), 'Pacific/Auckland')"
    run_in(database, "DO $$ BEGIN EXECUTE " + named + "; END $$")
    run_in(
        database,
        "INSERT INTO tickets (cents, sold_at) SELECT cents, date_trunc('day', now(), 'Europe/Paris')"
        " + after FROM (VALUES (1, interval '-1 s'), (10, interval '1 s')) AS sold (cents, after)",
    )

    assert request(port, "GET", "/api/day") == (200, {"day": {"tickets": 1, "cents": 10}})


def test_sell__eight_at_once__no_number_twice(port: int) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = [answer["number"] for _status, answer in pool.map(lambda _: sell(port), range(40))]

    assert sorted(numbers) == list(range(1, 41))


def test_serve__its_sessions_are_ended__sells_on(database: Address, port: int) -> None:
    sell(port)
    with open_maintenance(database) as session:
        session.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database.name])

    assert sell(port)[0] == 201


def test_serve__many_at_once__takes_few_sessions_and_sends_nobody_away(database: Address, port: int) -> None:
    with ThreadPoolExecutor(30) as pool, open_maintenance(database) as session:
        with hold_tickets(database):
            sold = [pool.submit(sell, port) for _ in range(30)]
            wait_until(lambda: count_sessions(session, database, waiting=True) == 8)
            assert count_sessions(session, database) == 8

        assert sorted(one.result()[1]["number"] for one in sold) == list(range(1, 31))


def test_serve__is_ended_while_it_sells__the_sale_is_answered(database: Address, served: Served) -> None:
    with ThreadPoolExecutor(1) as pool, open_maintenance(database) as session:
        with hold_tickets(database):
            sold = pool.submit(sell, served.port)
            wait_until(lambda: count_sessions(session, database, waiting=True) == 1)
            served.process.terminate()
            wait_until(lambda: not ask_health(f"http://127.0.0.1:{served.port}/health").is_ok)

        assert sold.result() == (201, {"number": 1, "cents": 150})
    assert served.process.wait(10) == 0


def test_serve__no_database__says_when_to_come_again(database: Address, port: int) -> None:
    sell(port)
    with open_maintenance(database) as session:
        session.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database.name)))

    told = send(port, b"GET /health HTTP/1.0\r\n\r\n")

    assert told.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 2" in told
    assert sell(port)[0] == 503


def test_serve__the_caller_hangs_up__is_no_fault(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(b"POST /api/tickets HTTP/1.1\r\nContent-Length: 9\r\n\r\n[")

    assert sell(port)[0] == 201


def test_serve__the_database_only_reads__says_when_to_come_again(database: Address, port: int) -> None:
    make_read_only(database)

    status, answer = sell(port)

    assert (status, answer["error"]) == (503, "The till only reads for a moment.")
    assert request(port, "GET", "/api/articles")[0] == 200
    make_writable(database)
    assert sell(port)[0] == 201


def test_health__an_older_schema__is_unwell(database: Address, port: int) -> None:
    assert request(port, "GET", "/health") == (200, {"version": "1.3.0", "schema": "0004_discounts"})
    call(database, "migrate", "0003_payments")

    assert request(port, "GET", "/health") == (503, {"version": "1.3.0", "schema": "0003_payments"})


def test_page__its_own_files_alone__are_served(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/")
    page = connection.getresponse()
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"<title>" in page.read()
    connection.close()

    assert request(port, "GET", "/serve.py")[0] == 404
    assert request(port, "GET", "/../server/web.py")[0] == 404


def test_checks__a_wrong_total__is_found_and_a_right_shop_is_not(database: Address) -> None:
    call(database, "migrate")
    call(database, "fill", "--tickets", "50")
    checks = list_checks(TILL / "server" / "checks")
    assert len(checks) == 3
    assert [one.count for one in run_checks(database, checks, say=lambda _: None)] == [0, 0, 0]

    run_in(database, "UPDATE tickets SET cents = cents + 1 WHERE number = 7")

    run_in(database, "INSERT INTO tickets (cents, sold_at) VALUES (5, '2026-11-25 23:30+00')")
    run_in(database, "INSERT INTO closings (day, tickets, cents) VALUES ('2026-11-25', 0, 0), ('2026-11-26', 2, 5)")

    found = {one.name: (one.count, one.error) for one in run_checks(database, checks, say=lambda _: None)}
    assert found == {
        "closings_that_differ": (1, ""),
        "tickets_without_lines": (1, ""),
        "totals_that_differ": (1, ""),
    }


def test_image__its_driver__is_the_one_these_tests_ran_with() -> None:
    [pinned] = re.findall(r'"psycopg\[binary\]==([\d.]+)"', (TILL / "server" / "Dockerfile").read_text())

    assert f"\npsycopg=={pinned} " in (TILL.parents[1] / "requirements" / "base.txt").read_text()


def test_fill__many__are_tickets_with_lines_and_payments(database: Address) -> None:
    call(database, "migrate")

    call(database, "fill", "--tickets", "500")

    with open_session(database) as session:
        counts = [
            session.execute(query).fetchone()
            for query in (
                "SELECT count(*) FROM public.tickets",
                "SELECT count(*) FROM public.ticket_lines",
                "SELECT count(*) FROM public.payments",
            )
        ]
    assert counts == [(500,), (500,), (500,)]
