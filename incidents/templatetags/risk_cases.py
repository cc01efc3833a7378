"""The incidents of a risk, on pages of the app below that knows no incidents."""

from typing import Any

from django import template

from incidents.models import Incident, RiskIncident
from incidents.risk_queries import list_incidents_of, list_risks_of
from rollouts.models import Risk

register = template.Library()


@register.inclusion_tag("incidents/_cases.html")
def incidents_of_risk(risk: Risk) -> dict[str, Any]:
    """Render the incidents that raised a risk or were a case of it: one query."""
    return {"links": list_incidents_of(risk)}


@register.simple_tag
def risks_of_incident(incident: Incident) -> list[RiskIncident]:
    """Return the risks that an incident raised or is a case of: one query."""
    return list_risks_of(incident)
