"""Words of the charts and of the report."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from rollouts.domain.validation import Verdict
from rollouts.health_charts import Range
from rollouts.plots import Figure

#: What the time axis covers, by its name in the address.
RANGES: dict[Range, str | Promise] = {
    Range.ROLLOUT: _("Since it began"),
    Range.WEEK: _("7 days"),
    Range.DAY: _("24 hours"),
    Range.HOUR: _("1 hour"),
}
FIGURES: dict[Figure, str | Promise] = {
    Figure.ERRORS: _("Error rate"),
    Figure.P95: _("Response time, p95"),
    Figure.COMPLAINTS: _("Complaints"),
}
#: Signs on the time axis, and what each means.
MARKS: dict[str, tuple[str, str | Promise]] = {
    "on": ("▶", _("on for more")),
    "held": ("❚❚", _("held or paused")),
    "resumed": ("▷", _("resumed")),
    "back": ("↩", _("taken back")),
    "said": ("◉", _("a guardrail breached, nothing was stopped")),
}
#: Whether a figure keeps its limit, and the pill's tone.
OUTCOMES: dict[Verdict, tuple[str, str | Promise]] = {
    Verdict.WITHIN: ("ok", _("✓ within the limit")),
    Verdict.OVER: ("bad", _("▲ over the limit")),
    Verdict.TOO_LITTLE: ("warn", _("… too little to judge")),
    Verdict.NO_DATA: ("plain", _("○ not known: no data")),
    Verdict.NO_BASELINE: ("plain", _("○ not known: no baseline")),
}
#: What took something back; guardrails have their names in `health.labels.LANES`.
TRIGGERS: dict[str, str | Promise] = {
    "manual": _("by hand"),
    "critical_errors": _("Critical errors"),
    "alert": _("Alerts"),
    "complaints": _("Complaints"),
}
