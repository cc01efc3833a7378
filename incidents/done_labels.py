"""What was done to an incident, as its page says it afterwards."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: By the action's name.
DONE: dict[str, str | Promise] = {
    "acknowledge": _("Acknowledged: the others see that you are on it."),
    "mitigate": _("Mitigated: it no longer does harm."),
    "restore": _("Service restored: the time to recovery is kept."),
    "reopen": _("Open again: its clock goes on."),
    "close": _("Incident closed."),
    "tier": _("Tier changed: the clock goes by the new one."),
}
