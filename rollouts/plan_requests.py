"""What a stored plan was asked for with: to ask for it again, as it was or with other choices."""

from typing import Any

from flags.models import SegmentMember
from flags.transitions import NewMember
from rollouts.drawing import PlanRequest
from rollouts.models import Rollout
from rollouts.template_queries import guess_template


def request_of(rollout: Rollout) -> PlanRequest:
    """Return what a rollout was planned with, its pilots as they are now: two queries."""
    members = SegmentMember.objects.filter(segment=rollout.pilots_id).order_by("pk") if rollout.pilots_id else ()
    return PlanRequest(
        release_id=rollout.release_id,
        environment_id=rollout.environment_id,
        testers_id=rollout.testers_id,
        pilots=tuple(NewMember(row.targeting_key, row.label, row.site_id) for row in members),
        site_ids=tuple(rollout.rollout_sites.order_by("position").values_list("site_id", flat=True)),
        start_on=rollout.start_on,
        day_seconds=rollout.day_seconds,
        promotion_time=rollout.promotion_time,
        zone=rollout.zone,
        template_version_id=rollout.template_version_id,
        is_repeated=rollout.is_repeated,
        allows_holidays=rollout.allows_holidays,
    )


def choices_of(rollout: Rollout) -> dict[str, Any]:
    """Return a plan as the planner's form begins with it: its template in its newest version. Five queries."""
    request = request_of(rollout)
    sites = rollout.rollout_sites.order_by("position").values_list("site__key", flat=True)
    return {
        "release": rollout.release,
        "environment": rollout.environment,
        "template": guess_template(rollout),
        "promotion_time": request.promotion_time,
        "allows_holidays": request.allows_holidays,
        "testers": request.testers_id,
        "pilots": [pilot.targeting_key for pilot in request.pilots],
        "sites": list(sites),
        "is_rehearsal": request.is_rehearsal,
        **({"start_on": request.start_on} if request.start_on else {"day_seconds": request.day_seconds}),
    }
