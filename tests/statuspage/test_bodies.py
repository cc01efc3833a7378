"""JSON of Statuspage v2, feeds and pages, written from the same facts."""

import json
from datetime import datetime, timedelta
from typing import Any

import feedparser
import pytest
from selectolax.lexbor import LexborHTMLParser

from flags.models import Site
from incidents.domain.tiers import Tier
from incidents.domain.words import WordStatus
from statuspage.bodies import write_bodies
from statuspage.queries import read_facts
from tests.factories.core import NOW
from tests.factories.statuspage import make_public, restore, say, trouble

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
COMPONENT = {
    *("id", "name", "status", "created_at", "updated_at", "position", "description", "showcase", "start_date"),
    *("group_id", "page_id", "group", "only_show_if_degraded"),
}
INCIDENT = {
    *("id", "name", "status", "created_at", "updated_at", "monitoring_at", "resolved_at", "impact", "shortlink"),
    *("started_at", "page_id", "incident_updates", "components"),
}
UPDATE = {
    *("id", "status", "body", "incident_id", "created_at", "updated_at", "display_at", "affected_components"),
    "deliver_notifications",
}


@pytest.fixture
def bodies() -> dict[str, bytes]:
    """One incident over, and one that runs at a site."""
    environment = make_public()
    over = trouble(environment, detected_at=NOW - 90 * MINUTE)
    say(over, WordStatus.MONITORING, now=NOW + MINUTE)
    restore(over, now=NOW + 2 * MINUTE)
    say(over, WordStatus.RESOLVED, now=NOW + 3 * MINUTE, fr="C’est fini & bien\x0b <fini>.", en="It is over.")
    running = trouble(environment, tier=Tier.CRITICAL, site_keys=[Site.objects.order_by("name")[0].key])
    say(running, WordStatus.INVESTIGATING, now=NOW + 4 * MINUTE)
    return write_bodies(read_facts(now=NOW + 5 * MINUTE))


def _text(tree: LexborHTMLParser, where: str) -> str:
    node = tree.css_first(where)
    assert node is not None, where
    return " ".join(node.text().split())


def _read(bodies: dict[str, bytes], name: str) -> Any:
    return json.loads(bodies[f"api/v2/{name}.json"])


def test_api__every_answer__has_page_and_status(bodies: dict[str, bytes]) -> None:
    names = {
        *("status", "summary", "components", "incidents", "incidents/unresolved"),
        *("scheduled-maintenances", "scheduled-maintenances/upcoming", "scheduled-maintenances/active"),
    }

    answers = {name: _read(bodies, name) for name in names}

    assert {path for path in bodies if path.startswith("api/")} == {f"api/v2/{name}.json" for name in names}
    for answer in answers.values():
        assert set(answer["page"]) == {"id", "name", "url", "time_zone", "updated_at"}
        assert answer["status"]["indicator"] == "critical"
        assert datetime.fromisoformat(answer["page"]["updated_at"]).utcoffset() == timedelta(hours=1)


def test_api__incidents__have_the_shape_of_statuspage_newest_first(bodies: dict[str, bytes]) -> None:
    running, over = _read(bodies, "incidents")["incidents"]

    assert set(running) == set(over) == INCIDENT
    assert (running["status"], running["impact"], running["resolved_at"]) == ("investigating", "critical", None)
    assert [one["status"] for one in over["incident_updates"]] == ["resolved", "monitoring"]
    assert {key for one in over["incident_updates"] for key in one} == UPDATE
    assert all(isinstance(one["id"], str) for one in (running, over, *running["components"]))
    assert [one["id"] for one in _read(bodies, "incidents/unresolved")["incidents"]] == [running["id"]]
    assert {key for one in _read(bodies, "components")["components"] for key in one} == COMPONENT
    assert len(running["components"]) == 2


def test_api__summary__has_what_runs_alone(bodies: dict[str, bytes]) -> None:
    summary = _read(bodies, "summary")

    assert [one["status"] for one in summary["incidents"]] == ["investigating"]
    assert {one["status"] for one in summary["components"]} == {"operational", "partial_outage", "major_outage"}


@pytest.mark.parametrize("folder", ["", "en/"])
def test_feeds__read_by_a_reader__are_well_formed_with_stable_ids(bodies: dict[str, bytes], folder: str) -> None:
    atom = feedparser.parse(bodies[f"{folder}feed.atom"])
    rss = feedparser.parse(bodies[f"{folder}feed.rss"])

    assert (atom.bozo, atom.version, rss.bozo, rss.version) == (False, "atom10", False, "rss20")
    assert len(atom.entries) == 2
    assert len({one.id for one in atom.entries}) == 2
    over = atom.entries[1]
    assert datetime.fromisoformat(over.updated) == NOW + 3 * MINUTE
    assert datetime.fromisoformat(over.published) == NOW + MINUTE
    assert len(rss.entries) == 3
    assert len({one.id for one in rss.entries}) == 3
    assert rss.entries == sorted(rss.entries, key=lambda one: one.published_parsed, reverse=True)
    assert all(one.link.startswith(atom.feed.links[1].href) for one in rss.entries)


def test_feed__of_signs_that_xml_cannot_hold__leaves_them_out(bodies: dict[str, bytes]) -> None:
    [entry] = [one for one in feedparser.parse(bodies["feed.rss"]).entries if "fini" in one.description]

    assert "C’est fini &amp; bien" in entry.description
    assert "&lt;fini&gt;" in entry.description
    assert "\x0b" not in entry.description


@pytest.mark.parametrize("path", ["index.html", "en/index.html", "history.html", "en/history.html"])
def test_page__links_and_ids__are_there_and_relative(bodies: dict[str, bytes], path: str) -> None:
    tree = LexborHTMLParser(bodies[path].decode())
    folder = path.rpartition("/")[0]

    for node in tree.css("[href]"):
        href = str(node.attributes["href"])
        if href.startswith(("#", "tel:", "http")):
            continue
        parts = [part for part in f"{folder}/{href}".split("/") if part]
        place = "/".join(parts).replace("en/../", "")
        assert place in bodies, href
    identities = [node.attributes["id"] for node in tree.css("[id]")]
    assert len(identities) == len(set(identities))


def test_page__of_what_happened__tells_it_in_bars_and_words(bodies: dict[str, bytes]) -> None:
    tree = LexborHTMLParser(bodies["en/index.html"].decode())

    assert "Major outage" in _text(tree, "h1")
    assert len(tree.css(".component:first-child .bars rect")) == 90
    assert "Partial outage, 95 min" in _text(tree, ".component:first-child details")
    assert "% available" in _text(tree, ".uptime")
