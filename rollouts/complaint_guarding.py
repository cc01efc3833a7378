"""Acts on complaints: has somebody investigate, and holds what runs. Rolling back is a person's decision."""

from collections.abc import Sequence
from datetime import datetime

from health.complaint_queries import list_heard_today
from health.domain.complaints import judge_day
from health.domain.exposure import Exposure, list_exposed_sites
from rollouts.investigation_queries import is_investigated
from rollouts.models import Rollout
from rollouts.people_queries import count_exposed_people
from rollouts.transitions.opening_investigations import open_investigation


def watch_complaints(rollout: Rollout, exposures: Sequence[Exposure], *, now: datetime) -> None:
    """Judge today's complaints about a rollout; open an investigation and hold it, once a day and rule."""
    heard = list_heard_today(
        environment_key=rollout.environment.key,
        flag_keys=[exposure.flag_key for exposure in exposures],
        site_keys=list_exposed_sites(exposures),
        now=now,
    )
    few = {one.flag_key for one in exposures if not one.everyone and not one.site_keys}
    concerned = few.intersection(one.voice.flag_key or "" for one in heard)
    people = count_exposed_people(rollout, few) if concerned else 0
    alarm = judge_day(heard, few=few, people=people)
    if alarm is None:
        return
    if not is_investigated(rollout.pk, code=alarm.code, day=alarm.day):
        open_investigation(rollout_id=rollout.pk, alarm=alarm, now=now)
