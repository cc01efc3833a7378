"""What judges a moment of the past in a replay: the share lanes from minutes, the others from what was received."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from django.db.models import Q

from health.alert_models import Alert
from health.alert_queries import facts_of
from health.domain import alert_lane, critical_lane
from health.domain.alert_lane import judge_alerts
from health.domain.exposure import Exposure
from health.domain.guardrail import LIMITS, find_site, tighten
from health.domain.replay import Settings
from health.domain.share_lane import Memory, begin, is_still_good, remember
from health.domain.verdict import Judgement
from health.looks import Look
from health.models import Sample
from health.queries import judge_critical_lane
from health.replay_queries import Record
from health.share_queries import Sight


class Judge(Protocol):
    """Judges as a lane would have at a moment; None where it would have had nothing to say."""

    def judge(self, exposure: Exposure, *, is_heightened: bool, now: datetime) -> Judgement | None: ...

    def find_site(self, judgement: Judgement) -> str:
        """Return the site that a breach stands out at, empty where it is several."""
        ...


@dataclass(frozen=True)
class Recorded:
    """What is recorded for a lane: how it is judged by settings, and moments that a look by the minute might miss."""

    open: Callable[[Settings], Judge]
    moments: Sequence[datetime] = ()


@dataclass
class ShareJudge:
    """One share lane with one set of settings, and what it remembers."""

    record: Record
    settings: Settings
    memories: dict[str, Memory] = field(default_factory=dict)

    def judge(self, exposure: Exposure, *, is_heightened: bool, now: datetime) -> Judgement:
        """Return the verdict from the minutes since the memory, and remember them."""
        key, settings = exposure.flag_key, self.settings
        limit_bp = settings.limit_bp
        if settings.is_tightened and is_heightened:
            limit_bp = tighten(limit_bp, least_bp=LIMITS[settings.lane].least)
        look = Look(exposure, settings.lane, limit_bp)
        memory = self.memories.get(key)
        asked = {"limit_bp": look.share_bp, "setting_bp": look.limit_bp}
        if memory is None or not is_still_good(memory, exposure, **asked):
            memory = begin(exposure, now=now, **asked)
        seen = self.record.read(look, memory, now=now)
        self.memories[key] = remember(memory, seen.minutes, now=now)
        return Sight(look, memory, seen).judge(now=now)

    def find_site(self, judgement: Judgement) -> str:
        figures = self.record.sum_sites(
            flag_key=judgement.flag_key, since=judgement.window_start, until=judgement.window_end
        )
        return find_site(figures, limit_bp=self.memories[judgement.flag_key].limit_bp) or ""


@dataclass(frozen=True)
class AlertJudge:
    """The alerts of an environment, by when they were first received; of a source's silence nothing is recorded."""

    alerts: Sequence[Alert]

    def judge(self, exposure: Exposure, *, is_heightened: bool, now: datetime) -> Judgement:  # a Judge
        """Return the verdict from what had been received by then and fired."""
        heard = [
            facts_of(one) for one in self.alerts if one.received_at <= now and (not one.ended_at or one.ended_at > now)
        ]
        return judge_alerts(exposure, heard, sources=[], now=now)

    def find_site(self, judgement: Judgement) -> str:
        return _find_named(judgement)


@dataclass(frozen=True)
class CriticalJudge:
    """When samples with errors that weigh were received; where none was, there is nothing to judge."""

    received: Sequence[datetime]

    def judge(self, exposure: Exposure, *, is_heightened: bool, now: datetime) -> Judgement | None:  # a Judge
        """Return the lane's own verdict of then: two queries where anything weighs."""
        first = bisect_left(self.received, now - critical_lane.WINDOW)
        if first == bisect_left(self.received, now):
            return None
        [judgement] = judge_critical_lane(exposures=[exposure], now=now)
        return judgement

    def find_site(self, judgement: Judgement) -> str:
        return _find_named(judgement)


def _find_named(judgement: Judgement) -> str:
    named = judgement.data.get("sites")
    return str(named[0]) if isinstance(named, list) and len(named) == 1 else ""


def read_recorded(
    *, lane: str, environment_key: str, subject: str, flag_keys: Sequence[str], since: datetime, until: datetime
) -> Recorded:
    """Return what is recorded of a span for a lane."""
    if lane == alert_lane.LANE:
        rows = Alert.objects.filter(
            Q(ended_at__isnull=True) | Q(ended_at__gt=since), environment__key=environment_key, received_at__lte=until
        )
        alerts = list(rows.select_related("flag", "site").order_by("received_at", "pk"))
        return Recorded(lambda _settings: AlertJudge(alerts), [one.received_at for one in alerts])
    if lane == critical_lane.LANE:
        samples = Sample.objects.filter(
            Q(critical_errors__gt=0) | Q(integrity_errors__gt=0),
            environment__key=environment_key,
            received_at__gte=since - critical_lane.WINDOW,
            received_at__lt=until,
        )
        judge = CriticalJudge(list(samples.order_by("received_at").values_list("received_at", flat=True)))
        return Recorded(lambda _settings: judge)
    record = Record(environment_key=environment_key, lane=lane, subject=subject, flag_keys=flag_keys)
    return Recorded(lambda settings: ShareJudge(record, settings))
