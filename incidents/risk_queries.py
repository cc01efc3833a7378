"""Reads of the risks of incidents, and of the incidents of risks."""

from django.db.models import QuerySet

from incidents.models import Incident, RiskIncident
from rollouts.models import Risk
from rollouts.risk_queries import GRADE

MOST_SHOWN = 50


def list_risks_of(incident: Incident) -> list[RiskIncident]:
    """Return the risks that an incident raised or is a case of, newest first: one query."""
    rows = RiskIncident.objects.filter(incident=incident).select_related("risk", "linked_by")
    return list(rows.order_by("-pk")[:MOST_SHOWN])


def list_incidents_of(risk: Risk) -> list[RiskIncident]:
    """Return the incidents that raised a risk or were a case of it, newest first: one query."""
    rows = RiskIncident.objects.filter(risk=risk).select_related("incident__environment", "linked_by")
    return list(rows.order_by("-pk")[:MOST_SHOWN])


def list_offered(incident: Incident) -> QuerySet[Risk]:
    """Return the risks that it may be a case of, also settled ones, the gravest first."""
    linked = RiskIncident.objects.filter(incident=incident).values("risk")
    return Risk.objects.exclude(pk__in=linked).order_by(GRADE.desc(), "-pk")
