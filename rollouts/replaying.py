"""Runs a guardrail with other settings over a rollout's recorded past; nothing is written."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.errors import InvalidInput
from health.domain.guardrail import SHARE_LANES
from health.domain.replay import Past, Replay, Settings
from health.domain.share_lane import A_MINUTE, floor_minute
from health.guardrail_transitions import GuardrailWish, check_wish
from health.models import Decision, Mode
from health.replay_queries import Record, find_forgotten_before, list_decisions_of
from health.replaying import Span, replay
from rollouts.models import Rollout
from rollouts.past_queries import read_past

#: What a page sets beside each other, by lane, in basis points.
COMPARED_BP = {"error_rate": (100, 200, 300, 500, 800, 1_000), "performance": (1_000, 2_000, 5_000)}
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
    decisions = list_decisions_of(subject=past.subject, lane=lane, until=span.until)
    record = Record(environment_key=past.environment_key, lane=lane, subject=past.subject, flag_keys=chosen)
    first, *others = replay(past, record, settings, span=span, decisions=decisions)
    inside = [one for one in decisions if one.at > span.since and one.flag_key in chosen]
    return Answer(first, others, inside, cut_at, known)


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
    if settings.lane not in SHARE_LANES:
        raise InvalidInput("replay_lane_unknown", lanes=", ".join(SHARE_LANES))
    if settings.mode not in MODES:
        raise InvalidInput("guardrail_unknown")
    minutes = settings.cool_down // A_MINUTE
    check_wish(GuardrailWish(settings.lane, settings.mode, settings.limit_bp, settings.scope, minutes))
