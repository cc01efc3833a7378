"""The alert lane: what other monitoring systems say is evidence too.

An alert that names the flag speaks against that flag. One that names none speaks against the flag
activated last, where its site, or the whole environment, sees it. That nothing fires is a pass only
while somebody would have said so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from health.domain.alerts import Severity, is_at_least
from health.domain.exposure import Exposure
from health.domain.verdict import Judgement, Verdict

LANE = "alert"
THRESHOLD = "1 alert that fires"
#: A source whose watchdog was heard of this long ago is silent.
WATCHDOG_LIMIT = timedelta(minutes=15)
#: Where no source has a watchdog, none is known to be alive longer than this after its last message.
UNWATCHED_LIMIT = timedelta(hours=24)
#: A watchdog not heard for this long was given up: its source counts as one without.
WATCHDOG_GIVEN_UP = timedelta(days=7)
#: So long after a message that left alerts out, what it left out may fire.
LEFT_OUT_LIMIT = timedelta(hours=1)
#: Grafana's alerts that a rule could not be asked: no evidence against a flag, and none for it.
BLIND_NAMES = frozenset({"DatasourceNoData", "DatasourceError"})
MOST_NAMED = 5


@dataclass(frozen=True)
class AlertFacts:
    """What the lane needs of an alert; `flag_key`, `site_key` as its labels say, None where they do not.

    A label that names a flag or a site which the portal does not know blames no other.
    """

    name: str
    severity: str
    flag_key: str | None
    site_key: str | None
    started_at: datetime
    ended_at: datetime | None
    received_at: datetime

    def fires(self, now: datetime) -> bool:
        """Tell whether it fires at a moment."""
        return self.ended_at is None or self.ended_at > now


@dataclass(frozen=True)
class SourceFacts:
    """A monitoring system that has sent something to the environment.

    `watchdog_at`: when its watchdog was last heard firing; None where it never was.
    `watchdog_ended`: its watchdog's last word was that it ended: the rules are not asked any more.
    `left_out_at`: when it last sent less than it knew, or something that could not be read.
    """

    origin: str
    last_received_at: datetime
    watchdog_at: datetime | None = None
    watchdog_ended: bool = False
    left_out_at: datetime | None = None


def judge_alerts(
    exposure: Exposure,
    alerts: Sequence[AlertFacts],
    *,
    sources: Sequence[SourceFacts],
    now: datetime,
    least_severity: str = Severity.CRITICAL,
) -> Judgement:
    """Return the lane's verdict on one exposure from the alerts of its environment that fire.

    What began before the exposure, or before a person dealt with it, is not its doing; of an alert
    that names the flag and still fires from then, nobody can say that it is over.
    """
    firing = [one for one in alerts if one.fires(now) and is_at_least(one.severity, least_severity)]
    guilty = [one for one in firing if one.name not in BLIND_NAMES and _blames(exposure, one)]
    guilty.sort(key=lambda one: one.received_at)
    if guilty:
        verdict, code, told = Verdict.BREACH, "alert_firing", guilty
    else:
        code, told = _find_doubt(exposure, firing)
        verdict = Verdict.INCONCLUSIVE
    if not code:
        verdict, code = _judge_silence(sources, now=now)
    return Judgement(
        verdict=verdict,
        lane=LANE,
        flag_key=exposure.flag_key,
        n=len(firing),
        k=len(guilty),
        window_start=exposure.blamed_from,
        window_end=now,
        threshold=THRESHOLD,
        code=code,
        data={
            "alerts": list(dict.fromkeys(one.name for one in told))[:MOST_NAMED],
            "sites": sorted({one.site_key for one in told if one.site_key}),
            "severity": least_severity,
        },
        detected_at=guilty[0].received_at if guilty else None,
    )


def _find_doubt(exposure: Exposure, firing: Sequence[AlertFacts]) -> tuple[str, list[AlertFacts]]:
    """Return why nobody can say that all is well though nothing is blamed, and the alerts to tell; "" if nothing."""
    named = [one for one in firing if one.flag_key == exposure.flag_key]
    if named:
        is_blind = all(one.name in BLIND_NAMES for one in named)
        return "alert_without_data" if is_blind else "alert_still_firing", named
    blind = [one for one in firing if one.name in BLIND_NAMES and exposure.is_newest and _reaches(exposure, one)]
    return "alert_without_data" if blind else "", blind


def _blames(exposure: Exposure, alert: AlertFacts) -> bool:
    if alert.started_at < exposure.blamed_from:
        return False
    if alert.flag_key is not None:
        return alert.flag_key == exposure.flag_key
    return exposure.is_newest and _reaches(exposure, alert)


def _reaches(exposure: Exposure, alert: AlertFacts) -> bool:
    """Tell whether an alert that names no flag is about somebody who sees this one."""
    if alert.flag_key is not None:
        return False
    if alert.site_key is None:
        return True
    since = exposure.find_site_since(alert.site_key)
    return since is not None and alert.started_at >= since


def _judge_silence(sources: Sequence[SourceFacts], *, now: datetime) -> tuple[Verdict, str]:
    """Return what it means that no alert fires: good only where somebody would have said so."""
    if not sources:
        return Verdict.INCONCLUSIVE, "no_alert_source"
    watched = [one for one in sources if one.watchdog_at is not None and now - one.watchdog_at <= WATCHDOG_GIVEN_UP]
    if watched:
        is_alive = all(_is_heard(one, now=now) for one in watched)
    else:
        is_alive = any(now - one.last_received_at <= UNWATCHED_LIMIT for one in sources)
    if not is_alive:
        return Verdict.INCONCLUSIVE, "alert_source_silent"
    if any(one.left_out_at is not None and now - one.left_out_at < LEFT_OUT_LIMIT for one in sources):
        return Verdict.INCONCLUSIVE, "alerts_left_out"
    return Verdict.PASS, "no_alert_firing"


def _is_heard(source: SourceFacts, *, now: datetime) -> bool:
    heard_at = source.watchdog_at
    return heard_at is not None and not source.watchdog_ended and now - heard_at <= WATCHDOG_LIMIT
