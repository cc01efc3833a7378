"""Reads of what people and commands did to a rollout's flags behind its back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, Max, OuterRef, Q

from core.actors import ActorKind
from flags.models import FlagState, Rule
from rollouts.models import Rollout, RolloutEvent, RolloutFlag, Step, StepStatus

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
    """Return the flags that the rollout has put on and that are off all the same: one query."""
    return read_flags_off([rollout])[rollout.pk]


def read_flags_off(rollouts: Collection[Rollout]) -> dict[int, set[str]]:
    """Return, for each of these rollouts, the flags that it has put on and that are off all the same: one query."""
    exposed = Step.objects.filter(rollout=OuterRef("rollout"), flag=OuterRef("flag"), status=StepStatus.DONE)
    off = FlagState.objects.filter(
        Q(is_on=False) | Q(killed_at__isnull=False),
        environment=OuterRef("rollout__environment"),
        flag=OuterRef("flag"),
    )
    rows = RolloutFlag.objects.filter(Exists(off), Exists(exposed), rollout__in=rollouts, is_active=True)
    found: dict[int, set[str]] = {rollout.pk: set() for rollout in rollouts}
    for rollout_id, flag_key in rows.order_by().values_list("rollout_id", "flag__key"):
        found[rollout_id].add(flag_key)
    return found


def read_flags_changed_by_hand(rollouts: Collection[Rollout]) -> dict[int, set[str]]:
    """Return, for each, the flags that a person or a command changed since it began or was resumed: four queries.

    Whoever resumes has seen what was changed before.
    """
    begun = RolloutEvent.objects.filter(kind__in=["started", "resumed"], rollout__in=rollouts).order_by()
    since = dict(begun.values_list("rollout_id").annotate(Max("at")))
    found: dict[int, set[str]] = {rollout.pk: set() for rollout in rollouts}
    if not since:
        return found
    rows = RolloutFlag.objects.filter(rollout__in=since).order_by()
    flags = list(rows.values_list("rollout_id", "rollout__environment_id", "flag_id", "flag__key"))
    last = _find_last_by_hand({flag for _, _, flag, _ in flags}, since=min(since.values()))
    for rollout_id, environment_id, flag_id, flag_key in flags:
        changed_at = last.get((environment_id, flag_id))
        if changed_at is not None and changed_at > since[rollout_id]:
            found[rollout_id].add(flag_key)
    return found


def _find_last_by_hand(flag_ids: Collection[int], *, since: datetime) -> dict[tuple[int, int], datetime]:
    """Return when somebody last changed each of these flags, by environment and flag: two queries."""
    by_hand = BY_HAND & Q(history_date__gt=since)
    states = FlagState.history.filter(by_hand, flag_id__in=flag_ids).order_by()
    # A rollout's own rules change with it, also when a person takes a step or a site back.
    rules = Rule.history.filter(by_hand, origin="", state__flag_id__in=flag_ids).order_by()
    last: dict[tuple[int, int], datetime] = {}
    for environment_id, flag_id, changed_at in [
        *states.values_list("environment_id", "flag_id").annotate(Max("history_date")),
        *rules.values_list("state__environment_id", "state__flag_id").annotate(Max("history_date")),
    ]:
        place = (environment_id, flag_id)
        last[place] = max(last.get(place, changed_at), changed_at)
    return last


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
