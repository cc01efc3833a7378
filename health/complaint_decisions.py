"""What the lane of complaints decided, in one row each."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

from core.domain.business_time import at_local
from health.domain.complaints import LANE, Alarm, Code
from health.domain.guardrail import Act
from health.domain.verdict import Verdict
from health.models import Decision


def note_complaints(
    alarm: Alarm, *, subject: str, epoch: int, environment_key: str, zone: ZoneInfo, act: Act, mode: str, now: datetime
) -> Decision:
    """Write down what was done about a day's complaints; the caller's transaction makes both one."""
    return Decision.objects.create(
        subject=subject,
        epoch=epoch,
        lane=LANE,
        environment_key=environment_key,
        flag_key=alarm.flag_key,
        at=now,
        mode=mode,
        act=act,
        verdict=Verdict.BREACH,
        code=alarm.code,
        n=alarm.count,
        k=alarm.count,
        # The day may have begun later at a site in another zone.
        window_start=min(at_local(alarm.day, time(), zone=zone), now),
        window_end=now,
        threshold=str(alarm.limit),
        data={"day": alarm.day.isoformat(), "limit": alarm.limit, "people": alarm.people},
    )


def was_observed(alarm: Alarm, *, subject: str) -> bool:
    """Tell whether a day's complaints need no further line: a small pilot's once a day, the limit's once more."""
    rows = Decision.objects.filter(subject=subject, lane=LANE, data__day=alarm.day.isoformat())
    return (rows.filter(code=alarm.code) if alarm.code == Code.LIMIT else rows).exists()
