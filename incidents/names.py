"""What incidents and what is learnt from them are called in the records (core.naming)."""

from django.utils.translation import gettext_lazy as _

from core.naming import Names

NAMES = Names(
    app=_("Incidents"),
    records={
        "Incident": (_("incident"), _("incidents")),
        "TimelineEntry": (_("timeline entry"), _("timeline entries")),
        "PostMortem": (_("post-mortem"), _("post-mortems")),
        "ActionItem": (_("action item"), _("action items")),
        "IntakeClaim": (_("claimed event"), _("claimed events")),
        "IntakeFault": (_("failed intake"), _("failed intakes")),
        "DeadlineWarning": (_("deadline warning"), _("deadline warnings")),
    },
    fields={
        "acknowledged_at": _("acknowledged at"),
        "at": _("when"),
        "claimed_at": _("claimed at"),
        "commander": _("commander"),
        "documentation_updates": _("documentation updates"),
        "done_at": _("done at"),
        "due_on": _("due on"),
        "flag_keys": _("flag keys"),
        "given_up_at": _("given up at"),
        "highest_tier": _("highest tier"),
        "impact": _("impact"),
        "incident": _("incident"),
        "mitigated_at": _("mitigated at"),
        "note": _("note"),
        "opened_at": _("opened at"),
        "percent": _("percent of the time"),
        "post_mortem": _("post-mortem"),
        "restored_at": _("restored at"),
        "restored_by": _("restored by"),
        "root_cause": _("root cause"),
        "site_keys": _("site keys"),
        "tier": _("tier"),
    },
)
