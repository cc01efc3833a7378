"""Monitoring systems: what people say of them, who asks when, and their pages."""

from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, transaction
from django.test import Client

from core import clock
from core.actors import DEMO
from core.errors import InvalidInput, Refusal
from core.roles import Role
from core.sealing import unseal
from core.versions import get_version
from health.models import PrometheusPull, PrometheusSource
from health.source_labels import FAULTS, say_fault
from health.source_models import SEALED_FOR
from health.source_transitions import LEASE, MOST_AT_ONCE, add_source, change_source, claim_due, note_pull
from notifications.models import Event
from tests.factories.core import NOW, make_person
from tests.factories.flags import make_environment
from tests.factories.sources import VALUES, make_source
from tests.signed_in import sign_in_as
from tests.waiting import race

BY: dict[str, Any] = {"actor": DEMO, "reason": "Needed", "now": NOW}
BEARER: dict[str, Any] = {"auth": "bearer"}


@pytest.mark.django_db
def test_source__secret__is_sealed_and_nowhere_in_its_history() -> None:
    source = make_source(make_environment(), secret="s3cret", **BEARER)

    [line] = PrometheusSource.history.all()
    assert "s3cret" not in str(vars(source)) + str(vars(line))
    assert not hasattr(line, "sealed_secret")
    assert unseal(source.sealed_secret, purpose=SEALED_FOR) == "s3cret"


@pytest.mark.django_db
def test_source__changed_without_a_secret__keeps_it_for_its_address_alone() -> None:
    source = make_source(make_environment(), secret="s3cret", name="A", **BEARER)
    values = VALUES | BEARER | {"name": "B"}

    changed = change_source(source_id=source.pk, values=values, secret=None, **BY)
    with pytest.raises(InvalidInput) as caught:
        change_source(source_id=source.pk, values=values | {"url": "https://evil.example"}, secret=None, **BY)

    assert (changed.name, caught.value.code) == ("B", "secret_again")
    assert unseal(changed.sealed_secret, purpose=SEALED_FOR) == "s3cret"


