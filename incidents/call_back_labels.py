"""Words of the calls that are due."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from incidents.domain.calling_back import CallState

REFUSALS: dict[str, str | Promise] = {
    "call_unknown": _("There is no such call."),
    "calls_not_chosen": _("Choose between one and %(limit)s calls."),
    "call_settled_meanwhile": _("Somebody else has settled this call meanwhile. Look at the list again."),
    "call_followed": _("Another call to the same person is due already."),
}

REASONS: dict[str, str] = {
    "call_due": gettext_noop("What was complained of is over: to be called back"),
    "call_told": gettext_noop("Called back and told"),
    "call_not_reached": gettext_noop("Called back, nobody answered"),
    "call_undone": gettext_noop("Call pressed by mistake"),
    "call_not_over": gettext_noop("No call: the incident runs again, or the complaint is about something else"),
    "call_of_no_complaint": gettext_noop("No call: it was no complaint"),
}

STATES: dict[str, str | Promise] = {
    CallState.DUE: _("○ to be called"),
    CallState.NOT_REACHED: _("◐ not reached yet"),
    CallState.TOLD: _("✓ told"),
    CallState.NOT_NEEDED: _("— not needed"),
}

DONE: dict[str, str | Promise] = {
    "told": _("Noted: told. It stands below, to be taken back."),
    "not-reached": _("Noted: nobody answered. It stays on the list."),
    "not-needed": _("Noted: no call is needed."),
    "undo": _("It is on the list again."),
}
