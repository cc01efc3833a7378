"""The evening's message: how the day of a rollout went, in ratings, complaints and verdicts."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from core.domain.business_time import at_local, local_day
from health.domain.exposure import list_exposed_sites
from health.queries import count_complaints
from notifications.domain.audience import DRIVERS
from notifications.models import Event
from notifications.transitions import publish
from rollouts.domain.feedback import mean_of
from rollouts.domain.lifecycle import UNDER_WAY
from rollouts.exposure_queries import exposures_of
from rollouts.feedback_queries import ONE_DAY, list_feedback
from rollouts.models import Rollout
from rollouts.queries import judge_rollout, list_rollouts, weigh_for_gates
from rollouts.site_queries import list_rollout_sites

#: When the shops close, by the plan's clock.
TOLD_AT = time(18)


def list_due_summaries(*, now: datetime) -> list[Rollout]:
    """Return the real rollouts under way whose day has not been told, each by its own clock, on open days only."""
    due = [row for row in list_rollouts().filter(status__in=UNDER_WAY, is_rehearsal=False) if _is_evening(row, now=now)]
    keys = {_key(row, _day_of(row, now=now)): row for row in due}
    told = set(Event.objects.filter(dedupe_key__in=keys).values_list("dedupe_key", flat=True))
    return [row for key, row in keys.items() if key not in told and _is_open(row, _day_of(row, now=now))]


def _day_of(rollout: Rollout, *, now: datetime) -> date:
    return local_day(now, zone=ZoneInfo(rollout.zone))


def _is_evening(rollout: Rollout, *, now: datetime) -> bool:
    return now >= at_local(_day_of(rollout, now=now), TOLD_AT, zone=ZoneInfo(rollout.zone))


def _is_open(rollout: Rollout, day: date) -> bool:
    return any(site.view(day).is_open for site in list_rollout_sites(rollout).values())


def _key(rollout: Rollout, day: date) -> str:
    return f"daily-summary:{rollout.pk}:{day.isoformat()}"


def send_daily_summary(rollout: Rollout, *, now: datetime) -> bool:
    """Tell those who drive releases how today went, once; False where they were told."""
    day = _day_of(rollout, now=now)
    answers = list_feedback(rollout, since=day, until=day + ONE_DAY)
    mean = mean_of(one.rating for one in answers)
    exposures = exposures_of(rollout)
    complaints = count_complaints(
        environment_key=rollout.environment.key,
        flag_keys=[exposure.flag_key for exposure in exposures],
        site_keys=list_exposed_sites(exposures),
        now=now,
    )
    verdicts = weigh_for_gates(rollout, judge_rollout(rollout, now=now), now=now)
    data = {
        "release": rollout.release.version,
        "environment": rollout.environment.key,
        "day": day.isoformat(),
        "pilots": len({one.targeting_key for one in answers}),
        "complaints": complaints,
        "rating": None if mean is None else round(mean, 1),
        "passing": [key for key, verdict in verdicts if verdict == "pass"],
        "open": [key for key, verdict in verdicts if verdict != "pass"],
    }
    event = publish(
        kind="daily_summary",
        data={name: value for name, value in data.items() if value not in (None, [])},
        audience=DRIVERS,
        dedupe_key=_key(rollout, day),
        now=now,
        url=f"/rollouts/{rollout.pk}/",
    )
    return event is not None
