"""The lanes of queries of one's own: a number that a monitoring system gives, and the limit it must keep.

Each query is a lane of its own, `query:12`, so that what one says and did never hides what another does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from health.domain.exposure import Exposure
from health.domain.verdict import Judgement, Verdict

#: What the lanes of all queries begin with, and what a rollback by one is triggered by.
LANE = "query"
#: Readings are 15 s apart. Older, the newest says nothing of now; further apart, nobody knows what was between.
FRESH = timedelta(minutes=2)
#: It is asked to give nothing scraped longer ago for a figure of now; not every monitoring system heeds that.
LOOKBACK = timedelta(seconds=150)
#: After these, or when nobody asked for a while, it may have been away, and what it gives may be from before that,
#: for so long: Prometheus looks back five minutes.
AWAY = frozenset({"unreachable", "refused"})
AWAY_FOR = timedelta(minutes=5)
#: Stands in a query for the key of the flag that is judged.
FLAG_PLACE = "{flag}"


class Comparison(StrEnum):
    """On which side of the limit a value is beyond it."""

    ABOVE = "above"
    BELOW = "below"


SIGNS: Mapping[str, str] = {Comparison.ABOVE: ">", Comparison.BELOW: "<"}


@dataclass(frozen=True)
class QueryFacts:
    """What the lane needs of a query: beyond the limit at every reading for `lasting`, it breaches."""

    lane: str
    name: str
    comparison: str
    limit: float
    lasting: timedelta

    def is_beyond(self, value: float) -> bool:
        """Tell whether a value does not keep the limit."""
        return value > self.limit if self.comparison == Comparison.ABOVE else value < self.limit

    @property
    def threshold(self) -> str:
        return f"{SIGNS[self.comparison]} {self.limit:g}"


@dataclass(frozen=True)
class Reading:
    """What a query said at a moment: a value, or the code that says why there is none."""

    at: datetime
    value: float | None
    code: str = ""
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """The newest readings without a break that lie on one side of the limit, in order."""

    readings: Sequence[Reading] = ()
    is_beyond: bool = False

    def find_lasted_at(self, lasting: timedelta) -> datetime | None:
        """Return when it had lasted so long, None where it has not."""
        reached = (one.at for one in self.readings if one.at - self.readings[0].at >= lasting)
        return next(reached, None)


def make_lane(guardrail_id: int) -> str:
    return f"{LANE}:{guardrail_id}"


def find_guardrail_id(lane: str) -> int | None:
    """Return whose lane it is, None where it is no query's."""
    kind, _, number = lane.partition(":")
    return int(number) if kind == LANE and number.isdecimal() else None


def kind_of(lane: str) -> str:
    """Return what sort of lane it is: what a rollback is triggered by, and what pages call it."""
    return lane.partition(":")[0]


def place_flag(query: str, *, flag_key: str) -> str:
    """Return the query with the flag's key as a string of PromQL where it says `{flag}`, quoted there or not."""
    text = '"' + flag_key.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    for place in (f'"{FLAG_PLACE}"', f"'{FLAG_PLACE}'", FLAG_PLACE):
        query = query.replace(place, text)
    return query


def judge_query(exposure: Exposure, facts: QueryFacts, readings: Sequence[Reading], *, now: datetime) -> Judgement:
    """Return the lane's verdict on one exposure from a query's newest readings, in order.

    Those from before the exposure tell only whether the monitoring system was away.
    """
    since = exposure.blamed_from
    own = [one for one in readings if one.at >= since]
    run = find_run(facts, readings, since=since)
    verdict, code = _weigh(facts, own, run, now=now)
    newest = own[-1] if own else None
    lasted_at = run.find_lasted_at(facts.lasting) if verdict is Verdict.BREACH else None
    return Judgement(
        verdict=verdict,
        lane=facts.lane,
        flag_key=exposure.flag_key,
        n=len(own),
        k=sum(1 for one in own if one.value is not None and facts.is_beyond(one.value)),
        window_start=run.readings[0].at if run.readings else since,
        window_end=now,
        threshold=facts.threshold,
        code=code,
        data={
            "query": facts.name,
            "comparison": str(facts.comparison),
            "query_limit": facts.limit,
            "lasting_seconds": int(facts.lasting.total_seconds()),
            "value": newest.value if newest else None,
            "since": run.readings[0].at.isoformat() if run.readings else None,
            "reading": {"code": newest.code, **newest.data} if newest and newest.code else {},
        },
        detected_at=lasted_at,
    )


def find_run(facts: QueryFacts, readings: Sequence[Reading], *, since: datetime) -> Run:
    """Return the newest readings since a moment that nothing interrupts: no fault, no gap, no change of side."""
    run: list[Reading] = []
    is_beyond = False
    counts_from = since
    asked_at = None
    for one in readings:
        if one.code in AWAY or (asked_at is not None and one.at - asked_at > FRESH):
            run = []
            counts_from = max(since, one.at + AWAY_FOR)
        asked_at = one.at
        if one.value is None:
            run = []
            continue
        if one.at < counts_from:
            continue
        side = facts.is_beyond(one.value)
        run = [one] if side != is_beyond else [*run, one]
        is_beyond = side
    return Run(run, is_beyond)


def _weigh(facts: QueryFacts, own: Sequence[Reading], run: Run, *, now: datetime) -> tuple[Verdict, str]:
    if not own:
        return Verdict.INCONCLUSIVE, "query_no_reading"
    newest = own[-1]
    if now - newest.at > FRESH:
        return Verdict.INCONCLUSIVE, "query_stale"
    if newest.value is None:
        return Verdict.INCONCLUSIVE, f"query_{newest.code}"
    if not run.readings:
        return Verdict.INCONCLUSIVE, "query_was_away"
    has_lasted = run.find_lasted_at(facts.lasting) is not None
    if run.is_beyond:
        return (Verdict.BREACH, "query_limit") if has_lasted else (Verdict.INCONCLUSIVE, "query_beyond")
    return (Verdict.PASS, "query_within") if has_lasted else (Verdict.INCONCLUSIVE, "query_too_short")
