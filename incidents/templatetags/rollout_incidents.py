"""The incidents that run about a rollout, for its own page: `{% incidents_of rollout %}`."""

from typing import Any

from django import template

from incidents.domain.lifecycle import RUNNING
from incidents.models import Incident
from rollouts.models import Rollout

register = template.Library()

#: More are on the list of incidents.
MOST_SHOWN = 3


@register.inclusion_tag("incidents/_of_rollout.html")
def incidents_of(rollout: Rollout) -> dict[str, Any]:
    """Render a way to each incident of a rollout that runs, the newest first: one query."""
    rows = Incident.objects.filter(rollout=rollout.pk, status__in=RUNNING).order_by("-pk")
    return {"incidents": rows[:MOST_SHOWN]}
