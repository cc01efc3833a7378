"""Words of the compliance report."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

REFUSALS: dict[str, str | Promise] = {
    "report_months_unreadable": _("From an earlier to a later month like 2026-12, at most %(limit)s of them."),
}

#: Lines of a chart, with the sign that stands at each month.
CURVES: dict[str, tuple[str, str | Promise]] = {
    "median": ("●", _("median: half took less")),
    "mean": ("◆", pgettext_lazy("average", "mean")),
    "p90": ("▲", _("p90: nine of ten took less")),
}
