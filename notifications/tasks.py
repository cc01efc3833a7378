"""Due deliveries: people's mails one after the other, endpoints beside each other, contacts in batches."""

import logging
import secrets
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from celery import shared_task

from core import clock
from notifications.bulk_courier import Outcome, send_batch
from notifications.bulk_transitions import (
    claim_batch,
    give_back,
    hold_on,
    mark_lane_down,
    mark_one_failed,
    mark_one_sent,
)
from notifications.contact_transitions import note_bounce
from notifications.courier import NotSent, send_email
from notifications.digests import send_due_digests
from notifications.domain.answers import Verdict
from notifications.domain.retry import MOST_OUTSIDE
from notifications.models import Delivery
from notifications.outside_transitions import (
    Claim,
    claim_parcel,
    close_endpoint,
    mark_parcel_later,
    mark_parcel_refused,
    mark_parcel_sent,
)
from notifications.posting import Result
from notifications.senders import send_parcel
from notifications.subscribing import forget_unconfirmed as forget
from notifications.transitions import claim_mails, mark_failed, mark_sent, send_apart
from notifications.waiting_queries import BULK, MAILS, PARCELS, is_waiting

#: A bound on one task's work; the next second brings the next task.
BATCH = 20
#: So long one round takes up what becomes due meanwhile.
ROUND_SECONDS = 20.0
#: One round in a process: a second one would only keep another of the worker's few threads waiting.
_outside_runs = threading.Lock()
_bulk_runs = threading.Lock()
log = logging.getLogger(__name__)


@shared_task
def deliver() -> int:
    """Send what is due, one claim at a time; return how many went out.

    A lease thus covers one conversation. Where the mail service itself fails, the rest waits for the
    next round instead of running into the same wall.
    """
    sent = 0
    if not is_waiting(MAILS, now=clock.now()):
        return sent
    for _ in range(BATCH):
        mails = claim_mails(now=clock.now())
        if not mails:
            break
        try:
            send_email(mails)
        except NotSent as error:
            _note_failure(mails, error)
            if error.is_service:
                break
        else:
            first, *carried = [one.pk for one in mails]
            mark_sent(delivery_id=first, carried=carried, now=clock.now())
            sent += 1
    return sent


def _note_failure(mails: Sequence[Delivery], error: NotSent) -> None:
    """Note for each delivery of one mail that it was not taken; where it never would be, each is tried apart."""
    if error.is_final and len(mails) > 1:
        send_apart(delivery_ids=[one.pk for one in mails], now=clock.now())
        return
    jitter = _jitter()
    for one in mails:
        mark_failed(
            delivery_id=one.pk,
            attempt=one.attempts,
            error=str(error),
            is_final=error.is_final,
            jitter=jitter,
            now=clock.now(),
        )


@shared_task
def send_digests() -> int:
    """Send the digest of everybody whose morning it is; return how many had something to say."""
    return send_due_digests(now=clock.now())


@shared_task
def deliver_outside() -> int:
    """Send endpoints what is due, several beside each other; return how many parcels went out.

    One that hangs keeps its own place only: as soon as another is done, the next that is due gets that one's.
    """
    if not is_waiting(PARCELS, now=clock.now()) or not _outside_runs.acquire(blocking=False):
        return 0
    try:
        with ThreadPoolExecutor(MOST_OUTSIDE, thread_name_prefix="outside") as pool:
            return _send_round(pool)
    finally:
        _outside_runs.release()


def _send_round(pool: ThreadPoolExecutor) -> int:
    sent, end = 0, time.monotonic() + ROUND_SECONDS
    under_way: dict[Future[Result], Claim] = {}
    while True:
        while time.monotonic() < end and (claim := claim_parcel(now=clock.now())) is not None:
            under_way[pool.submit(send_parcel, claim)] = claim
        if not under_way:
            return sent
        # Not longer than a second: what is written meanwhile for an endpoint that is free must not wait.
        done, _ = wait(under_way, timeout=1.0, return_when=FIRST_COMPLETED)
        for future in done:
            sent += _settle(under_way.pop(future), _result_of(future))


def _result_of(future: Future[Result]) -> Result:
    """Return what came of a parcel; a fault of ours is that parcel's alone, and it is tried again."""
    try:
        return future.result()
    except Exception as error:
        log.exception("a parcel was not sent")
        return Result(Verdict.LATER, type(error).__name__)


def _settle(claim: Claim, result: Result) -> bool:
    now = clock.now()
    if result.verdict is Verdict.TAKEN:
        mark_parcel_sent(claim=claim, now=now)
    elif result.verdict is Verdict.LATER:
        mark_parcel_later(claim=claim, error=result.error, jitter=_jitter(), now=now, asked_wait=result.wait)
    elif result.verdict is Verdict.REFUSED:
        mark_parcel_refused(claim=claim, error=result.error, now=now)
    else:
        close_endpoint(claim=claim, error=result.error, now=now)
    return result.verdict is Verdict.TAKEN


@shared_task
def deliver_bulk() -> int:
    """Send contacts one batch of what is due; return how many went out. Nothing else waits for it."""
    if not is_waiting(BULK, now=clock.now()) or not _bulk_runs.acquire(blocking=False):
        return 0
    try:
        return _send_bulk(claim_batch(now=clock.now()))
    finally:
        _bulk_runs.release()


def _send_bulk(batch: Sequence[Delivery]) -> int:
    """Send as much of a batch as a round has time for; the rest is due again at once."""
    sent, end = 0, time.monotonic() + ROUND_SECONDS
    left = {one.pk: one for one in batch}
    for outcome in send_batch(batch, may_send=lambda one: hold_on(one, now=clock.now())):
        if outcome.fault is not None and outcome.fault.is_service:
            mark_lane_down(deliveries=left.values(), error=str(outcome.fault), jitter=_jitter(), now=clock.now())
            return sent
        sent += _settle_one(outcome)
        left.pop(outcome.delivery.pk)
        if time.monotonic() > end:
            break
    give_back(left.values(), now=clock.now())
    return sent


def _settle_one(outcome: Outcome) -> bool:
    delivery, fault = outcome.delivery, outcome.fault
    if fault is None:
        mark_one_sent(delivery_id=delivery.pk, now=clock.now())
        return True
    mark_one_failed(
        delivery=delivery,
        error=str(fault),
        is_final=fault.is_final,
        jitter=_jitter(),
        now=clock.now(),
        asked_wait=fault.asked_wait,
    )
    if outcome.is_gone and delivery.contact_id is not None:
        note_bounce(contact_id=delivery.contact_id, said=str(fault), now=clock.now())
    return False


@shared_task
def forget_unconfirmed() -> int:
    """Delete addresses that nobody confirmed; return how many."""
    return forget(now=clock.now())


def _jitter() -> float:
    return secrets.randbelow(1_000) / 1_000
