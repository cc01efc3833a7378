"""The public page over the real application: from memory, in the reader's language, with its ETags."""

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django.fixtures import DjangoAssertNumQueries

from statuspage import keeper as keeping
from statuspage.keeper import PAGE
from tests.asgi import Answer, ask
from tests.factories.core import NOW
from tests.factories.statuspage import make_public

pytestmark = pytest.mark.django_db

FRENCH, ENGLISH = {"accept-language": "fr-FR,fr;q=0.9,en;q=0.8"}, {"accept-language": "en-GB,en;q=0.9,fr;q=0.8"}


@pytest.fixture(autouse=True)
def _page() -> Iterator[None]:
    make_public()
    PAGE.clear()
    PAGE.refresh(now=NOW)
    yield
    PAGE.clear()


def _get(path: str, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    return ask(path, headers=headers, **more)


def test_page__asked_for__needs_no_session_and_no_database(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        answers = [_get(path, FRENCH) for path in ("/status/", "/status/history.html", "/status/feed.atom")]

    assert [one.status for one in answers] == [200] * 3
    assert not any("set-cookie" in one.headers for one in answers)
    assert '<html lang="fr">' in answers[0].body.decode()


@pytest.mark.parametrize(
    ("headers", "query", "to"),
    [
        ({}, "", None),
        (FRENCH, "", None),
        (ENGLISH, "", "/status/en/"),
        (ENGLISH, "lang=fr", None),
        (FRENCH, "lang=en", "/status/en/"),
        ({"accept-language": "de, *;q=0.1"}, "", None),
        ({"accept-language": "en;q=x,fr;q=nan"}, "", None),
    ],
)
def test_language__of_the_folder__is_the_readers(headers: dict[str, str], query: str, to: str | None) -> None:
    answer = _get("/status/", headers, query=query)

    assert answer.headers.get("location") == to
    assert answer.status == (302 if to else 200)
    assert "Accept-Language" in answer.headers["vary"]


def test_language__chosen_by_its_link__stays() -> None:
    english = _get("/status/en/", FRENCH)
    french = _get("/status/index.html", ENGLISH)

    assert ('<html lang="en">' in english.body.decode(), 'href="../index.html"' in english.body.decode()) == (
        True,
        True,
    )
    assert ('<html lang="fr">' in french.body.decode(), 'href="en/index.html"' in french.body.decode()) == (True, True)


def test_folder__without_its_slash__leads_to_it() -> None:
    assert _get("/status", FRENCH).headers["location"] == "/status/"
    assert _get("/status/en").headers["location"] == "/status/en/"
    assert _get("/portal/status", FRENCH, root="/portal").headers["location"] == "/portal/status/"
    assert _get("/portal/status/", FRENCH, root="/portal").status == 200


def test_api__any_origin__may_read_it_and_cache_it_for_seconds() -> None:
    answer = _get("/status/api/v2/summary.json", {"origin": "https://elsewhere.example"})

    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "public, max-age=15"
    assert answer.headers["content-type"] == "application/json"
    assert _get("/status/api/v2/summary.json", method="OPTIONS").status == 204


def test_api__in_english__is_one_parameter_or_folder_away() -> None:
    by_folder = _get("/status/en/api/v2/status.json").json()
    by_query = _get("/status/api/v2/status.json", query="lang=en").json()
    french = _get("/status/api/v2/status.json", ENGLISH).json()

    assert by_folder == by_query
    assert by_folder["status"] == {"indicator": "none", "description": "All services are operational"}
    assert french["status"]["description"] != by_folder["status"]["description"]


@pytest.mark.parametrize("encoding", ["", "gzip", "br, gzip;q=0.5"])
def test_etag__named_again__is_304_without_a_body(encoding: str) -> None:
    headers = {"accept-encoding": encoding}
    first = _get("/status/", headers)

    again = _get("/status/", headers | {"if-none-match": f'"other", W/{first.headers["etag"]}'})

    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert _get("/status/", headers | {"if-none-match": '"other"'}).status == 200


def test_encoding__taken__is_packed_and_refused_is_not() -> None:
    plain = _get("/status/", {"accept-encoding": "gzip;q=0, identity"})
    packed = _get("/status/", {"accept-encoding": "gzip, deflate"})

    assert gzip.decompress(packed.body) == plain.body
    assert (packed.headers["content-encoding"], "content-encoding" in plain.headers) == ("gzip", False)
    assert packed.headers["etag"] != plain.headers["etag"]
    assert int(packed.headers["content-length"]) == len(packed.body) < len(plain.body)


def test_method__head__has_no_body_and_others_are_refused() -> None:
    head, got = _get("/status/", method="HEAD"), _get("/status/")

    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(got.body)))
    assert (_get("/status/", method="POST").status, _get("/status/", method="DELETE").status) == (405, 405)


def test_page__not_loaded__says_when_to_ask_again() -> None:
    PAGE.clear()

    answer = _get("/status/")

    assert (answer.status, answer.headers["retry-after"]) == (503, "2")


def test_page__holds_nothing_inline_and_leads_nowhere_else() -> None:
    page = _get("/status/").body.decode()

    assert "<script" not in page
    assert " style=" not in page
    assert "default-src 'none'" in _get("/status/").headers["content-security-policy"]
    assert _get("/status/page.css").headers["content-type"].startswith("text/css")


def test_keeper__database_away__serves_on_and_says_so_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _get("/status/").body

    def fail(**_given: object) -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(keeping, "read_facts", fail)
        with pytest.raises(OperationalError):
            PAGE.refresh(now=NOW)
        PAGE.note_silence()
        assert _get("/status/").body == before
        patch.setattr(keeping, "STALE_SECONDS", 0.0)
        PAGE.note_silence()
        stale = _get("/status/").body.decode()
    PAGE.refresh(now=NOW)

    assert 'class="note"' in stale
    assert "04/11/2026" in stale
    assert _get("/status/").body == before
    assert json.loads(_get("/status/api/v2/status.json").body)["status"]["indicator"] == "none"


def test_keeper__nothing_changed__keeps_its_shelf() -> None:
    shelf = PAGE.shelf

    assert not PAGE.refresh(now=NOW + timedelta(seconds=10))
    assert PAGE.shelf is shelf
