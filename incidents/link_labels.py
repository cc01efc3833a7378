"""Words of what belongs to an incident: complaints, flags, sites, parts, and what it is merged with."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

REFUSALS: dict[str, str | Promise] = {
    "incident_merged": _("This incident is part of incident %(into)s: go on there."),
    "complaints_not_chosen": _("Choose between one and %(limit)s complaints."),
    "complaint_not_there": _("Complaint %(complaint)s is not one of this incident’s environment, or not linked."),
    "incident_id_reused": _("%(request)s was the name of another incident: give this one a name of its own."),
    "link_action_unknown": _("There is no such action."),
    "links_unchanged": _("Nothing is different."),
    "rollout_not_there": _("There is no such rollout in this environment."),
    "rollback_not_there": _("There is no such rollback in this environment, or another incident has it."),
    "not_running": _("The incident is over: nobody commands it any more."),
    "person_unfit": _("Choose somebody active who may handle incidents: release managers, support, admins."),
    "part_given_already": _("This person has it already."),
    "merge_with_itself": _("An incident cannot be merged into itself."),
    "merge_elsewhere": _("Only incidents of one environment are one event, and an exercise is none with a real one."),
    "merge_needs_running": _("Incident %(incident)s does not run: it cannot take another on."),
    "merge_settled": _("Incident %(incident)s is over, or part of another itself: open it again first."),
    "not_merged": _("This incident is not part of another."),
    "undo_needs_person": _("Only a person makes two incidents of one again."),
}

REASONS: dict[str, str] = {
    "linked_as_proposed": gettext_noop("Same time, same flag or site"),
    "declared_by_hand": gettext_noop("Declared by hand"),
    "joined_by_hand": gettext_noop("Reported again"),
    "complaint_of_declaration": gettext_noop("Declared from this complaint"),
}

ENTRIES: dict[str, str | Promise] = {
    "joined": _("Reported again"),
    "complaints_linked": _("Complaints linked"),
    "complaint_unlinked": _("Complaint unlinked"),
    "flags_changed": _("Flags changed"),
    "sites_changed": _("Sites changed"),
    "rollout_changed": _("Rollout changed"),
    "rollback_changed": _("Rollback changed"),
    "commander_given": _("Command given"),
    "communications_given": _("Communications given"),
    "merged_into": _("Merged into another incident"),
    "merged_in": _("Another incident merged in"),
    "merge_undone": _("Merge undone"),
}

#: How a change is said: what came, what went.
_ADDED, _REMOVED = "+", "−"


def say_links(code: str, data: Mapping[str, Any]) -> str:
    """Return what a line about links names: numbers, keys, the person; empty where it names nothing."""
    if code in {"complaints_linked", "complaint_unlinked"}:
        numbers = [f"#{number}" for number in data.get("complaints", [])[:10]]
        count = int(data.get("count", 0))
        return ", ".join([*numbers, *([f"… ({count})"] if count > len(numbers) else [])])
    if code in {"flags_changed", "sites_changed", "rollout_changed", "rollback_changed"}:
        signs = ((_ADDED, data.get("added", [])), (_REMOVED, data.get("removed", [])))
        return ", ".join(f"{sign} {one}" for sign, found in signs for one in found)
    if code in {"commander_given", "communications_given"}:
        return str(data.get("person", ""))
    if code in {"merged_into", "merged_in", "merge_undone"}:
        return f"#{data.get('incident')}"
    return ""
