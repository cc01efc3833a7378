"""Releases, rollouts with their phases and steps, rollbacks, and the story as events."""

from rollouts.models.approvals import Approval, CheckItem, Decision
from rollouts.models.events import RolloutEvent
from rollouts.models.feedback import Feedback, FeedbackText
from rollouts.models.feeds import CalendarFeed, CalendarFeedUse
from rollouts.models.freezes import FreezeWindow
from rollouts.models.investigations import Investigation
from rollouts.models.releases import Release, ReleaseFlag
from rollouts.models.risks import Risk, RiskFlag, RiskRelease, RiskReview
from rollouts.models.rollbacks import BY_PERSON, Rollback, RollbackFlag, Scope, Trigger
from rollouts.models.rollouts import Rollout, RolloutFlag, RolloutSite
from rollouts.models.scheduling import SchedulerHeartbeat, StepFault
from rollouts.models.steps import Phase, PhaseStatus, Step, StepStatus
from rollouts.models.support import SupportShift
from rollouts.models.templates import PlanTemplate, PlanTemplateVersion

__all__ = [
    "BY_PERSON",
    "Approval",
    "CalendarFeed",
    "CalendarFeedUse",
    "CheckItem",
    "Decision",
    "Feedback",
    "FeedbackText",
    "FreezeWindow",
    "Investigation",
    "Phase",
    "PhaseStatus",
    "PlanTemplate",
    "PlanTemplateVersion",
    "Release",
    "ReleaseFlag",
    "Risk",
    "RiskFlag",
    "RiskRelease",
    "RiskReview",
    "Rollback",
    "RollbackFlag",
    "Rollout",
    "RolloutEvent",
    "RolloutFlag",
    "RolloutSite",
    "SchedulerHeartbeat",
    "Scope",
    "Step",
    "StepFault",
    "StepStatus",
    "SupportShift",
    "Trigger",
]
