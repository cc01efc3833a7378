"""Words of the risks that an incident raised, or is a case of."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: dict[str, str | Promise] = {
    "risk_linked_already": _("This incident and this risk are linked already."),
}

ENTRIES: dict[str, str | Promise] = {
    "risk_raised": _("Risk written down"),
    "risk_came_true": _("A known risk came true"),
}

#: What an incident has to do with a risk.
RISK_LINKS: dict[str, str | Promise] = {
    "raised": _("written down after it"),
    "case": _("came true with it"),
}

DONE: dict[str, str | Promise] = {
    "raise": _("Risk written down, and linked with this incident."),
    "case": _("Noted: the risk is likelier by one, and open."),
}
