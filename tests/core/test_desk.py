"""The auditor's desk: every change in one list, and its copy."""

import csv
from datetime import datetime, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from core import actors, changes
from core.actors import DEMO, INTAKE, SCHEDULER, Actor, ActorKind, person
from core.changes import ChangeFilter, list_changes
from core.desk import write_csv
from core.errors import InvalidInput
from core.labels import ACTORS
from core.models import ExportRecord, User
from core.people import change_person, create_person, set_roles
from core.roles import Role
from core.spreadsheets import neutralise
from tests.factories.core import NOW, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor(client: Client) -> User:
    someone = make_person(Role.AUDITOR)
    client.force_login(someone)
    return someone


def rename(someone: User, full_name: str, **said: Any) -> None:
    reached: dict[str, Any] = {"email": someone.email, "language": someone.language, "phone": someone.phone}
    given: dict[str, Any] = {"actor": DEMO, "reason": "a new name", "now": NOW} | said
    change_person(user_id=someone.pk, full_name=full_name, **reached, **given)


def find(**wanted: Any) -> list[changes.Change]:
    return list_changes(ChangeFilter(**wanted), page=1, per_page=100).changes


def test_list_changes__field_changed__shows_before_and_after() -> None:
    someone = make_person(Role.SUPPORT, full_name="Anne Roy")
    rename(someone, "Anne Martin", now=NOW + timedelta(hours=1))

    newest = find(reason="a new name")[0]

    assert (newest.kind, newest.object_label, newest.reason) == ("changed", someone.username, "a new name")
    assert [(part.before, part.after) for part in newest.fields] == [("Roy", "Martin")]


def test_list_changes__roles_changed__shows_both_sets() -> None:
    someone = make_person(Role.SUPPORT)
    set_roles(user_id=someone.pk, roles={Role.RELEASE_MANAGER}, actor=DEMO, reason="new job", now=NOW)

    parts = [part for change in find(reason="new job") for part in change.fields]

    assert parts[0].after == "release manager"
    assert any(part.before for part in parts)


def test_list_changes__newest_first__across_pages_without_gap_or_double() -> None:
    for hour in range(5):
        make_person(Role.SUPPORT, now=NOW + timedelta(hours=hour))
    everything = find()

    last = -(-len(everything) // 3)
    pages = [list_changes(ChangeFilter(), page=number, per_page=3) for number in range(1, last + 1)]

    assert [change.at for change in everything] == sorted((change.at for change in everything), reverse=True)
    assert [change.history_id for page in pages for change in page.changes] == [c.history_id for c in everything]
    assert [page.has_next for page in pages] == [True] * (last - 1) + [False]


def test_list_changes__filters__narrow() -> None:
    admin = make_person(Role.ADMIN, full_name="Ada Admin")
    someone = make_person(Role.SUPPORT)
    rename(someone, "Somebody Else", actor=person(admin), reason="Ticket 4711", now=NOW + timedelta(days=2))

    assert len(find(person="ada")) == 1
    assert len(find(person=admin.username)) == 1
    assert len(find(reason="ticket")) == 1
    assert len(find(since=NOW + timedelta(days=1), reason="ticket")) == 1
    assert find(since=NOW + timedelta(days=3), reason="ticket") == []
    assert all(change.at == NOW for change in find(until=NOW + timedelta(days=1)))
    assert {change.object_id for change in find(object_id=str(someone.pk))} == {someone.pk}
    assert find(object_id="x") == []
    assert find(object_type="no.such") == []


def test_desk__days_given__are_those_of_paris(client: Client, auditor: User) -> None:
    just_before = datetime(2026, 10, 25, 23, 59, tzinfo=ZoneInfo("Europe/Paris"))
    someone = make_person(Role.SUPPORT, now=just_before, reason="late at night")

    shown = client.get(reverse("admin:changes"), {"since": "2026-10-25", "until": "2026-10-25"})
    hidden = client.get(reverse("admin:changes"), {"since": "2026-10-26", "until": "2026-10-26"})

    assert someone.username in shown.content.decode()
    assert someone.username not in hidden.content.decode()


@pytest.mark.parametrize("query", [{"since": "yesterday"}, {"object_type": "no.such"}, {"object_id": "9" * 30}])
def test_desk__filter_that_cannot_be_read__says_so(client: Client, auditor: User, query: dict[str, str]) -> None:
    assert client.get(reverse("admin:changes"), query).status_code == 400


@pytest.mark.parametrize("number", ["0", "-1", "x", "999999", "9" * 40])
def test_desk__odd_page_number__answers(client: Client, auditor: User, number: str) -> None:
    assert client.get(reverse("admin:changes"), {"page": number}).status_code == 200


def test_desk__many_rows__take_as_many_queries_as_few(client: Client, auditor: User) -> None:
    make_person(Role.SUPPORT)
    client.get(reverse("admin:changes"))
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("admin:changes"))
    for _ in range(20):
        make_person(Role.SUPPORT)

    with CaptureQueriesContext(connection) as many:
        client.get(reverse("admin:changes"))

    assert len(many) == len(few)


