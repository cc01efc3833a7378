"""Writes of the share lanes: what they remember, the verdicts that changed, what they decided, how they are set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from django.db import connection, transaction

from health.alert_queries import judge_alert_lane
from health.domain.exposure import Exposure
from health.domain.guardrail import Act
from health.domain.share_lane import remember
from health.domain.verdict import Judgement
from health.looks import Look
from health.models import Decision, LaneMemory
from health.query_queries import judge_query_lanes, list_wanted
from health.reading_transitions import want_readings
from health.share_queries import Sight, take_looks
from health.verdict_transitions import store_judgements

#: An advisory lock's key: one evaluation at a time.
MEMORY_LOCK = 7_140_203


@dataclass(frozen=True)
class Judged:
    """A judgement, the look it is of, and whether it differs from the one before."""

    look: Look
    judgement: Judgement
    is_new: bool

    @property
    def exposure(self) -> Exposure:
        return self.look.exposure


@transaction.atomic
def judge_and_remember(looks: Sequence[Look], *, now: datetime) -> list[Judged]:
    """Judge all looks, keep what the next evaluation must know, store what changed.

    Empty where another worker is at it: nothing is taken in twice.
    """
    if not looks or not _take_turn():
        return []
    sights = take_looks(looks, now=now)
    judgements = [sight.judge(now=now) for sight in sights]
    _keep(sights, now=now)
    return _store(looks, judgements, now=now)


@transaction.atomic
def judge_alerts_and_store(looks: Sequence[Look], *, now: datetime) -> list[Judged]:
    """Judge the lane of alerts, store what changed; nothing is remembered: what fires is what fires."""
    if not looks:
        return []
    return _store(looks, judge_alert_lane(exposures=[look.exposure for look in looks], now=now), now=now)


def _store(looks: Sequence[Look], judgements: Sequence[Judgement], *, now: datetime) -> list[Judged]:
    """Store what changed, and return it with the rest; idle looks are as if nobody had looked."""
    told = [(look, one) for look, one in zip(looks, judgements, strict=True) if not look.is_idle(one)]
    stored = store_judgements([(look.exposure, one) for look, one in told], now=now)
    return [Judged(look, one, new) for (look, one), new in zip(told, stored, strict=True)]


@transaction.atomic
def judge_queries_and_store(looks: Sequence[Look], *, now: datetime) -> list[Judged]:
    """Judge the queries of one's own by what they said, store what changed, and have them asked again."""
    if not looks:
        return []
    want_readings(list_wanted(looks), now=now)
    judgements = judge_query_lanes(looks, now=now)
    stored = store_judgements([(look.exposure, one) for look, one in zip(looks, judgements, strict=True)], now=now)
    return [Judged(*one) for one in zip(looks, judgements, stored, strict=True)]


def _take_turn() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [MEMORY_LOCK])
        return bool(cursor.fetchone()[0])


def _keep(sights: Sequence[Sight], *, now: datetime) -> None:
    """Write the memories to which a minute was added: one statement, none while a minute lasts."""
    rows = []
    for sight in sights:
        after = sight.memory if sight.seen is None else remember(sight.memory, sight.minutes, now=now)
        if after != sight.memory:
            subject, lane, flag_key = sight.look.key
            data = msgspec.to_builtins(after)
            rows.append(LaneMemory(subject=subject, lane=lane, flag_key=flag_key, data=data, written_at=now))
    if rows:
        LaneMemory.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["subject", "lane", "flag_key"],
            update_fields=["data", "written_at"],
        )


def forget_memories(*, older_than: timedelta, now: datetime) -> int:
    """Delete what lanes remember of subjects that nobody looks at any more; return how many."""
    deleted, _by_model = LaneMemory.objects.filter(written_at__lt=now - older_than).delete()
    return deleted


def note_decision(
    exposure: Exposure,
    judgement: Judgement,
    *,
    act: Act,
    mode: str,
    now: datetime,
    site_key: str = "",
    data: Mapping[str, object] | None = None,
) -> Decision:
    """Write down what a lane did on a judgement; the caller's transaction makes both one."""
    return Decision.objects.create(
        subject=exposure.subject,
        epoch=exposure.epoch,
        lane=judgement.lane,
        environment_key=exposure.environment_key,
        flag_key=judgement.flag_key,
        site_key=site_key,
        at=now,
        mode=mode,
        act=act,
        verdict=judgement.verdict,
        code=judgement.code,
        n=judgement.n,
        k=judgement.k,
        window_start=judgement.window_start,
        window_end=judgement.window_end,
        threshold=judgement.threshold,
        bound_bp=judgement.bound_bp,
        baseline_bp=judgement.baseline_bp,
        data={**judgement.data, **(data or {})},
    )
