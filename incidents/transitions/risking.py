"""What an incident says of risks: one that nobody had written down, or one that has come true."""

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from incidents.domain.risk_links import RiskLink
from incidents.models import Incident, RiskIncident
from incidents.transitions.locking import add_entry, get_locked_incident
from rollouts.models import Risk
from rollouts.transitions.keeping_risks import RiskWords, create_risk, note_occurrence


@transaction.atomic
def raise_risk(
    *, incident_id: int, words: RiskWords, likelihood: int, impact: int, actor: Actor, reason: str, now: datetime
) -> RiskIncident:
    """Write a risk down that an incident has shown; also after it was closed."""
    incident = get_locked_incident(incident_id)
    risk = create_risk(words=words, likelihood=likelihood, impact=impact, actor=actor, reason=reason, now=now)
    return _link(incident, risk, RiskLink.RAISED, actor=actor, reason=reason, now=now)


@transaction.atomic
def note_case(*, incident_id: int, risk_id: int, actor: Actor, reason: str, now: datetime) -> RiskIncident:
    """Say that a known risk came true with an incident: it is likelier by one, and open again."""
    incident = get_locked_incident(incident_id)
    if not Risk.objects.filter(pk=risk_id).exists():
        raise InvalidInput("risk_unknown", risk=risk_id)
    if RiskIncident.objects.filter(incident=incident, risk=risk_id).exists():
        raise Refusal("risk_linked_already")
    risk = note_occurrence(risk_id=risk_id, actor=actor, reason=reason, now=now)
    return _link(incident, risk, RiskLink.CASE, actor=actor, reason=reason, now=now)


def _link(incident: Incident, risk: Risk, kind: RiskLink, *, actor: Actor, reason: str, now: datetime) -> RiskIncident:
    with recorded(actor=actor, reason=reason, now=now) as recording:
        link = RiskIncident(incident=incident, risk=risk, kind=kind, linked_at=now, linked_by_id=actor.user_id)
        link.save()
        code = "risk_raised" if kind is RiskLink.RAISED else "risk_came_true"
        data = {"risk": risk.pk, "title": risk.title, "likelihood": risk.likelihood, "impact": risk.impact}
        add_entry(incident, code=code, actor=actor, now=now, note=recording.reason, data=data)
    return link