def test_export__auditor__gets_the_rows_and_is_recorded(client: Client, auditor: User) -> None:
    make_person(Role.SUPPORT, reason="=HYPERLINK(1)")

    answer = client.post(reverse("admin:changes_export"), {"reason": "hyperlink"})

    rows = list(csv.DictReader(StringIO(answer.content.decode())))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert {row["reason"] for row in rows} == {"'=HYPERLINK(1)"}
    taken = ExportRecord.objects.get()
    assert (taken.person, taken.filters, taken.row_count) == (auditor, {"reason": "hyperlink"}, 2)


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", {"incident intake", "scheduler"}), ("fr", {"prise en compte des incidents", "planificateur"})],
)
def test_export__system_acted__is_named_in_words(language: str, words: set[str]) -> None:
    for number, actor in enumerate((INTAKE, SCHEDULER, Actor(ActorKind.COMMAND, "demo"))):
        create_person(username=f"new-{number}", roles=[Role.SUPPORT], actor=actor, reason="named", now=NOW)
    file = StringIO()

    with translation.override(language):
        write_csv(file, changes.list_for_export(ChangeFilter(reason="named")))

    file.seek(0)
    # A person or an account that is called like a part of the system keeps its name.
    assert {row["who"] for row in csv.DictReader(file)} == words | {"demo"}


def test_system_actors__all_have_words() -> None:
    named = {one.label for one in vars(actors).values() if isinstance(one, Actor) and one.kind == ActorKind.SYSTEM}

    assert named == set(ACTORS)


def test_export__by_get__is_refused_and_not_recorded(client: Client, auditor: User) -> None:
    assert client.get(reverse("admin:changes_export")).status_code == 405
    assert not ExportRecord.objects.exists()


def test_export__too_many_rows__is_refused(client: Client, auditor: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MAX_EXPORT_ROWS", 1)

    with pytest.raises(InvalidInput) as refused:
        changes.list_for_export(ChangeFilter())

    assert refused.value.code == "export_too_long"


@pytest.mark.parametrize("cell", ["=1+1", "+33 4", "-5", "@SUM(A1)", "\tx", "\rx", "  =1", "＝1"])
def test_neutralise__formula__gets_an_apostrophe(cell: str) -> None:
    assert neutralise(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["a=b", "", 12, "person1", "2026-11-04"])
def test_neutralise__text__stays(cell: object) -> None:
    assert neutralise(cell) == str(cell)


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("x;=HYPERLINK(A1)", "x;'=HYPERLINK(A1)"),
        ("ok; +1,@SUM(1)", "ok;' +1,'@SUM(1)"),
        ("two lines\n=2+2", "two lines\n'=2+2"),
        ("by tabs\t=2+2", "by tabs\t'=2+2"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("old lines\r @SUM(1)", "old lines\r' @SUM(1)"),
    ],
)
def test_neutralise__formula_behind_a_separator__gets_an_apostrophe(cell: str, safe: str) -> None:
    assert neutralise(cell) == safe


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "1999-12-31"])
@pytest.mark.parametrize("name", ["since", "until"])
def test_desk__a_day_beyond_every_calendar__is_answered(client: Client, auditor: User, name: str, day: str) -> None:
    assert client.get(f"/admin/changes/?{name}={day}").status_code in {200, 400}
