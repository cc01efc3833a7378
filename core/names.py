"""What people and the audit's own records are called (core.naming)."""

from django.utils.translation import gettext_lazy as _

from core.naming import Names

NAMES = Names(
    app=_("People and audit"),
    records={
        "User": (_("person"), _("people")),
        "AuditEntry": (_("audit entry"), _("audit entries")),
        "AuditLink": (_("audit link"), _("audit links")),
        "ExportRecord": (_("export record"), _("export records")),
        "HistoricalUser_groups": (_("historical role of a person"), _("historical roles of people")),
    },
    fields={
        "access_since": _("access since"),
        "exported_at": _("exported at"),
        "filters": _("filters"),
        "group": _("role"),
        "groups": _("roles"),
        "hash": _("hash"),
        "AuditEntry.history_id": _("number of the change"),
        "history": _("change"),
        "m2m_history_id": _("number"),
        "payload": _("payload"),
        "person": _("person"),
        "previous_hash": _("previous hash"),
        "row_count": _("rows"),
        "sealed_at": _("sealed at"),
        "seq": _("number"),
        "table_name": _("table"),
        "transaction_id": _("transaction"),
        "user": _("person"),
    },
)
