"""Figures of the compliance report in words: `{{ tally.share_bp|share }}`, `{{ times.mean|lasted }}`."""

from datetime import timedelta
from typing import Any

from django import template
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext

from core.templatetags.portal import span
from incidents.domain.compliance import Tally, Times
from incidents.report_labels import CURVES
from incidents.report_plots import Month

register = template.Library()


@register.filter
def share(basis_points: int | None) -> str:
    """Return basis points as percent, a dash for None: nothing is decided yet."""
    if basis_points is None:
        return "—"
    whole, rest = divmod(basis_points, 100)
    return gettext("%(n)s %%") % {"n": number_format(basis_points / 100, 1) if rest else whole}


@register.filter
def lasted(value: timedelta | None) -> str:
    """Return a length of time, a dash for None: it has not happened."""
    return "—" if value is None else span(value)


@register.filter
def short_month(month: Month) -> str:
    """Return a month's short name, with its year at a year's beginning."""
    return date_format(month.on, "N Y" if month.on.month == 1 else "N")


@register.filter
def curve_sign(name: str) -> str:
    """Return the sign at a curve's points."""
    return CURVES[name][0]


@register.filter
def curve_words(name: str) -> Any:
    """Return what a curve is."""
    return CURVES[name][1]


@register.filter
def times(tally: Tally, of: str) -> Times:
    """Return how long "acknowledge" or "restore" took."""
    return tally.acknowledge if of == "acknowledge" else tally.restore