@pytest.mark.django_db
def test_source__signed_in_to_with_nothing_any_more__forgets_its_secret() -> None:
    source = make_source(make_environment(), secret="s3cret", **BEARER)

    changed = change_source(source_id=source.pk, values=VALUES | {"name": "B"}, secret=None, **BY)

    assert changed.sealed_secret == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"name": " "}, "source_incomplete"),
        ({"errors_query": ""}, "source_incomplete"),
        ({"name": "a\x00"}, "source_unreadable"),
        ({"url": "prometheus:9090"}, "source_address_wrong"),
        ({"url": "file:///etc/passwd"}, "source_address_wrong"),
        ({"url": "http://mia:s3cret@prometheus"}, "source_address_wrong"),
        ({"url": "http://prometheus/?x=1"}, "source_address_wrong"),
        ({"url": "http://prometheus:99999"}, "source_address_wrong"),
        ({"auth": "bearer"}, "secret_missing"),
        ({"auth": "magic"}, "secret_missing"),
        ({"tenant": "a\r\nX-Evil: 1"}, "tenant_unfit"),
        ({"site_label": ""}, "source_labels_wrong"),
        ({"flag_label": "a-b"}, "source_labels_wrong"),
        ({"interval_seconds": 17}, "source_times_wrong"),
        ({"timeout_seconds": 11}, "source_times_wrong"),
    ],
)
def test_source__that_could_never_be_asked__is_refused(given: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        make_source(make_environment(), **given)

    assert caught.value.code == code


@pytest.mark.django_db
def test_source__secret_that_would_end_the_header__is_refused() -> None:
    with pytest.raises(InvalidInput, match="secret_unfit"):
        make_source(make_environment(), secret="a\r\nX-Evil: 1", **BEARER)


@pytest.mark.django_db
def test_source__same_name_again__is_refused_in_one_environment_only() -> None:
    environment = make_environment()
    make_source(environment, name="A")
    make_source(make_environment(), name="A")

    with pytest.raises(InvalidInput, match="source_name_taken"):
        make_source(environment, name="A")


@pytest.mark.django_db
def test_source__changed_by_somebody_else_meanwhile__is_refused() -> None:
    source = make_source(make_environment())
    seen = get_version(source)
    change_source(source_id=source.pk, values=VALUES | {"name": "B"}, secret=None, **BY)

    with pytest.raises(Refusal, match="changed_meanwhile"):
        change_source(source_id=source.pk, values=VALUES | {"name": "C"}, secret=None, seen_version=seen, **BY)


@pytest.mark.django_db
@pytest.mark.parametrize("given", [{"interval_seconds": 17}, {"timeout_seconds": 0}, {"auth": "magic"}])
def test_source__value_nobody_may_write__is_refused_by_the_database(given: dict[str, Any]) -> None:
    source = make_source(make_environment())

    with pytest.raises(IntegrityError), transaction.atomic():
        PrometheusSource.objects.filter(pk=source.pk).update(**given)


@pytest.mark.django_db
def test_claim__due_ones__are_leased_and_no_other_worker_pulls_meanwhile() -> None:
    environment = make_environment()
    due, off = make_source(environment), make_source(environment, is_active=False)
    make_source(environment, now=NOW + timedelta(seconds=9))

    assert [source.pk for source in claim_due(now=NOW)] == [due.pk]
    assert claim_due(now=NOW + timedelta(seconds=30)) == []
    # A worker that died gives its place free.
    assert due.pk in {source.pk for source in claim_due(now=NOW + LEASE)}
    assert off.pk not in set(PrometheusPull.objects.exclude(leased_until=None).values_list("pk", flat=True))


@pytest.mark.django_db(transaction=True)
def test_claim__two_workers_at_once__one_of_them_pulls() -> None:
    make_source(make_environment())
    taken: list[int] = []

    race(lambda: taken.append(len(claim_due(now=NOW))), lambda: taken.append(len(claim_due(now=NOW))))

    assert taken == [1, 0]


@pytest.mark.django_db
def test_claim__many_at_once__takes_a_few() -> None:
    environment = make_environment()
    for _ in range(MOST_AT_ONCE + 2):
        make_source(environment)

    assert len(claim_due(now=NOW)) == MOST_AT_ONCE


def note(source: PrometheusSource, **given: Any) -> PrometheusPull:
    wanted: dict[str, Any] = {
        "pulled_until": None,
        "data_at": None,
        "unknown_sites": [],
        "unknown_flags": [],
        "fault": "",
        "fault_data": {},
        "more": False,
        "now": NOW,
    }
    note_pull(source_id=source.pk, **(wanted | given))
    return PrometheusPull.objects.get(source=source)


@pytest.mark.django_db
def test_note__how_far_it_is__never_goes_back() -> None:
    source = make_source(make_environment())
    note(source, pulled_until=NOW, data_at=NOW)

    pull = note(source, pulled_until=NOW - timedelta(hours=1), data_at=NOW - timedelta(hours=1))

    assert (pull.pulled_until, pull.last_data_at) == (NOW, NOW)


@pytest.mark.django_db
def test_note__same_fault_again__began_when_it_began() -> None:
    source = make_source(make_environment())
    note(source, fault="timed_out")

    later = note(source, fault="timed_out", now=NOW + timedelta(minutes=1))
    other = note(source, fault="no_data", now=NOW + timedelta(minutes=2))
    gone = note(source, now=NOW + timedelta(minutes=3))

    assert (later.fault_since, other.fault_since) == (NOW, NOW + timedelta(minutes=2))
    assert (gone.fault, gone.fault_since) == ("", None)


@pytest.mark.django_db
def test_note__source_that_never_gave_figures__is_no_loss_to_tell_of() -> None:
    note(make_source(make_environment()), fault="unreachable", now=NOW + timedelta(hours=1))

    assert not Event.objects.exists()


@pytest.mark.django_db
def test_note__silence__is_told_once_and_the_return_once_each_time() -> None:
    source = make_source(make_environment())
    note(source, data_at=NOW)
    for minutes in (2, 4, 6):
        note(source, fault="timed_out", now=NOW + timedelta(minutes=minutes))
    for minutes in (8, 9):
        at = NOW + timedelta(minutes=minutes)
        note(source, data_at=at, now=at)
    note(source, fault="no_data", now=NOW + timedelta(minutes=20))

    kinds = [event.kind for event in Event.objects.order_by("pk")]
    assert kinds == ["source_silent", "source_back", "source_silent"]


@pytest.mark.parametrize("code", FAULTS)
def test_fault__each__is_a_whole_sentence_whatever_it_knows(code: str) -> None:
    assert "%" not in say_fault(code, {})
    assert say_fault(code, {"details": "x" * 20, "status": 400, "seconds": -31}).endswith((".", "?", "x"))


def client(role: Role) -> Client:
    return sign_in_as(make_person(roles=[role]))


FORM = VALUES | {"name": "Prometheus", "secret": "", "reason": "We watch by it", "is_active": "on"}


@pytest.mark.django_db
def test_page__new_source__is_added_with_its_reason_and_shown() -> None:
    environment = make_environment()
    answer = client(Role.RELEASE_MANAGER).post("/health/sources/new/", FORM | {"environment": environment.key})

    source = PrometheusSource.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/health/sources/{source.pk}/")
    assert PrometheusSource.history.get().history_change_reason == "We watch by it"
    assert source.environment == environment


@pytest.mark.django_db
def test_page__edit__shows_no_secret_and_keeps_it() -> None:
    source = make_source(make_environment(), secret="s3cret", auth="bearer", now=clock.now())
    browser = client(Role.ADMIN)
    page = browser.get(f"/health/sources/{source.pk}/edit/")
    version = get_version(source)

    answer = browser.post(f"/health/sources/{source.pk}/edit/", FORM | BEARER | {"version": version})

    assert b"s3cret" not in page.content
    assert source.sealed_secret.encode() not in page.content
    assert answer.status_code == 302
    assert unseal(PrometheusSource.objects.get().sealed_secret, purpose=SEALED_FOR) == "s3cret"


@pytest.mark.django_db
def test_page__try_it__says_in_words_why_nothing_came(settings: LazySettings) -> None:
    settings.OUTBOUND_NETWORKS = [ip_network("127.0.0.0/8")]
    source = make_source(make_environment(), now=clock.now())

    page = client(Role.RELEASE_MANAGER).post(f"/health/sources/{source.pk}/try/")

    assert "It cannot be reached" in page.content.decode()
    assert PrometheusPull.objects.get().fault == ""


@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.SUPPORT, Role.AUDITOR])
def test_page__those_who_only_look__see_it_and_change_nothing(role: Role) -> None:
    source = make_source(make_environment(), now=clock.now())
    browser = client(role)

    assert browser.get(f"/health/sources/{source.pk}/").status_code == 200
    assert browser.post(f"/health/sources/{source.pk}/try/").status_code == 403
    assert browser.post("/health/sources/new/", FORM).status_code == 403


@pytest.mark.django_db
def test_page__list__says_what_is_wrong_and_since_when() -> None:
    environment = make_environment()
    now = clock.now()
    source = make_source(environment, now=now)
    note(source, fault="timed_out", data_at=now - timedelta(minutes=5), now=now)

    page = client(Role.SUPPORT).get("/health/sources/").content.decode()

    assert "It times out." in page
    assert "last data" in page


def test_add__environment_that_is_not_there__is_refused(db: None) -> None:
    with pytest.raises(InvalidInput, match="environment_unknown"):
        add_source(environment_id=0, values=VALUES, secret="", **BY)
