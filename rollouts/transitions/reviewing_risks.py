"""Reviews of risks for a rollout: a person looks at each, keeps or changes its rating, and says so."""

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import NotAllowed, Refusal
from core.history import recorded
from rollouts.domain.lifecycle import ENDED
from rollouts.models import RiskReview, Rollout
from rollouts.risk_queries import check_risks, list_planning_risks
from rollouts.story import add_event
from rollouts.transitions.keeping_risks import check_open, check_rating, get_locked_risk
from rollouts.transitions.locking import get_locked_rollout


def find_review_lack(rollout: Rollout) -> Refusal | None:
    """Return why a plan cannot be put up for approval: high risks that nobody reviewed for it; None without any."""
    blocking = [one.risk.title for one in check_risks(rollout).blocking]
    return Refusal("risks_unreviewed", risks=blocking) if blocking else None


@transaction.atomic
def review_risk(
    *,
    rollout_id: int,
    risk_id: int,
    likelihood: int,
    impact: int,
    actor: Actor,
    reason: str,
    now: datetime,
    seen: int | None = None,
) -> RiskReview:
    """Keep that a person looked at a risk for a rollout; another rating is the risk's own from now on."""
    rollout = get_locked_rollout(rollout_id)
    risk = get_locked_risk(risk_id, seen=seen)
    if actor.user_id is None:
        raise NotAllowed("risk_review_by_no_person")
    if rollout.status in ENDED:
        raise Refusal("risk_review_too_late")
    check_open(risk)
    check_rating(likelihood=likelihood, impact=impact)
    if risk.pk not in {one.risk.pk for one in list_planning_risks(rollout)}:
        raise Refusal("risk_elsewhere")
    with recorded(actor=actor, reason=reason, now=now) as recording:
        if (risk.likelihood, risk.impact) != (likelihood, impact):
            risk.likelihood, risk.impact = likelihood, impact
            risk.save()
        review = RiskReview.objects.create(
            risk=risk,
            rollout=rollout,
            attempt=rollout.attempt,
            likelihood=likelihood,
            impact=impact,
            words=recording.reason,
            reviewed_by_id=actor.user_id,
            reviewed_at=now,
        )
        add_event(
            rollout,
            kind="risk_reviewed",
            actor=actor,
            reason=recording.reason,
            now=now,
            data={"risk": risk.title, "likelihood": likelihood, "impact": impact},
        )
    return review
