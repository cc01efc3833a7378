"""The search over incidents, post-mortems and complaints: what is found, by whom, and how it is shown."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import clock
from core.actors import DEMO, person
from core.fulltext import compose_query, find_newest
from core.models import User
from core.roles import Role
from flags.models import Environment, Site
from health.search_queries import COMPLAINTS
from health.transitions import forget_words
from incidents.domain.searching import Kind, Part
from incidents.domain.words import WordStatus
from incidents.models import Incident
from incidents.search_queries import SOURCES, Results, Wish, search_records
from incidents.transitions import add_note, finish_action_item, say_word
from tests.factories.core import make_person
from tests.factories.flags import make_environment, make_site
from tests.factories.health import make_complaint
from tests.factories.incidents import make_incident, make_measure, write
from tests.signed_in import sign_in_as

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def environment() -> Environment:
    return make_environment(is_production=True)


@pytest.fixture
def site() -> Site:
    return make_site(name="Lyon")


@pytest.fixture
def user() -> User:
    return make_person(Role.SUPPORT, language="en")


@pytest.fixture
def client(user: User) -> Client:
    return sign_in_as(user, language="en")


def _search(text: str, environment: Environment, **given: Any) -> Results:
    asked = {name: given.pop(name) for name in ("kind", "page", "size") if name in given}
    return search_records(Wish(text=text, complaints_of=environment.pk, **given), **asked)


def _found(text: str, environment: Environment, **given: Any) -> set[tuple[Kind, int]]:
    return {(row.hit.kind, row.hit.owner) for row in _search(text, environment, **given).rows}


def _read(client: Client, path: str, status: int = 200, **given: Any) -> str:
    page = client.get(path, **given)
    assert page.status_code == status
    return page.content.decode()


def _fill(environment: Environment, site: Site, user: User) -> Incident:
    """Return an incident that every part says something else of."""
    now = clock.now()
    incident = make_incident(environment, title="Caisses gelées à l’ouverture", site_keys=[site.key], now=now)
    by: dict[str, Any] = {"incident_id": incident.pk, "actor": person(user), "now": now}
    add_note(note="Le **fournisseur** d’étiquettes confirme", **by)
    promise: dict[str, Any] = {"status": WordStatus.INVESTIGATING, "next_at": now + timedelta(minutes=20)}
    say_word(text_fr="Nous enquêtons", text_en="We look into the scanners", **promise, **by)
    write(incident, user=user, now=now, texts={"root_cause": "Arrondi des centimes du sous-total"})
    item = make_measure(incident, user=user, now=now, title="Surveiller les coupons")
    finish_action_item(item_id=item.pk, reason="Tableau de bord", **by)
    make_complaint(environment, site=site, text="Impossible de changer le prix", reporter="Zoubida", now=now)
    return incident


@pytest.mark.parametrize(
    ("text", "kind", "part"),
    [
        ("caisse gelee", Kind.INCIDENT, Part.TITLE),
        ("GELÉES", Kind.INCIDENT, Part.TITLE),
        ("l'ouverture", Kind.INCIDENT, Part.TITLE),
        ("fournisseurs étiquette", Kind.INCIDENT, Part.NOTE),
        ("enquetons", Kind.INCIDENT, Part.WORD),
        ("scanner", Kind.INCIDENT, Part.WORD),
        ("sous-total", Kind.POST_MORTEM, Part.SECTIONS),
        ("sous total", Kind.POST_MORTEM, Part.SECTIONS),
        ("arrondis centime", Kind.POST_MORTEM, Part.SECTIONS),
        ('"twelve sales"', Kind.POST_MORTEM, Part.SECTIONS),
        ("coupon", Kind.POST_MORTEM, Part.MEASURE),
        ("tableaux bord", Kind.POST_MORTEM, Part.MEASURE),
        ("prix changé", Kind.COMPLAINT, Part.COMPLAINT),
        ("impos", Kind.COMPLAINT, Part.COMPLAINT),
        ("nothinglikeit OR prix", Kind.COMPLAINT, Part.COMPLAINT),
    ],
)
def test_search__words_of_each_text__find_it_whatever_accents_and_endings(
    environment: Environment, site: Site, user: User, *, text: str, kind: Kind, part: Part
) -> None:
    incident = _fill(environment, site, user)

    rows = _search(text, environment, kind=kind).rows

    assert [(row.hit.kind, row.hit.spot.part) for row in rows] == [(kind, part)]
    assert any(piece.is_found for piece in [*rows[0].title, *rows[0].excerpt])
    assert rows[0].incident == (None if kind is Kind.COMPLAINT else incident)


@pytest.mark.parametrize("text", ['"gelées caisses"', "caisse -gelée", "caisse -gelées", "caisse tiroir", "Zoubida"])
def test_search__what_was_not_asked_for__is_not_found(
    environment: Environment, site: Site, user: User, text: str
) -> None:
    _fill(environment, site, user)

    results = _search(text, environment)

    assert [row for row in results.rows if row.hit.spot.part is not Part.SECTIONS] == []
    assert not results.is_mute


@pytest.mark.parametrize("text", ["le la", "the of", "-prix", "les", "& | ! :*", "'", "-"])
def test_search__words_that_say_nothing__are_told_apart_from_nothing_found(
    client: Client, environment: Environment, site: Site, user: User, text: str
) -> None:
    _fill(environment, site, user)

    assert _search(text, environment).is_mute
    assert "say nothing by themselves" in _read(client, "/incidents/search/", data={"q": text})


def test_search__a_word_erased__is_no_longer_found(environment: Environment, site: Site) -> None:
    complaint = make_complaint(environment, site=site, text="Impossible de changer le prix", now=clock.now())
    assert _found("prix", environment) == {(Kind.COMPLAINT, complaint.pk)}

    forget_words(logged_before=clock.now() + timedelta(days=1), at_most=10)

    assert _found("prix", environment) == set()


def test_search__complaints__are_those_of_the_environment_looked_at_and_of_who_may_see_any(
    environment: Environment, site: Site
) -> None:
    complaint = make_complaint(environment, site=site, text="Tiroir", now=clock.now())
    make_complaint(make_environment(), site=site, text="Tiroir", now=clock.now())

    assert _found("tiroir", environment) == {(Kind.COMPLAINT, complaint.pk)}
    assert search_records(Wish("tiroir", complaints_of=None)).rows == []


def test_search__title_beats_note_and_the_newer_one_stands_first(environment: Environment, user: User) -> None:
    now = clock.now()
    noted = make_incident(environment, title="Lille", now=now)
    add_note(incident_id=noted.pk, note="Tiroir", actor=person(user), now=now)
    old, new = (
        make_incident(environment, title=f"Tiroir {days}", now=now, detected_at=now - timedelta(days=days))
        for days in (2, 1)
    )

    assert [row.hit.owner for row in _search("tiroir", environment).rows] == [new.pk, old.pk, noted.pk]


def test_search__narrowed__keeps_what_fits(environment: Environment, site: Site) -> None:
    now, other = clock.now(), make_site()
    here = make_incident(environment, title="Tiroir ici", site_keys=[site.key], tier="critical", now=now)
    make_incident(environment, title="Tiroir là", site_keys=[other.key], tier="minor", now=now - timedelta(days=9))
    complaint = make_complaint(environment, site=site, text="Tiroir", now=now)
    make_complaint(environment, site=other, text="Tiroir", now=now - timedelta(days=9))

    both = {(Kind.INCIDENT, here.pk), (Kind.COMPLAINT, complaint.pk)}
    assert _found("tiroir", environment, site_id=site.pk, site_key=site.key) == both
    assert _found("tiroir", environment, since=now - timedelta(days=1)) == both
    assert _found("tiroir", environment, until=now - timedelta(days=1)).isdisjoint(both)
    assert _found("tiroir", environment, tier="critical") == {(Kind.INCIDENT, here.pk)}
    assert _found("tiroir", environment, environment_id=make_environment().pk, kind=Kind.INCIDENT) == set()


def test_search__pages__hold_each_one_once_and_count_by_kind(environment: Environment, site: Site) -> None:
    for _ in range(7):
        make_complaint(environment, site=site, text="Tiroir", now=clock.now())
    make_incident(environment, title="Tiroir", now=clock.now())

    pages = [_search("tiroir", environment, page=page, size=3) for page in (1, 2, 3, 4)]

    owners = [(row.hit.kind, row.hit.owner) for page in pages for row in page.rows]
    assert len(owners) == len(set(owners)) == 8
    assert [page.has_more for page in pages] == [True, True, False, False]
    assert {kind: (one.number, one.is_more) for kind, one in pages[3].counts.items()} == {
        Kind.INCIDENT: (1, False),
        Kind.POST_MORTEM: (0, False),
        Kind.COMPLAINT: (7, False),
    }


def test_search__more_than_are_ranked__is_said(
    environment: Environment, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [make_complaint(environment, site=site, text="Tiroir", now=clock.now()).pk for _ in range(8)]
    query = compose_query("tiroir")

    few = find_newest(COMPLAINTS, query=query, limit=3)
    assert ([row.number for row in few.rows], few.has_more) == (made[:4:-1], True)
    rest = find_newest(COMPLAINTS, query=query, limit=5, before=made[5])
    assert ([row.number for row in rest.rows], rest.has_more) == (made[4::-1], False)

    # The newest rows alone hold enough: the others are not looked for.
    monkeypatch.setattr("core.fulltext.NEWEST", 3)
    monkeypatch.setattr("core.fulltext.ENOUGH", 3)
    part = find_newest(COMPLAINTS, query=query)
    assert ([row.number for row in part.rows], part.has_more) == (made[:4:-1], True)
    monkeypatch.setattr("core.fulltext.ENOUGH", 4)
    whole = find_newest(COMPLAINTS, query=query)
    assert ([row.number for row in whole.rows], whole.has_more) == (made[::-1], False)


@pytest.mark.parametrize("source", [*SOURCES.values(), COMPLAINTS], ids=lambda one: one.table)
def test_search__each_table__is_asked_by_its_index(source: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
        cursor.execute(
            f"EXPLAIN SELECT 1 FROM {source.table} w WHERE w.found_by @@ %s::tsquery AND " + source.condition,
            [compose_query("tiroir OR imprimante")],
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert re.search(r"Bitmap Index Scan on \w+found_by", plan), plan


@pytest.mark.parametrize("path", ["/incidents/search/?q=tiroir", "/incidents/?q=tiroir", "/complaints/?q=tiroir"])
def test_search__one_and_forty_rows_of_each__take_the_same_queries(
    client: Client, environment: Environment, site: Site, user: User, path: str
) -> None:
    counts = []
    for number in (1, 39):
        for place in range(number):
            incident = make_incident(environment, title=f"Tiroir {number} {place}", now=clock.now())
            add_note(incident_id=incident.pk, note="Tiroir", actor=person(user), now=clock.now())
            write(incident, user=user, texts={"impact": "Tiroir"})
            make_measure(incident, user=user, title="Tiroir")
            make_complaint(environment, site=site, text="Tiroir", now=clock.now())
        with CaptureQueriesContext(connection) as queries:
            assert "iroir" in _read(client, path)
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_page__number__leads_straight_there_or_asks_which(client: Client, environment: Environment, site: Site) -> None:
    incident = make_incident(environment, now=clock.now())
    path = "/incidents/search/"

    for text in (f"#{incident.pk}", f"INC-{incident.pk}", f"inc {incident.pk}"):
        assert client.get(path, {"q": text}).headers["Location"] == f"/incidents/{incident.pk}/"
    assert f'href="/incidents/{incident.pk}/"' in _read(client, path, data={"q": f"#{incident.pk}"}, headers=HTMX)
    assert "Nothing fits" in _read(client, path, data={"q": "#999999999"})
    assert "Nothing fits" in _read(client, path, data={"q": "INC-999999999"})


def test_page__empty__explains_how_to_ask(client: Client) -> None:
    page = _read(client, "/incidents/search/")

    assert "INC-123" in page
    assert 'role="search"' in page


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        '"unbalanced',
        "((((",
        "x" * 10_000,
        "💥" * 300,
        "a:* & b | !c <-> d",
        "\\'\\",
        "%s %(query)s",
        "%ED%B3%BF",
    ],
)
def test_page__hostile_words__are_answered_and_stay_text(
    client: Client, environment: Environment, site: Site, text: str
) -> None:
    make_complaint(environment, site=site, text=f"{text[:3_000]} tiroir \x02\x03", now=clock.now())
    make_incident(environment, title=f"{text[:150]} tiroir", now=clock.now())

    for asked in (text, "tiroir"):
        for path in ("/incidents/search/", "/incidents/", "/complaints/", "/search/"):
            for headers in ({}, HTMX):
                page = _read(client, path, data={"q": asked}, headers=headers)
                assert "<script>alert" not in page
                assert "<img src=x" not in page


def test_page__nul__is_refused_and_wrong_filters_are_told(client: Client) -> None:
    assert client.get("/incidents/search/?q=a%00b").status_code == 400
    assert "errorlist" in _read(client, "/incidents/search/?since=soon", status=400)
    for page in ("0", "-1", "x", "9" * 40, "200"):
        assert client.get("/incidents/search/", {"q": "tiroir", "page": page}).status_code == 200
    assert client.get("/incidents/search/?until=9999-12-31&q=a").status_code == 200


def test_page__found__is_marked_in_its_excerpt_and_linked(client: Client, environment: Environment, site: Site) -> None:
    complaint = make_complaint(environment, site=site, text="Les <b>prix</b> sont faux & absurdes", now=clock.now())

    page = _read(client, "/incidents/search/", data={"q": "prix"}, headers=HTMX)

    assert "&lt;b&gt;<mark>prix</mark>&lt;/b&gt;" in page
    assert f'href="/complaints/?number={complaint.pk}"' in page
    assert "<html" not in page


@pytest.mark.django_db(transaction=True)
def test_search__takes_too_long__is_ended_and_says_the_way_out(
    client: Client, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_incident(environment, title="Tiroirs bloqués", now=clock.now())
    slow = replace(SOURCES[Part.TITLE], condition="(SELECT pg_sleep(30)) IS NOT NULL")
    monkeypatch.setitem(SOURCES, Part.TITLE, slow)
    monkeypatch.setattr("core.fulltext.MOST_SECONDS", 1)

    answer = client.get("/incidents/search/", {"q": "tiroir"})

    assert answer.status_code == 409
    assert "Add a rarer one, or narrow by time or site." in answer.text


def test_search__is_over__leaves_no_limit_behind(environment: Environment) -> None:
    _search("tiroir", environment)

    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_lists__words__narrow_them(client: Client, environment: Environment, site: Site) -> None:
    found = make_incident(environment, title="Tiroirs bloqués", now=clock.now())
    make_incident(environment, title="Imprimante muette", now=clock.now())
    make_complaint(environment, site=site, text="Tiroir bloqué", severity="blocking", now=clock.now())
    make_complaint(environment, site=site, text="Écran noir", now=clock.now())

    listed = _read(client, "/incidents/?q=tiroir+bloque")
    assert f"/incidents/{found.pk}/" in listed
    assert "Imprimante" not in listed
    listed = _read(client, "/complaints/?q=bloquees")
    assert ("Tiroir bloqué" in listed, "Écran" in listed) == (True, False)
    assert "Tiroir bloqué" not in _read(client, "/complaints/?q=bloque&severity=cosmetic")
    assert "None like that" in _read(client, "/incidents/?q=le+la")
    assert "None like that" in _read(client, "/complaints/?q=le+la")


def test_complaints__words_beyond_a_page__older_ones_follow(
    client: Client, environment: Environment, site: Site
) -> None:
    for number in range(51):
        make_complaint(environment, site=site, text=f"Tiroir {number:03}", actor=DEMO, now=clock.now())

    first = _read(client, "/complaints/?q=tiroir")
    older = re.search(r'href="\?(q=tiroir[^"]*before=\d+)"', first)
    assert older is not None
    second = _read(client, f"/complaints/?{older[1].replace('&amp;', '&')}")

    shown = [f"<p>Tiroir {number}</p>" in page for page in (first, second) for number in ("000", "001")]
    assert shown == [False, True, True, False]
