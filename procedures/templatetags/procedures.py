"""Words of procedures on their pages."""

from django import template

from procedures.transitions.watching import say_bp

register = template.Library()


@register.filter
def share(basis_points: int | None) -> str:
    """Return basis points as per cent, e.g. "4.2 %"; "—" where there are none."""
    return say_bp(basis_points)
