"""Every flag off and on, as a client would see it, and not a single client sees it.

Each flag is switched by the very transitions that people press, in a transaction of its own that is given up: what
clients are answered is read within it. Nothing is committed, so no till, no history and no metric knows of it, and a
kill switch that somebody presses meanwhile waits for one flag's milliseconds at most.
"""

import json
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from core.actors import RECOVERY
from flags.answers import Answers
from flags.models import Environment, FlagState
from flags.overrides import find_override
from flags.queries import load_environment_within
from flags.transitions.switching import kill_flag, release_flag, switch_on
from recovery.domain.drills import FlagResult

EXERCISE = "EXERCISE"
WHO: Mapping[str, object] = {"targetingKey": "exercise"}
DISABLED = "DISABLED"


def exercise_flags(environment: Environment, *, now: datetime) -> list[FlagResult]:
    """Try every flag in use of an environment; return what each did, by key."""
    states = FlagState.objects.filter(environment=environment, flag__archived_at=None)
    return [_exercise(state, now=now) for state in states.select_related("flag", "environment").order_by("flag__key")]


def _exercise(state: FlagState, *, now: datetime) -> FlagResult:
    with transaction.atomic():
        try:
            return _try(state, now=now)
        finally:
            transaction.set_rollback(True)


def _try(state: FlagState, *, now: datetime) -> FlagResult:
    key = state.flag.key
    by: dict[str, Any] = {
        "flag_id": state.flag_id,
        "environment_id": state.environment_id,
        "actor": RECOVERY,
        "reason": EXERCISE,
        "now": now,
    }
    before = _ask(state)
    begun = time.monotonic()
    kill_flag(**by)
    off, off_ms = _ask(state), round((time.monotonic() - begun) * 1_000)
    if find_override(state) is not None:
        return FlagResult(key, is_off=True, is_on=True, is_back=True, off_ms=off_ms, is_forced=True)
    release_flag(**by)
    released = _ask(state)
    switch_on(**by)
    on = _ask(state)
    return FlagResult(
        key,
        is_off=off["reason"] == DISABLED,
        is_on=on["reason"] != DISABLED,
        # One that was killed before is released by the exercise, and stands killed once it is given up.
        is_back=state.is_killed or released == before,
        off_ms=off_ms,
    )


def _ask(state: FlagState) -> dict[str, Any]:
    """Return what a client is answered for the flag, with the transaction as it stands."""
    answers = Answers(load_environment_within(state.environment_id))
    write = answers.find(state.flag.key)
    answer: dict[str, Any] = json.loads(write(WHO)) if write else {"reason": ""}
    return answer
