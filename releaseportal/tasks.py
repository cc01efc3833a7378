"""Due work of the portal as a whole: the chain's head goes out, the demo's rehearsal begins again."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from celery import shared_task
from django.db import DatabaseError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from core import chain, clock
from core.actors import DEMO
from core.errors import Refusal
from flags.transitions import release_flag, remove_rules
from notifications.domain.audience import KEEPERS
from notifications.transitions import publish
from rollouts.domain.lifecycle import Status
from rollouts.models import Rollout
from rollouts.plan_requests import request_of
from rollouts.transitions import acknowledge_flag, plan_rollout, schedule_rollout

log = logging.getLogger(__name__)

#: What a person cancelled stays so.
ENDED = (Status.COMPLETED, Status.ROLLED_BACK)
#: A newer rollout that is none of these is somebody's turn.
NOT_BEGUN = (Status.DRAFT, Status.CANCELLED)
PAUSE = timedelta(seconds=20)
REASON = "The rehearsal begins again"


@shared_task
def send_history_head() -> bool:
    """Send the head of the history chain to admins and auditors, once a day; True where it went.

    Kept outside, it shows what the database alone cannot: that the chain was cut or made anew.
    """
    now = clock.now()
    head = chain.find_head()
    if head is None:
        return False
    day = timezone.localdate(now).isoformat()
    event = publish(
        kind="history_head",
        data={"day": day, "head": head.hash, "links": head.seq},
        audience=KEEPERS,
        dedupe_key=f"history-head:{day}",
        now=now,
    )
    return event is not None


@shared_task
def restart_rehearsal() -> int:
    """Begin each repeated rehearsal again that has ended a moment ago; return how many."""
    now = clock.now()
    ended = Rollout.objects.filter(is_repeated=True, is_rehearsal=True, status__in=ENDED, ended_at__lt=now - PAUSE)
    restarted = 0
    for rollout_id in list(ended.order_by("pk").values_list("pk", flat=True)):
        try:
            restarted += restart(rollout_id=rollout_id, now=now) is not None
        except (Refusal, DatabaseError):
            log.exception("rollout %s: not begun again, tried again", rollout_id)
    return restarted


@transaction.atomic
def restart(*, rollout_id: int, now: datetime) -> Rollout | None:
    """Plan and schedule an ended rehearsal anew; None where a newer one stands or another worker is at it."""
    old = (
        Rollout.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(pk=rollout_id, status__in=ENDED)
        .first()
    )
    if old is None or _list_newer(old).exists():
        return None
    _clean_up(old, now=now)
    request = replace(request_of(old), is_repeated=True)
    rollout = plan_rollout(request=request, actor=DEMO, reason=REASON, now=now)
    return schedule_rollout(rollout_id=rollout.pk, actor=DEMO, reason=REASON, now=now)


def _list_newer(old: Rollout) -> QuerySet[Rollout]:
    newer = Rollout.objects.filter(environment_id=old.environment_id, pk__gt=old.pk)
    return newer.exclude(status__in=NOT_BEGUN)


def _clean_up(old: Rollout, *, now: datetime) -> None:
    """Leave the environment as before the rehearsal: none of its rules, no kill switch, nothing unread."""
    for row in old.rollout_flags.order_by("flag_id"):
        flag_id, place = row.flag_id, old.environment_id
        origin = f"rollout:{old.pk}:"
        remove_rules(flag_id=flag_id, environment_id=place, origin_prefix=origin, actor=DEMO, reason=REASON, now=now)
        release_flag(flag_id=flag_id, environment_id=place, actor=DEMO, reason=REASON, now=now)
        if row.rolled_back_at is not None and row.acknowledged_at is None:
            acknowledge_flag(rollout_id=old.pk, flag_id=row.flag_id, actor=DEMO, reason=REASON, now=now)
