"""Incidents with their clock, timeline and post-mortem; what the intake has claimed."""

from incidents.models.action_items import ActionItem, ActionKind
from incidents.models.call_backs import CallBack, CallBackCause, CallBackClaim
from incidents.models.complaints import LinkedComplaint
from incidents.models.deadlines import DeadlineWarning
from incidents.models.dossiers import Dossier
from incidents.models.incidents import Incident
from incidents.models.intake import (
    AlertClaim,
    AlertIntake,
    AlertMode,
    IntakeClaim,
    IntakeFault,
    OperationClaim,
    SourceFault,
)
from incidents.models.post_mortems import PostMortem, PostMortemAuthor
from incidents.models.risks import RiskIncident
from incidents.models.timeline import TimelineEntry
from incidents.models.updates import IncidentUpdate

__all__ = [
    "ActionItem",
    "ActionKind",
    "AlertClaim",
    "AlertIntake",
    "AlertMode",
    "CallBack",
    "CallBackCause",
    "CallBackClaim",
    "DeadlineWarning",
    "Dossier",
    "Incident",
    "IncidentUpdate",
    "IntakeClaim",
    "IntakeFault",
    "LinkedComplaint",
    "OperationClaim",
    "PostMortem",
    "PostMortemAuthor",
    "RiskIncident",
    "SourceFault",
    "TimelineEntry",
]
