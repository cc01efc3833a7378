"""Writes of health: samples counted exactly, complaints logged and marked with a reason."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from core.actors import DEMO, person
from core.errors import InvalidInput, Refusal
from core.roles import Role
from flags.models import Environment, Site
from health.domain.samples import SampleValue, read_samples
from health.models import Complaint, ComplaintText, Sample
from health.sample_transitions import make_days, record_samples
from health.transitions import log_complaint, mark_duplicate, mark_spam
from tests.factories.core import NOW, make_person
from tests.factories.flags import make_environment, make_site, make_token
from tests.factories.health import make_complaint, sample_body

BY: dict[str, Any] = {"actor": DEMO, "reason": "said so", "now": NOW}


def _values(site: Site, *ids: str) -> list[SampleValue]:
    items: list[object] = [sample_body(site=site.key, start=NOW, id=one) for one in ids]
    return read_samples(items, site_keys={site.key}, flag_keys=(), now=NOW).accepted


@pytest.mark.django_db
def test_record_samples__some_known__returns_how_many_are_new() -> None:
    token, _ = make_token(make_environment())
    site = make_site()

    def record(*ids: str) -> int:
        return record_samples(
            source=f"token:{token.pk}", environment_id=token.environment_id, values=_values(site, *ids), now=NOW
        )

    assert [record(), record("a", "b"), record("b", "c", "c"), record("a")] == [0, 2, 1, 0]


@pytest.mark.django_db
def test_samples__more_critical_errors_than_errors__are_refused_by_the_database() -> None:
    token, _ = make_token(make_environment())
    make_days(today=NOW.date())

    with pytest.raises(IntegrityError, match="health_sample_counts"), transaction.atomic():
        Sample.objects.create(
            id=1,
            source="token:1",
            environment=token.environment,
            site=make_site(),
            client_id="a",
            received_at=NOW,
            start_at=NOW,
            ends_at=NOW,
            requests=2,
            errors=1,
            critical_errors=2,
            integrity_errors=0,
        )


@pytest.mark.django_db
def test_log_complaint__by_a_person__keeps_the_words_apart_from_history() -> None:
    user = make_person(Role.SUPPORT)

    complaint = make_complaint(
        make_environment(), site=make_site(), text="  Till frozen ", reporter=" Marie ", actor=person(user)
    )

    assert (complaint.words.text, complaint.words.reporter) == ("Till frozen", "Marie")
    assert complaint.logged_by == user
    row = complaint.history.get()
    assert (row.history_user, row.history_change_reason) == (user, "Complaint logged")
    assert "Marie" not in str(row.__dict__)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"text": " \n "}, "complaint_empty"),
        ({"text": "x" * 4_001}, "complaint_too_long"),
        ({"text": "nul\x00"}, "complaint_unreadable"),
        ({"reporter": "x" * 101}, "reporter_too_long"),
        ({"severity": "terrible"}, "severity_unknown"),
        ({"site_id": 0}, "site_unknown"),
        ({"flag_id": 0}, "flag_unknown"),
        ({"environment_id": 0}, "environment_unknown"),
    ],
)
def test_log_complaint__wrong_value__is_refused_and_nothing_is_written(given: dict[str, Any], code: str) -> None:
    wanted: dict[str, Any] = {
        "environment_id": make_environment().pk,
        "site_id": make_site().pk,
        "flag_id": None,
        "text": "Slow",
        "severity": "annoying",
        "reporter": "",
        "actor": DEMO,
        "now": NOW,
    }

    with pytest.raises(InvalidInput) as refused:
        log_complaint(**(wanted | given))

    assert refused.value.code == code
    assert not Complaint.objects.exists()
    assert not ComplaintText.objects.exists()


@pytest.fixture
def place() -> tuple[Environment, Site]:
    return make_environment(), make_site()


@pytest.mark.django_db
def test_mark_duplicate__of_one_that_counts__links_it_with_the_reason(place: tuple[Environment, Site]) -> None:
    first, second = (make_complaint(place[0], site=place[1]) for _ in range(2))

    marked = mark_duplicate(complaint_id=second.pk, original_id=first.pk, **BY)

    assert (marked.status, marked.duplicate_of) == ("duplicate", first)
    assert marked.history.latest().history_change_reason == "said so"


@pytest.mark.django_db
@pytest.mark.parametrize("mark", [mark_spam, lambda **given: mark_duplicate(original_id=1, **given)])
def test_mark__complaint_that_is_not_there__is_refused(mark: Callable[..., Complaint]) -> None:
    with pytest.raises(InvalidInput, match="complaint_unknown"):
        mark(complaint_id=999_999, **BY)


@pytest.mark.django_db
def test_mark_duplicate__of_itself_of_spam_or_of_another_environment__is_refused(
    place: tuple[Environment, Site],
) -> None:
    complaint, spam = (make_complaint(place[0], site=place[1]) for _ in range(2))
    mark_spam(complaint_id=spam.pk, **BY)
    foreign = make_complaint(make_environment(), site=place[1])

    for original in (complaint, spam, foreign):
        with pytest.raises(InvalidInput, match="original_unknown"):
            mark_duplicate(complaint_id=complaint.pk, original_id=original.pk, **BY)


@pytest.mark.django_db
def test_mark__twice_or_with_duplicates_of_its_own__is_refused(place: tuple[Environment, Site]) -> None:
    first, second = (make_complaint(place[0], site=place[1]) for _ in range(2))
    mark_duplicate(complaint_id=second.pk, original_id=first.pk, **BY)

    with pytest.raises(Refusal, match="changed_meanwhile"):
        mark_spam(complaint_id=second.pk, **BY)
    with pytest.raises(Refusal, match="complaint_has_duplicates"):
        mark_spam(complaint_id=first.pk, **BY)


@pytest.mark.django_db
def test_mark__without_a_reason__is_refused(place: tuple[Environment, Site]) -> None:
    complaint = make_complaint(place[0], site=place[1])

    with pytest.raises(InvalidInput, match="reason_missing"):
        mark_spam(complaint_id=complaint.pk, actor=DEMO, reason=" ", now=NOW)


@pytest.mark.django_db(transaction=True)
def test_mark_duplicate__two_of_each_other_at_once__one_wins(place: tuple[Environment, Site]) -> None:
    first, second = (make_complaint(place[0], site=place[1]) for _ in range(2))

    def mark(pair: tuple[Complaint, Complaint]) -> bool:
        try:
            mark_duplicate(complaint_id=pair[0].pk, original_id=pair[1].pk, **BY)
        except Refusal:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        won = list(pool.map(mark, [(first, second), (second, first)]))

    assert sorted(won) == [False, True]
    assert Complaint.objects.filter(status="new").count() == 1
