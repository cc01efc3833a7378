"""Writes of the share lanes: what they remember, the verdicts that changed, what they decided, how they are set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.db import connection, transaction

from health.alert_queries import judge_alert_lane
from health.domain.exposure import Exposure
from health.domain.guardrail import Act
from health.domain.share_lane import SETTLED_AFTER, remember
from health.domain.verdict import Judgement
from health.looks import Look
from health.models import Decision, LaneMemory
from health.query_queries import judge_query_lanes, list_wanted
from health.reading_transitions import want_readings
from health.rollup_queries import find_oldest_batch
from health.share_queries import Sight, take_looks
from health.verdict_transitions import store_judgements

#: An advisory lock's key: one evaluation at a time.
MEMORY_LOCK = 7_140_203
_WRITE_MEMORIES = """
INSERT INTO health_lanememory (subject, lane, flag_key, data, written_at)
SELECT subject, lane, flag_key, data::jsonb, %s
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS one (subject, lane, flag_key, data)
ON CONFLICT (subject, lane, flag_key) DO UPDATE SET data = excluded.data, written_at = excluded.written_at
"""


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
    """Write the memories to which a minute was added: two statements, one while a minute lasts.

    A minute is over for good only when all that was received in it is rolled up, however late that is.
    """
    oldest = find_oldest_batch()
    settled_at = now if oldest is None else min(now, oldest + SETTLED_AFTER)
    rows = []
    for sight in sights:
        if sight.seen is None or sight.seen.missing:
            continue
        after = remember(sight.memory, sight.minutes, now=settled_at)
        if after != sight.memory:
            rows.append((*sight.look.key, msgspec.json.encode(after).decode()))
    if rows:
        # The library makes an object of each memory, and text of it again: hundreds come each minute.
        with connection.cursor() as cursor:
            cursor.execute(_WRITE_MEMORIES, [now, *(list(column) for column in zip(*rows, strict=True))])


def forget_memories(*, written_before: datetime) -> int:
    """Delete what lanes remember of subjects that nobody looks at any more; return how many."""
    deleted, _by_model = LaneMemory.objects.filter(written_at__lt=written_before).delete()
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
