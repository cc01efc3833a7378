"""Queries of one's own: what is stored and refused, who is asked when, and their pages."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from core import clock
from core.actors import DEMO
from core.errors import InvalidInput
from core.roles import Role
from core.versions import get_version
from health.models import QueryGuardrail, QueryReading, QueryWatch
from health.query_transitions import add_query, change_query
from health.reading_transitions import (
    EVERY,
    LEASE,
    MOST_AT_ONCE,
    WANTED_FOR,
    claim_asks,
    forget_readings,
    note_reading,
    want_readings,
)
from health.source_transitions import change_source
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag
from tests.factories.queries import VALUES, make_query, say
from tests.factories.sources import VALUES as SOURCE
from tests.factories.sources import make_source
from tests.monitoring.canned import Canned, listen_and_say, serve
from tests.monitoring.conftest import _loopback_is_let_in  # noqa: F401  # sources may lie on loopback here
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db
BY: dict[str, Any] = {"actor": DEMO, "reason": "needed by a test"}
ONE = '{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[0,"%s"]}]}}'


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"name": " "}, "query_incomplete"),
        ({"query": ""}, "query_incomplete"),
        ({"query": "a\x00b"}, "query_unreadable"),
        ({"limit": float("nan")}, "query_limit_wrong"),
        ({"limit": float("inf")}, "query_limit_wrong"),
        ({"lasting_seconds": 901}, "query_lasting_wrong"),
        ({"comparison": "beside"}, "guardrail_unknown"),
        ({"mode": "panic"}, "guardrail_unknown"),
        ({"scope": "site"}, "guardrail_unknown"),
        ({"cool_down_minutes": 1_441}, "cool_down_wrong"),
        ({"source_id": 0}, "source_unknown"),
    ],
)
def test_query__that_could_never_be_judged__is_refused(wrong: dict[str, Any], code: str) -> None:
    environment = make_environment()
    values = VALUES | {"name": "Queue", "source_id": make_source(environment).pk} | wrong

    with pytest.raises(InvalidInput) as refused:
        add_query(environment_id=environment.pk, values=values, now=NOW, **BY)

    assert refused.value.code == code
    assert not QueryGuardrail.objects.exists()


def test_query__source_of_another_environment_or_a_name_twice__is_refused() -> None:
    environment = make_environment(key="prod")
    elsewhere = make_source(make_environment(key="staging"))
    query = make_query(environment, name="Queue")

    with pytest.raises(InvalidInput, match="source_unknown"):
        make_query(environment, source=elsewhere)
    with pytest.raises(InvalidInput, match="query_name_taken"):
        make_query(environment, source=query.source, name="Queue")


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": float("nan")},
        {"limit": float("-inf")},
        {"comparison": "side"},
        {"mode": "panic"},
        {"scope": "site"},
        {"lasting_seconds": 901},
        {"cool_down_minutes": 1_441},
    ],
)
def test_database__holds_what_the_transitions_refuse(wrong: dict[str, Any]) -> None:
    query = make_query(make_environment())

    with pytest.raises(IntegrityError), transaction.atomic():
        QueryGuardrail.objects.filter(pk=query.pk).update(**wrong)


def test_database__a_reading_is_a_value_or_a_code() -> None:
    watch = say(make_query(make_environment()), 1.0, until=NOW)

    for wrong in ({"value": None}, {"code": "no_data"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            QueryReading.objects.filter(watch=watch).update(**wrong)


def test_change__keeps_what_was_said_but_of_another_query_and_goes_to_history() -> None:
    query = make_query(make_environment())
    watch = say(query, 1.0, until=NOW)

    change_query(guardrail_id=query.pk, values={"limit": 5.0}, now=NOW, **BY)
    assert QueryReading.objects.count() == 1
    change_query(guardrail_id=query.pk, values={"query": "other"}, now=NOW, **BY)

    assert not QueryReading.objects.exists()
    assert note_reading(watch_id=watch.pk, at=NOW, value=1.0, code="", data={}) is None
    assert QueryGuardrail.history.filter(id=query.pk).count() == 3


@pytest.mark.parametrize("moved", [{"url": "http://127.0.0.1:10"}, {"tenant": "shops"}])
def test_source__at_another_address__forgets_what_the_one_before_said(moved: dict[str, Any]) -> None:
    environment = make_environment()
    source, elsewhere = make_source(environment, name="Moves"), make_source(environment, name="Stays")
    watch = say(make_query(environment, source=source), 99.0, 99.0, 99.0, 99.0, 99.0, until=NOW)
    say(make_query(environment, source=elsewhere), 1.0, until=NOW)

    change_source(
        source_id=source.pk, values=SOURCE | {"name": "Moves", "timeout_seconds": 4}, secret=None, now=NOW, **BY
    )
    assert QueryReading.objects.count() == 6
    values = SOURCE | {"name": "Moves", "timeout_seconds": 4}
    change_source(source_id=source.pk, values=values, secret=None, now=NOW, **BY)
    assert QueryReading.objects.count() == 6
    change_source(source_id=source.pk, values=values | moved, secret=None, now=NOW, **BY)

    assert [reading.value for reading in QueryReading.objects.all()] == [1.0]
    # An answer of the old one that was under way is dropped.
    assert note_reading(watch_id=watch.pk, at=NOW, value=99.0, code="", data={}) is None


def test_claim__asks_each_15_s_what_is_wanted_and_no_more() -> None:
    query = make_query(make_environment())
    want_readings([(query.pk, "buttons"), (query.pk, "tickets")], now=NOW)

    claimed = claim_asks(now=NOW)
    assert {watch.flag_key for watch in claimed} == {"buttons", "tickets"}
    for watch in claimed:
        note_reading(watch_id=watch.pk, at=NOW, value=1.0, code="", data={})

    assert claim_asks(now=NOW + EVERY - timedelta(seconds=1)) == []
    assert len(claim_asks(now=NOW + EVERY)) == 2
    late = NOW + WANTED_FOR
    assert claim_asks(now=late) == []
    want_readings([(query.pk, "buttons")], now=late)
    assert [watch.flag_key for watch in claim_asks(now=late)] == ["buttons"]


def test_claim__an_asker_that_died__is_followed_after_its_lease() -> None:
    query = make_query(make_environment())
    want_readings([(query.pk, "")], now=NOW)
    assert len(claim_asks(now=NOW)) == 1

    assert claim_asks(now=NOW + EVERY) == []
    assert len(claim_asks(now=NOW + LEASE)) == 1


@pytest.mark.parametrize("off", [{"mode": "off"}, {"is_active": False}])
def test_claim__of_a_query_switched_off__asks_nothing(off: dict[str, Any]) -> None:
    query = make_query(make_environment(), **off)
    want_readings([(query.pk, "")], now=NOW)

    assert claim_asks(now=NOW) == []


def test_claim__more_than_fit__come_with_the_next() -> None:
    query = make_query(make_environment())
    want_readings([(query.pk, f"flag-{n}") for n in range(MOST_AT_ONCE + 3)], now=NOW)

    first = claim_asks(now=NOW)
    for watch in first:
        note_reading(watch_id=watch.pk, at=NOW, value=1.0, code="", data={})

    assert (len(first), len(claim_asks(now=NOW))) == (MOST_AT_ONCE, 3)


@pytest.mark.django_db(transaction=True)
def test_claim__two_workers_at_once__ask_each_query_once() -> None:
    query = make_query(make_environment())
    want_readings([(query.pk, f"flag-{n}") for n in range(4)], now=NOW)
    claimed: list[str] = []
    start = threading.Barrier(2)

    def claim() -> None:
        try:
            start.wait(10)
            claimed.extend(watch.flag_key for watch in claim_asks(now=NOW))
        finally:
            connection.close()

    threads = [threading.Thread(target=claim) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sorted(claimed) == [f"flag-{n}" for n in range(4)]


def test_forget__old_readings_and_watches_nobody_wants() -> None:
    query = make_query(make_environment())
    say(query, 1.0, until=NOW, flag_key="old")
    say(query, 1.0, until=NOW + timedelta(hours=1), flag_key="new")

    assert forget_readings(read_before=NOW + timedelta(minutes=1), at_most=10) == 1

    assert list(QueryWatch.objects.values_list("flag_key", flat=True)) == ["new"]
    assert QueryReading.objects.count() == 1


WANTED = {
    "name": "Queue",
    "query": "sum(queue_length)",
    "comparison": "above",
    "limit": "12.5",
    "lasting_seconds": "45",
    "mode": "hold",
    "scope": "rollout",
    "cool_down_minutes": "30",
    "is_active": "on",
    "reason": "Queues are what shops feel",
}


def test_page__a_manager__makes_changes_and_switches_one_off_with_reasons() -> None:
    environment = make_environment()
    source = make_source(environment)
    client = sign_in(Role.RELEASE_MANAGER)

    made = client.post("/health/guardrails/queries/new/", WANTED | {"source_id": source.pk})
    query = QueryGuardrail.objects.get()
    page = f"/health/guardrails/queries/{query.pk}/"
    off = {name: value for name, value in WANTED.items() if name != "is_active"}
    other = {"source_id": source.pk, "limit": "20", "reason": "Too strict", "version": get_version(query)}
    changed = client.post(f"{page}edit/", off | other)

    assert (made.status_code, changed.status_code, made["Location"]) == (302, 302, page)
    query.refresh_from_db()
    assert (query.limit, query.lasting_seconds, query.scope, query.is_active) == (20.0, 45, "rollout", False)
    reasons = QueryGuardrail.history.order_by("history_id").values_list("history_change_reason", flat=True)
    assert list(reasons) == ["Queues are what shops feel", "Too strict"]
    assert page in client.get("/health/guardrails/").content.decode()


@pytest.mark.parametrize("wrong", [{"limit": "NaN"}, {"reason": ""}, {"lasting_seconds": "901"}, {"scope": "site"}])
def test_page__wrong_values__are_said_beside_the_form(wrong: dict[str, str]) -> None:
    source = make_source(make_environment())
    values = WANTED | {"source_id": source.pk} | wrong

    assert sign_in(Role.RELEASE_MANAGER).post("/health/guardrails/queries/new/", values).status_code == 400


def test_page__without_a_monitoring_system__leads_to_adding_one() -> None:
    make_environment()

    answer = sign_in(Role.RELEASE_MANAGER).get("/health/guardrails/queries/new/")

    assert (answer.status_code, answer["Location"]) == (302, "/health/sources/new/")


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.AUDITOR])
def test_page__who_may_not_drive__reads_and_changes_nothing(role: Role) -> None:
    query = make_query(make_environment())
    client = sign_in(role)
    page = f"/health/guardrails/queries/{query.pk}/"

    assert client.get(page).status_code == 200
    assert f"{page}edit/" not in client.get(page).content.decode()
    assert client.post(f"{page}edit/", WANTED).status_code == 403
    assert client.post(f"{page}try/").status_code == 403


def test_page__shows_what_was_said_last() -> None:
    query = make_query(make_environment(), query="q{flag={flag}}")
    make_flag(key="buttons", name="Price buttons")
    say(query, 3.25, 17.5, "timed_out", until=NOW, flag_key="buttons")

    text = sign_in().get(f"/health/guardrails/queries/{query.pk}/").content.decode()

    for words in (">3.25<", ">17.5<", "It times out.", "beyond the limit", "keeps the limit", "Price buttons"):
        assert words in text


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (ONE % "3.5", 200, ["keeps the limit", "3.5"]),
        (ONE % "11", 200, ["beyond the limit", "11"]),
        (ONE % "NaN", 200, ["no value", "NaN or an infinite number"]),
        ('{"status":"success","data":{"resultType":"vector","result":[]}}', 200, ["no value", "It gives nothing"]),
        ('{"status":"error","errorType":"bad_data","error":"parse error"}', 400, ["no value", "parse error"]),
    ],
)
def test_try_it__says_the_value_or_the_fault_in_words(body: str, status: int, words: list[str]) -> None:
    environment = make_environment()
    with serve(Canned(body, status=status)) as canned:
        query = make_query(environment, source=make_source(environment, url=canned.url))
        text = sign_in(Role.RELEASE_MANAGER).post(f"/health/guardrails/queries/{query.pk}/try/").content.decode()

    trial = text.partition('id="trial"')[2]
    for one in words:
        assert one in trial
    assert not QueryReading.objects.exists()


def test_try_it__of_one_that_never_answers__gives_up() -> None:
    environment = make_environment()
    with listen_and_say(b"") as deaf:
        query = make_query(environment, source=make_source(environment, url=deaf, timeout_seconds=1))
        text = sign_in(Role.RELEASE_MANAGER).post(f"/health/guardrails/queries/{query.pk}/try/").content.decode()

    assert "It times out." in text


def test_try_it__of_each_flag__asks_for_one_that_is_known() -> None:
    environment = make_environment()
    make_flag(key="buttons")
    query = make_query(environment, query="q{flag={flag}}")
    client = sign_in(Role.RELEASE_MANAGER)

    assert client.post(f"/health/guardrails/queries/{query.pk}/try/", {"flag": "nobody"}).status_code == 404
    assert client.post(f"/health/guardrails/queries/{query.pk}/try/", {"flag": "buttons"}).status_code == 200


def test_list__twenty_queries__cost_as_many_queries_as_two(django_assert_max_num_queries: Any) -> None:
    environment = make_environment()
    source = make_source(environment)
    client = sign_in()
    for _ in range(2):
        say(make_query(environment, source=source), 1.0, until=clock.now())
    with django_assert_max_num_queries(60) as few:
        client.get("/health/guardrails/")
    for _ in range(18):
        say(make_query(environment, source=source), 1.0, until=clock.now())

    with django_assert_max_num_queries(len(few)):
        client.get("/health/guardrails/")
