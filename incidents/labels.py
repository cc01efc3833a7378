"""Words of incidents."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from core.actors import INTAKE
from core.reasons import say_reason
from incidents.call_back_labels import STATES as CALL_STATES
from incidents.declare_labels import SYMPTOMS
from incidents.domain.lifecycle import RUNNING
from incidents.intake_labels import ENTRIES as INTAKE_ENTRIES
from incidents.intake_labels import say_source
from incidents.link_labels import ENTRIES as LINK_ENTRIES
from incidents.link_labels import say_links
from incidents.post_mortem_labels import (
    ALIKE,
    GAPS,
    KINDS,
    MEASURE_STATES,
    MEASURE_TONES,
    MOMENTS,
    STAGE_TONES,
    STAGES,
    TRIGGERS,
)
from incidents.risk_labels import ENTRIES as RISK_ENTRIES
from incidents.risk_labels import RISK_LINKS
from incidents.search_labels import KIND_OF_ONE, PARTS, SIGNS

#: Templates say each of them as `incidents.<NAME>`.
__all__ = [
    "ALIKE",
    "CALL_STATES",
    "ENTRIES",
    "GAPS",
    "KINDS",
    "KIND_OF_ONE",
    "MEASURE_STATES",
    "MEASURE_TONES",
    "MOMENTS",
    "NEXT",
    "PARTS",
    "REASONS",
    "REFUSALS",
    "RISK_LINKS",
    "SIGNS",
    "STAGES",
    "STAGE_TONES",
    "STATUSES",
    "SYMPTOMS",
    "TIERS",
    "TONES",
    "TRIGGERS",
    "say_entry",
    "say_next",
]

REFUSALS: dict[str, str | Promise] = {
    "incident_unknown": _("There is no such incident."),
    "tier_unknown": _("Choose the tier from the list."),
    "title_missing": _("Give it a title."),
    "detected_in_future": _("It cannot have been detected in the future."),
    "incident_declared_already": _("Incident %(incident)s runs under this title already: add a note there."),
    "already_acknowledged": _("You have taken command already."),
    "restoration_needs_person": _("Restoration is verified by a person."),
    "incident_closed": _("The incident is closed: notes and finished measures can still be added."),
    "command_needs_person": _("Command is taken by a person."),
    "tier_unchanged": _("It has this tier already."),
    "detected_too_long_ago": _("Detected more than %(days)s days ago? Check the date."),
    "text_too_long": _("The text may have at most %(limit)s characters."),
    "text_unreadable": _("The text holds characters that cannot be stored."),
    "note_empty": _("The note is empty."),
}

#: What incidents write to history on their own (core.reasons).
REASONS: dict[str, str] = {
    "tier_raised": gettext_noop("Tier raised"),
}

STATUSES: dict[str, str | Promise] = {
    "open": _("▲ open"),
    "mitigated": _("◐ mitigated"),
    "resolved": _("✓ resolved"),
    "closed": _("■ closed"),
    "merged": _("⇥ merged"),
}

TONES: dict[str, str] = {"open": "bad", "mitigated": "warn", "resolved": "ok", "closed": "plain", "merged": "plain"}

TIERS: dict[str, str | Promise] = {
    "critical": _("critical, 1 h"),
    "important": _("important, 4 h"),
    "minor": _("minor, 24 h"),
}

ENTRIES: dict[str, str | Promise] = {
    "opened": _("Incident opened"),
    "detected_earlier": _("Began earlier than was thought"),
    "acknowledged": _("Command taken"),
    "handed_over": _("Command taken over"),
    "mitigated": _("Mitigated"),
    "restored": _("Restoration verified"),
    "reopened": _("Opened again"),
    "closed": _("Closed"),
    "tier_changed": _("Tier changed"),
    "note": _("Note"),
    "post_mortem_written": _("Post-mortem written"),
    "action_item_added": _("Measure added"),
    "action_item_done": _("Measure done"),
    "action_item_verified": _("Measure verified"),
    "action_item_rejected": _("Measure not done yet: open again"),
    "action_item_dropped": _("Measure given up"),
    "action_item_handed_over": _("Measure handed over or moved"),
    "post_mortem_wanted": _("Post-mortem asked for"),
    "review_asked": _("Review of the post-mortem asked for"),
    "review_approved": _("Post-mortem approved"),
    "review_sent_back": _("Post-mortem sent back"),
    "review_voided": _("The review counts no more: it was changed"),
    "post_mortem_published": _("Post-mortem published"),
    "post_mortem_withdrawn": _("Post-mortem is a draft again"),
    "post_mortem_hidden": _("Post-mortem is no longer public"),
    "flag_rolled_back": _("Flag taken back"),
    "site_rolled_back": _("Site taken back"),
    "phase_rolled_back": _("Phase taken back"),
    "rolled_back": _("Rolled back"),
    "complaint_limit_reached": _("Complaint limit reached"),
    **LINK_ENTRIES,
    **INTAKE_ENTRIES,
    **RISK_ENTRIES,
}

#: What a person does next, by state; the page shows it beside the clock.
NEXT: dict[str, str | Promise] = {
    "nobody": _("Nobody is at it yet: take command."),
    "open": _("Stop the harm, then say so. The clock runs until restoration is verified."),
    "mitigated": _("The harm has stopped. Check at the tills that everything works again, then say so."),
    "resolved": _("Restored. Write down what was learnt, then close."),
    "closed": _("Closed. Measures that are not done stay on their owners' lists."),
    "merged": _("It is one event with another incident: go on there."),
}


def say_next(*, status: str, has_commander: bool) -> str:
    """Return what is to be done next about an incident, in the language in force."""
    return str(NEXT["nobody" if status in RUNNING and not has_commander else status])


def say_entry(*, code: str, data: Mapping[str, Any], note: str, actor_label: str) -> str:
    """Return what a line of the timeline adds to its heading: the tier, and why."""
    if code == "opened" and actor_label == INTAKE.label:
        return ""
    tier = TIERS.get(data.get("tier", ""), "") if code in {"tier_changed", "opened"} else ""
    named = say_links(code, data) or say_source(code, data) or (data.get("title") if code in RISK_ENTRIES else "")
    return " · ".join(str(part) for part in (tier, named, say_reason(note)) if part)
