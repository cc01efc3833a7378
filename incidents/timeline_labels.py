"""Words of the timeline: what each line says, in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from core.labels import ACTORS
from core.reasons import say_reason
from health.labels import ACTS, LANES
from incidents.labels import ENTRIES, say_entry
from incidents.models import TimelineEntry
from incidents.room_labels import ITEMS, WORD_STATUSES
from incidents.timeline_queries import Show
from procedures.labels import ITEMS as PROCEDURE_ITEMS
from procedures.labels import KINDS as PROCEDURE_KINDS
from procedures.labels import STATES as PROCEDURE_STATES
from recovery.labels import KINDS as OPERATION_KINDS
from recovery.labels import STATUSES as OPERATION_STATUSES
from rollouts.story_words import name_flags, say_event

SHOWS: dict[Show, str | Promise] = {
    Show.ALL: _("Everything"),
    Show.PEOPLE: _("People"),
    Show.AUTOMATIC: _("Automatic"),
    Show.PINNED: _("Pinned"),
}

#: Headings of lines that are not the incident's own steps.
HEADINGS: dict[str, str | Promise] = {
    "known": _("What is known"),
    "pinned": _("Pinned"),
    "unpinned": _("No longer pinned"),
    "ticked": _("Done"),
    "unticked": _("Not done after all"),
    "word_said": _("Public word"),
    "flag_killed": _("Flag switched off for everyone"),
    "flag_switched_on": _("Flag switched on"),
    "flag_switched_off": _("Flag switched off"),
    "point_verified": _("Restore point verified"),
    "procedure_begun": _("Rollback begun"),
    "procedure_done": _("Rollback done"),
    "procedure_ended": _("Watch of the rollback over"),
    "procedure_item": _("Rollback’s checklist"),
    "guardrail": _("Guardrail"),
    "alert_fired": _("▲ Alert"),
    "alert_resolved": _("✓ Alert over"),
    "complaint": _("Complaint"),
    "told": _("Told"),
    "mailed": _("Mails sent"),
    "mail_failed": _("▲ Mail not sent"),
}

#: What of the crew's messages a line is about.
MESSAGES: dict[str, str | Promise] = {
    "incident_opened": _("the incident is open"),
    "incident_raised": _("it is graver than before"),
    "incident_deadline": _("its time runs out"),
    "incident_word": _("the public word"),
    "incident_word_due": _("a public word is overdue"),
}


@dataclass(frozen=True)
class Line:
    """A line of the timeline as people read it; `prose` is Markdown, `words` is not; `link` leads to what it names."""

    entry: TimelineEntry
    heading: str
    words: str
    prose: str
    actor: str
    link: str
    correction: TimelineEntry | None
    is_pinned: bool


def draw_line(
    entry: TimelineEntry,
    *,
    sites: Mapping[str, str],
    flags: Mapping[str, str],
    correction: TimelineEntry | None = None,
    is_pinned: bool = False,
) -> Line:
    """Return a line with its words; sites and flags by the names that people know."""
    heading, words = _say(entry, sites=sites, flags=flags)
    return Line(
        entry=entry,
        heading=heading,
        words=words,
        prose=entry.note if entry.code in {"note", "known"} else "",
        actor=str(ACTORS.get(entry.actor_label, entry.actor_label)),
        link=_find_link(entry),
        correction=correction,
        is_pinned=is_pinned,
    )


def _say(entry: TimelineEntry, *, sites: Mapping[str, str], flags: Mapping[str, str]) -> tuple[str, str]:
    code, data = entry.code, entry.data
    if code in {"note", "known"}:
        return str(gettext("Correction") if entry.corrects_id else HEADINGS.get(code) or ENTRIES[code]), ""
    if code in HEADINGS or code == "operation":
        heading = str(HEADINGS.get(code) or OPERATION_KINDS.get(str(data.get("kind")), ""))
        return heading[:1].upper() + heading[1:], _say_found(entry, sites=sites, flags=flags)
    if entry.source.startswith("event:"):
        return say_event(kind=code, data=name_flags(data, flags)), say_reason(entry.note)
    words = say_entry(code=code, data=data, note=entry.note, actor_label=entry.actor_label)
    return str(ENTRIES.get(code, code)), words


def _say_found(entry: TimelineEntry, *, sites: Mapping[str, str], flags: Mapping[str, str]) -> str:
    """Return what a line adds to its heading, its parts one after the other."""
    code, data = entry.code, entry.data
    site, flag = str(data.get("site", "")), str(data.get("flag", ""))
    parts = {
        "operation": [_of(OPERATION_STATUSES, data, "status"), data.get("target")],
        "point_verified": [data.get("target"), data.get("version")],
        "procedure_item": [_of(PROCEDURE_ITEMS, data, "item"), _of(PROCEDURE_STATES, data, "state"), entry.note],
        "guardrail": [_of(LANES, data, "lane"), _of(ACTS, data, "act"), flags.get(flag, flag)],
        "alert_fired": [data.get("name"), sites.get(site, site)],
        "alert_resolved": [data.get("name"), sites.get(site, site)],
        "complaint": [f"#{data.get('complaint')}", sites.get(site, site), flags.get(flag, flag)],
        "mail_failed": [_of(MESSAGES, data, "kind"), data.get("person")],
        "ticked": [_of(ITEMS, data, "item")],
        "unticked": [_of(ITEMS, data, "item")],
        "pinned": [],
        "unpinned": [],
        "word_said": [_of(WORD_STATUSES, data, "status"), data.get("text_fr"), data.get("text_en")],
    }.get(code)
    if parts is None and code in {"told", "mailed"}:
        count = int(data.get("people", 0))
        people = ngettext("%(count)s person", "%(count)s people", count) % {"count": count}
        parts = [_of(MESSAGES, data, "kind"), people]
    if parts is None and code.startswith("procedure_"):
        parts = [_of(PROCEDURE_KINDS, data, "kind")]
    if parts is None:
        parts = [flags.get(flag, flag), say_reason(entry.note)]
    return " · ".join(str(part) for part in parts if part)


def _of(table: Mapping[Any, str | Promise], data: Mapping[str, Any], name: str) -> str:
    code = str(data.get(name, ""))
    return str(table.get(code, code))


def _find_link(entry: TimelineEntry) -> str:
    """Return the address of what a line names, empty where it names nothing with a page."""
    data = entry.data
    if "operation" in data:
        return reverse("recovery:operation", args=[data["operation"]])
    if "procedure" in data:
        return reverse("procedures:detail", args=[data["procedure"]])
    if entry.source.startswith("event:") and "rollout" in data:
        return reverse("rollouts:detail", args=[data["rollout"]])
    return f"#entry-{data['entry']}" if "entry" in data else ""
