"""Runs a guardrail with other settings over a rollout's recorded past; nothing is written."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from core.errors import InvalidInput
from health.domain import alert_lane, critical_lane
from health.domain.guardrail import SHARE_LANES, Act
from health.domain.minutes import A_MINUTE, floor_minute
from health.domain.replay import Past, Replay, Settings
from health.guardrail_transitions import GuardrailWish, check_wish
from health.models import Decision, GuardrailScope, Mode
from health.replay_judges import read_recorded
from health.replay_queries import find_forgotten_before, list_decisions_of
from health.replaying import Span, replay
from rollouts.models import RollbackFlag, Rollout, Trigger
from rollouts.past_queries import read_past

#: What a page sets beside each other, by lane, in basis points.
COMPARED_BP = {"error_rate": (100, 200, 300, 500, 800, 1_000), "performance": (1_000, 2_000, 5_000)}
#: The lanes of which enough is recorded. The critical lane has nothing to set: it always takes the flag back.
LANES = (*SHARE_LANES, alert_lane.LANE, critical_lane.LANE)
#: What can be replayed: off judges nothing.
MODES = (Mode.OBSERVE, Mode.INVESTIGATE, Mode.HOLD, Mode.ROLL_BACK)


@dataclass(frozen=True)
class ReplayWish:
    """What is to be replayed; without keys every flag, without moments all that is remembered."""

    settings: Settings
    flag_keys: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Answer:
    """What the settings would have done, what others would have, and what was really decided.

    `cut_at`: where it ends before the end that was asked for, because so many looks take too long.
    """

    replay: Replay
    others: Sequence[Replay] = ()
    decisions: Sequence[Decision] = ()
    cut_at: datetime | None = None
    known_flags: Sequence[str] = field(default_factory=list)

    def find_real(self, flag_key: str) -> Decision | None:
        """Return the first real decision on a flag in the span."""
        return next((one for one in self.decisions if one.flag_key == flag_key), None)


def replay_rollout(
    rollout: Rollout,
    wish: ReplayWish,
    *,
    now: datetime,
    compared_bp: Collection[int] = (),
    most_looks: int | None = None,
) -> Answer:
    """Return what a lane with these settings would have done in a rollout, beside the same with other limits."""
    _check(wish.settings)
    past = read_past(rollout)
    if wish.settings.lane == critical_lane.LANE:
        wish = replace(wish, settings=make_critical_settings())
    known = past.flag_keys
    if missing := [key for key in wish.flag_keys if key not in known]:
        raise InvalidInput("rollout_flag_unknown", flag=missing[0])
    lane = wish.settings.lane
    settings = [wish.settings, *(_with_limit(wish.settings, limit_bp) for limit_bp in compared_bp)]
    chosen = list(wish.flag_keys) or known
    span = _find_span(past, wish, flag_keys=chosen, now=now)
    cut_at = None
    if most_looks is not None:
        last = span.since + A_MINUTE * max(most_looks // max(len(chosen) * len(settings), 1), 1)
        if last < span.until:
            cut_at = floor_minute(last)
            span = Span(span.since, cut_at, span.flag_keys, span.forgotten_before)
    decisions = _list_decisions(rollout, past, lane=lane, until=span.until)
    recorded = read_recorded(
        lane=lane,
        environment_key=past.environment_key,
        subject=past.subject,
        flag_keys=chosen,
        since=span.since,
        until=span.until,
    )
    first, *others = replay(past, recorded, settings, span=span, decisions=decisions)
    inside = [one for one in decisions if one.at > span.since and one.flag_key in chosen]
    return Answer(first, others, inside, cut_at, known)


def make_critical_settings() -> Settings:
    """Return how the critical lane always is."""
    return Settings(critical_lane.LANE, Mode.ROLL_BACK, 0, GuardrailScope.FLAG, timedelta(0), is_tightened=False)


def _list_decisions(rollout: Rollout, past: Past, *, lane: str, until: datetime) -> list[Decision]:
    """Return what a lane really decided, oldest first; the critical lane's stand in its rollbacks: one query."""
    if lane != critical_lane.LANE:
        return list_decisions_of(subject=past.subject, lane=lane, until=until)
    rows = RollbackFlag.objects.filter(
        rollback__rollout=rollout, rollback__trigger=Trigger.CRITICAL_ERRORS, rollback__contained_at__lte=until
    )
    return [_as_decision(row, past) for row in rows.select_related("rollback", "flag").order_by("rollback", "pk")]


def _as_decision(row: RollbackFlag, past: Past) -> Decision:
    """Return a rollback by the critical lane as a decision, not to be saved."""
    evidence = row.rollback.evidence
    return Decision(
        subject=past.subject,
        lane=critical_lane.LANE,
        environment_key=past.environment_key,
        flag_key=row.flag.key,
        at=row.rollback.contained_at,
        mode=Mode.ROLL_BACK,
        act=Act.ROLLED_BACK,
        verdict="breach",
        code=evidence.get("code", ""),
        n=evidence.get("n", 0),
        k=evidence.get("k", 0),
        threshold=evidence.get("threshold", ""),
        data=evidence,
    )


def _with_limit(settings: Settings, limit_bp: int) -> Settings:
    return Settings(settings.lane, settings.mode, limit_bp, settings.scope, settings.cool_down, settings.is_tightened)


def _find_span(past: Past, wish: ReplayWish, *, flag_keys: Sequence[str], now: datetime) -> Span:
    """Return what can be gone through of what is asked for: not before anything was on, nor what is forgotten."""
    forgotten = find_forgotten_before(lane=wish.settings.lane, now=now)
    first = past.first_at or now
    since = max(first, wish.since or first)
    until = min(wish.until or now, past.last_at or now, now)
    was_forgotten = forgotten if since < forgotten else None
    since = max(since, forgotten)
    return Span(since, max(until, since), flag_keys, was_forgotten)


def _check(settings: Settings) -> None:
    if settings.lane not in LANES:
        raise InvalidInput("replay_lane_unknown", lanes=", ".join(LANES))
    if settings.lane == critical_lane.LANE:
        return
    if settings.mode not in MODES:
        raise InvalidInput("guardrail_unknown")
    minutes = settings.cool_down // A_MINUTE
    check_wish(GuardrailWish(settings.lane, settings.mode, settings.limit_bp, settings.scope, minutes))
