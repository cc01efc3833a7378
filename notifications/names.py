"""What messages and their deliveries are called in the records (core.naming)."""

from django.utils.translation import gettext_lazy as _

from core.naming import Names

NAMES = Names(
    app=_("Notifications"),
    records={
        "Event": (_("event"), _("events")),
        "Delivery": (_("delivery"), _("deliveries")),
    },
    fields={
        "channel": _("channel"),
        "dedupe_key": _("key against doubles"),
        "leased_until": _("leased until"),
        "read_at": _("read at"),
        "recipient": _("recipient"),
        "sent_at": _("sent at"),
        "url": _("address"),
    },
)
