"""Words of incidents."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: dict[str, str | Promise] = {
    "incident_unknown": _("There is no such incident."),
    "tier_unknown": _("Choose the tier from the list."),
    "title_missing": _("Give it a title."),
    "detected_in_future": _("It cannot have been detected in the future."),
    "already_acknowledged": _("Somebody has taken command already."),
    "restoration_needs_person": _("Restoration is verified by a person."),
    "root_cause_missing": _("Write the root cause into the post-mortem first."),
    "measures_missing": _("Name a documentation update or a preventive measure first."),
    "note_empty": _("The note is empty."),
    "due_in_past": _("The due date lies in the past."),
    "action_kind_unknown": _("Choose the kind of measure from the list."),
}

STATUSES: dict[str, str | Promise] = {
    "open": _("▲ open"),
    "mitigated": _("◐ mitigated"),
    "resolved": _("✓ resolved"),
    "closed": _("■ closed"),
}

TIERS: dict[str, str | Promise] = {
    "critical": _("critical, 1 h"),
    "important": _("important, 4 h"),
    "minor": _("minor, 24 h"),
}

ENTRIES: dict[str, str | Promise] = {
    "opened": _("Incident opened"),
    "acknowledged": _("Command taken"),
    "mitigated": _("Mitigated"),
    "restored": _("Restoration verified"),
    "reopened": _("Opened again"),
    "closed": _("Closed"),
    "tier_changed": _("Tier changed"),
    "note": _("Note"),
    "action_item_added": _("Measure added"),
    "flag_rolled_back": _("Flag taken back"),
    "rolled_back": _("Rolled back"),
    "complaint_limit_reached": _("Complaint limit reached"),
}
