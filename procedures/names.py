"""What procedures and their items are called in the records (core.naming)."""

from django.utils.translation import gettext_lazy as _

from core.naming import Names

NAMES = Names(
    app=_("Procedures"),
    records={
        "Procedure": (_("procedure"), _("procedures")),
        "ProcedureItem": (_("item of a procedure"), _("items of procedures")),
        "ProcedureOperation": (_("target of a procedure"), _("targets of procedures")),
    },
    fields={
        "begun_at": _("begun at"),
        "code": _("code"),
        "data": _("data"),
        "deadline_at": _("deadline"),
        "done_at": _("done at"),
        "ended_at": _("ended at"),
        "figures": _("figures"),
        "is_automatic": _("filled by the program"),
        "kind": _("kind"),
        "operation": _("operation"),
        "procedure": _("procedure"),
        "proof": _("proof"),
        "rollback": _("rollback"),
        "said_at": _("said at"),
        "said_by": _("said by"),
        "stage": _("stage"),
        "state": _("state"),
        "watched_until": _("watched until"),
    },
)
