"""Complaints from a file and from programs: all or nothing, once, on the day they were said."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client

from core import clock
from core.actors import DEMO
from core.errors import InvalidInput
from core.roles import Role
from flags.domain.purposes import Purpose
from flags.models import Environment, Site
from health.domain.complaint_file import MOST_BYTES
from health.importing import import_complaints
from health.models import Complaint
from health.queries import count_complaints_by_day
from tests.api_client import Program
from tests.factories.core import NOW, make_person
from tests.factories.flags import make_environment, make_flag, make_site, make_token
from tests.factories.health import make_complaint
from tests.signed_in import sign_in_as

pytestmark = pytest.mark.django_db

FILE = "site,text,reporter\nlyon,Slow,Ana\nlyon,Torn,\n"
ADDRESS = "/complaints/import/"


@pytest.fixture
def environment() -> Environment:
    return make_environment(is_production=True)


@pytest.fixture
def site() -> Site:
    return make_site(key="lyon", name="Lyon")


@pytest.fixture
def support() -> Client:
    return sign_in_as(make_person(Role.SUPPORT, language="en"), language="en")


def _import(environment: Environment, source: str | bytes = FILE) -> tuple[int, int]:
    found = import_complaints(source=source, environment_id=environment.pk, actor=DEMO, now=NOW)
    return len(found.lines), found.known


def test_import__twice__logs_once(environment: Environment, site: Site) -> None:
    assert [_import(environment), _import(environment), _import(make_environment())] == [(2, 0), (0, 2), (2, 0)]

    complaint = Complaint.objects.filter(environment=environment).earliest("pk")
    assert (complaint.words.text, complaint.words.reporter, complaint.logged_at) == ("Slow", "Ana", NOW)
    row = complaint.history.get()
    assert row.history_change_reason == "Complaint imported from a file"
    assert "Ana" not in str(row.__dict__)


def test_import__a_longer_file__logs_what_is_new(environment: Environment, site: Site) -> None:
    _import(environment)

    assert _import(environment, FILE + "lyon,Torn,\nlyon,Dark,\n") == (2, 2)


def test_import__one_wrong_line__logs_nothing(environment: Environment, site: Site) -> None:
    with pytest.raises(InvalidInput, match="import_faulty"):
        _import(environment, FILE + "nowhere,Dark,\n")

    assert not Complaint.objects.exists()


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("", "import_empty"),
        ("site,text\n", "import_empty"),
        ("site,text\nlyon,Trop\xe9\n".encode("latin-1"), "file_not_utf8"),
        (b"x" * (MOST_BYTES + 1), "import_too_large"),
        ("site,text\nlyon,\ud800\n", "file_not_utf8"),
    ],
)
def test_import__of_no_use__is_refused(environment: Environment, site: Site, source: str | bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        _import(environment, source)

    assert refused.value.code == code


def test_import__of_past_days__counts_on_these_and_not_today(environment: Environment, site: Site) -> None:
    day = NOW - timedelta(days=2)
    lines = [f"lyon,Wrong {number},{day.isoformat()}" for number in range(12)]

    _import(environment, "\n".join(["site,text,logged_at", *lines, "lyon,Wrong today,"]))

    assert count_complaints_by_day(environment_key=environment.key, now=NOW, days=4) == [0, 12, 0, 1]


@pytest.mark.django_db(transaction=True)
def test_import__two_at_once__log_once(environment: Environment, site: Site) -> None:
    def run(_number: int) -> int:
        try:
            return _import(environment)[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(run, range(2))) == [0, 2]
    assert Complaint.objects.count() == 2


def _upload(text: str | bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("complaints.csv", text if isinstance(text, bytes) else text.encode(), "text/csv")


def _seen(page: str) -> str:
    return page.split('name="seen" value="')[1].split('"', maxsplit=1)[0]


def test_page__a_file__is_shown_first_and_then_imported(support: Client, environment: Environment, site: Site) -> None:
    page = support.post(ADDRESS, {"file": _upload("\ufeff" + FILE), "do": "check"}).content.decode()
    assert "Import 2 complaints" in page
    assert not Complaint.objects.exists()

    # A browser sends the lines of a field with its own ends of lines.
    answer = support.post(ADDRESS, {"text": FILE.replace("\n", "\r\n"), "seen": _seen(page), "do": "import"})

    assert (answer.status_code, answer["location"]) == (302, "/complaints/")
    assert Complaint.objects.filter(environment=environment, site=site).count() == 2
    again = support.post(ADDRESS, {"text": FILE, "do": "check"}).content.decode()
    assert "2 lines are there already" in again
    assert "Nothing would be imported" in again


def _unseen(page: str) -> dict[str, Any]:
    return {"text": FILE, "do": "import"}


def _changed(page: str) -> dict[str, Any]:
    return {"text": FILE + "lyon,More,\n", "seen": _seen(page), "do": "import"}


def _another_file(page: str) -> dict[str, Any]:
    return {"text": FILE, "file": _upload(FILE), "seen": _seen(page), "do": "import"}


def _looked_again(page: str) -> dict[str, Any]:
    return {"text": FILE, "seen": _seen(page), "do": "check"}


@pytest.mark.parametrize("send", [_unseen, _changed, _another_file, _looked_again])
def test_page__what_nobody_looked_at__is_shown_and_not_imported(
    support: Client, environment: Environment, site: Site, send: Callable[[str], dict[str, Any]]
) -> None:
    page = support.post(ADDRESS, {"text": FILE, "do": "check"}).content.decode()

    answer = support.post(ADDRESS, send(page))

    assert answer.status_code == 200
    assert 'id="preview"' in answer.content.decode()
    assert not Complaint.objects.exists()


def test_page__looked_at__shows_how_bad_each_line_is_and_who_says_so(
    support: Client, environment: Environment, site: Site
) -> None:
    page = support.post(ADDRESS, {"text": "site,text,severity,reporter\nlyon,Slow,blocking,Ana\n"}).content.decode()

    assert "<td>blocks the till</td>" in page
    assert "<td>Ana</td>" in page


def test_page__wrong_lines__are_named_each(support: Client, environment: Environment, site: Site) -> None:
    answer = support.post(ADDRESS, {"file": _upload(FILE + "nowhere,Dark,\nlyon,,\n"), "do": "check"})

    page = answer.content.decode()
    assert answer.status_code == 400
    assert "Line 4: There is no site “nowhere”" in page
    assert "Line 5: Say what happened" in page
    assert 'value="import"' not in page


@pytest.mark.parametrize(
    ("source", "words"),
    [("caf\xe9".encode("latin-1"), "save the file as UTF-8"), (b"x" * (MOST_BYTES + 9), "at most 1000000 bytes")],
)
def test_page__a_file_of_no_use__says_why(support: Client, environment: Environment, source: bytes, words: str) -> None:
    answer = support.post(ADDRESS, {"file": _upload(source), "do": "check"})

    assert answer.status_code == 400
    assert words in answer.content.decode()


@pytest.mark.parametrize(("language", "head"), [("fr", "site;text;"), ("en", "site,text,")])
def test_template__by_language__has_the_columns(language: str, head: str) -> None:
    client = sign_in_as(make_person(Role.SUPPORT, language=language), language=language)

    answer = client.get("/complaints/import/template.csv")

    assert answer.content.decode().startswith("\ufeff" + head)
    assert "attachment" in answer["content-disposition"]


def _command(environment: Environment, path: Path, *more: str) -> str:
    out = StringIO()
    call_command("import_complaints", str(path), "--env", environment.key, "--by", "mia", *more, stdout=out)
    return out.getvalue()


def test_command__dry_run_then_for_good_then_again(environment: Environment, site: Site, tmp_path: Path) -> None:
    path = tmp_path / "complaints.csv"
    path.write_text(FILE, encoding="utf-8-sig")

    with pytest.raises(SystemExit) as ended:
        _command(environment, path, "--dry-run")
    assert (ended.value.code, Complaint.objects.count()) == (2, 0)

    assert _command(environment, path) == "2 imported, 0 there already\n"
    assert _command(environment, path) == "0 imported, 2 there already\n"
    assert _command(environment, path, "--dry-run").startswith("0 would be new")
    assert {row.actor_label for row in Complaint.history.all()} == {"mia"}


def test_command__wrong_lines__are_named_and_nothing_is_written(
    environment: Environment, site: Site, tmp_path: Path
) -> None:
    path, err = tmp_path / "complaints.csv", StringIO()
    path.write_text(FILE + "nowhere,Dark,\n", encoding="utf-8")

    with pytest.raises(InvalidInput, match="import_faulty"):
        call_command("import_complaints", str(path), "--env", environment.key, stderr=err)

    assert "Line 4" in err.getvalue()
    with pytest.raises(CommandError, match="cannot be read"):
        _command(environment, tmp_path / "none.csv")
    with pytest.raises(InvalidInput, match="environment_unknown"):
        call_command("import_complaints", str(path), "--env", "none")


@pytest.fixture
def ci(environment: Environment) -> Program:
    return Program(make_token(environment, purpose=Purpose.MANAGE)[1])


WISH = {"site": "lyon", "text": "Slow", "severity": "annoying", "reporter": "Ana", "request_id": "call-7"}


def test_api__the_same_wish_again__is_logged_once(ci: Program, site: Site) -> None:
    first, again = (ci.post("/complaints", WISH) for _ in range(2))

    assert (first.status_code, again.status_code, first.json()["id"]) == (201, 201, again.json()["id"])
    assert Complaint.objects.count() == 1
    Complaint.objects.get().words.delete()
    assert ci.post("/complaints", WISH | {"text": "Forgotten"}).json()["id"] == first.json()["id"]


@pytest.mark.parametrize("other", [{"text": "Torn"}, {"severity": "blocking"}, {"reporter": "Léa"}])
def test_api__its_name_on_another_wish__is_refused(ci: Program, site: Site, other: dict[str, str]) -> None:
    ci.post("/complaints", WISH)

    answer = ci.post("/complaints", WISH | other)

    assert (answer.status_code, answer.json()["errorCode"]) == (409, "complaint_id_reused")


def test_api__without_a_name__each_is_one(ci: Program, site: Site) -> None:
    for _ in range(2):
        ci.post("/complaints", {**WISH, "request_id": ""})

    assert Complaint.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_api__the_same_wish_twice_at_once__is_logged_once(ci: Program, site: Site) -> None:
    def ask(_number: int) -> int:
        try:
            return int(ci.post("/complaints", WISH).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(ask, range(2))) == [201, 201]
    assert Complaint.objects.count() == 1


def test_api__marking__no_longer_counts_and_stays(ci: Program, environment: Environment, site: Site) -> None:
    first, second, third = (make_complaint(environment, site=site, flag=make_flag()) for _ in range(3))

    spam = ci.post(f"/complaints/{third.pk}/spam", reason="Advertising")
    repeated = ci.post(f"/complaints/{second.pk}/duplicate", original=first.pk, reason="The same call")
    twice = ci.post(f"/complaints/{third.pk}/spam", reason="Advertising")

    assert (spam.status_code, spam.json()["status"]) == (200, "spam")
    assert (repeated.json()["status"], repeated.json()["duplicate_of"]) == ("duplicate", first.pk)
    assert twice.status_code == 409
    assert Complaint.objects.count() == 3
    assert third.history.latest().history_change_reason == "Advertising"


def test_api__marking_without_a_reason_or_elsewhere__is_refused(
    ci: Program, environment: Environment, site: Site
) -> None:
    own, foreign = make_complaint(environment, site=site), make_complaint(make_environment(), site=site)

    assert ci.post(f"/complaints/{own.pk}/spam", reason="").status_code == 400
    assert ci.post(f"/complaints/{own.pk}/duplicate", original=own.pk, reason="x").status_code == 400
    for path in (f"/complaints/{foreign.pk}/spam", f"/complaints/{10**25}/spam"):
        assert ci.post(path, reason="x").status_code == 404


def test_clock__of_the_page__is_the_portals(
    support: Client, environment: Environment, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    page = support.post(ADDRESS, {"text": FILE, "do": "check"}).content.decode()

    support.post(ADDRESS, {"text": FILE, "seen": _seen(page), "do": "import"})

    assert set(Complaint.objects.values_list("logged_at", flat=True)) == {NOW}
