"""The feeds: Atom with an entry for each incident, RSS with an item for each public word."""

from datetime import datetime
from email.utils import format_datetime
from html import escape
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

from django.utils import translation

from statuspage.labels import SAID
from statuspage.page import Incident, Page, Update

ATOM = "http://www.w3.org/2005/Atom"
#: A feed is read often and kept by its readers.
NEWEST = 50


def write_atom(page: Page) -> bytes:
    """Return the Atom feed: stable ids, and `updated` of the last word."""
    feed = ET.Element("feed", {"xmlns": ATOM, "xml:lang": page.language})
    _add(feed, "id", f"{page.base}feed.atom")
    _add(feed, "title", page.name)
    ET.SubElement(feed, "link", {"rel": "self", "type": "application/atom+xml", "href": f"{page.base}feed.atom"})
    ET.SubElement(feed, "link", {"rel": "alternate", "type": "text/html", "href": page.base})
    incidents = page.incidents[:NEWEST]
    newest = max((one.facts.updated_at for one in incidents), default=page.facts.updated_at)
    _add(feed, "updated", _rfc3339(newest, page))
    _add(ET.SubElement(feed, "author"), "name", page.name)
    for incident in incidents:
        _add_entry(feed, incident, page)
    return _write(feed)


def _add_entry(feed: ET.Element, incident: Incident, page: Page) -> None:
    entry = ET.SubElement(feed, "entry")
    _add(entry, "id", incident.link)
    _add(entry, "title", incident.name)
    ET.SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": incident.link})
    _add(entry, "published", _rfc3339(incident.facts.created_at, page))
    _add(entry, "updated", _rfc3339(incident.facts.updated_at, page))
    content = "".join(_describe(update, page) for update in incident.updates)
    _add(entry, "content", content, {"type": "html"})


def write_rss(page: Page) -> bytes:
    """Return the RSS 2.0 feed: an item for each public word, the newest first."""
    root = ET.Element("rss", {"version": "2.0", "xmlns:atom": ATOM})
    channel = ET.SubElement(root, "channel")
    _add(channel, "title", page.name)
    _add(channel, "link", page.base)
    _add(channel, "description", page.description)
    _add(channel, "language", page.language)
    ET.SubElement(channel, "atom:link", {"rel": "self", "type": "application/rss+xml", "href": f"{page.base}feed.rss"})
    said = [(incident, update) for incident in page.incidents for update in incident.updates]
    said.sort(key=lambda one: one[1].at, reverse=True)
    newest = max((update.at for _incident, update in said[:1]), default=page.facts.updated_at)
    _add(channel, "lastBuildDate", _rfc822(newest, page))
    for incident, update in said[:NEWEST]:
        item = ET.SubElement(channel, "item")
        _add(item, "title", f"{_say(update, page)} – {incident.name}")
        _add(item, "link", incident.link)
        _add(item, "guid", f"{incident.link}-{update.id}", {"isPermaLink": "false"})
        _add(item, "pubDate", _rfc822(update.at, page))
        _add(item, "description", _describe(update, page))
    return _write(root)


def _say(update: Update, page: Page) -> str:
    with translation.override(page.language):
        return str(SAID[update.said])


def _describe(update: Update, page: Page) -> str:
    """Return a word as HTML: when, what, and the text with its lines."""
    at = f"{update.at.astimezone(ZoneInfo(page.facts.zone)):%d/%m/%Y %H:%M}"
    lines = "<br>".join(escape(line) for line in update.body.splitlines())
    return f"<p><small>{at}</small> <strong>{escape(_say(update, page))}</strong><br>{lines}</p>"


def _add(parent: ET.Element, name: str, text: str, attributes: dict[str, str] | None = None) -> None:
    ET.SubElement(parent, name, attributes or {}).text = _clean(text)


def _clean(text: str) -> str:
    """Return a text without the characters that XML 1.0 cannot hold, escaped or not."""
    return "".join(
        one
        for one in text
        if one in "\t\n\r" or 0x20 <= ord(one) < 0xD800 or 0xE000 <= ord(one) < 0xFFFE or ord(one) > 0xFFFF
    )


def _rfc3339(moment: datetime, page: Page) -> str:
    return moment.astimezone(ZoneInfo(page.facts.zone)).isoformat(timespec="seconds")


def _rfc822(moment: datetime, page: Page) -> str:
    return format_datetime(moment.astimezone(ZoneInfo(page.facts.zone)))


def _write(root: ET.Element) -> bytes:
    found: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return found
