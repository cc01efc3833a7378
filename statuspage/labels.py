"""Words of the status page, most of them for everybody."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, pgettext_lazy

REFUSALS: dict[str, str | Promise] = {
    "component_unknown": _("There is no such component."),
    "component_incomplete": _("Give the component a name in both languages."),
    "component_unreadable": _("The texts hold characters that cannot be stored, or are too long."),
    "component_site_wrong": _("A component of a site names its site, any other none."),
    "component_site_taken": _("This site has a component already."),
    "component_target_wrong": _("Only the back end names a target, one of its environment."),
    "component_flags_wrong": _("A feature names the flags that it is made of; anything else names none."),
    "component_position_wrong": _("The place in the order is a number from 0 to %(most)s."),
    "status_page_without_maintenance": _(
        "The status page does not show maintenance of this environment. Let it, or leave this outlet out."
    ),
    "page_incomplete": _("Give the page a name in both languages."),
}

#: What the status page writes to history on its own (core.reasons).
REASONS: dict[str, str] = {
    "component_installed": gettext_noop("A production environment is shown to the public from the start"),
    "site_added": gettext_noop("A new site is a component from the start"),
}

KINDS: dict[str, str | Promise] = {
    "till": _("till"),
    "back_end": _("back end"),
    "site": _("site"),
    "feature": _("feature"),
}

STATES: dict[str, str | Promise] = {
    "operational": _("Operational"),
    "under_maintenance": _("Under maintenance"),
    "degraded_performance": _("Slower than usual"),
    "partial_outage": _("Partial outage"),
    "major_outage": _("Major outage"),
}
SIGNS: Mapping[str, str] = {
    "operational": "✓",
    "under_maintenance": "◷",
    "degraded_performance": "◐",
    "partial_outage": "▲",
    "major_outage": "✕",
}
INDICATORS: dict[str, str | Promise] = {
    "none": _("All services are operational"),
    "minor": _("Some services are slower than usual"),
    "major": _("Some services are down"),
    "critical": _("Major outage"),
}
#: Said in place of the first of these while something is under maintenance.
MAINTAINED: str | Promise = _("Maintenance is under way")
INDICATOR_SIGNS: Mapping[str, str] = {"none": "✓", "minor": "◐", "major": "▲", "critical": "✕"}
SAID: dict[str, str | Promise] = {
    "investigating": _("Being looked into"),
    "identified": _("Cause found"),
    "monitoring": _("Being watched"),
    "resolved": _("Resolved"),
    "postmortem": _("What was learnt"),
}
#: How an incident is called in public: its own title is for those who handle it.
INCIDENTS: dict[str, str | Promise] = {
    "minor": _("Slight disruption"),
    "major": _("Disruption"),
    "critical": _("Major outage"),
    "none": _("Disruption"),
}
#: What stands where nobody spoke.
UNSPOKEN: dict[str, str | Promise] = {
    "investigating": _("We have noticed a disruption and are looking into it."),
    "resolved": _("The disruption is over."),
    "postmortem": _("We have written down what happened and what we learnt: %(url)s"),
}
MAINTENANCES: dict[str, str | Promise] = {
    "scheduled": pgettext_lazy("maintenance", "Planned"),
    "in_progress": pgettext_lazy("maintenance", "In progress"),
    "verifying": pgettext_lazy("maintenance", "Being checked"),
    "completed": pgettext_lazy("maintenance", "Done"),
}
ROLLOUTS: dict[str, str | Promise] = {
    "running": _("▶ under way"),
    "paused": _("❚❚ paused"),
    "completed": _("✓ completed"),
    "rolled_back": _("↩ taken back"),
}
PHASES: dict[str, str | Promise] = {
    "internal": _("with our testers"),
    "pilot": _("with pilot cashiers"),
    "per_site": _("site by site"),
    "percentage": _("for a growing share"),
    "full": _("everywhere"),
}
