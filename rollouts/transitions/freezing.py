"""Freezes of environments: set, cut short, removed before they begin. What is past stays as it was."""

from collections.abc import Collection
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import check_reason, recorded
from core.versions import check_version
from flags.models import Environment
from rollouts.domain.freezing import DAYS_MOST, Freeze
from rollouts.models import FreezeWindow, Rollout
from rollouts.promises import count_moves, list_promised_plans
from rollouts.transitions.redating import keep_to_open_days

LONGEST_LABEL = 100


@transaction.atomic
def add_freeze(
    *,
    environment_ids: Collection[int],
    starts_on: date,
    ends_on: date,
    label: str,
    actor: Actor,
    reason: str,
    now: datetime,
) -> list[FreezeWindow]:
    """Freeze days [starts_on, ends_on) in each of the environments; one row for each, in their order.

    What was promised for these days moves at once, except of a rollout that is being written to: its
    dates move with the next beat.
    """
    label = label.strip()
    _check(environment_ids=environment_ids, starts_on=starts_on, ends_on=ends_on, label=label, now=now)
    environments = list(Environment.objects.filter(pk__in=environment_ids).order_by("position", "key"))
    if len(environments) != len(set(environment_ids)):
        raise InvalidInput("environment_unknown")
    with recorded(actor=actor, reason=reason, now=now) as recording:
        freezes = [
            _save_new(
                FreezeWindow(
                    environment=environment,
                    starts_on=starts_on,
                    ends_on=ends_on,
                    label=label,
                    reason=recording.reason,
                    set_at=now,
                    set_by=actor.label[:200],
                )
            )
            for environment in environments
        ]
    for plan in list_promised_plans(now=now, environment_ids=environment_ids):
        keep_to_open_days(rollout_id=plan.rollout.pk, now=now)
    return freezes


def preview_freeze(
    *, environment_ids: Collection[int], starts_on: date, ends_on: date, label: str, reason: str, now: datetime
) -> list[tuple[Rollout, int]]:
    """Return the rollouts whose dates a freeze moves, with how many changes of each. Writes nothing."""
    check_reason(reason)
    _check(environment_ids=environment_ids, starts_on=starts_on, ends_on=ends_on, label=label, now=now)
    return count_moves(environment_ids=environment_ids, freeze=Freeze(starts_on, ends_on, label.strip()), now=now)


def _check(*, environment_ids: Collection[int], starts_on: date, ends_on: date, label: str, now: datetime) -> None:
    """Refuse a freeze that is nowhere, nameless, empty, endless or of days gone by."""
    if not environment_ids:
        raise InvalidInput("freeze_nowhere")
    if not label.strip() or len(label) > LONGEST_LABEL:
        raise InvalidInput("freeze_nameless", limit=LONGEST_LABEL)
    if starts_on >= ends_on:
        raise InvalidInput("freeze_reversed")
    if (ends_on - starts_on).days > DAYS_MOST:
        raise InvalidInput("freeze_too_long", limit=DAYS_MOST)
    if starts_on < _today(now):
        raise InvalidInput("freeze_in_past")


def _save_new(freeze: FreezeWindow) -> FreezeWindow:
    try:
        with transaction.atomic():
            freeze.save()
    except IntegrityError:
        raise Refusal("freeze_exists", label=freeze.label, environment=freeze.environment.key) from None
    return freeze


@transaction.atomic
def shorten_freeze(
    *, freeze_id: int, ends_on: date, actor: Actor, reason: str, now: datetime, seen_version: int | None = None
) -> FreezeWindow:
    """End a freeze earlier: `ends_on`, today at the earliest, is the first day that is free again."""
    freeze = _get_locked(freeze_id, now=now, seen_version=seen_version)
    if not max(_today(now), freeze.starts_on + timedelta(days=1)) <= ends_on < freeze.ends_on:
        raise InvalidInput("freeze_not_shorter")
    with recorded(actor=actor, reason=reason, now=now):
        freeze.ends_on = ends_on
        freeze.save()
    return freeze


@transaction.atomic
def remove_freeze(
    *, freeze_id: int, actor: Actor, reason: str, now: datetime, seen_version: int | None = None
) -> FreezeWindow:
    """Take a freeze away of which no day has passed; one that stopped something already can be cut short only."""
    freeze = _get_locked(freeze_id, now=now, seen_version=seen_version)
    if freeze.starts_on < _today(now):
        raise Refusal("freeze_has_begun", label=freeze.label)
    with recorded(actor=actor, reason=reason, now=now):
        freeze.delete()
    return freeze


def _get_locked(freeze_id: int, *, now: datetime, seen_version: int | None) -> FreezeWindow:
    rows = FreezeWindow.objects.select_for_update(of=("self",)).select_related("environment")
    freeze = rows.filter(pk=freeze_id).first()
    if freeze is None:
        raise Refusal("changed_meanwhile")
    check_version(freeze, seen_version)
    if freeze.ends_on <= _today(now):
        raise Refusal("freeze_over", label=freeze.label)
    return freeze


def _today(now: datetime) -> date:
    return timezone.localdate(now)
