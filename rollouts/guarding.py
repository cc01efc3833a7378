"""Acts on what health says: takes a breaching flag back, holds what was changed by hand."""

from collections.abc import Sequence
from datetime import datetime
from textwrap import shorten

from core.actors import GUARDRAIL
from core.errors import Refusal
from core.reasons import write_reason
from health.domain.exposure import Exposure
from health.domain.verdict import Judgement, Verdict
from health.queries import judge_critical_lane
from health.verdict_transitions import store_judgement
from rollouts.complaint_guarding import watch_complaints
from rollouts.domain.lifecycle import Status
from rollouts.exposure_queries import exposures_of
from rollouts.hand_queries import HandChange, describe_hands, list_flags_changed_by_hand, list_flags_off
from rollouts.models import Rollout, Trigger
from rollouts.transitions import hold_rollout, roll_back

#: A reason is one line of the story: what a person wrote may be longer, and stands in the banner whole.
SAID_CHARACTERS = 300


def watch_rollout(rollout: Rollout, *, now: datetime) -> None:
    """Judge one rollout and act; each act is a transaction of its own."""
    exposures = exposures_of(rollout)
    for exposure, judgement in zip(exposures, judge_critical_lane(exposures=exposures, now=now), strict=True):
        store_judgement(judgement=judgement, exposure=exposure, now=now)
        if judgement.verdict is Verdict.BREACH:
            _take_back(rollout, exposure, judgement, now=now)
    if rollout.status == Status.RUNNING:
        _watch_hands(rollout, now=now)
    watch_complaints(rollout, exposures, now=now)


def _take_back(rollout: Rollout, exposure: Exposure, judgement: Judgement, *, now: datetime) -> None:
    row = rollout.rollout_flags.filter(flag__key=exposure.flag_key, is_active=True).first()
    if row is None:
        return
    try:
        roll_back(
            rollout_id=rollout.pk,
            flag_ids=[row.flag_id],
            trigger=Trigger.CRITICAL_ERRORS,
            actor=GUARDRAIL,
            reason=write_reason(judgement.code, k=judgement.k, n=judgement.n),
            now=now,
            expected_attempt=rollout.attempt,
            detected_at=judgement.detected_at,
            evidence={
                "verdict": str(judgement.verdict),
                "code": judgement.code,
                "n": judgement.n,
                "k": judgement.k,
                "window_start": judgement.window_start.isoformat(),
                "window_end": judgement.window_end.isoformat(),
                "threshold": judgement.threshold,
                **judgement.data,
            },
        )
    except Refusal:
        # A person was faster: what they did stands, be it a rollback or a new attempt since.
        return


def _watch_hands(rollout: Rollout, *, now: datetime) -> None:
    """Hold where somebody changed one of the flags behind the rollout's back, on or off."""
    by_hand = list_flags_off(rollout) | list_flags_changed_by_hand(rollout)
    if by_hand:
        changes = describe_hands(rollout, by_hand)
        hold_rollout(
            rollout_id=rollout.pk,
            code="flag_switched_by_hand",
            data={
                "flags": sorted(by_hand),
                "changes": [{"flags": one.flags, "by": one.by, "why": one.why} for one in changes],
            },
            actor=GUARDRAIL,
            reason=_say_hands(sorted(by_hand), changes),
            now=now,
            expected_epoch=rollout.epoch,
        )


def _say_hands(flags: Sequence[str], changes: Sequence[HandChange]) -> str:
    """Return the reason of the hold: which flags, and who changed them last and why, shortened to one line."""
    keys = shorten(", ".join(flags), SAID_CHARACTERS, placeholder="…")
    if not changes:
        return write_reason("switched_by_hand", flags=keys)
    why = shorten(changes[0].why, SAID_CHARACTERS, placeholder="…")
    return write_reason("switched_by_hand_by", flags=keys, by=changes[0].by, why=why)
