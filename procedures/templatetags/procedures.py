"""Words of procedures on their pages."""

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext

register = template.Library()


@register.filter
def share(basis_points: int | None) -> str:
    """Return basis points as per cent in the language in force, e.g. "4.2 %"; "—" where there are none."""
    if basis_points is None:
        return "—"
    return gettext("%(percent)s %%") % {"percent": number_format(basis_points / 100, 1)}
