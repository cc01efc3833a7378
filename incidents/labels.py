"""Words of incidents."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from core.actors import INTAKE
from core.reasons import say_reason
from incidents.domain.lifecycle import RUNNING

REFUSALS: dict[str, str | Promise] = {
    "incident_unknown": _("There is no such incident."),
    "tier_unknown": _("Choose the tier from the list."),
    "title_missing": _("Give it a title."),
    "detected_in_future": _("It cannot have been detected in the future."),
    "incident_declared_already": _("Incident %(incident)s runs under this title already: add a note there."),
    "already_acknowledged": _("You have taken command already."),
    "restoration_needs_person": _("Restoration is verified by a person."),
    "root_cause_missing": _("Write the root cause into the post-mortem first."),
    "documentation_missing": _("Say first which documentation is updated, or that none needs to be."),
    "measures_missing": _("Add a preventive measure with its owner and date first."),
    "measure_missing": _("Say what is to be done."),
    "measure_unknown": _("There is no such measure on this incident."),
    "incident_closed": _("The incident is closed: notes and finished measures can still be added."),
    "command_needs_person": _("Command is taken by a person."),
    "tier_unchanged": _("It has this tier already."),
    "detected_too_long_ago": _("Detected more than %(days)s days ago? Check the date."),
    "text_too_long": _("The text may have at most %(limit)s characters."),
    "text_unreadable": _("The text holds characters that cannot be stored."),
    "note_empty": _("The note is empty."),
    "due_in_past": _("The due date lies in the past."),
    "action_kind_unknown": _("Choose the kind of measure from the list."),
}

#: What incidents write to history on their own (core.reasons).
REASONS: dict[str, str] = {
    "tier_raised": gettext_noop("Tier raised"),
    "post_mortem_written": gettext_noop("Post-mortem written"),
    "action_item_added": gettext_noop("Action item added"),
}

STATUSES: dict[str, str | Promise] = {
    "open": _("▲ open"),
    "mitigated": _("◐ mitigated"),
    "resolved": _("✓ resolved"),
    "closed": _("■ closed"),
}

TONES: dict[str, str] = {"open": "bad", "mitigated": "warn", "resolved": "ok", "closed": "plain"}

TIERS: dict[str, str | Promise] = {
    "critical": _("critical, 1 h"),
    "important": _("important, 4 h"),
    "minor": _("minor, 24 h"),
}

ENTRIES: dict[str, str | Promise] = {
    "opened": _("Incident opened"),
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
    "flag_rolled_back": _("Flag taken back"),
    "site_rolled_back": _("Site taken back"),
    "phase_rolled_back": _("Phase taken back"),
    "rolled_back": _("Rolled back"),
    "complaint_limit_reached": _("Complaint limit reached"),
}

#: What a person does next, by state; the page shows it beside the clock.
NEXT: dict[str, str | Promise] = {
    "nobody": _("Nobody is at it yet: take command."),
    "open": _("Stop the harm, then say so. The clock runs until restoration is verified."),
    "mitigated": _("The harm has stopped. Check at the tills that everything works again, then say so."),
    "resolved": _("Restored. Write down what was learnt, then close."),
    "closed": _("Closed. Measures that are not done stay on their owners' lists."),
}


def say_next(*, status: str, has_commander: bool) -> str:
    """Return what is to be done next about an incident, in the language in force."""
    return str(NEXT["nobody" if status in RUNNING and not has_commander else status])


def say_entry(*, code: str, data: Mapping[str, Any], note: str, actor_label: str) -> str:
    """Return what a line of the timeline adds to its heading: the tier, and why."""
    if code == "opened" and actor_label == INTAKE.label:
        return ""
    tier = TIERS.get(data.get("tier", ""), "") if code in {"tier_changed", "opened"} else ""
    return " · ".join(str(part) for part in (tier, say_reason(note)) if part)
