"""Writes of the ratio lanes: what each does, and what they remember and store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from core.actors import Actor
from core.errors import InvalidInput
from core.history import recorded
from core.versions import check_version
from flags.models import Environment
from health.domain.error_rate import LEAST_THRESHOLD_BP, MOST_THRESHOLD_BP, Memory, judge_error_rate, remember
from health.domain.exposure import Exposure
from health.domain.verdict import Judgement
from health.models import BreachMemory, Guardrail, Lane, Mode
from health.ratio_queries import assess_error_rate, read_memories, say_fault
from health.transitions import store_judgement

#: First half of an advisory lock's key; the second is the subject.
MEMORY_LOCK = 7_140_203


@dataclass(frozen=True)
class Judged:
    """A judgement, the exposure it is on, and whether it differs from the one before."""

    exposure: Exposure
    judgement: Judgement
    is_new: bool


@transaction.atomic
def judge_and_remember(*, exposures: Sequence[Exposure], threshold_bp: int, now: datetime) -> list[Judged]:
    """Judge the error rate of ONE subject's flags, keep what the next evaluation must know, store what changed.

    Empty where another worker is at it: what two evaluations in a row saw is neither lost nor doubled.
    """
    if not exposures or not _take_turn(exposures[0].subject):
        return []
    assessed = assess_error_rate(exposures=exposures, threshold_bp=threshold_bp, now=now)
    memories = read_memories(exposures[0])
    judged = []
    for exposure, assessment in zip(exposures, assessed, strict=True):
        before = memories.get(exposure.flag_key, {})
        if assessment is None:
            # A failed look says nothing, so it forgets nothing.
            judgement = say_fault(exposure, threshold_bp=threshold_bp, now=now)
        else:
            judgement = judge_error_rate(assessment, before)
            _keep(exposure, before, remember(assessment, before))
        is_new = store_judgement(judgement=judgement, exposure=exposure, now=now)
        judged.append(Judged(exposure, judgement, is_new))
    return judged


def _take_turn(subject: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [MEMORY_LOCK, subject])
        return bool(cursor.fetchone()[0])


def _keep(exposure: Exposure, before: Mapping[str, Memory], after: Mapping[str, Memory]) -> None:
    """Write a flag's memory where it changed; a healthy flag costs no query."""
    if before == after:
        return
    rows = BreachMemory.objects.filter(subject=exposure.subject, flag_key=exposure.flag_key)
    # Those of an earlier epoch go with the rest.
    rows.exclude(epoch=exposure.epoch, window__in=after).delete()
    for window in after.keys() - before.keys():
        rows.create(
            subject=exposure.subject,
            epoch=exposure.epoch,
            flag_key=exposure.flag_key,
            window=window,
            began_at=after[window].began_at,
            newest_at=after[window].newest_at,
        )


@transaction.atomic
def set_guardrail(
    *,
    environment_id: int,
    lane: str,
    mode: str,
    threshold_bp: int,
    actor: Actor,
    reason: str,
    now: datetime,
    seen_version: int | None = None,
) -> Guardrail:
    """Say what a lane does in an environment and from which share on."""
    if lane not in Lane.values or mode not in Mode.values:
        raise InvalidInput("guardrail_unknown")
    if not LEAST_THRESHOLD_BP <= threshold_bp <= MOST_THRESHOLD_BP:
        raise InvalidInput("threshold_wrong", least=LEAST_THRESHOLD_BP // 100, most=MOST_THRESHOLD_BP // 100)
    # The environment's row stands for the guardrail that may not exist yet.
    if not Environment.objects.select_for_update(of=("self",)).filter(pk=environment_id).exists():
        raise InvalidInput("environment_unknown", environment=environment_id)
    rows = Guardrail.objects.filter(environment_id=environment_id, lane=lane)
    guardrail = rows.first() or Guardrail(environment_id=environment_id, lane=lane)
    check_version(guardrail, seen_version)
    with recorded(actor=actor, reason=reason, now=now):
        guardrail.mode = mode
        guardrail.threshold_bp = threshold_bp
        guardrail.save()
    return guardrail
