"""Acts on what health says: takes a breaching flag back, holds what was changed by hand."""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from textwrap import shorten

from django.db import DatabaseError, transaction

from core.actors import GUARDRAIL
from core.errors import Refusal
from core.reasons import write_reason
from health.complaint_queries import is_anything_heard
from health.domain.exposure import Exposure
from health.domain.verdict import Judgement, Verdict
from health.queries import judge_critical_lane
from health.verdict_transitions import Told, store_judgements
from rollouts.complaint_guarding import watch_complaints
from rollouts.domain.lifecycle import Status
from rollouts.evidence import evidence_of
from rollouts.exposure_queries import read_exposures
from rollouts.hand_queries import HandChange, describe_hands, read_flags_changed_by_hand, read_flags_off
from rollouts.models import Rollout, Trigger
from rollouts.transitions import hold_rollout, roll_back

log = logging.getLogger(__name__)

#: A reason is one line of the story: what a person wrote may be longer, and stands in the banner whole.
SAID_CHARACTERS = 300


def watch_rollout(rollout: Rollout, *, now: datetime) -> None:
    """Judge one rollout and act."""
    watch_rollouts([rollout], now=now)


def watch_rollouts(rollouts: Sequence[Rollout], *, now: datetime) -> int:
    """Judge rollouts and act, each act in a transaction of its own; return how many were judged.

    What is read is read for all at once. One's fault stops no other: where that fails, each is watched alone.
    """
    try:
        judged = _judge(rollouts, now=now)
        for rollout in rollouts:
            with _suppress_fault(rollout):
                _take_back_breaching(rollout, judged[rollout.pk], now=now)
        # After that: what was just taken back is off by nobody's hand.
        _watch_hands([rollout for rollout in rollouts if rollout.status == Status.RUNNING], now=now)
        places = {rollout.environment.key for rollout in rollouts}
        heard = {key for key in places if is_anything_heard(environment_key=key, now=now)}
        for rollout in rollouts:
            if rollout.environment.key in heard:
                with _suppress_fault(rollout):
                    watch_complaints(rollout, [exposure for exposure, _judgement in judged[rollout.pk]], now=now)
    except (Refusal, DatabaseError):
        log.exception("rollouts %s: not judged, tried again", [rollout.pk for rollout in rollouts])
        return sum(watch_rollouts([rollout], now=now) for rollout in rollouts) if len(rollouts) > 1 else 0
    return len(rollouts)


@contextmanager
def _suppress_fault(rollout: Rollout) -> Iterator[None]:
    try:
        yield
    except (Refusal, DatabaseError):
        log.exception("rollout %s: not acted on, tried again", rollout.pk)


def _judge(rollouts: Sequence[Rollout], *, now: datetime) -> Mapping[int, list[Told]]:
    """Return each rollout's exposures with the critical lane's judgements, stored where they changed."""
    exposures = read_exposures(rollouts)
    flat = [(rollout.pk, exposure) for rollout in rollouts for exposure in exposures[rollout.pk]]
    judgements = judge_critical_lane(exposures=[exposure for _pk, exposure in flat], now=now)
    told = [(exposure, judgement) for (_pk, exposure), judgement in zip(flat, judgements, strict=True)]
    with transaction.atomic():
        store_judgements(told, now=now)
    found: dict[int, list[Told]] = {rollout.pk: [] for rollout in rollouts}
    for (pk, _exposure), one in zip(flat, told, strict=True):
        found[pk].append(one)
    return found


def _take_back_breaching(rollout: Rollout, told: Sequence[Told], *, now: datetime) -> None:
    for exposure, judgement in told:
        if judgement.verdict is Verdict.BREACH:
            _take_back(rollout, exposure, judgement, now=now)


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
            evidence=evidence_of(judgement),
        )
    except Refusal:
        # A person was faster: what they did stands, be it a rollback or a new attempt since.
        return


def _watch_hands(rollouts: Sequence[Rollout], *, now: datetime) -> None:
    """Hold where somebody changed one of the flags behind a rollout's back, on or off."""
    off, changed = read_flags_off(rollouts), read_flags_changed_by_hand(rollouts)
    for rollout in rollouts:
        if by_hand := off[rollout.pk] | changed[rollout.pk]:
            with _suppress_fault(rollout):
                _hold_for_hands(rollout, by_hand, now=now)


def _hold_for_hands(rollout: Rollout, by_hand: Collection[str], *, now: datetime) -> None:
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
