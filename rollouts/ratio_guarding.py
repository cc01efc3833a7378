"""Acts on the error rate: observes, holds, or takes the suspect flag back, as its guardrail says."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from core.actors import GUARDRAIL
from core.errors import Refusal
from core.reasons import BETWEEN, write_reason
from health.domain.verdict import Judgement, Verdict
from health.models import Mode
from health.ratio_transitions import Judged, judge_and_remember
from rollouts.effective_guardrail import get_effective_guardrail
from rollouts.models import Rollout, Trigger
from rollouts.queries import exposures_of
from rollouts.story import add_event
from rollouts.transitions import hold_rollout, roll_back

EVERYWHERE = "error_rate_everywhere"


def watch_error_rate(rollout: Rollout, *, now: datetime) -> None:
    """Judge one rollout's error rate and act; a verdict on what has changed meanwhile is dropped."""
    guardrail = get_effective_guardrail(rollout)
    if guardrail.mode == Mode.OFF:
        return
    judged = judge_and_remember(exposures=exposures_of(rollout), threshold_bp=guardrail.threshold_bp, now=now)
    breaching = [one for one in judged if one.judgement.verdict is Verdict.BREACH]
    if not breaching:
        return
    # The flag activated last is the first suspect.
    breaching.sort(key=lambda one: one.exposure.since, reverse=True)
    if guardrail.mode == Mode.OBSERVE:
        _note(rollout, [one for one in breaching if one.is_new], now=now)
    elif guardrail.mode == Mode.ROLL_BACK and breaching[0].judgement.code != EVERYWHERE:
        _take_back(rollout, breaching[0].judgement, now=now)
    else:
        _hold(rollout, breaching, now=now)


def _hold(rollout: Rollout, breaching: Sequence[Judged], *, now: datetime) -> None:
    judgements = [one.judgement for one in breaching]
    hold_rollout(
        rollout_id=rollout.pk,
        code=judgements[0].code,
        data={"flags": [item.flag_key for item in judgements], "evidence": [evidence_of(item) for item in judgements]},
        actor=GUARDRAIL,
        reason=BETWEEN.join(dict.fromkeys(_write(item) for item in judgements)),
        now=now,
        expected_epoch=rollout.epoch,
    )


def _take_back(rollout: Rollout, judgement: Judgement, *, now: datetime) -> None:
    row = rollout.rollout_flags.filter(flag__key=judgement.flag_key, is_active=True).first()
    if row is None:
        return
    try:
        roll_back(
            rollout_id=rollout.pk,
            flag_ids=[row.flag_id],
            trigger=Trigger.ERROR_RATE,
            actor=GUARDRAIL,
            reason=_write(judgement),
            now=now,
            expected_epoch=rollout.epoch,
            detected_at=judgement.detected_at,
            evidence=evidence_of(judgement),
        )
    except Refusal:
        # The rollout has moved on, or a person was faster: this verdict is on what is no more.
        return


@transaction.atomic
def _note(rollout: Rollout, breaching: Sequence[Judged], *, now: datetime) -> None:
    """Write down once what the guardrail would have stopped."""
    if not breaching:
        return
    judgements = [one.judgement for one in breaching]
    add_event(
        rollout,
        kind="guardrail_observed",
        actor=GUARDRAIL,
        reason=BETWEEN.join(dict.fromkeys(_write(item) for item in judgements)),
        now=now,
        data={"flags": [item.flag_key for item in judgements], "evidence": [evidence_of(item) for item in judgements]},
    )


def _write(judgement: Judgement) -> str:
    return write_reason(
        judgement.code,
        k=judgement.k,
        n=judgement.n,
        minutes=judgement.data["minutes"],
        threshold=judgement.threshold,
    )


def evidence_of(judgement: Judgement) -> dict[str, object]:
    """Return a verdict's numbers as an event keeps them."""
    return {
        "verdict": str(judgement.verdict),
        "code": judgement.code,
        "flag": judgement.flag_key,
        "n": judgement.n,
        "k": judgement.k,
        "window_start": judgement.window_start.isoformat(),
        "window_end": judgement.window_end.isoformat(),
        "threshold": judgement.threshold,
        "bound_bp": judgement.bound_bp,
        "baseline_bp": judgement.baseline_bp,
        **judgement.data,
    }
