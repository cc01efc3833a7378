"""Reads of what people and commands did to a rollout's flags behind its back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, Q

from core.actors import ActorKind
from flags.models import FlagState, Rule
from rollouts.models import Rollout, StepStatus

#: History rows that a person or a command wrote, not a program.
BY_HAND = Q(actor_kind__in=[ActorKind.USER, ActorKind.COMMAND])


@dataclass(frozen=True)
class HandChange:
    """What somebody did to flags at one moment: who, why, to which."""

    flags: Sequence[str]
    by: str
    why: str
    at: datetime


def list_flags_off(rollout: Rollout) -> set[str]:
    """Return the flags that the rollout has put on and that are off all the same: two queries."""
    exposed = set(rollout.steps.filter(status=StepStatus.DONE).values_list("flag_id", flat=True))
    active = rollout.rollout_flags.filter(is_active=True, flag_id__in=exposed).values("flag_id")
    states = FlagState.objects.filter(environment=rollout.environment_id, flag_id__in=active)
    off = states.filter(Q(is_on=False) | Q(killed_at__isnull=False))
    return set(off.values_list("flag__key", flat=True))


def list_flags_changed_by_hand(rollout: Rollout) -> set[str]:
    """Return the flags that a person or a command changed since the rollout began or was resumed: three queries.

    Whoever resumes has seen what was changed before.
    """
    since = rollout.events.filter(kind__in=["started", "resumed"]).aggregate(last=Max("at"))["last"]
    if since is None:
        return set()
    by_hand = BY_HAND & Q(history_date__gt=since)
    flags = rollout.rollout_flags.values("flag_id")
    states = FlagState.objects.filter(environment=rollout.environment_id, flag_id__in=flags)
    switched = FlagState.history.filter(by_hand, id__in=states.values("pk")).values_list("flag__key", flat=True)
    # A rollout's own rules change with it, also when a person takes a step or a site back.
    ruled = Rule.history.filter(by_hand, origin="", state_id__in=states.values("pk"))
    return {*switched, *ruled.values_list("state__flag__key", flat=True)}


def describe_hands(rollout: Rollout, flag_keys: Collection[str]) -> list[HandChange]:
    """Return the last change of each of these flags, those of one person, reason and moment as one: two queries.

    The newest first. A person's or a command's, whatever programs wrote since.
    """
    place = rollout.environment_id
    states = FlagState.history.filter(BY_HAND, environment_id=place, flag__key__in=flag_keys)
    rules = Rule.history.filter(BY_HAND, state__environment_id=place, state__flag__key__in=flag_keys)
    told = ("history_date", "history_id", "actor_label", "history_change_reason")
    rows: list[tuple[Any, ...]] = [
        *states.order_by().values_list("flag__key", *told),
        *rules.order_by().values_list("state__flag__key", *told),
    ]
    last: dict[str, tuple[Any, ...]] = {row[0]: row for row in sorted(rows, key=lambda row: row[1:3])}
    acts: dict[tuple[datetime, str, str], list[str]] = {}
    for key, at, _pk, by, why in last.values():
        acts.setdefault((at, by, why), []).append(key)
    return [
        HandChange(sorted(keys), by=by, why=why, at=at) for (at, by, why), keys in sorted(acts.items(), reverse=True)
    ]


def find_left_out(rollout: Rollout) -> set[int]:
    """Return the steps that people left out of a plan and did not take up again, by their story: one query."""
    found: set[int] = set()
    for kind, data in (
        rollout.events.filter(kind__in=["steps_skipped", "steps_restored"]).order_by("pk").values_list("kind", "data")
    ):
        steps = set(data.get("steps", ()))
        found = found | steps if kind == "steps_skipped" else found - steps
    return found
