"""Words of what opens incidents by itself: guardrails, alerts, rollbacks of targets."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

REFUSALS: dict[str, str | Promise] = {
    "alert_mode_unknown": _("Choose from the list which alerts open incidents."),
    "alert_mode_unchanged": _("It is set so already."),
}

REASONS: dict[str, str] = {
    "alert_fires": gettext_noop("Alert from %(origin)s: %(alert)s"),
    "target_goes_back": gettext_noop("Rollback of the target %(target)s"),
}

ENTRIES: dict[str, str | Promise] = {
    "held": _("Held by a guardrail"),
    "guardrail_investigate": _("A guardrail wants it looked into"),
    "complaints_investigate": _("Complaints are looked into"),
    "pilots_complain": _("Pilots complain"),
    "alert_fired": _("Alert fires"),
    "alert_resolved": _("Alert is over"),
    "target_rollback_begun": _("Rollback of a target begun"),
    "target_rollback_succeeded": _("Target taken back"),
    "target_rollback_aborted": _("Rollback of a target given up"),
}


def say_source(code: str, data: Mapping[str, Any]) -> str:
    """Return what a line about an alert or a target names."""
    if code in {"alert_fired", "alert_resolved"}:
        return " · ".join(str(data[name]) for name in ("alert", "site", "summary") if data.get(name))
    if code.startswith("target_rollback_"):
        return str(data.get("target", ""))
    return ""
